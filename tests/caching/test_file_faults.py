"""A directory that is damaged, removed, full, fought over, or planted with pickles."""

from __future__ import annotations

import pickle
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import diskcache
import pytest

from pytest_cachekit.caching import Cache, open_cache
from pytest_cachekit.errors import CacheError, StorageError

from .traps import Trap

LARGE = bytes(200_000)


def cache_in(directory: Path, **options: object) -> Cache:
    return open_cache("faults", "file_based", directory=directory, **options)


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    opened = cache_in(tmp_path / "cache")
    opened.set_many({"a": 1, "b": {"x": [1]}, "large": LARGE})
    return opened


def execute(directory: Path, statement: str, *values: object) -> None:
    connection = sqlite3.connect(directory / "cache.db")
    connection.execute(statement, values)
    connection.commit()
    connection.close()


def works_or_says_so(cache: Cache) -> None:
    """Call everything; nothing but declared errors may come, and none may take long."""
    calls: list[Callable[[], object]] = [
        lambda: cache.get("a"), lambda: cache.get_many(["a", "large"]), lambda: cache.set("a", 2),
        lambda: cache.set("large", LARGE), lambda: cache.incr("n"), lambda: cache.has("a"),
        lambda: cache.keys(), lambda: cache.touch("a", 5), lambda: cache.delete("a"),
        lambda: cache.get_or_set("g", lambda: 1), lambda: cache.clear(), lambda: cache.stats(),
    ]  # fmt: skip
    for call in calls:
        start = time.monotonic()
        with suppress(CacheError):
            call()
        assert time.monotonic() - start < 1


def garbage(directory: Path) -> None:
    (directory / "cache.db").write_bytes(b"not a database at all " * 1000)


