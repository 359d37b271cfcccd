"""Fixtures that hand out caches, for the suites of others; nothing is imported until one is used.

PYTEST_DONT_REWRITE: there are no assertions here.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ..caching import AsyncCache, Cache
    from .caches import CacheFactory, Outage, SteppedClock

MARKER = (
    "cachekit_backends(*names): the backends that the fixtures cachekit and cachekit_async go "
    "through in this test: memory, file, redis, tiered."
)
BACKENDS = ("memory", "file", "redis", "tiered")
_ON_REDIS = ("redis", "tiered")
_USES_REDIS = frozenset(f"cachekit_{face}{name}" for face in ("", "async_") for name in _ON_REDIS)
_redis_key: pytest.StashKey[bool] = pytest.StashKey()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make a test that uses `cachekit` or `cachekit_async` once for each backend."""
    names = metafunc.fixturenames
    for fixture in ("cachekit", "cachekit_async"):
        if fixture in names and _is_ours(metafunc, fixture):
            chosen = _chosen(metafunc)
            metafunc.parametrize(fixture, chosen, indirect=True)
            if not set(chosen).isdisjoint(_ON_REDIS):
                metafunc.config.stash[_redis_key] = True
    if not _USES_REDIS.isdisjoint(names):
        metafunc.config.stash[_redis_key] = True


def _is_ours(metafunc: pytest.Metafunc, name: str) -> bool:
    """Return whether a fixture is this module's, and no project's of the same name."""
    definitions = metafunc._arg2fixturedefs.get(name)
    return not definitions or definitions[-1].func.__module__ == __name__


def pytest_report_collectionfinish(config: pytest.Config) -> str | list[str]:
    """Say which Redis the fixtures use, where a test uses one."""
    if not config.stash.get(_redis_key, False):
        return []
    from .caches import describe_redis

    return f"cachekit: redis fixtures use {describe_redis(_redis_url(config))}"


@pytest.fixture
def cachekit_clock() -> SteppedClock:
    """A clock that stands until the test moves it: `cachekit_clock.advance(seconds)`.

    All caches of the other fixtures keep time by it, also those on Redis.
    """
    from .caches import SteppedClock

    return SteppedClock()


@pytest.fixture
def cachekit_factory(
    request: pytest.FixtureRequest, tmp_path: Path, cachekit_clock: SteppedClock
) -> Iterator[CacheFactory]:
    """Make caches: `cachekit_factory("memory", ttl=60)`; all are empty, and gone after the test."""
    from .caches import CacheFactory

    factory = CacheFactory(tmp_path, cachekit_clock, _redis_url(request.config))
    yield factory
    factory.close()


@pytest.fixture
def cachekit_outage(cachekit_factory: CacheFactory) -> Iterator[Outage]:
    """Take the Redis server away, `begin()`, and bring it back, `end()`; or use it in a `with`."""
    yield cachekit_factory.outage
    cachekit_factory.outage.end()


@pytest.fixture
def cachekit(request: pytest.FixtureRequest, cachekit_factory: CacheFactory) -> Cache:
    """An empty cache; the test runs once for each backend."""
    return cachekit_factory(request.param)


@pytest.fixture
def cachekit_async(request: pytest.FixtureRequest, cachekit_factory: CacheFactory) -> AsyncCache:
    """An empty cache to await; the test runs once for each backend."""
    return cachekit_factory.awaited(request.param)


@pytest.fixture
def cachekit_memory(cachekit_factory: CacheFactory) -> Cache:
    """An empty cache in memory."""
    return cachekit_factory("memory")


@pytest.fixture
def cachekit_file(cachekit_factory: CacheFactory) -> Cache:
    """An empty cache in a directory of its own."""
    return cachekit_factory("file")


@pytest.fixture
def cachekit_redis(cachekit_factory: CacheFactory) -> Cache:
    """An empty cache on Redis: fakeredis, or the server of --cachekit-redis-url."""
    return cachekit_factory("redis")


@pytest.fixture
def cachekit_tiered(cachekit_factory: CacheFactory) -> Cache:
    """An empty cache in memory with Redis below it."""
    return cachekit_factory("tiered")


@pytest.fixture
def cachekit_async_memory(cachekit_factory: CacheFactory) -> AsyncCache:
    """An empty cache in memory, to await."""
    return cachekit_factory.awaited("memory")


@pytest.fixture
def cachekit_async_file(cachekit_factory: CacheFactory) -> AsyncCache:
    """An empty cache in a directory of its own, to await."""
    return cachekit_factory.awaited("file")


@pytest.fixture
def cachekit_async_redis(cachekit_factory: CacheFactory) -> AsyncCache:
    """An empty cache on Redis, to await: fakeredis, or the server of --cachekit-redis-url."""
    return cachekit_factory.awaited("redis")


@pytest.fixture
def cachekit_async_tiered(cachekit_factory: CacheFactory) -> AsyncCache:
    """An empty cache in memory with Redis below it, to await."""
    return cachekit_factory.awaited("tiered")


def _redis_url(config: pytest.Config) -> str:
    from .entry import settings_of

    return settings_of(config).cachekit_redis_url


def _chosen(metafunc: pytest.Metafunc) -> list[str]:
    marker = metafunc.definition.get_closest_marker("cachekit_backends")
    if marker is not None:
        chosen, place = [str(name) for name in marker.args], "the marker cachekit_backends"
    else:
        from .entry import settings_of

        names = settings_of(metafunc.config).cachekit_backends
        chosen, place = [name.strip() for name in names.split(",")], "cachekit-backends"
    if not chosen or not set(chosen) <= set(BACKENDS):
        raise pytest.UsageError(
            f"{place} says {', '.join(chosen) or 'nothing'}: write some of {', '.join(BACKENDS)}."
        )
    return chosen
