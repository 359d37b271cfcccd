"""Commands that take long tell on a terminal how far they are, and nowhere else."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from pytest_cachekit.cli import CacheUtils
from pytest_cachekit.plugin.progress import Progress

from .conftest import Command


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    """Each look at it takes a second."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1
        return self.now


@pytest.mark.parametrize(
    "work",
    [
        lambda utils: list(utils.list_entries()),
        lambda utils: utils.get_stats(),
        lambda utils: utils.verify(),
        lambda utils: utils.clear(dry_run=True),
        lambda utils: utils.collect_garbage(dry_run=True),
        lambda utils: utils.export(Path("file")),
        lambda utils: utils.report(),
    ],
    ids=["list", "stats", "verify", "clear", "gc", "export", "report"],
)
def test_long_work_is_told_and_gone_in_the_end(cache: Path, work: object) -> None:
    assert callable(work)
    terminal = Terminal()
    with CacheUtils(cache) as utils:
        vars(utils.progress).update(vars(Progress(terminal, clock=Clock())))
        work(utils)
        told = terminal.getvalue().split("\r\x1b[2K")
        utils.text_of("nothing")

    assert len(told) >= 3
    assert told[-1] == ""
    assert all(line.endswith(" keys read") for line in told[1:-1])
    assert terminal.getvalue().endswith("\x1b[2K")


def test_what_is_no_terminal_is_left_alone(command: Command, cache: Path) -> None:
    assert command("list").stderr == "100 tests\n"
    assert command("verify").stderr == ""
