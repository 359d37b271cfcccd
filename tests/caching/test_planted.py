"""Entries that somebody else put there: no pickle is run, and no forgery is believed."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_cachekit.caching import Cache, Codec
from pytest_cachekit.plugin.caches import CacheFactory
from pytest_cachekit.storage import Backend, open_backend
from pytest_cachekit.storage.waiting import run_now

from .driven import Driven
from .servers import Server
from .traps import Trap

KEY = b"0123456789abcdef-a-key"
CODECS = {
    "msgpack": Codec(),
    "signed msgpack": Codec(signing_key=KEY),
    "json": Codec("json"),
    "pickle": Codec("pickle", signing_key=KEY),
}


@pytest.fixture(params=["memory", "file", "server"])
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backend]:
    url = "memory:" if request.param == "memory" else f"file:{tmp_path / 'cache'}"
    if request.param == "server":
        running: Server = request.getfixturevalue("server")
        url = running.url
        running.client().flushall()
    opened = open_backend(url)
    yield opened
    opened.close()


@pytest.mark.parametrize("name", CODECS)
def test_a_planted_pickle_is_a_miss_and_never_run(
    backend: Backend, name: str, tmp_path: Path
) -> None:
    cache = Cache(backend, namespace="planted", codec=CODECS[name])
    proof = tmp_path / "executed"
    payload = pickle.dumps(Trap(proof))
    stranger = Codec("pickle", signing_key=b"the key of somebody else")
    forged = [
        payload,
        b"\xc1p" + payload,
        b"\xc1s" + bytes(32) + payload,
        b"\xc1s" + bytes(32) + b"\xc1p" + payload,
        stranger.encode("planted:key", Trap(proof)),
        payload + bytes(100_000),
    ]
    for stored in forged:
        backend.set_many({"planted:key": stored})
        assert cache.get("key", "miss") == "miss"
        assert cache.get_many(["key", "other"]) == {}
        assert cache.get_or_set("key", lambda: "computed") == "computed"

    assert cache.stats().errors >= 2 * len(forged)
    assert not proof.exists()
    pickle.loads(payload)  # The trap does work.
    assert proof.exists()


@pytest.mark.parametrize("name", ["signed msgpack", "pickle"])
def test_an_entry_replayed_under_another_key_or_namespace_is_a_miss(
    backend: Backend, name: str
) -> None:
    codec = CODECS[name]
    cache = Cache(backend, namespace="a", codec=codec)
    cache.set("admin", {"rights": "all"})
    (stored,) = backend.get_many(["a:admin"]).values()
    backend.set_many({"a:guest": stored, "b:admin": stored, "a:admin": stored})

    assert cache.get("guest", "miss") == "miss"
    assert Cache(backend, namespace="b", codec=codec).get("admin", "miss") == "miss"
    assert cache.get("admin") == {"rights": "all"}
    assert (cache.stats().hits, cache.stats().misses, cache.stats().errors) == (1, 1, 1)


def test_what_is_planted_on_redis_is_a_miss_behind_both_faces(
    cachekit_factory: CacheFactory, tmp_path: Path, loop: asyncio.AbstractEventLoop
) -> None:
    proof = tmp_path / "executed"
    planting = cachekit_factory("redis")._backend
    caches: list[Any] = [
        cachekit_factory("redis", name="n"),
        Driven(cachekit_factory.awaited("redis", name="n"), loop),
        cachekit_factory("tiered", name="n"),
    ]
    for cache in caches:
        run_now(planting.set_many({"n:key": pickle.dumps(Trap(proof))}))
        assert cache.get("key", "miss") == "miss"
    assert not proof.exists()
