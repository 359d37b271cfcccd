"""Rows that nobody wrote so are misses; nothing in a cache is run, nothing beside it touched."""

from __future__ import annotations

import pickle
import sqlite3
from pathlib import Path

import pytest

from .harness import After, Project

IT = "test_it.py::test_it"


def record(project: Project) -> Project:
    project = project.write(
        {
            "test_it.py": """
                def test_it():
                    assert 1 == 1
                def test_fails():
                    assert 0
                """
        }
    )
    project.run("--cachekit")
    return project


@pytest.fixture
def recorded(after: After) -> Project:
    return after(record)


def change_rows(cache: Path, statement: str, *values: object) -> None:
    connection = sqlite3.connect(cache / "cache.db")
    # diskcache's triggers keep count of rows in a way that must not be disturbed by a story.
    changed = connection.execute(statement, values).rowcount
    connection.commit()
    connection.close()
    assert changed


TORN = {
    "torn": "substr(value, 1, length(value) / 2)",
    "empty": "x''",
    "garbage": "x'c1c1c1c1c1'",
    "text": "'just some text'",
    "number": "7",
    "of another version": "x'95ff90909080'",
}


@pytest.mark.parametrize("value", TORN.values(), ids=TORN)
def test_a_torn_record_is_a_miss_and_gets_replaced(recorded: Project, value: str) -> None:
    change_rows(
        recorded.cache,
        f"UPDATE Cache SET value = {value} WHERE key LIKE 'tests:%'",
    )
    run = recorded.run("--cachekit")

    assert run.counts == {"passed": 1, "failed": 1}
    assert run.verdicts[IT] == "miss"
    assert recorded.run("--cachekit").verdicts[IT] == "hit"


@pytest.mark.parametrize("value", ["x''", "x'c1c1c1c1c1'"], ids=["empty", "garbage"])
def test_a_torn_source_is_a_change_of_everything(recorded: Project, value: str) -> None:
    change_rows(
        recorded.cache,
        f"UPDATE Cache SET value = {value} WHERE key LIKE 'source:%'",
    )
    with_comment = recorded.edit({"test_it.py": recorded.files["test_it.py"] + b"# A comment.\n"})
    run = with_comment.run("--cachekit")

    assert recorded.run("--cachekit").verdicts[IT] == "hit"
    assert run.verdicts[IT] == "stale"


class Planted:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        """Say that it is made by touching the file."""
        return Path.touch, (self.path,)


def test_a_planted_pickle_is_not_run(recorded: Project, tmp_path: Path) -> None:
    proof = tmp_path / "executed"
    payload = pickle.dumps(Planted(proof))
    pickled = 4  # diskcache's MODE_PICKLE
    change_rows(recorded.cache, "UPDATE Cache SET mode = ?, value = ?", pickled, payload)
    change_rows(
        recorded.cache,
        "INSERT INTO Cache (key, raw, store_time, access_time, access_count, size, mode, value) "
        "VALUES (?, 0, 0, 0, 0, 0, ?, ?)",
        payload,
        pickled,
        payload,
    )
    edited = recorded.replace("test_it.py", "1 == 1", "2 == 2")
    for story in (recorded, edited, recorded):
        run = story.run("--cachekit")
        assert run.outcomes[IT] == "passed"

    assert not proof.exists()
    pickle.loads(payload)  # The trap does work.
    assert proof.exists()


def test_a_pickle_beside_the_database_is_not_run(recorded: Project, tmp_path: Path) -> None:
    proof = tmp_path / "executed"
    (recorded.cache / "planted.val").write_bytes(pickle.dumps(Planted(proof)))
    for mode in (2, 4):
        change_rows(
            recorded.cache,
            "UPDATE Cache SET mode = ?, value = NULL, filename = 'planted.val'",
            mode,
        )
        assert recorded.run("--cachekit").outcomes[IT] == "passed"

    assert not proof.exists()


def test_a_file_name_that_leads_out_of_the_cache_is_harmless(recorded: Project) -> None:
    change_rows(
        recorded.cache,
        "UPDATE Cache SET mode = 2, value = NULL, filename = '../test_it.py'",
    )
    run = recorded.run("--cachekit")

    assert run.verdicts[IT] == "miss"
    assert (recorded.root / "test_it.py").exists()
