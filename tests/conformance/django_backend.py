"""Our cache in the clothes of a Django backend."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache

from pytest_cachekit.caching import Cache
from pytest_cachekit.errors import CodecError

caches: dict[str, Cache] = {}
"""By location, as the settings of the tests name them."""


class KitCache(BaseCache):  # type: ignore[misc]
    """Keys, versions and default times are Django's; everything else is ours.

    Counting is Django's too, a read and a write: pickles are signed, and can't be counted.
    """

    def __init__(self, location: str, params: dict[str, Any]) -> None:
        super().__init__(params)
        self._location = location

    @property
    def _cache(self) -> Cache:
        return caches[self._location]

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        return self._cache.get(self._key(key, version), default)

    def set(
        self, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None
    ) -> None:
        self.set_many({key: value}, timeout, version)

    def add(
        self, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None
    ) -> bool:
        name, life = self._key(key, version), self._life(timeout)
        if life <= 0:
            return name not in self._cache
        try:
            return self._cache.add(name, value, life)
        except CodecError as error:
            raise (error.__cause__ or error) from None

    def touch(self, key: str, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        name, life = self._key(key, version), self._life(timeout)
        return self._cache.touch(name, life) if life > 0 else self._cache.delete(name)

    def delete(self, key: str, version: int | None = None) -> bool:
        return self._cache.delete(self._key(key, version))

    def has_key(self, key: str, version: int | None = None) -> bool:
        return self._key(key, version) in self._cache

    def get_many(self, keys: list[str], version: int | None = None) -> dict[str, Any]:
        named = {self._key(key, version): key for key in keys}
        return {named[name]: value for name, value in self._cache.get_many(named).items()}

    def set_many(
        self, data: Mapping[str, Any], timeout: Any = DEFAULT_TIMEOUT, version: int | None = None
    ) -> list[str]:
        named = {self._key(key, version): value for key, value in data.items()}
        life = self._life(timeout)
        if life <= 0:
            # There that is an entry that has expired; here it is an error.
            self._cache.delete_many(named)
            return []
        try:
            self._cache.set_many(named, life)
        except CodecError as error:
            raise (error.__cause__ or error) from None
        return []

    def delete_many(self, keys: list[str], version: int | None = None) -> None:
        self._cache.delete_many([self._key(key, version) for key in keys])

    def clear(self) -> None:
        self._cache.clear()

    def _key(self, key: str, version: int | None) -> str:
        return str(self.make_and_validate_key(key, version))

    def _life(self, timeout: Any) -> float:
        seconds = self.default_timeout if timeout is DEFAULT_TIMEOUT else timeout
        return float("inf") if seconds is None else float(seconds)
