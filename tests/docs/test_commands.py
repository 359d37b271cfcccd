"""Commands that pages name, in sentences and in recipes, exist as they are named."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import click
import pytest

from pytest_cachekit.cli.command import cli

from .pages import PAGES, blocks, name_of, spans

# In recipes a command is what a line says, or what follows the name of a field.
_LINE = re.compile(r"^(?:\W*(?:run|entry|commands|-)\W+|\$ )?((?:pytest|cachekit) -{0,2}[a-z].*)$")


def commands(page: Path) -> Iterator[list[str]]:
    """Yield the calls of pytest and of cachekit on a page, split into words."""
    lines = [*spans(page)]
    for block in blocks(page):
        lines += block.text.splitlines()
    for line in lines:
        found = _LINE.match(line.strip())
        if found is not None:
            words = shlex.split(re.split(r" [|;&]|\)", found[1])[0], comments=True)
            # As in `cachekit clear [KIND]`, where it is told what may follow.
            yield [word for word in words if not re.match(r"\W?[A-Z]+\b|\{", word)]


@cache
def flags_of_pytest() -> set[str]:
    """Return the flags of pytest with the plugins that our pages speak of."""
    plugins = ["-p", "cachekit", "-p", "xdist", "-p", "pytest_cov"]
    told = subprocess.check_output([sys.executable, "-m", "pytest", "--help", *plugins], text=True)
    # Some have two spellings, with a hyphen more or less, of which one is told.
    return {each.lstrip("-").replace("-", "") for each in re.findall(r"(?<!\w)--?\w[\w-]*", told)}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_on_a_page_exist(page: Path) -> None:
    for program, *words in commands(page):
        flags = {word.partition("=")[0] for word in words if word[0] == "-" and word != "--"}
        if program == "pytest":
            known = flags_of_pytest()
            unknown = {flag for flag in flags if flag.lstrip("-").replace("-", "") not in known}
        else:
            name = next((word for word in words if word[0] != "-"), "")
            unknown = flags - flags_of_cachekit(name)
        assert not unknown, f"{name_of(page)}: {program} {words}"


def flags_of_cachekit(name: str) -> set[str]:
    """Return the flags of one of our commands."""
    if not name:
        return {"--version", "--help", "--url", "--cache-dir"}
    context = cli.make_context("cachekit", [], resilient_parsing=True)
    command = cli.get_command(context, name)
    assert command is not None, f"there is no command cachekit {name}"
    options = [each for each in command.params if isinstance(each, click.Option)]
    return {flag for each in options for flag in (*each.opts, *each.secondary_opts)} | {"--help"}


def test_commands_are_found() -> None:
    found = [" ".join(words) for page in PAGES for words in commands(page)]

    assert "pytest --cachekit --cachekit-audit=2" in found
    assert any(each.startswith("cachekit gc") for each in found)
    assert len(found) > 80
