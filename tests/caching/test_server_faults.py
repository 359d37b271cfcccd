"""A server that dies, hangs, is full, or refuses: one declared error within a second, no more."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_cachekit.caching import open_cache
from pytest_cachekit.errors import CacheError, StorageError

from .driven import Driven
from .servers import Server

CALLS: dict[str, Callable[[Any], Any]] = {
    "get": lambda cache: cache.get("key"),
    "get_many": lambda cache: cache.get_many(["key", "other"]),
    "set": lambda cache: cache.set("key", 1),
    "set with ttl": lambda cache: cache.set("key", 1, ttl=5),
    "set_many with ttl": lambda cache: cache.set_many({"key": 1, "other": 2}, ttl=5),
    "delete": lambda cache: cache.delete("key"),
    "has": lambda cache: cache.has("key"),
    "clear": lambda cache: cache.clear(),
    "keys": lambda cache: cache.keys(),
    "touch": lambda cache: cache.touch("key", 5),
    "incr": lambda cache: cache.incr("counter"),
    "get_or_set": lambda cache: cache.get_or_set("new", lambda: 1),
    "stats": lambda cache: cache.stats(),
}
WRITES = ("set", "set with ttl", "set_many with ttl", "incr")
PATIENCE = 1.0


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    running = Server(tmp_path / "server").start()
    yield running
    running.kill()


def fails_soon(cache: Any, name: str) -> str:
    """Return what a call's declared error says; it must come within a second."""
    start = time.monotonic()
    with pytest.raises(StorageError) as raised:
        CALLS[name](cache)
    assert time.monotonic() - start < PATIENCE
    assert "\n" not in str(raised.value)
    return str(raised.value)


def backend_of(cache: Any) -> Any:
    return cache.cache._backend if isinstance(cache, Driven) else cache._backend


def let_recover(cache: Any) -> None:
    """Let the breaker's time pass without waiting for it."""
    backend_of(cache).link.breaker.reset()


@pytest.mark.parametrize("name", CALLS)
def test_a_dead_server_is_a_declared_error(
    server: Server, open_on: Callable[..., Any], name: str
) -> None:
    cache = open_on(server.url)
    cache.set("key", 1)
    server.kill()

    assert "see that it runs" in fails_soon(cache, name)
    # From now on nobody asks the server: each call fails at once.
    start = time.monotonic()
    for _ in range(50):
        fails_soon(cache, name)
    assert time.monotonic() - start < PATIENCE


@pytest.mark.parametrize("name", ["get", "set_many with ttl", "get_or_set", "clear"])
def test_a_hung_server_is_a_declared_error_within_a_second(
    server: Server, open_on: Callable[..., Any], name: str
) -> None:
    used, fresh = open_on(server.url), open_on(server.url)
    used.set("key", 1)
    server.hang()
    try:
        fails_soon(used, name)
        fails_soon(fresh, name)
        assert "isn't asked again yet" in fails_soon(used, name)
    finally:
        server.go_on()
    let_recover(used)
    assert used.get("key") == 1


def test_a_restarted_server_is_used_again(server: Server, open_on: Callable[..., Any]) -> None:
    server.settings = ("appendonly yes", "appendfsync always")
    server.kill()
    server.start()
    cache = open_on(server.url)
    for number in range(20):
        cache.set(f"key{number}", number)
    server.kill()
    fails_soon(cache, "get")
    server.start()
    let_recover(cache)

    # What a durable server acknowledged is there.
    assert cache.get_many(f"key{n}" for n in range(20)) == {f"key{n}": n for n in range(20)}


def test_a_server_restarted_between_two_calls_is_not_noticed(
    server: Server, open_on: Callable[..., Any]
) -> None:
    cache = open_on(server.url)
    cache.set("key", 1)
    server.kill()
    server.start()

    assert cache.get("key") is None
    cache.set("key", 2)
    assert cache.get("key") == 2


def test_a_server_without_memory_refuses_writes_and_serves_reads(
    server: Server, open_on: Callable[..., Any]
) -> None:
    cache = open_on(server.url)
    cache.set("key", 1)
    server.client().config_set("maxmemory", "1")
    server.client().config_set("maxmemory-policy", "noeviction")

    for name in WRITES:
        assert "memory" in fails_soon(cache, name)
    assert cache.get("key") == 1


