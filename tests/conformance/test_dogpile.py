"""The generic suite that dogpile.cache ships for the authors of backends."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pytest

from pytest_cachekit.caching import Cache
from pytest_cachekit.plugin.caches import CacheFactory

pytest.importorskip("dogpile.cache", reason="dogpile.cache is missing")

from dogpile import lock
from dogpile.cache import region, register_backend
from dogpile.cache.api import NO_VALUE, BytesBackend
from dogpile.testing import fixtures

_TIMES_AS_FAST = 10
_opened: dict[str, Cache] = {}


class KitMutex:
    """A lock by `Cache.add`, which stores only what isn't there."""

    def __init__(self, cache: Cache, key: str) -> None:
        self._cache, self._key = cache, f"lock of {key}"

    def acquire(self, wait: bool = True) -> bool:
        while not self._cache.add(self._key, True):
            if not wait:
                return False
            time.sleep(0.001)
        return True

    def release(self) -> None:
        self._cache.delete(self._key)

    def locked(self) -> bool:
        return self._key in self._cache


class KitBackend(BytesBackend):
    """Our cache in the clothes of a dogpile backend; a later one opens the same."""

    def __init__(self, arguments: Mapping[str, Any]) -> None:
        self.cache = _opened["cache"]

    def get_mutex(self, key: str) -> Any:
        return KitMutex(self.cache, key)

    def get_serialized(self, key: str) -> Any:
        return self.cache.get(key, NO_VALUE)

    def get_serialized_multi(self, keys: Iterable[str]) -> Any:
        wanted = list(keys)
        found = self.cache.get_many(wanted)
        return [found.get(key, NO_VALUE) for key in wanted]

    def set_serialized(self, key: str, value: bytes) -> None:
        self.cache.set(key, value)

    def set_serialized_multi(self, mapping: Mapping[str, bytes]) -> None:
        self.cache.set_many(mapping)

    def delete(self, key: str) -> None:
        self.cache.delete(key)

    def delete_multi(self, keys: Iterable[str]) -> None:
        self.cache.delete_many(keys)


register_backend("cachekit", __name__, "KitBackend")  # type: ignore[no-untyped-call]


class Hurry:
    """The module `time`, in which it passes faster: the suite sleeps for half a minute."""

    def time(self) -> float:
        return time.time() * _TIMES_AS_FAST

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds / _TIMES_AS_FAST)


@pytest.fixture(autouse=True)
def _cache(
    request: pytest.FixtureRequest, cachekit_factory: CacheFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    for module in (fixtures, region, lock):
        monkeypatch.setattr(module, "time", Hurry())
    _opened["cache"] = cachekit_factory(request.cls.kind)
    yield
    del _opened["cache"]


class Suite(
    fixtures._GenericBackendTestSuite,
    fixtures._GenericSerializerTestSuite,
    fixtures._GenericMutexTestSuite,
):
    """All three of its parts."""

    backend = "cachekit"
    config_args = {"arguments": {"url": "memory:"}}  # noqa: RUF012  it is theirs
    kind: str

    @classmethod
    def setup_class(cls) -> None:
        """Leave out what the suite does here: it looks for a backend before a test has one."""


class TestMemory(Suite):
    kind = "memory"


class TestFile(Suite):
    kind = "file"


class TestRedis(Suite):
    kind = "redis"


class TestTiered(Suite):
    kind = "tiered"
