"""A cache as a dictionary."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import Any

from .cache import Cache
from .core import MISSING


class CacheMapping(MutableMapping[str, Any]):
    """A view of a cache with the methods of a dictionary.

    A key that isn't there is a `KeyError`, also if it has expired since somebody saw it.
    """

    def __init__(self, cache: Cache) -> None:
        self._cache = cache

    def __getitem__(self, key: str) -> Any:
        value = self._cache.get(key, MISSING)
        if value is MISSING:
            raise KeyError(key)
        return value

    def __setitem__(self, key: str, value: Any) -> None:
        self._cache.set(key, value)

    def __delitem__(self, key: str) -> None:
        if not self._cache.delete(key):
            raise KeyError(key)

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self._cache.has(key)

    def __iter__(self) -> Iterator[str]:
        return iter(self._cache.keys())

    def __len__(self) -> int:
        return len(self._cache)

    def clear(self) -> None:
        """Remove all keys of the cache."""
        self._cache.clear()

    def __repr__(self) -> str:
        return repr(dict(self))
