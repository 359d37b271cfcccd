"""Caches of every kind, behind both faces."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pytest_cachekit.caching import open_async_cache, open_cache
from pytest_cachekit.plugin.caches import CacheFactory, SteppedClock

from .driven import Driven
from .servers import Server, TLSDoor, certificate
from .several_servers import Cluster, running

KINDS = {
    "memory": ["memory"],
    "file": ["file"],
    "fakeredis": ["redis"],
    "server": ["server"],
    "cluster": ["cluster"],
    "memory over fakeredis": ["memory", "redis"],
    "memory over file": ["memory", "file"],
    "memory over server": ["memory", "server"],
    "memory over file over fakeredis": ["memory", "file", "redis"],
    "server with TLS, user and password": ["secure"],
}
FACES = ("plain", "awaited")


@dataclass
class Makers:
    """Makes caches of one kind behind one face."""

    kind: str
    face: str
    clock: SteppedClock
    make: Callable[..., Any]

    @property
    def keeps_time_by_server(self) -> bool:
        return any(word in self.kind for word in ("redis", "server", "cluster"))

    def __call__(self, **options: Any) -> Any:
        return self.make(**options)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A real server."""
    running = Server(tmp_path_factory.mktemp("server")).start()
    yield running
    running.kill()


@pytest.fixture(scope="session")
def secure_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a real server that wants TLS, a user and a password."""
    directory = tmp_path_factory.mktemp("secure")
    key, public = certificate(directory)
    running = Server(
        directory,
        "user default off",
        "user tester on >open-sesame ~* &* +@all",
        password="open-sesame",
    ).start()
    door = TLSDoor(running, key, public)
    yield f"{door.url}?ssl_ca_certs={public}"
    door.close()
    running.kill()


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Three real servers that are a cluster."""
    with running(Cluster(tmp_path_factory.mktemp("cluster"))) as started:
        yield started


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    running = asyncio.new_event_loop()
    yield running
    running.close()


def factory_for(
    request: pytest.FixtureRequest, tmp_path: Path, clock: SteppedClock, tiers: list[str]
) -> CacheFactory:
    url = ""
    if "server" in tiers:
        url = request.getfixturevalue("server").url
    elif "cluster" in tiers:
        url = request.getfixturevalue("cluster").url
    elif "secure" in tiers:
        url = request.getfixturevalue("secure_url")
    return CacheFactory(tmp_path, clock, url)


@pytest.fixture(params=FACES)
def face(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=FACES)
def open_on(
    request: pytest.FixtureRequest, loop: asyncio.AbstractEventLoop
) -> Iterator[Callable[..., Any]]:
    """Open a cache on a server, behind each face."""
    opened: list[Any] = []

    def open_one(url: str, **options: Any) -> Any:
        if request.param == "plain":
            opened.append(open_cache("faults", url, **options))
        else:
            opened.append(Driven(open_async_cache("faults", url, **options), loop))
        return opened[-1]

    yield open_one
    for cache in opened:
        cache.close() if request.param == "plain" else cache.disconnect()


@pytest.fixture(params=KINDS)
def make(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    cachekit_clock: SteppedClock,
    loop: asyncio.AbstractEventLoop,
    face: str,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Makers]:
    """A maker of caches: `make(ttl=5)`; each has a namespace of its own, unless told one."""
    names = KINDS[request.param]
    if "secure" in names:
        # Each client reads all certificates that this machine trusts, which takes it a while.
        monkeypatch.setenv("SSL_CERT_FILE", os.devnull)
        monkeypatch.setenv("SSL_CERT_DIR", os.devnull)
    factory = factory_for(request, tmp_path, cachekit_clock, names)
    driven: list[Driven] = []
    kinds = ["redis" if name in ("server", "cluster", "secure") else name for name in names]

    def make_cache(**options: Any) -> Any:
        maker: Callable[..., Any] = factory.awaited if face == "awaited" else factory
        if len(kinds) == 1:
            cache = maker(kinds[0], **options)
        else:
            cache = maker(
                "tiered", tiers=factory.tiers(kinds, awaited=face == "awaited"), **options
            )
        if face == "plain":
            return cache
        driven.append(Driven(cache, loop))
        return driven[-1]

    yield Makers(request.param, face, cachekit_clock, make_cache)
    for cache in driven:
        cache.disconnect()
    factory.close()


@pytest.fixture
def cache(make: Makers) -> Any:
    """An empty cache of each kind, behind each face."""
    return make()
