"""The cache: values under keys, over any backend."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from typing import Any

from ..storage import AsyncBackend, Backend
from ..storage.closing import Closing
from ..storage.waiting import awaited, run_now
from .codec import Codec
from .core import CacheCore
from .lease import BlockingWait
from .lifetime import TTL
from .stats import CacheStats


class Cache(CacheCore, Closing):
    """Values under string keys, with times to live, over memory, files, Redis or tiers of them.

    All methods that ask a backend may raise `StorageError`, unless the cache was made with
    `on_error="miss"`: then a backend that fails knows nothing and stores nothing, which the
    statistics count as errors. What can't be decoded is a miss and an error in the statistics.
    """

    def __init__(
        self,
        backend: Backend | AsyncBackend,
        *,
        namespace: str = "",
        ttl: TTL = None,
        codec: Codec | None = None,
        on_error: str = "raise",
        lease: float = 30.0,
        is_alone: bool = False,
    ) -> None:
        """Keep values in `backend`.

        Args:
            backend: where; one that never suspends.
            namespace: what sets this cache's keys apart from others' in the same backend.
            ttl: how long values live that are stored without a time of their own.
            codec: how values become bytes; msgpack by default.
            on_error: `raise`, or `miss`.
            lease: seconds after which processes no longer wait for one that computes a value.
            is_alone: whether nobody else uses the backend, so that its keys need no namespace.
        """
        super().__init__(
            awaited(backend, threads=False),
            BlockingWait(),
            namespace=namespace,
            ttl=ttl,
            codec=codec,
            on_error=on_error,
            lease=lease,
            is_alone=is_alone,
        )

    get = CacheCore._get_here
    set = CacheCore._set_here

    def add(self, key: str, value: Any, ttl: TTL = None) -> bool:
        """Store `value` unless `key` is there; return whether it was stored."""
        return run_now(self._add(key, value, ttl))

    def delete(self, key: str) -> bool:
        """Remove `key`; return whether it was there."""
        return run_now(self._delete_many([key])) > 0

    def has(self, key: str) -> bool:
        """Return whether `key` is there; this counts as no read."""
        return run_now(self._has(key))

    __contains__ = has

    def clear(self) -> int:
        """Remove all keys of this cache, and of no other; return how many."""
        return run_now(self._clear())

    def get_many(self, keys: Iterable[str]) -> dict[str, Any]:
        """Return the values of those `keys` that are there, in one batch."""
        return run_now(self._get_many(keys))

    def set_many(self, items: Mapping[str, Any], ttl: TTL = None) -> None:
        """Store all `items`, in one batch."""
        run_now(self._set_many(items, ttl))

    def delete_many(self, keys: Iterable[str]) -> int:
        """Remove `keys`; return how many were there."""
        return run_now(self._delete_many(keys))

    def get_or_set(self, key: str, factory: Callable[[], Any], ttl: TTL = None) -> Any:
        """Return the value of `key`; if there is none, compute it by `factory` and store it.

        One caller computes, and the others wait: threads of this process, and other processes
        that share the backend. What `factory` raises is raised to its caller, and somebody else
        computes. The value comes back as it will from `get`.
        """
        return run_now(self._get_or_set(key, factory, ttl))

    def touch(self, key: str, ttl: TTL = None) -> bool:
        """Give `key` a new time to live; return whether it was there."""
        return run_now(self._touch(key, ttl))

    def incr(self, key: str, delta: int = 1, ttl: TTL = None) -> int:
        """Add `delta` to the integer at `key` in one step, and return the sum.

        A new one starts at 0, and `ttl` is for it; one that is there keeps its time.

        Raises:
            CounterError: what is there is no integer, or would leave 64 bits.
        """
        return run_now(self._incr(key, delta, ttl))

    def keys(self, prefix: str = "") -> list[str]:
        """Return the keys that start with `prefix`, in no order."""
        return run_now(self._keys(prefix))

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __len__(self) -> int:
        return self.stats().size

    def __bool__(self) -> bool:
        # An empty cache is a cache.
        return True

    def stats(self) -> CacheStats:
        """Return what the cache did and holds."""
        return run_now(self._stats())

    def stats_by_tier(self) -> list[CacheStats]:
        """Return what each tier did and holds, nearest first.

        Caches that share the tiers are counted together, sizes apart.
        """
        return run_now(self._stats_by_tier())

    def problem(self) -> str | None:
        """Ask the backend something; return what is wrong and what to do, None if all is well."""
        return run_now(self._problem())

    def as_mapping(self) -> MutableMapping[str, Any]:
        """Return a view that is used like a dictionary."""
        from .mapping import CacheMapping

        return CacheMapping(self)

    def close(self) -> None:
        """Release what the backend holds open."""
        run_now(self._backend.close())

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.namespace!r} in {self.backend_url}>"
