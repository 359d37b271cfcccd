"""Both ways of noticing which functions ran lead to the same verdicts."""

from __future__ import annotations

import sys

import pytest

from pytest_cachekit.inputs.tracing import probes

from .harness import Project
from .stories import IT

FILES = {
    "mod.py": """
        def called():
            return 1
        def also_called(n):
            return n and also_called(n - 1)
        def never():
            return 1
        def generates():
            yield 1
        class C:
            def method(self):
                return [called() for _ in range(2)]
        """,
    "test_it.py": """
        import mod
        def test_called(): assert mod.called()
        def test_again(): assert mod.called()
        def test_recursion(): assert mod.also_called(3) == 0
        def test_method(): assert mod.C().method()
        def test_generator(): assert list(mod.generates())
        def test_nothing(): pass
        """,
}
EDITS = [
    ("def called():\n    return 1", "def called():\n    return 2"),
    ("return n and", "return n and n and"),
    ("def never():\n    return 1", "def never():\n    return 2"),
    ("yield 1", "yield 2"),
    ("range(2)", "range(3)"),
]
TRACERS = ["probes", "monitoring"]


def skip_unless_available(tracer: str) -> None:
    if tracer == "monitoring" and sys.version_info < (3, 12):
        pytest.skip("sys.monitoring came with Python 3.12")
    if tracer == "probes" and not probes.is_known():
        pytest.skip(f"the bytecode of Python {sys.version.split()[0]} isn't known")


@pytest.mark.parametrize("tracer", TRACERS)
def test_each_tracer_leads_to_the_same_verdicts(project: Project, tracer: str) -> None:
    skip_unless_available(tracer)
    before = project.write(FILES).with_environment(CACHEKIT_TRACER=tracer)
    assert before.run("--cachekit").counts == {"passed": 6}
    stale = [
        {
            nodeid.rpartition("_")[2]
            for nodeid, verdict in before.replace("mod.py", old, new)
            .run("--cachekit", "--cachekit-mode=read-only")
            .verdicts.items()
            if verdict == "stale"
        }
        for old, new in EDITS
    ]

    assert stale == [{"called", "again", "method"}, {"recursion"}, set(), {"generator"}, {"method"}]


def test_what_one_tracer_recorded_another_replays(project: Project) -> None:
    for tracer in TRACERS:
        skip_unless_available(tracer)
    project = project.write(FILES)
    project.with_environment(CACHEKIT_TRACER="probes").run("--cachekit")
    run = project.with_environment(CACHEKIT_TRACER="monitoring").run("--cachekit")

    assert run.stats["replayed"] == 6


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="has sys.monitoring")
def test_a_tracer_that_cannot_be_had_is_told_once(project: Project) -> None:
    project = project.write({"test_it.py": "def test_it(): pass"})
    run = project.with_environment(CACHEKIT_TRACER="monitoring").run("--cachekit")

    assert run.counts == {"passed": 1, "warning": 1}
    assert "CACHEKIT_TRACER" in run.stdout


def test_an_unknown_tracer_is_told_once(project: Project) -> None:
    project = project.write({"test_it.py": "def test_it(): pass"})
    run = project.with_environment(CACHEKIT_TRACER="crystal-ball").run("--cachekit")

    assert run.exit_status == 0
    assert run.counts == {"passed": 1, "warning": 1}
    assert "CACHEKIT_TRACER='crystal-ball' is unknown" in run.stdout


@pytest.mark.parametrize("tracer", TRACERS)
def test_a_test_that_sets_a_tracer_of_its_own_blinds_nobody(project: Project, tracer: str) -> None:
    skip_unless_available(tracer)
    before = project.write(
        {
            "mod.py": "def f():\n    return 1",
            "test_it.py": """
                import sys, mod
                def test_it():
                    before = sys.gettrace()
                    sys.settrace(lambda *_: None)
                    try:
                        assert mod.f() == 1
                    finally:
                        sys.settrace(before)
                """,
        }
    ).with_environment(CACHEKIT_TRACER=tracer)
    before.run("--cachekit")
    after = before.replace("mod.py", "1", "2").run("--cachekit")

    assert after.verdicts == {IT: "stale"}
    assert after.outcomes == {IT: "failed"}


def test_a_test_that_takes_away_how_frames_are_found_is_watched_as_others(project: Project) -> None:
    before = project.write(
        {
            "data.txt": "1",
            "test_it.py": """
                import os, sys
                def test_it(monkeypatch):
                    monkeypatch.delattr(sys, "_getframe")
                    assert os.path.exists("data.txt") and "HOME" in os.environ
                    assert open("data.txt").read() == "1"
                """,
        }
    )
    assert before.run("--cachekit").outcomes == {IT: "passed"}
    assert before.run("--cachekit").verdicts == {IT: "hit"}

    assert before.write({"data.txt": "2"}).run("--cachekit").outcomes == {IT: "failed"}
