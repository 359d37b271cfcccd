"""A cache that is broken or gone costs hits, never a test run: one warning, and the tests run."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from .harness import After, Project
from .result import Run

TESTS = """
    def test_it():
        assert 1 == 1
    def test_fails():
        assert 0
    """
IT = "test_it.py::test_it"


def record(project: Project) -> Project:
    project = project.write({"test_it.py": TESTS})
    project.run("--cachekit")
    return project


@pytest.fixture
def recorded(after: After) -> Project:
    return after(record)


def ran_as_usual_with_one_warning(run: Run) -> None:
    assert run.exit_status == pytest.ExitCode.TESTS_FAILED
    assert run.counts == {"passed": 1, "failed": 1, "warning": 1}, run.stdout
    assert run.stdout.count("CacheUnavailableWarning") == 1
    assert "Traceback" not in run.stdout + run.stderr
    assert "INTERNALERROR" not in run.stdout + run.stderr
    assert IT not in run.verdicts or run.verdicts[IT] == "miss"


def garbage(cache: Path) -> None:
    (cache / "cache.db").write_bytes(b"not a database at all " * 1000)


def truncated(cache: Path) -> None:
    content = (cache / "cache.db").read_bytes()
    (cache / "cache.db").write_bytes(content[: len(content) // 2])


def emptied(cache: Path) -> None:
    (cache / "cache.db").write_bytes(b"")


def overwritten_in_the_middle(cache: Path) -> None:
    content = bytearray((cache / "cache.db").read_bytes())
    content[4096:] = b"\xa5" * (len(content) - 4096)
    (cache / "cache.db").write_bytes(content)


def of_another_program(cache: Path) -> None:
    (cache / "cache.db").unlink()
    connection = sqlite3.connect(cache / "cache.db")
    connection.execute("CREATE TABLE recipes (name, steps)")
    connection.commit()
    connection.close()


def directory_for_database(cache: Path) -> None:
    (cache / "cache.db").unlink()
    (cache / "cache.db").mkdir()


def file_for_directory(cache: Path) -> None:
    shutil.rmtree(cache)
    cache.write_text("I was here first.")


def later_format(cache: Path) -> None:
    (cache / "format").write_text("999\n")


def nonsense_format(cache: Path) -> None:
    (cache / "format").write_bytes(b"\xff\xfe one")


@pytest.mark.parametrize(
    "damage",
    [
        garbage,
        truncated,
        emptied,
        overwritten_in_the_middle,
        of_another_program,
        directory_for_database,
        file_for_directory,
        later_format,
        nonsense_format,
    ],
    ids=lambda damage: damage.__name__.replace("_", " "),
)
def test_a_broken_cache_is_told_once_and_tests_run(
    recorded: Project, damage: Callable[[Path], None]
) -> None:
    damage(recorded.cache)

    ran_as_usual_with_one_warning(recorded.run("--cachekit"))


def test_a_later_format_is_left_alone(recorded: Project) -> None:
    later_format(recorded.cache)
    before = (recorded.cache / "cache.db").read_bytes()
    recorded.run("--cachekit", "--cachekit-mode=refresh")

    assert (recorded.cache / "cache.db").read_bytes() == before


def test_a_place_where_nothing_can_be_made(project: Project) -> None:
    run = project.write({"test_it.py": TESTS}).run("--cachekit", "--cachekit-url=file:/proc/cache")

    ran_as_usual_with_one_warning(run)


@pytest.mark.skipif(os.geteuid() == 0, reason="root can write anywhere")
def test_a_directory_that_cannot_be_written_still_serves(recorded: Project) -> None:
    recorded.cache.chmod(0o500)
    try:
        run = recorded.run("--cachekit")
        assert run.verdicts[IT] == "hit"
        edited = recorded.replace("test_it.py", "1 == 1", "2 == 2").run("--cachekit")
        assert edited.counts == {"passed": 1, "failed": 1, "warning": 1}
    finally:
        recorded.cache.chmod(0o700)


def test_a_deleted_cache_starts_afresh(recorded: Project) -> None:
    shutil.rmtree(recorded.cache)

    assert recorded.run("--cachekit").verdicts[IT] == "miss"
    assert recorded.run("--cachekit").verdicts[IT] == "hit"


def test_the_database_alone_deleted_starts_afresh(recorded: Project) -> None:
    for path in recorded.cache.glob("cache.db*"):
        path.unlink()

    assert recorded.run("--cachekit").verdicts[IT] == "miss"
    assert recorded.run("--cachekit").verdicts[IT] == "hit"
