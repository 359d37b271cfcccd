"""The page about the command leaves nothing out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pytest_cachekit.cli.command import cli

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "command.md").read_text(encoding="utf-8")


def test_every_command_and_exit_status_has_its_place_on_the_page() -> None:
    context = cli.make_context("cachekit", [], resilient_parsing=True)
    for name in cli.list_commands(context):
        assert f"cachekit {name}" in PAGE
        command = cli.get_command(context, name)
        assert command is not None
        for option in (flag for param in command.params for flag in param.opts if flag[:2] == "--"):
            assert option in PAGE, f"{name} {option}"
    for status in range(5):
        assert re.search(rf"^\| {status} \|", PAGE, re.MULTILINE)


@pytest.mark.parametrize("name", ["list", "why", "clear"])
def test_help_says_what_a_command_is_for(name: str) -> None:
    command = cli.get_command(cli.make_context("cachekit", [], resilient_parsing=True), name)

    assert command is not None
    assert command.help
