"""Every command with every kind of cache: a sentence and the right exit status, no traceback."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_cachekit.inputs.manifest import VERSION
from pytest_cachekit.storage.file import FileBackend
from tests.harness import Project
from tests.test_broken_cache import (
    directory_for_database,
    file_for_directory,
    garbage,
    later_format,
    nonsense_format,
    of_another_program,
    truncated,
)

from .conftest import Command

READING = (
    ("list",), ("list", "--json"), ("stats",), ("stats", "--json"), ("stats", "--csv"),
    ("stats", "--prometheus"), ("size", "--breakdown"), ("verify",), ("clear", "--dry-run"),
    ("gc", "--dry-run"),
)  # fmt: skip
WRITING = (("clear", "--yes"), ("gc",), ("verify", "--repair"))
NAMING = (("show", "nothing"), ("export", "file"), ("why", "test_it.py::test_it"), ("report",))
each = pytest.mark.parametrize("words", READING + WRITING + NAMING, ids=" ".join)


@each
def test_an_absent_cache_is_empty_and_stays_absent(
    command: Command, here: Path, words: tuple[str, ...]
) -> None:
    done = command(*words)

    assert done.exit_code == {"show": 4, "export": 4, "why": 1, "report": 4}.get(words[0], 0)
    assert len(done.stderr.splitlines()) <= 1
    if words[0] != "why":
        assert str(here / ".cachekit") in done.stderr
    assert [path.name for path in here.iterdir()] == ["pytest.ini"]


@each
def test_an_empty_cache(command: Command, cache: Path, words: tuple[str, ...]) -> None:
    FileBackend(cache).clear()
    done = command(*words)

    assert done.exit_code == {"show": 4, "why": 1, "report": 4}.get(words[0], 0)


@each
@pytest.mark.parametrize(
    "damage",
    [
        garbage, truncated, of_another_program, directory_for_database, file_for_directory,
        later_format, nonsense_format,
    ],
    ids=lambda damage: damage.__name__.replace("_", " "),
)  # fmt: skip
def test_a_broken_cache_is_told_in_a_sentence(
    command: Command, cache: Path, words: tuple[str, ...], damage: object
) -> None:
    assert callable(damage)
    damage(cache)
    before = _files(cache)
    done = command(*words)

    if done.exit_code == 0:
        assert damage is truncated  # what is asked for stands in the half that is left
    else:
        assert done.exit_code == 3
        assert done.stderr.startswith("Error: ")
        assert len(done.stderr.splitlines()) == 1
    if damage is not truncated:
        assert _files(cache) == before


def test_torn_records_are_told_and_deleted_where_asked(command: Command, cache: Path) -> None:
    backend = FileBackend(cache)
    keys = sorted(backend.keys("tests:"))
    source = next(backend.keys("source:"))
    backend.set_many({keys[0]: b"\xff torn", source: b"not packed", "runs:1": b"\x01"})

    done = command("stats")
    assert (done.exit_code, "1 record can't be read" in done.stdout) == (0, True)
    done = command("verify")
    assert done.exit_code == 1
    assert f"it is no record of version {VERSION}" in done.stdout
    assert "it can't be unpacked" in done.stdout
    assert "206 keys checked, 3 faults" not in done.stdout
    assert "207 keys checked, 3 faults" in done.stdout
    assert command("verify", "--repair").exit_code == 0
    assert command("verify").stdout == "204 keys checked, 0 faults\n"
    assert len(command("list").stdout.splitlines()) == 67


def test_records_of_another_version_are_left_alone(command: Command, cache: Path) -> None:
    foreign = {f"tests:9:{'0' * 32}:tests/test_it.py": b"of the future"}
    FileBackend(cache).set_many(foreign)

    assert "1 of others left alone" in command("verify", "--repair").stdout
    for words in WRITING:
        command(*words)
    assert FileBackend(cache).get_many(foreign) == foreign


ALL = """
import json, sys
from click.testing import CliRunner
from pytest_cachekit.cli.command import cli
found = {}
for words in json.load(sys.stdin):
    done = CliRunner().invoke(cli, words, catch_exceptions=False)
    found[" ".join(words)] = done.exit_code, done.stderr.splitlines()
print(json.dumps(found))
"""
# Root may write anywhere, unless it gives that up.
AS_ANYBODY = (
    ("setpriv", "--bounding-set=-dac_override,-dac_read_search") if os.geteuid() == 0 else ()
)


@pytest.mark.skipif(
    bool(AS_ANYBODY) and shutil.which("setpriv") is None, reason="root can write anywhere"
)
def test_a_cache_that_cannot_be_written(here: Path, cache: Path) -> None:
    for file in cache.iterdir():
        file.chmod(0o400)
    cache.chmod(0o500)
    writing = (("clear", "--yes"), ("gc",), ("import", "file"))
    words = [*READING, ("report",), ("export", "file"), *writing, ("doctor",)]
    try:
        done = subprocess.run(
            [*AS_ANYBODY, sys.executable, "-c", ALL], cwd=here, input=json.dumps(words),
            capture_output=True, text=True, check=True,
        )  # fmt: skip
    finally:
        cache.chmod(0o700)
    found = json.loads(done.stdout)

    # All that the file holds is there already.
    refused = {name: found.pop(name) for name in ("clear --yes", "gc")}
    assert found.pop("doctor")[0] == 1
    assert {status for status, _ in found.values()} == {0}
    for status, told in refused.values():
        assert status == 3
        assert len(told) == 1
        assert told[0].startswith(f"Error: The cache in {cache} can't be written")


def test_a_server_that_is_gone(command: Command) -> None:
    for words in READING + WRITING:
        done = command(*words, "--url", "redis://127.0.0.1:1/0")
        assert done.exit_code == 3, done.output
        assert len(done.stderr.splitlines()) == 1
    assert command("doctor", "--url", "redis://127.0.0.1:1/0").exit_code == 1


@pytest.mark.parametrize("url", ["file:", "nonsense", "ftp://there"])
def test_a_url_that_is_none(command: Command, here: Path, url: str) -> None:
    done = command("list", "--url", url)

    assert done.exit_code == (0 if url == "nonsense" else 3)
    assert [path.name for path in here.iterdir()] == ["pytest.ini"]


def test_a_reader_who_has_seen_enough(project: Project) -> None:
    project = project.write({"test_it.py": "def test_it(): pass"})
    project.run("--cachekit")
    done = project.command("list", "--nonsense")

    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def _files(cache: Path) -> dict[str, bytes]:
    if cache.is_file():
        return {"": cache.read_bytes()}
    return {
        path.name: path.read_bytes()
        for path in sorted(cache.rglob("*"))
        if path.is_file() and not path.name.endswith(("-shm", "-wal"))
    }
