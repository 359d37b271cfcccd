"""In the middle of things: servers that restart or talk nonsense, forks, tasks that give up."""

from __future__ import annotations

import asyncio
import os
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from pytest_cachekit.caching import Cache, open_async_cache, open_cache
from pytest_cachekit.errors import CacheError, StorageError

from .driven import Driven
from .servers import Server

PATIENCE = 1.0
NONSENSE = {
    "nothing": b"",
    "a web page": b"HTTP/1.1 400 Bad Request\r\n\r\n<html>",
    "half a reply": b"*3\r\n$5\r\nhel",
    "a number": b":7\r\n" * 20,
    "a text": b"+OK\r\n" * 20,
    "no list": b"$-1\r\n" * 20,
    "a short list": b"*1\r\n$1\r\nx\r\n" * 20,
    "an empty list": b"*0\r\n" * 20,
    "an error": b"-BUSY wait\r\n" * 20,
    "a huge promise": b"$999999999\r\n" * 20,
    "bytes": bytes(range(256)) * 4,
}


@pytest.fixture
def durable(tmp_path: Path) -> Iterator[Server]:
    """A server that has written down what it acknowledges."""
    running = Server(tmp_path / "server", "appendonly yes", "appendfsync always").start()
    yield running
    running.kill()


class Babbler:
    """A server that answers everything with the same bytes and hangs up."""

    def __init__(self, words: bytes) -> None:
        self._words = words
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"redis://127.0.0.1:{self._listening.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listening.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listening.accept()
                with connection, suppress(OSError):
                    connection.recv(65536)
                    connection.sendall(self._words)


@pytest.fixture(params=NONSENSE)
def babbler(request: pytest.FixtureRequest) -> Iterator[Babbler]:
    talking = Babbler(NONSENSE[request.param])
    yield talking
    talking.close()


@pytest.mark.parametrize("face", ["plain", "awaited"])
def test_nonsense_is_a_declared_error_or_a_miss(
    babbler: Babbler, face: str, loop: asyncio.AbstractEventLoop
) -> None:
    cache: Any = open_cache("nonsense", babbler.url)
    if face == "awaited":
        cache = Driven(open_async_cache("nonsense", babbler.url), loop)
    calls: tuple[Callable[[], object], ...] = (
        lambda: cache.get("key"), lambda: cache.get_many(["a", "b"]), lambda: cache.set("key", 1),
        lambda: cache.set_many({"a": 1, "b": 2}, ttl=5), lambda: cache.delete("key"),
        lambda: cache.has("key"), lambda: cache.keys(), lambda: cache.clear(),
        lambda: cache.incr("n"), lambda: cache.touch("key", 5), lambda: cache.add("key", 1, 5),
        lambda: cache.stats(), lambda: cache.get_or_set("key", lambda: 1),
    )  # fmt: skip
    for call in calls:
        (cache.cache if face == "awaited" else cache)._backend.link.breaker.reset()
        start = time.monotonic()
        with suppress(CacheError):
            call()
        assert time.monotonic() - start < PATIENCE
    cache.disconnect() if face == "awaited" else cache.close()


def test_a_server_killed_and_restarted_under_full_load_loses_nothing_acknowledged(
    durable: Server,
) -> None:
    done = threading.Event()
    longest = [0.0]

    def write(name: str) -> dict[str, int]:
        cache = open_cache("load", durable.url)
        acknowledged: dict[str, int] = {}
        number = 0
        while not done.is_set():
            items = {f"{name}:{number + n}": number for n in range(10)}
            number += 10
            start = time.monotonic()
            try:
                cache.set_many(items, ttl=600 if number % 20 else None)
                cache.get_many(items)
                acknowledged.update(items)
            except StorageError:
                let_recover(cache)
            longest[0] = max(longest[0], time.monotonic() - start)
        cache.close()
        return acknowledged

    with ThreadPoolExecutor(3) as pool:
        writers = [pool.submit(write, name) for name in "abc"]
        for _ in range(3):
            time.sleep(0.1)
            durable.kill()
            durable.start()
        time.sleep(0.1)
        done.set()
        acknowledged = {key: value for each in writers for key, value in each.result().items()}

    cache = open_cache("load", durable.url)
    assert len(acknowledged) > 100
    assert cache.get_many(acknowledged) == acknowledged
    assert longest[0] < PATIENCE
    cache.close()


def let_recover(cache: Cache) -> None:
    cache._backend.link.breaker.reset()  # type: ignore[attr-defined]


