"""Long work tells how far it is, on terminals alone, and leaves nothing behind."""

from __future__ import annotations

import io
import os
import pty
import subprocess
import sys

from pytest_cachekit.plugin.progress import Progress

from .harness import Project


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_short_work_tells_nothing() -> None:
    stream, clock = io.StringIO(), Clock()
    with Progress(stream, clock=clock) as progress:
        clock.now += 0.4
        progress.tell("something")
        assert list(progress.over(range(200), 200, "looking")) == list(range(200))
    assert stream.getvalue() == ""


def test_long_work_tells_now_and_then_and_is_gone_in_the_end() -> None:
    stream, clock = io.StringIO(), Clock()
    with Progress(stream, clock=clock) as progress:
        for _ in progress.over(range(1000), 1000, "looking"):
            clock.now += 0.001
        progress.file_read()
    shown = stream.getvalue().split("\r\x1b[2K")

    assert shown == [
        "",
        "cachekit: looking, 512 of 1,000",
        "cachekit: looking, 640 of 1,000",
        "cachekit: looking, 768 of 1,000",
        "cachekit: looking, 896 of 1,000",
        "cachekit: taking fingerprints, 1 files read",
        "",
    ]
    progress.tell("after the end")
    assert stream.getvalue().endswith("\x1b[2K")


def test_nobody_is_told_where_there_is_no_terminal() -> None:
    clock = Clock()
    with Progress(None, clock=clock) as progress:
        clock.now += 10
        progress.tell("something")
        assert list(progress.over("ab", 2, "looking")) == ["a", "b"]


def test_a_terminal_that_is_gone_disturbs_nobody() -> None:
    stream, clock = io.StringIO(), Clock()
    with Progress(stream, clock=clock) as progress:
        clock.now += 10
        stream.close()
        progress.tell("something")


def test_a_run_on_a_terminal_looks_as_without(project: Project) -> None:
    project = project.write({"test_it.py": "def test_it(): pass"})
    project.run("--cachekit")
    ours, theirs = pty.openpty()
    process = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:randomly", "-p", "cachekit", "--cachekit"],
        cwd=project.root, env={**project._environment(), "TERM": "xterm"},
        stdin=theirs, stdout=theirs, stderr=theirs, check=False,
    )  # fmt: skip
    os.close(theirs)
    shown = os.read(ours, 1 << 20).decode()
    os.close(ours)

    assert process.returncode == 0
    assert "1 replayed, 0 run" in shown
    assert "looking up" not in shown