def test_a_read_only_replica_refuses_writes_and_serves_reads(
    server: Server, open_on: Callable[..., Any], tmp_path: Path
) -> None:
    open_on(server.url).set("key", 1)
    server.client().config_set("repl-diskless-sync-delay", "0")
    replica = Server(tmp_path / "replica", f"replicaof 127.0.0.1 {server.port}").start()
    try:
        link = replica.client()
        end = time.monotonic() + 20
        while link.info("replication")["master_link_status"] != "up":
            assert time.monotonic() < end, "the replica did not follow"
            time.sleep(0.05)
        cache = open_on(replica.url)
        assert cache.get("key") == 1
        for name in WRITES:
            assert "read only" in fails_soon(cache, name)
        assert cache.get("key") == 1
    finally:
        replica.kill()


def test_a_user_without_write_rights(server: Server, open_on: Callable[..., Any]) -> None:
    server.client().execute_command("ACL", "SETUSER", "reader", "on", ">secret", "~*", "+@read")
    open_on(server.url).set("key", 1)
    cache = open_on(server.url.replace("//", "//reader:secret@"))

    assert cache.get("key") == 1
    for name in WRITES:
        told = fails_soon(cache, name)
        assert "rights" in told
        assert "secret" not in told
    assert cache.get("key") == 1


def test_a_user_who_may_only_set(server: Server, open_on: Callable[..., Any]) -> None:
    server.client().execute_command(
        "ACL", "SETUSER", "setter", "on", ">secret", "~*", "+set", "+mget", "+pttl"
    )  # fmt: skip
    cache = open_on(server.url.replace("//", "//setter:secret@"))
    cache.set_many({"a": 1, "b": 2}, ttl=60)

    assert cache.get_many(["a", "b"]) == {"a": 1, "b": 2}


def test_a_wrong_password(server: Server, open_on: Callable[..., Any]) -> None:
    server.client().execute_command("ACL", "SETUSER", "someone", "on", ">right", "~*", "+@all")
    cache = open_on(server.url.replace("//", "//someone:wrong@"))

    told = fails_soon(cache, "get")
    assert "password in the URL" in told
    assert "wrong@" not in told


def test_errors_may_be_misses(server: Server, open_on: Callable[..., Any]) -> None:
    cache = open_on(server.url, on_error="miss")
    cache.set("key", 1)
    server.kill()

    assert cache.get("key", "default") == "default"
    cache.set("key", 2)
    assert not cache.delete("key")
    assert cache.get_or_set("key", lambda: "computed") == "computed"
    assert cache.incr("counter", 3) == 3
    assert cache.keys() == []
    stats = cache.stats()
    assert (stats.hits, stats.sets) == (0, 1)
    assert stats.errors >= 6
    assert "isn't asked again" in cache.problem()


def test_tiers_work_on_when_the_server_is_gone(server: Server, open_on: Callable[..., Any]) -> None:
    other = open_on(server.url)
    cache = open_on("tiered", tiers=["in_memory", server.url])
    cache.set_many({"a": 1, "b": 2, "c": 3})
    server.hang()
    start = time.monotonic()
    assert cache.get_many(["a", "b", "x"]) == {"a": 1, "b": 2}
    cache.set("a", 10)
    cache.delete("b")
    assert cache.get("a") == 10
    assert time.monotonic() - start < PATIENCE
    assert cache.stats().errors > 0
    server.go_on()

    # What changed meanwhile is no longer served by the tier that did not learn of it.
    tiers = backend_of(cache).tiers
    tiers[1].backend.link.breaker.reset()
    tiers[0].backend.backend.clear()
    assert cache.get_many(["a", "b", "c"]) == {"c": 3}
    assert other.get_many(["a", "b", "c"]) == {"c": 3}


@pytest.mark.parametrize("url", ["redis://127.0.0.1:bad", "redis://", "unix://", "redis:"])
def test_urls_that_lead_nowhere_are_refused(url: str) -> None:
    with pytest.raises(CacheError, match=r"URL|backend") as raised:
        open_cache("wrong", url)

    assert "\n" not in str(raised.value)