def test_counting_is_never_done_twice(durable: Server) -> None:
    cache = open_cache("counting", durable.url)
    acknowledged = 0
    for round_ in range(30):
        if round_ % 10 == 9:
            durable.kill()
            durable.start()
        try:
            acknowledged = cache.incr("counter")
        except StorageError:
            let_recover(cache)
    counted = cache.get("counter")
    cache.close()

    assert acknowledged == counted
    assert 27 <= counted <= 30


def test_tasks_that_give_up_leave_no_reply_to_others(server: Server) -> None:
    draw = random.Random(1)

    async def story() -> None:
        async with open_async_cache("cancelled", server.url, pool_size=2, timeout=5) as cache:
            await cache.set_many({f"key{n}": n for n in range(100)})

            async def ask(number: int) -> None:
                keys = [f"key{n}" for n in range(number, 100, 7)]
                task = asyncio.create_task(cache.get_many(keys))
                for _ in range(draw.randrange(12)):
                    await asyncio.sleep(0)
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
                assert await cache.get(f"key{number}") == number

            for _ in range(20):
                await asyncio.gather(*(ask(number) for number in range(7)))

    asyncio.run(asyncio.wait_for(story(), 20))


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_fork_in_the_middle_uses_connections_of_its_own(server: Server) -> None:
    cache = open_cache("forked", server.url)
    cache.set_many({f"key{n}": n for n in range(50)})
    children = []
    for child in range(3):
        process = os.fork()
        if process == 0:
            status = 1
            try:
                same = all(cache.get(f"key{n}") == n for n in range(50))
                cache.set(f"child{child}", child)
                status = 0 if same else 2
            finally:
                os._exit(status)
        children.append(process)
        assert all(cache.get(f"key{n}") == n for n in range(50))

    assert [os.waitstatus_to_exitcode(os.waitpid(each, 0)[1]) for each in children] == [0, 0, 0]
    assert cache.get_many(f"child{n}" for n in range(3)) == {f"child{n}": n for n in range(3)}
    cache.clear()
    cache.close()


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_fork_while_others_compute_waits_for_none_of_them() -> None:
    cache = open_cache("forked")
    computing, go_on = threading.Event(), threading.Event()

    def compute() -> str:
        computing.set()
        go_on.wait(10)
        return "parent"

    thread = threading.Thread(target=lambda: cache.get_or_set("key", compute))
    thread.start()
    computing.wait(10)
    child = os.fork()
    if child == 0:
        os._exit(0 if cache.get_or_set("key", lambda: "child") == "child" else 1)
    go_on.set()
    thread.join()

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert cache.get("key") == "parent"


def commands(server: Server) -> set[str]:
    """Return the commands that the server was given, by its own statistics."""
    with server.client() as client:
        return {name.removeprefix("cmdstat_") for name in client.info("commandstats")}


@pytest.mark.parametrize(
    ("lacks", "expected"),
    [((), {"msetex"}), (("MSETEX",), {"eval"}), (("MSETEX", "EVAL"), {"set"})],
    ids=["all commands", "no MSETEX", "no scripts"],
)
def test_many_with_a_time_to_live_go_the_best_way_that_a_server_has(
    tmp_path: Path, lacks: tuple[str, ...], expected: set[str]
) -> None:
    renamed = [f'rename-command {name} ""' for name in lacks]
    server = Server(tmp_path / "server", *renamed).start()
    try:
        cache = open_cache("ways", server.url)
        items = {f"key{n}": n for n in range(2500)}
        cache.set_many(items, ttl=60)
        cache.set_many(items, ttl=60)

        assert cache.get_many(items) == items
        assert expected <= commands(server)
        assert commands(server).isdisjoint({"flushdb", "flushall"})
        remaining = server.client().ttl("cachekit:ways:key2499")
        assert 50 < remaining <= 60
        cache.close()
    finally:
        server.kill()


def test_a_node_of_a_cluster_serves_keys_of_one_slot_and_refuses_others(tmp_path: Path) -> None:
    server = Server(tmp_path / "server", "cluster-enabled yes").start()
    try:
        with server.client() as client:
            client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
            while b"cluster_state:ok" not in client.execute_command(
                "CLUSTER", "INFO", NEVER_DECODE=1
            ):
                time.sleep(0.02)
        items = {f"key{n}": n for n in range(20)}
        scattered = open_cache("c", server.url)
        scattered.set("a", 1)
        assert scattered.get("a") == 1
        with pytest.raises(StorageError, match="slot"):
            scattered.get_many(items)
        together = open_cache("c", server.url, prefix="{app}:")
        together.set_many(items, ttl=60)
        together.set_many({"x{y}": 1})

        assert together.get_many(items) == items
        assert together.incr("key3") == 4
        assert together.clear() == 21
        for cache in (scattered, together):
            cache.close()
    finally:
        server.kill()
