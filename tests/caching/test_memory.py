"""Memory: what goes first, what counts, and that readers wait for nobody."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from pytest_cachekit.caching import Cache, open_cache
from pytest_cachekit.errors import CacheUsageError
from pytest_cachekit.plugin.caches import SteppedClock
from pytest_cachekit.storage.memory import MemoryBackend


def test_the_least_recently_used_goes_first() -> None:
    cache = open_cache("memory", max_size=3)
    cache.set_many({"a": 1, "b": 2, "c": 3})
    cache.get("a")
    cache.set("d", 4)
    assert sorted(cache.keys()) == ["a", "c", "d"]

    cache.set("c", 33)
    cache.set("e", 5)
    assert sorted(cache.keys()) == ["c", "d", "e"]
    assert cache.stats().evictions == 2
    assert (cache.stats().size, cache.stats().max_size) == (3, 3)


def test_looking_whether_a_key_is_there_does_not_use_it() -> None:
    cache = open_cache("memory", max_size=2)
    cache.set_many({"a": 1, "b": 2})
    assert "a" in cache
    cache.set("c", 3)

    assert sorted(cache.keys()) == ["b", "c"]


def test_bytes_are_limited() -> None:
    cache = open_cache("memory", max_bytes=1000)
    for number in range(10):
        cache.set(str(number), b"x" * 298)
    stats = cache.stats()

    assert sorted(cache.keys()) == ["7", "8", "9"]
    assert (stats.bytes, stats.max_bytes, stats.evictions) == (903, 1000, 7)


def test_a_value_that_cannot_fit_drives_nobody_out() -> None:
    cache = open_cache("memory", max_bytes=1000)
    cache.set("small", "s")
    cache.set("huge", bytes(5000))

    assert cache.keys() == ["small"]


def test_what_has_expired_goes_before_what_is_used() -> None:
    clock = SteppedClock()
    cache = open_cache("memory", max_size=3, clock=clock)
    cache.set("old", 1)
    cache.set("brief", 2, ttl=5)
    cache.set("new", 3)
    clock.advance(6)
    cache.set("newest", 4)

    assert sorted(cache.keys()) == ["new", "newest", "old"]
    assert (cache.stats().evictions, cache.stats().expirations) == (0, 1)


def test_expired_entries_are_counted_once() -> None:
    clock = SteppedClock()
    cache = open_cache("memory", clock=clock, ttl=5)
    cache.set_many({str(number): number for number in range(100)})
    clock.advance(6)
    for _ in range(3):
        assert cache.get("1") is None
        assert cache.stats().expirations == 100


def test_deadlines_of_overwritten_entries_do_not_pile_up() -> None:
    backend = MemoryBackend(clock=SteppedClock())
    for number in range(10_000):
        backend.set_many({"key": b"%d" % number}, ttl=1000 + number)

    assert len(backend._deadlines) < 200


def eventually(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.002)


def test_a_thread_cleans_up_where_asked_for() -> None:
    clock = SteppedClock()
    backend = MemoryBackend(clock=clock, cleanup_interval=0.005)
    backend.set_many({"a": b"1", "b": b"2"}, ttl=5)
    clock.advance(6)
    eventually(lambda: backend.expirations == 2)

    def cleaners() -> bool:
        return any(thread.name == "cachekit-cleanup" for thread in threading.enumerate())

    assert cleaners()
    backend.close()
    eventually(lambda: not cleaners())


@pytest.mark.parametrize("option", ["max_size", "max_bytes", "cleanup_interval"])
def test_limits_that_keep_nothing_are_refused(option: str) -> None:
    with pytest.raises(CacheUsageError, match=option):
        open_cache("limited", "in_memory", **{option: 0})


def test_readers_wait_for_no_lock() -> None:
    cache = open_cache("memory")
    cache.set("key", {"a": 1})
    assert cache.memory is not None
    with cache.memory._lock, ThreadPoolExecutor(1) as pool:
        assert pool.submit(cache.get, "key").result(timeout=10) == {"a": 1}
        assert pool.submit(cache.get_many, ["key", "other"]).result(timeout=10) == {"key": {"a": 1}}


def test_threads_lose_no_count_and_no_byte() -> None:
    cache = open_cache("memory", max_size=50)

    def work(thread: int) -> None:
        for number in range(2_000):
            cache.set(f"{number * (thread + 1) % 97}", "x" * (number % 10))
            cache.get(f"{number % 97}")
            cache.incr("counter")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    stats = cache.stats()

    assert cache.get("counter") == 8_000
    assert stats.hits + stats.misses == 8_000
    assert stats.sets == 16_000
    assert stats.size == 50
    assert cache.memory is not None
    values = cache.memory.get_many(cache.memory.keys())
    assert stats.bytes == sum(map(len, values.values()))
    cache.clear()
    assert cache.stats().bytes == 0


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_fork_in_the_middle_of_a_write() -> None:
    cache = open_cache("memory")
    cache.set("key", "value")
    assert cache.memory is not None
    held, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        assert cache.memory is not None
        with cache.memory._lock:
            held.set()
            go_on.wait(10)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(10)
    child = os.fork()
    if child == 0:
        cache.set("other", cache.get("key"))
        os._exit(0 if cache.get("other") == "value" else 1)
    go_on.set()
    thread.join()

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert cache.keys() == ["key"]


def test_caches_in_one_backend_share_its_limits() -> None:
    backend = MemoryBackend(max_size=2)
    one, other = Cache(backend, namespace="one"), Cache(backend, namespace="other")
    one.set_many({"a": 1, "b": 2})
    other.set("a", 3)

    assert one.keys() == ["b"]
    assert other.keys() == ["a"]
