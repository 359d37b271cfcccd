"""Servers that are one: a cluster whose slots move, servers that die and others that take over."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_cachekit.caching import open_async_cache, open_cache
from pytest_cachekit.errors import CacheError, CounterError, StorageError
from pytest_cachekit.storage import open_backend
from pytest_cachekit.storage.backend import tag_of

from .driven import Driven
from .servers import Server, free_port
from .several_servers import Cluster, Sentinels, node_of, running
from .test_server_faults import let_recover

ITEMS = {f"key{number}": number for number in range(300)}
PATIENCE = 1.5


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[Cluster]:
    """A cluster whose servers a test may kill."""
    with running(Cluster(tmp_path / "cluster")) as started:
        yield started


@pytest.fixture
def sentinels(tmp_path: Path) -> Iterator[Sentinels]:
    with running(Sentinels(tmp_path)) as started:
        yield started


def both_faces(url: str, loop: asyncio.AbstractEventLoop, **options: Any) -> list[Any]:
    return [
        open_cache("plain", url, **options),
        Driven(open_async_cache("awaited", url, **options), loop),
    ]


def lies_elsewhere(cluster: Cluster, key: str) -> bool:
    return cluster.owner_of(f"cachekit:faults:{key}") is not cluster.masters[0]


def close(caches: list[Any]) -> None:
    plain, awaited = caches
    plain.close()
    awaited.disconnect()


class Move:
    """One slot of a cluster, on its way from a master to another."""

    def __init__(self, cluster: Cluster, name: str) -> None:
        self._masters = cluster.masters
        self.source = cluster.owner_of(name)
        self.target = next(server for server in cluster.masters if server is not self.source)
        self._slot = self.source.client().execute_command("CLUSTER", "KEYSLOT", name)

    def begin(self) -> None:
        self._set(self.target, "IMPORTING", node_of(self.source))
        self._set(self.source, "MIGRATING", node_of(self.target))
        source = self.source.client()
        for name in source.execute_command("CLUSTER", "GETKEYSINSLOT", self._slot, 1000):
            source.execute_command("MIGRATE", "127.0.0.1", self.target.port, name, 0, 5000)

    def end(self) -> None:
        for server in (self.target, self.source, *self._masters):
            self._set(server, "NODE", node_of(self.target))

    def _set(self, server: Server, *state: str) -> None:
        server.client().execute_command("CLUSTER", "SETSLOT", self._slot, *state)


def test_a_batch_finds_keys_whose_slot_moves(cluster: Cluster, open_on: Callable[..., Any]) -> None:
    cache = open_on(cluster.url)
    cache.set_many(ITEMS)
    moving = Move(cluster, "cachekit:faults:key7")
    moving.begin()

    assert cache.get_many(ITEMS) == ITEMS
    assert cache.get("key7") == 7
    assert sorted(cache.keys("key")) == sorted(ITEMS)
    moving.end()
    # The next batch is sent to where the slot was, and told where it is.
    assert cache.get_many(ITEMS) == ITEMS
    cache.set_many(dict.fromkeys(ITEMS, 1), ttl=60)
    assert cache.get_many(ITEMS) == dict.fromkeys(ITEMS, 1)
    assert cache.clear() == len(ITEMS)


def test_values_are_replaced_where_nobody_was_faster(cluster: Cluster) -> None:
    backend = open_backend(cluster.url, prefix="replaced:")
    names = [f"key{number}" for number in range(500)]
    assert backend.replace_many(dict.fromkeys(names, (None, b"first"))) == {}
    backend.set_many({"key3": b"another's"})

    held = backend.replace_many({name: (tag_of(b"first"), b"second") for name in names})

    assert held == {"key3": b"another's"}
    assert backend.get_many(names) == {**dict.fromkeys(names, b"second"), "key3": b"another's"}
    assert backend.replace_many({"key4": (tag_of(b"second"), None)}) == {}
    assert backend.size().entries == len(names) - 1
    backend.clear()


def test_counters_keep_all_their_digits(cluster: Cluster, open_on: Callable[..., Any]) -> None:
    cache = open_on(cluster.url)
    cache.delete("counter")

    assert cache.incr("counter", 2**62 + 1, ttl=60) == 2**62 + 1
    assert cache.incr("counter", 1, ttl=60) == 2**62 + 2
    cache.set("text", "no number")
    with pytest.raises(CounterError):
        cache.incr("text", ttl=60)


@pytest.mark.parametrize("end", [Server.kill, Server.hang], ids=["killed", "hung"])
def test_a_replica_that_took_over_serves_what_the_master_held(
    mortal: Cluster, loop: asyncio.AbstractEventLoop, end: Callable[[Server], None]
) -> None:
    caches = both_faces(mortal.url, loop)
    for cache in caches:
        cache.set_many(ITEMS)
    master = mortal.masters[1]
    replica = mortal.replica_of(master)
    end(master)
    for cache in caches:
        with pytest.raises(StorageError, match="see that it runs"):
            cache.get_many(ITEMS)
    mortal.take_over(replica, master)

    for cache in caches:
        let_recover(cache)
        assert cache.get_many(ITEMS) == ITEMS
        cache.set_many(dict.fromkeys(ITEMS, 1))
        assert cache.get_many(ITEMS) == dict.fromkeys(ITEMS, 1)
    close(caches)


def test_a_failover_behind_sentinels_is_not_noticed(
    sentinels: Sentinels, loop: asyncio.AbstractEventLoop
) -> None:
    caches = both_faces(sentinels.url, loop)
    for cache in caches:
        cache.set_many(ITEMS)
    sentinels.fail_over()

    for cache in caches:
        assert cache.get_many(ITEMS) == ITEMS
        cache.set_many(dict.fromkeys(ITEMS, 1), ttl=60)
        assert cache.get_many(ITEMS) == dict.fromkeys(ITEMS, 1)
    sentinels.kill()
    for cache in caches:
        with pytest.raises(StorageError, match="no Sentinel names a master"):
            cache.get("key1")
    close(caches)


def test_a_service_that_no_sentinel_knows(
    sentinels: Sentinels, open_on: Callable[..., Any]
) -> None:
    cache = open_on(sentinels.url.replace("/main", "/other"))

    with pytest.raises(StorageError, match="know this service"):
        cache.get("key")


def test_servers_that_hang_cost_a_second_at_most(cluster: Cluster) -> None:
    known, fresh = (open_backend(cluster.url, deadline=1.0) for _ in range(2))
    known.set_many({f"key{number}": b"value" for number in range(1000)})
    for server in cluster.masters:
        server.hang()
    try:
        for backend in (known, fresh):
            start = time.monotonic()
            with pytest.raises(StorageError):
                backend.get_many(f"key{number}" for number in range(1000))
            assert time.monotonic() - start < PATIENCE
    finally:
        for server in cluster.masters:
            server.go_on()


def test_a_wrong_password(cluster: Cluster, open_on: Callable[..., Any]) -> None:
    cache = open_on(cluster.url.replace("//", "//someone:wrong@"))

    with pytest.raises(StorageError, match="password in the URL") as raised:
        cache.get("key")
    assert "wrong@" not in str(raised.value)


def test_the_url_of_one_server_of_a_cluster(cluster: Cluster, open_on: Callable[..., Any]) -> None:
    cache = open_on(cluster.masters[0].url)

    for keys in (ITEMS, [next(key for key in ITEMS if lies_elsewhere(cluster, key))]):
        with pytest.raises(StorageError, match=r"write redis\+cluster://"):
            cache.get_many(keys)


def test_a_server_that_belongs_to_no_cluster(server: Server, open_on: Callable[..., Any]) -> None:
    cache = open_on(server.url.replace("redis://", "redis+cluster://").removesuffix("/0"))

    with pytest.raises(StorageError, match="luster"):
        cache.get("key")


@pytest.mark.parametrize(
    "url",
    [
        *("redis+cluster://", "redis+cluster:///0", "redis+cluster://host/1"),
        *("redis+cluster://host:port", "redis+cluster://a,,b", "redis+other://host"),
        *("redis+sentinel://host", "redis+sentinel://host/", "redis+sentinel://host/main/one"),
        *("redis+sentinel://host/main/0/1", "unix+cluster:///socket"),
        *("redis+cluster://host?socket_timeout=soon", "redis+sentinel://me:secret@/main"),
    ],
)
def test_urls_that_lead_nowhere_are_refused(url: str) -> None:
    with pytest.raises(CacheError, match="URL") as raised:
        open_cache("wrong", url)

    assert "\n" not in str(raised.value)
    assert "secret" not in str(raised.value)


def test_a_pool_is_for_one_server() -> None:
    with pytest.raises(StorageError, match="pool_size is for a single server"):
        open_cache("pool", f"redis+cluster://127.0.0.1:{free_port()}", pool_size=3)
