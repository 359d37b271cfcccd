"""Caches travel in one file, and join without losing anything."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from benchmarks.huge import fill
from pytest_cachekit.cli import CacheUtils
from pytest_cachekit.storage.file import FileBackend
from tests.harness import Project

from .conftest import Command


def contents(cache: Path) -> dict[str, bytes]:
    backend = FileBackend(cache)
    return backend.get_many(backend.keys())


def test_an_exported_cache_serves_elsewhere(project: Project, tmp_path: Path) -> None:
    project = project.write({"test_it.py": "def test_it(): pass"})
    project.run("--cachekit")
    assert project.command("export", str(tmp_path / "results")).returncode == 0
    other = Project(tmp_path / "other").write(project.files)
    done = other.command("import", "--create", str(tmp_path / "results"))

    assert done.returncode == 0, done.stderr
    assert other.run("--cachekit").verdicts == {"test_it.py::test_it": "hit"}


def test_merged_caches_hit_for_both(project: Project, tmp_path: Path) -> None:
    project = project.write({"test_it.py": "def test_it(): assert 1"})
    other = Project(tmp_path / "other").write({"test_it.py": "def test_it(): assert 2"})
    project.run("--cachekit")
    other.run("--cachekit")
    done = project.command("merge", str(other.cache))

    assert " joined" in done.stdout
    both = project.write(other.files)
    assert both.run("--cachekit").verdicts == {"test_it.py::test_it": "hit"}
    assert project.run("--cachekit").verdicts == {"test_it.py::test_it": "hit"}


def test_the_same_cache_makes_the_same_file(command: Command, cache: Path) -> None:
    assert command("export", "one").exit_code == 0
    assert command("export", "two").exit_code == 0
    here = cache.parent

    assert (here / "one").read_bytes() == (here / "two").read_bytes()
    assert sorted(path.name for path in here.iterdir()) == [".cachekit", "one", "pytest.ini", "two"]


def test_what_is_known_already_changes_nothing(command: Command, cache: Path) -> None:
    command("export", "file")
    before = contents(cache)
    done = command("import", "file")

    assert done.stdout == "0 new, 0 joined, 205 known, 0 refused\n"
    assert contents(cache) == before


def test_what_was_cleared_comes_back(command: Command, cache: Path) -> None:
    command("export", "file")
    listed = json.loads(command("list", "--json").stdout)
    command("clear", "--yes", "--name", "*case-3*")
    command("import", "file")

    assert json.loads(command("list", "--json").stdout) == listed


def test_values_that_are_none_of_ours_are_refused(command: Command, cache: Path) -> None:
    FileBackend(cache).set_many({"shop:tea": b"4.5", "source:" + "0" * 32: b"torn"})
    command("export", "file")
    done = command("import", "--create", "--cache-dir", "other", "file")

    assert done.stdout == "205 new, 0 joined, 0 known, 2 refused\n"


@pytest.mark.parametrize("damage", ["shortened", "changed", "of another kind", "later", "empty"])
def test_a_torn_file_changes_nothing(command: Command, cache: Path, damage: str) -> None:
    command("export", "file")
    command("clear", "--yes")
    file = cache.parent / "file"
    content = gzip.decompress(file.read_bytes())
    damaged = {
        "shortened": gzip.compress(content[:-40]),
        "changed": gzip.compress(content.replace(b"return 7", b"return 8")),
        "of another kind": b"not at all",
        "later": gzip.compress(content.replace(b"entries 1\n", b"entries 2\n", 1)),
        "empty": b"",
    }[damage]
    file.write_bytes(damaged if damage != "changed" else gzip.compress(content[:-1] + b"?"))
    done = command("import", "file")

    assert done.exit_code == 3
    assert len(done.stderr.splitlines()) == 1
    assert contents(cache) == {}


def test_what_expires_is_left_out(command: Command, cache: Path) -> None:
    FileBackend(cache).set_many({"short": b"lived"}, ttl=60)

    assert command("export", "file").stdout.startswith("207 keys in file")


def test_no_cache_is_made_unless_asked_for(command: Command, cache: Path) -> None:
    command("export", "file")
    for words in (("import", "file"), ("merge", str(cache))):
        done = command(*words, "--cache-dir", "other")
        assert done.exit_code == 4
        assert "add --create" in done.stderr
    assert not (cache.parent / "other").exists()
    assert command("import", "nothing").exit_code == 4
    assert command("merge", "nothing").exit_code == 4


def test_the_same_in_python(here: Path) -> None:
    fill(here / "one", 40)
    fill(here / "two", 80)
    with CacheUtils(here / "one") as one, CacheUtils(here / "two") as two:
        merged = one.merge(two)
        assert merged.refused == 0
        assert len(list(one.list_entries())) == 80
