"""Caches for one test: empty, apart from all others, on a clock that the test moves."""

from __future__ import annotations

import socket
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

from ..caching import AsyncCache, Cache, open_async_cache, open_cache
from ..errors import StorageError
from ..storage.breaker import Breaker
from ..storage.redis import RedisBackend
from ..storage.redis_client import without_password
from ..storage.redis_opening import backend_type, client_maker

_START = 1_700_000_000.0


class SteppedClock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = _START
        self.listeners: list[Callable[[float], None]] = []

    def __call__(self) -> float:
        """Return the seconds that it shows."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Move it on by `seconds`."""
        self.now += seconds
        for listener in self.listeners:
            listener(seconds)


class Outage:
    """A server that is gone for a while, as seen by the caches of one test."""

    def __init__(self) -> None:
        self._links: list[tuple[RedisBackend, Callable[[], Any], bool]] = []
        self._socket: socket.socket | None = None

    def add(self, backend: RedisBackend, make_client: Callable[[], Any], awaited: bool) -> None:
        """Let `backend`, whose clients `make_client` makes, take part."""
        self._links.append((backend, make_client, awaited))
        if self._socket is not None:
            self._lead_astray(backend, awaited)

    def begin(self, *, hang: bool = False) -> Self:
        """Take the server away.

        Args:
            hang: it accepts connections and never answers; otherwise it refuses them.
        """
        self.end()
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=8) if hang else _closed()
        for backend, _, awaited in self._links:
            self._lead_astray(backend, awaited)
        return self

    def end(self) -> None:
        """Bring the server back, with all that it held."""
        if self._socket is None:
            return
        self._socket.close()
        self._socket = None
        for backend, make_client, _ in self._links:
            backend.link.reconnect(make_client)

    def __enter__(self) -> Self:
        return self if self._socket is not None else self.begin()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.end()

    def _lead_astray(self, backend: RedisBackend, awaited: bool) -> None:
        assert self._socket is not None
        scheme = backend.url.partition("://")[0]
        service = "/none" if scheme.endswith("+sentinel") else ""
        url = f"{scheme}://127.0.0.1:{self._socket.getsockname()[1]}{service}"
        backend.link.reconnect(client_maker(url, asynchronous=awaited))


class CacheFactory:
    """Makes caches for one test and removes what they held."""

    def __init__(self, directory: Path, clock: SteppedClock, redis_url: str) -> None:
        """Keep files in `directory`, and use the server at `redis_url`, or fakeredis if empty."""
        self.outage = Outage()
        self._directory = directory
        self._clock = clock
        self._url = redis_url
        self._prefix = f"cachekit-test:{uuid.uuid4().hex}:"
        self._fake: Any = None
        self._made = 0
        self._open: list[Cache] = []
        self._keeper: Any = None

    def __call__(self, backend: str = "memory", **options: Any) -> Cache:
        """Make a cache: `memory`, `file`, `redis`, `tiered`, or what `open_cache` takes."""
        name, what, options = self._plan(backend, options, awaited=False)
        cache = open_cache(name, what, **options)
        self._open.append(cache)
        return cache

    def awaited(self, backend: str = "memory", **options: Any) -> AsyncCache:
        """Make a cache to await."""
        name, what, options = self._plan(backend, options, awaited=True)
        return open_async_cache(name, what, **options)

    def close(self) -> None:
        """Close all caches, and remove what they stored on a server."""
        self.outage.end()
        for cache in self._open:
            with suppress(StorageError):
                cache.close()
        if self._keeper is not None:
            with suppress(Exception):
                names = list(self._keeper.scan_iter(self._prefix + "*", count=1000))
                if names:
                    self._keeper.unlink(*names)
                self._keeper.close()

    def tiers(self, names: Sequence[str], *, awaited: bool = False) -> list[dict[str, Any]]:
        """Return the option `tiers` for a tiered cache of `names`, nearest first."""
        return [self._tier(name, awaited) for name in names]

    def _plan(
        self, backend: str, options: dict[str, Any], *, awaited: bool
    ) -> tuple[str, Any, dict[str, Any]]:
        self._made += 1
        name = options.pop("name", f"test{self._made}")
        if backend == "tiered":
            options.setdefault("tiers", self.tiers(("memory", "redis"), awaited=awaited))
            return name, backend, options
        options = {**self._tier(backend, awaited), **options}
        return name, options.pop("backend"), options

    def _tier(self, name: str, awaited: bool) -> dict[str, Any]:
        if name == "memory":
            return {"backend": "in_memory", "clock": self._clock}
        if name == "file":
            directory = self._directory / "cachekit"
            return {"backend": "file_based", "directory": directory, "clock": self._clock}
        return {"backend": self._redis(awaited) if name == "redis" else name}

    def _redis(self, awaited: bool) -> RedisBackend:
        if self._keeper is None:
            self._keeper = self._client(awaited=False)
            self._clock.listeners.append(self._age)

        def make_client() -> Any:
            return self._client(awaited=awaited)

        url = self._url or "redis://fakeredis"
        backend = backend_type(url)(
            make_client,
            url=without_password(url),
            prefix=self._prefix,
            breaker=Breaker(clock=self._clock),
        )
        self.outage.add(backend, make_client, awaited)
        return backend

    def _client(self, *, awaited: bool) -> Any:
        if self._url:
            return client_maker(self._url, asynchronous=awaited, timeout=2.0)()
        fakeredis = _import_fakeredis()
        if self._fake is None:
            self._fake = fakeredis.FakeServer()
        make = fakeredis.FakeAsyncRedis if awaited else fakeredis.FakeRedis
        return make(server=self._fake)

    def _age(self, seconds: float) -> None:
        """Make all keys on the server older: its own clock can't be moved."""
        for name in self._keeper.scan_iter(self._prefix + "*", count=1000):
            left = self._keeper.pttl(name)
            if left < 0:
                continue
            if left <= seconds * 1000:
                self._keeper.unlink(name)
            else:
                self._keeper.pexpire(name, round(left - seconds * 1000))


def describe_redis(url: str) -> str:
    """Return which Redis a run uses, without password."""
    if url:
        return f"the server at {without_password(url)}"
    from importlib.metadata import PackageNotFoundError, version

    try:
        return f"fakeredis {version('fakeredis')}"
    except PackageNotFoundError:
        return "fakeredis, which is not installed"


def _import_fakeredis() -> Any:
    try:
        import fakeredis
    except ImportError:
        pytest.fail(
            "The fixtures for Redis need fakeredis: install pytest-cachekit[testing], or name a "
            "server with --cachekit-redis-url.",
            pytrace=False,
        )
    return fakeredis


def _closed() -> socket.socket:
    """Return a socket whose port nobody else can take and that refuses connections."""
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    return bound
