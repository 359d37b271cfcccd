"""Several writers of one directory: patient, killed, forked; nothing acknowledged is lost."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pytest_cachekit.caching import Cache, open_cache
from pytest_cachekit.errors import StorageError


def cache_in(directory: Path) -> Cache:
    return open_cache("writers", "file_based", directory=directory)


def test_a_writer_that_never_ends_keeps_nobody_for_long(tmp_path: Path) -> None:
    cache = cache_in(tmp_path / "cache")
    cache.set("a", 1)
    blocker = sqlite3.connect(tmp_path / "cache" / "cache.db", isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    start = time.monotonic()

    def write(_: int) -> None:
        with pytest.raises(StorageError, match=r"locked|other threads"):
            cache.set("a", 2)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    assert time.monotonic() - start < 1
    assert cache.get("a") == 1
    blocker.execute("ROLLBACK")
    cache.set("a", 3)
    assert cache.get("a") == 3


WRITE = """
import sys
from pytest_cachekit.caching import open_cache
name, directory = sys.argv[1:]
cache = open_cache("busy", "file_based", directory=directory)
for batch in range(60):
    cache.set_many({f"{name}:{batch}:{n}": [name] * n for n in range(20)})
    cache.set(f"{name}:large", name * 50_000)
    cache.incr("counter")
    print(batch, flush=True)
"""


def writer(name: str, directory: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITE, name, str(directory)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_processes_at_full_speed_lose_nothing(tmp_path: Path) -> None:
    processes = [writer(name, tmp_path / "cache") for name in "ab"]
    assert [process.communicate(timeout=60) and process.returncode for process in processes] == [
        0,
        0,
    ]
    cache = open_cache("busy", "file_based", directory=tmp_path / "cache")

    assert cache.stats().size == 2 * 60 * 20 + 2 + 1
    assert cache.get("counter") == 120
    assert cache.get("a:59:3") == ["a"] * 3
    assert cache.get("b:large") == "b" * 50_000
    assert len(list((tmp_path / "cache").rglob("*.val"))) == 2


def test_a_killed_writer_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    process = writer("k", tmp_path / "cache")
    assert process.stdout is not None
    for line in process.stdout:
        if int(line) == 20:
            break
    process.send_signal(signal.SIGKILL)
    process.communicate()
    cache = open_cache("busy", "file_based", directory=tmp_path / "cache")

    assert all(len(cache.get_many(f"k:{b}:{n}" for n in range(20))) == 20 for b in range(21))
    assert cache.get("counter") >= 21
    cache.set("after", 1)
    assert cache.get("after") == 1


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_fork_uses_a_connection_of_its_own(tmp_path: Path) -> None:
    cache = cache_in(tmp_path / "cache")
    cache.set("a", 1)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            cache.set("child", cache.get("a"))
            cache.close()
            status = 0
        finally:
            os._exit(status)
    cache.set("parent", 1)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert cache.get_many(["a", "child", "parent"]) == {"a": 1, "child": 1, "parent": 1}
    assert cache_in(tmp_path / "cache").get("child") == 1
