"""Each block of code does what its page says; what can't be run here is at least well-formed."""

from __future__ import annotations

import configparser
import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from .pages import PAGES, Block, blocks, name_of
from .sessions import RUN, play, runnable

_READERS: dict[str, Callable[[str], Any]] = {
    "yaml": yaml.safe_load,
    "json": json.loads,
    "toml": tomllib.loads,
    "ini": lambda text: configparser.RawConfigParser().read_string(text),
}
_NOT_RUN = {"text", "indented", "diff"}


@pytest.mark.parametrize("page", [each for each in PAGES if runnable(each)], ids=name_of)
def test_what_a_page_shows_happens(page: Path, tmp_path: Path) -> None:
    wrong = [str(step) for step in play(runnable(page), tmp_path) if not step.is_right]
    assert not wrong, "\n\n".join(wrong)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_what_does_not_run_can_be_read(page: Path) -> None:
    for block in blocks(page):
        check(block)


def check(block: Block) -> None:
    if block.language in _READERS:
        assert _READERS[block.language](block.text) != {}, block
    elif block.language == "python":
        compile(block.text, str(block), "exec")
    elif not block.language.startswith("{"):  # what Sphinx makes of it
        assert block.language in RUN | _NOT_RUN, f"{block}: nobody knows how to run this"
