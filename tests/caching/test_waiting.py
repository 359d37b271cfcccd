"""One caller computes, the others wait: threads, tasks, processes; and some die meanwhile."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from pytest_cachekit.caching import AsyncCache, Cache, open_async_cache, open_cache
from pytest_cachekit.errors import CacheUsageError
from pytest_cachekit.plugin.caches import CacheFactory

from .servers import Server


@pytest.fixture(params=["memory", "file", "redis", "tiered"])
def cache(request: pytest.FixtureRequest, cachekit_factory: CacheFactory) -> Cache:
    return cachekit_factory(request.param)


def test_threads_wait_for_the_one_that_computes(cache: Cache) -> None:
    computed = []
    all_there = threading.Barrier(8)

    def compute() -> str:
        computed.append(threading.get_ident())
        return "value"

    def ask(_: int) -> object:
        all_there.wait()
        return cache.get_or_set("key", compute)

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(8))) == ["value"] * 8
    assert len(computed) == 1


def test_if_it_fails_somebody_else_computes(cache: Cache) -> None:
    attempts = iter(range(100))
    all_there = threading.Barrier(4)

    def compute() -> str:
        if next(attempts) == 0:
            raise LookupError("the first one fails")
        return "value"

    def ask(_: int) -> object:
        all_there.wait()
        try:
            return cache.get_or_set("key", compute)
        except LookupError:
            return "failed"

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(ask, range(4)), key=str) == ["failed", "value", "value", "value"]
    assert next(attempts) == 2


def test_a_computation_may_ask_for_other_keys_and_its_own(cache: Cache) -> None:
    def outer() -> str:
        return f"outer {cache.get_or_set('inner', lambda: 'inner')}"

    assert cache.get_or_set("outer", outer) == "outer inner"
    assert cache.get_or_set("own", lambda: cache.get_or_set("own", lambda: 1) + 1) == 2


def test_computations_that_wait_for_each_other_go_on(cache: Cache) -> None:
    both_compute = threading.Barrier(2)

    def compute(own: str, other: str) -> str:
        def outer() -> str:
            both_compute.wait()
            return f"{own} with {cache.get_or_set(other, lambda: 'its own')}"

        result: str = cache.get_or_set(own, outer)
        return result

    with ThreadPoolExecutor(2) as pool:
        asked = [pool.submit(compute, *pair) for pair in (("a", "b"), ("b", "a"))]
        told = {each.result(timeout=10) for each in asked}

    # One of them computed the other's value for itself instead of waiting for ever.
    assert told <= {"a with its own", "b with its own", "a with b with its own",
                    "b with a with its own"}  # fmt: skip


def test_the_error_of_a_computation_is_told_even_if_the_cache_fails(tmp_path: Path) -> None:
    cache = open_cache("failing", "file_based", directory=tmp_path / "cache")

    def compute() -> None:
        cache.set("a", 1)
        (tmp_path / "cache" / "cache.db").write_bytes(b"nonsense " * 1000)
        raise LookupError("what matters")

    with pytest.raises(LookupError, match="what matters"):
        cache.get_or_set("key", compute)


def test_a_plain_cache_awaits_nothing(cache: Cache) -> None:
    async def compute() -> int:
        return 1

    with pytest.raises(CacheUsageError, match="use an AsyncCache"):
        cache.get_or_set("key", compute)
    assert cache.get_or_set("key", lambda: 2) == 2


def test_an_interrupt_leaves_nobody_waiting(cache: Cache) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cache.get_or_set("key", interrupt)
    assert cache.get_or_set("key", lambda: 1) == 1


def test_leases_are_no_keys(cache: Cache) -> None:
    seen: list[list[str]] = []
    cache.get_or_set("key", lambda: seen.append(cache.keys()))

    assert seen == [[]]
    assert cache.keys() == ["key"]
    assert cache.stats().size == 1


@pytest.mark.parametrize("kind", ["memory", "file", "redis", "tiered"])
def test_tasks_wait_for_the_one_that_computes(kind: str, cachekit_factory: CacheFactory) -> None:
    computed = []

    async def compute() -> str:
        computed.append(1)
        await asyncio.sleep(0.01)
        return "value"

    async def story(cache: AsyncCache) -> None:
        async with cache:
            asked = (cache.get_or_set("key", compute) for _ in range(20))
            assert await asyncio.gather(*asked) == ["value"] * 20
            cancelled = [asyncio.create_task(cache.get_or_set("c", compute)) for _ in range(5)]
            await asyncio.sleep(0)
            cancelled[3].cancel()
            results = await asyncio.gather(*cancelled, return_exceptions=True)
            # Whether it notices at once is up to asyncio.wait_for, which redis-py calls.
            assert results[:3] + results[4:] == ["value"] * 4

    asyncio.run(story(cachekit_factory.awaited(kind)))
    assert len(computed) == 2


@pytest.mark.parametrize("kind", ["memory", "file", "redis", "tiered"])
def test_a_task_that_computes_is_cancelled_and_another_computes(
    kind: str, cachekit_factory: CacheFactory
) -> None:
    async def story(cache: AsyncCache) -> None:
        begun = asyncio.Event()

        async def never() -> str:
            begun.set()
            await asyncio.Event().wait()
            return "never"

        async with cache:
            first = asyncio.create_task(cache.get_or_set("key", never))
            await begun.wait()
            others = [
                asyncio.create_task(cache.get_or_set("key", lambda: "value")) for _ in range(3)
            ]
            await asyncio.sleep(0)
            first.cancel()
            with pytest.raises(asyncio.CancelledError):
                await first
            assert await asyncio.gather(*others) == ["value"] * 3
            assert await cache.keys() == ["key"]

    asyncio.run(asyncio.wait_for(story(cachekit_factory.awaited(kind)), 10))


def test_tasks_of_a_computation_may_ask_for_its_key(cachekit_factory: CacheFactory) -> None:
    async def story(cache: AsyncCache) -> None:
        async def outer() -> Any:
            return await asyncio.gather(
                cache.get_or_set("key", lambda: "inner"),
                asyncio.to_thread(asyncio.run, cache.get_or_set("other", lambda: "of a thread")),
            )

        assert await cache.get_or_set("key", outer) == ["inner", "of a thread"]

    asyncio.run(asyncio.wait_for(story(cachekit_factory.awaited("memory")), 10))


def test_memory_needs_no_thread() -> None:
    async def story() -> None:
        cache = open_async_cache("memory")
        before = threading.active_count()
        await cache.set_many({"a": 1, "b": 2})
        assert await cache.get_many(["a", "b"]) == {"a": 1, "b": 2}
        assert await cache.get_or_set("c", lambda: 3) == 3
        assert threading.active_count() == before

    asyncio.run(story())


def test_an_async_cache_serves_one_event_loop_after_the_other(
    cachekit_factory: CacheFactory,
) -> None:
    cache = cachekit_factory.awaited("redis")
    for number in range(3):
        assert asyncio.run(cache.incr("runs")) == number + 1
        asyncio.run(cache.disconnect())


COMPUTE = """
import sys, time
from pathlib import Path
from pytest_cachekit.caching import open_cache
cache = open_cache("waiting", sys.argv[1])
def compute():
    with open(sys.argv[2], "a") as log:
        log.write("computed\\n")
    time.sleep(float(sys.argv[3]))
    return "value"
print("ready", flush=True)
sys.stdin.readline()
assert cache.get_or_set("key", compute) == "value"
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    running = Server(tmp_path / "server").start()
    yield running
    running.kill()


@pytest.fixture(params=["file", "server"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "file":
        return f"file:{tmp_path / 'cache'}"
    running: Server = request.getfixturevalue("server")
    return running.url


def computing(url: str, log: Path, seconds: float) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", COMPUTE, url, str(log), str(seconds)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def test_processes_wait_for_the_one_that_computes(url: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    processes = [computing(url, log, 0.3) for _ in range(3)]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        process.communicate(timeout=30)

    assert [process.returncode for process in processes] == [0, 0, 0]
    assert log.read_text() == "computed\n"


def test_nobody_waits_for_a_process_that_died(url: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    process = computing(url, log, 60)
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()
    while not log.exists() or not log.read_text():
        assert process.poll() is None
    process.kill()
    process.communicate()
    cache = open_cache("waiting", url)

    assert cache.get_or_set("key", lambda: "mine") == "mine"
    cache.close()
