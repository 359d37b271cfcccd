"""Each run leaves a line of statistics in the cache, and what its key stood for."""

from __future__ import annotations

from pathlib import Path

from pytest_cachekit.actions.runs import (
    MOST_RUNS,
    Reason,
    RunContext,
    RunLine,
    log_run,
    read_context,
    read_runs,
)
from pytest_cachekit.storage.file import FileBackend
from pytest_cachekit.storage.memory import MemoryBackend
from tests.harness import Project

TESTS = """
    import pytest
    from helper import answer
    def test_it():
        assert answer() == 42
    def test_fails():
        assert 0
    @pytest.mark.cachekit(enabled=False, reason="asks the stars")
    def test_marked():
        pass
    """
HELPER = """
    def answer():
        return 42
    """


def line(number: int, context: str = "c") -> RunLine:
    return RunLine(float(number), context, "here", "read-write", 1, 1, 0, 0.5, [])


def test_runs_tell_what_they_did_newest_first(project: Project) -> None:
    project = project.write({"test_it.py": TESTS, "helper.py": HELPER})
    project.run("--cachekit")
    project.run("--cachekit")
    project.replace("helper.py", "42", "41 + 1").run("--cachekit")
    runs = read_runs(FileBackend(project.cache))

    assert [(run.replayed, run.ran) for run in runs] == [(0, 3), (1, 2), (0, 3)]
    assert runs[1].hit_rate == 1 / 3
    assert runs[1].saved > 0
    assert len({run.place for run in runs}) == 1
    assert Reason("stale", "function helper.py::answer changed", 1) in runs[0].reasons


def test_what_was_not_stored_is_told_until_it_is(project: Project) -> None:
    project = project.write({"test_it.py": TESTS, "helper.py": HELPER})
    project.run("--cachekit")
    backend = FileBackend(project.cache)
    context = read_runs(backend)[0].context
    told = read_context(backend, context)
    assert told is not None
    assert told.refused == {
        "test_it.py::test_fails": "failed in call",
        "test_it.py::test_marked": "its marker says so: asks the stars",
    }

    project.replace("test_it.py", "assert 0", "assert 1").run("--cachekit", "-k", "test_fails")
    told = read_context(backend, context)
    assert told is not None
    assert set(told.refused) == {"test_it.py::test_marked"}


def test_values_of_options_are_not_told(project: Project) -> None:
    project = project.ini("log_format = %(message)s secret").write(
        {"test_it.py": "def test_it(): pass"}
    )
    project.run("--cachekit", "--log-date-format=secret-on-the-line")
    backend = FileBackend(project.cache)
    told = read_context(backend, read_runs(backend)[0].context)

    assert told is not None
    assert any(part.startswith("option log_date_format=") for part in told.parts)
    assert any(part.startswith("ini log_format=") for part in told.parts)
    assert "secret" not in str(told)


def test_a_cache_that_is_only_read_gets_no_line(project: Project) -> None:
    project = project.write({"test_it.py": "def test_it(): pass"})
    project.run("--cachekit")
    project.run("--cachekit", "--cachekit-mode=read-only")

    assert len(read_runs(FileBackend(project.cache))) == 1


def test_the_log_is_bounded() -> None:
    backend = MemoryBackend()
    for number in range(MOST_RUNS + 5):
        log_run(backend, line(number), RunContext([], {}, "", {}, {}, False, False), [])

    assert [run.ended for run in read_runs(backend)] == list(range(MOST_RUNS + 4, 4, -1))


def test_a_run_that_did_not_collect_keeps_the_path_of_one_that_did() -> None:
    backend = MemoryBackend()
    log_run(backend, line(1), RunContext([], {}, "src", {}, {}, False, False), [])
    log_run(backend, line(2), RunContext([], {}, "", {}, {}, False, False), [])
    told = read_context(backend, "c")

    assert told is not None
    assert told.path == "src"


def test_a_torn_log_begins_anew(tmp_path: Path) -> None:
    backend = FileBackend(tmp_path / "cache")
    backend.set_many({"runs:1": b"\xff\xfe", "context:1:c": b"nothing"})
    assert read_runs(backend) == []
    log_run(backend, line(1), RunContext([], {}, "", {}, {}, False, False), [])

    assert len(read_runs(backend)) == 1
