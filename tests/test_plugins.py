"""Beside other plugins: a first run is a plain run, a second replays, an edit runs what must."""

from __future__ import annotations

import importlib.metadata
import tomllib
from pathlib import Path
from typing import Any

import pytest

from .harness import Project
from .result import Run

CASES = tomllib.loads(Path(__file__).with_name("plugins.toml").read_text(encoding="utf-8"))["case"]
FILES = {
    "code_.py": """
        def double(number):
            return 2 * number
        def half(number):
            return number // 2
        """,
    "test_it.py": """
        import code_
        def test_double(): assert code_.double(2) == 4
        def test_half(): assert code_.half(4) == 2
        """,
}
EDIT = ("code_.py", "2 * number", "number * 2")
DOUBLE = "test_it.py::test_double"


def using(project: Project, case: dict[str, Any]) -> Project:
    """The project of a case; what it needs is there."""
    try:
        importlib.metadata.distribution(case["distribution"])
    except importlib.metadata.PackageNotFoundError:
        pytest.skip(f"{case['distribution']} is not installed")
    files = {**FILES, **case.get("files", {})}
    return project.ini(*case.get("ini", ())).write(files).with_plugins(*case["plugins"])


def named(title: str) -> dict[str, Any]:
    return next(case for case in CASES if case["title"] == title)


@pytest.mark.parametrize("case", CASES, ids=[case["title"] for case in CASES])
def test_a_plugin_and_the_cache_leave_each_other_alone(
    project: Project, case: dict[str, Any]
) -> None:
    before, arguments = using(project, case), case.get("arguments", ())
    always, reruns = case.get("always", {}), case.get("reruns", [DOUBLE])
    plain = before.run(*arguments)
    assert plain.exit_status == 0, plain.stdout + plain.stderr

    first = before.run("--cachekit", *arguments)
    second = before.run("--cachekit", *arguments)
    edited = before.replace(*EDIT).run("--cachekit", *arguments)

    for run in (first, second, edited):
        assert told(run) == told(plain)
    assert ran(first) == set(first.verdicts)
    assert ran(second) == set(always), second.reasons
    assert ran(edited) == {*reruns, *always}, edited.reasons
    for test, reason in always.items():
        assert reason in second.reasons[test]


def told(run: Run) -> tuple[int, dict[str, int], dict[str, str]]:
    """What a run of pytest tells of its tests."""
    return run.exit_status, run.counts, run.junit


def ran(run: Run) -> set[str]:
    """The tests that were not replayed."""
    return {test for test, verdict in run.verdicts.items() if verdict != "hit"}
