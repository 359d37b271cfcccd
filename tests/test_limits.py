"""The local cache is kept within its limits, and that never breaks a run."""

from __future__ import annotations

import dataclasses
import sqlite3

from pytest_cachekit.actions.catalogue import find_actions
from pytest_cachekit.plugin.tidying import tidy
from pytest_cachekit.settings import Settings, resolve
from pytest_cachekit.storage.file import FileBackend
from tests.harness import Project

TEST = "def test_it(): assert {number} == {number}\n" + "# " + "x" * 2000


def files(project: Project) -> set[str]:
    backend = FileBackend(project.cache)
    return {action.name.partition("::")[0] for action in find_actions(backend)}


def test_what_was_used_least_recently_goes_when_there_is_too_much(project: Project) -> None:
    project = project.write({f"test_{n}.py": TEST.format(number=n) for n in range(6)})
    assert project.run("--cachekit").exit_status == 0
    size = FileBackend(project.cache).size().bytes
    # All were recorded at once; since then one file is in use.
    project.run("--cachekit", f"--cachekit-max-size={size * 2}", "test_3.py")
    assert len(files(project)) == 6

    run = project.run("--cachekit", f"--cachekit-max-size={size * 2 // 3}", "test_3.py")
    assert run.exit_status == 0
    assert run.verdicts == {"test_3.py::test_it": "hit"}
    assert "(max-size)" in run.stdout
    assert "test_3.py" in files(project)
    assert len(files(project)) < 6
    assert run.report["stats"]["bytes"] <= size * 2 // 3
    assert run.report["stats"]["peak_memory"] > 1_000_000


def test_what_no_run_used_for_long_goes_once_a_day(project: Project) -> None:
    project = project.write({f"test_{n}.py": TEST.format(number=n) for n in range(3)})
    project.run("--cachekit")
    settings = with_limits(cachekit_max_age=3600.0)
    backend = FileBackend(project.cache)
    (key,) = (key for key in backend.keys("tests:") if key.endswith("test_1.py"))
    (now,) = set(backend.last_uses([key]).values())
    later = FileBackend(project.cache, clock=lambda: now + 5000)
    later.note_uses([key])

    (done,) = tidy(later, settings, clock=lambda: now + 5400)
    assert (done.removed, done.error) == (2, None)
    assert files(project) == {"test_1.py"}
    assert tidy(later, settings, clock=lambda: now + 80_000) == []
    assert tidy(later, settings, clock=lambda: now + 92_000)[0].removed == 1


def test_a_cleaning_that_fails_is_told_and_breaks_nothing(project: Project) -> None:
    project = project.write({"test_it.py": "def test_it(): pass"})
    project.run("--cachekit", "-W", "error")
    with sqlite3.connect(project.cache / "cache.db") as connection:
        connection.execute(
            "CREATE TRIGGER no BEFORE DELETE ON Cache BEGIN SELECT RAISE(ABORT, 'no'); END"
        )
    connection.close()
    run = project.run("--cachekit", "--cachekit-max-size=1", "-W", "error")

    assert run.exit_status == 0
    assert run.verdicts == {"test_it.py::test_it": "hit"}
    assert "could not be cleaned (max-size)" in run.stdout


def test_limits_are_options_like_others(project: Project) -> None:
    project = project.write({"test_it.py": "def test_it(): pass"})
    wrong = project.ini("cachekit_max_age = soon").run("--cachekit")
    assert wrong.exit_status == 4
    assert "ini value cachekit_max_age: 'soon' is no age" in wrong.stderr

    project = project.with_environment(CACHEKIT_MAX_SIZE="1")
    assert project.run("--cachekit").exit_status == 0
    assert files(project) == set()
    assert project.run("--cachekit", "--cachekit-max-size=1G").exit_status == 0
    # A cache that is only read stays as it is.
    assert project.run("--cachekit", "--cachekit-mode=read-only").exit_status == 0
    assert files(project) == {"test_it.py"}


def with_limits(**limits: float) -> Settings:
    return dataclasses.replace(resolve({}, {}, {}), **limits)  # type: ignore[arg-type]