def torn(directory: Path) -> None:
    content = (directory / "cache.db").read_bytes()
    (directory / "cache.db").write_bytes(content[: len(content) // 2])


def wrong_in_the_middle(directory: Path) -> None:
    content = bytearray((directory / "cache.db").read_bytes())
    content[4096:] = b"\xa5" * (len(content) - 4096)
    (directory / "cache.db").write_bytes(content)


def another_table(directory: Path) -> None:
    execute(directory, "DROP TABLE Cache")
    execute(directory, "CREATE TABLE Cache (recipe, steps)")


def odd_rows(directory: Path) -> None:
    execute(directory, "UPDATE Cache SET value = 'text', mode = 1, filename = 7, size = 'many'")
    execute(directory, "UPDATE Cache SET expire_time = 'later' WHERE key LIKE '%large'")


def nothing_left(directory: Path) -> None:
    shutil.rmtree(directory)


def a_file_instead(directory: Path) -> None:
    shutil.rmtree(directory)
    directory.write_text("I was here first.")


@pytest.mark.parametrize(
    "damage",
    [garbage, torn, wrong_in_the_middle, another_table, odd_rows, nothing_left, a_file_instead],
    ids=lambda damage: damage.__name__.replace("_", " "),
)
@pytest.mark.parametrize("when", ["while open", "before opening"])
def test_damage_is_told_or_mended(
    cache: Cache, tmp_path: Path, damage: Callable[[Path], None], when: str
) -> None:
    if when == "before opening":
        cache.close()
    damage(tmp_path / "cache")
    if when == "before opening":
        try:
            cache = cache_in(tmp_path / "cache")
        except StorageError:
            return
    works_or_says_so(cache)
    lenient = Cache(cache._backend, namespace="faults", on_error="miss")
    works_or_says_so(lenient)


def test_a_removed_directory_is_made_anew(cache: Cache, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "cache")

    assert cache.get("a") is None
    cache.set("a", 2)
    assert cache.get("a") == 2
    assert cache_in(tmp_path / "cache").get("a") == 2


def test_a_replaced_directory_is_noticed(cache: Cache, tmp_path: Path) -> None:
    other = cache_in(tmp_path / "other")
    other.set("a", "of the other")
    other.close()
    shutil.rmtree(tmp_path / "cache")
    (tmp_path / "other").rename(tmp_path / "cache")

    assert cache.get("a") == "of the other"


def test_a_torn_value_file_is_a_miss(cache: Cache, tmp_path: Path) -> None:
    (file,) = (tmp_path / "cache").rglob("*.val")
    file.write_bytes(LARGE[:1000])

    assert cache.get("large", "torn") == "torn"
    file.unlink()
    assert cache.get("large", "gone") == "gone"
    cache.set("large", LARGE)
    assert cache.get("large") == LARGE


def test_large_values_leave_no_files_behind(cache: Cache, tmp_path: Path) -> None:
    def files() -> int:
        return len(list((tmp_path / "cache").rglob("*.val")))

    cache.set("large", LARGE + b"!")
    assert files() == 1
    cache.set_many({str(number): LARGE for number in range(5)}, ttl=60)
    assert files() == 6
    cache.delete("large")
    assert files() == 5
    cache.set("0", "small now")
    assert files() == 4
    cache.clear()
    assert files() == 0


FILL = """
import resource, signal, sys
from pytest_cachekit.caching import open_cache
from pytest_cachekit.errors import StorageError
cache = open_cache("full", "file_based", directory=sys.argv[1])
acknowledged = []
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))
refused = 0
for number in range(60):
    try:
        cache.set(f"key{number}", bytes(20_000 if number % 5 else 500_000))
    except StorageError as error:
        assert "free space" in str(error)
        refused += 1
    else:
        acknowledged.append(number)
assert refused and acknowledged, (refused, acknowledged)
assert len(cache.get_many(f"key{n}" for n in acknowledged)) == len(acknowledged)
print(*acknowledged)
"""


def test_a_full_file_system_refuses_and_keeps(tmp_path: Path) -> None:
    told = subprocess.check_output([sys.executable, "-c", FILL, tmp_path / "cache"], text=True)
    cache = open_cache("full", "file_based", directory=tmp_path / "cache")

    assert sorted(cache.keys()) == sorted(f"key{number}" for number in told.split())
    assert all(len(value) == 20_000 for value in cache.get_many(cache.keys()).values())
    assert not list((tmp_path / "cache").rglob("*.val"))


def test_a_planted_pickle_is_never_run(cache: Cache, tmp_path: Path) -> None:
    proof = tmp_path / "executed"
    payload = pickle.dumps(Trap(proof))
    for mode in (1, 2, 4):
        execute(tmp_path / "cache", "UPDATE Cache SET mode = ?, value = ?", mode, payload)
        for file in (tmp_path / "cache").rglob("*.val"):
            file.write_bytes(payload)
        execute(tmp_path / "cache", "UPDATE Cache SET size = ?", len(payload))
        works_or_says_so(cache)
        works_or_says_so(cache_in(tmp_path / "cache"))
        cache.set_many({"a": 1, "large": LARGE})

    assert not proof.exists()
    pickle.loads(payload)  # The trap does work.
    assert proof.exists()


def test_the_directory_is_one_of_diskcache(cache: Cache, tmp_path: Path) -> None:
    cache.set_many({str(number): LARGE for number in range(3)}, ttl=60)
    cache.delete_many(["1", "a"])
    cache.close()
    with diskcache.Cache(str(tmp_path / "cache")) as other:
        told = {str(warning.message).rpartition("/")[2] for warning in other.check()}
        assert told == {"format", "CACHEDIR.TAG", ".gitignore"}
        assert len(other) == 4
        assert sorted(other) == ["faults:0", "faults:2", "faults:b", "faults:large"]


def test_the_oldest_writes_go_where_space_is_limited(tmp_path: Path) -> None:
    cache = cache_in(tmp_path / "cache", max_size=10, max_bytes=500_000)
    for number in range(30):
        cache.set(f"{number:02}", number)
    assert sorted(cache.keys()) == [f"{number:02}" for number in range(20, 30)]
    cache.set_many({"x": LARGE, "y": LARGE})
    cache.set("z", LARGE)
    stats = cache.stats()

    assert "z" in cache
    assert stats.size <= 10
    assert stats.bytes <= 500_000
    assert stats.evictions >= 21
    assert (stats.max_size, stats.max_bytes) == (10, 500_000)


def test_a_value_that_cannot_fit_drives_no_others_out(tmp_path: Path) -> None:
    cache = cache_in(tmp_path / "cache", max_bytes=1000)
    cache.set_many({"a": 1, "b": 2})
    cache.set_many({"b": LARGE, "c": 3})

    assert cache.get_many("abc") == {"a": 1, "c": 3}
    assert cache.stats().evictions == 1
    assert not list((tmp_path / "cache").rglob("*.val"))


def test_limits_of_files_are_told(tmp_path: Path) -> None:
    with pytest.raises(CacheError, match="max_bytes"):
        cache_in(tmp_path, max_bytes=0)
