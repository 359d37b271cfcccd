"""Many named caches: opened once each, watched, cleared and closed together."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator
from typing import Any, NamedTuple

from ..errors import CacheConflictError, CacheUsageError
from ..storage.closing import Closing
from ..storage.forks import survive_forks
from ..storage.memory import MemoryBackend
from .cache import Cache
from .opening import BackendName, is_in_memory, open_cache
from .stats import CacheStats


class Health(NamedTuple):
    """Whether all caches work, and of those that don't, what is wrong and what to do."""

    ok: bool
    issues: dict[str, str]


class MemoryBudget:
    """A number of bytes that several caches in memory share."""

    def __init__(self, most: int) -> None:
        """Let all together hold `most` bytes of values.

        Raises:
            CacheUsageError: that isn't positive.
        """
        if most < 1:
            raise CacheUsageError(f"max_bytes={most!r} keeps nothing: give 1 or more, or None.")
        self.most = most
        self._sharers: tuple[weakref.ref[MemoryBackend], ...] = ()

    def join(self, backend: MemoryBackend) -> None:
        """Count `backend` in, and forget those that are gone."""
        alive = (each for each in self._sharers if each() is not None)
        self._sharers = (*alive, weakref.ref(backend))

    def spend(self) -> None:
        """See `Budget.spend`: who holds most gives what it used least recently."""
        sharers = [backend for each in self._sharers if (backend := each()) is not None]
        while sum(each.held for each in sharers) > self.most:
            if not max(sharers, key=lambda each: each.held).evict():
                return


class CacheManager(Closing):
    """Opens named caches and keeps them, so that each name is one cache."""

    def __init__(self, *, max_bytes: int | None = None, **defaults: Any) -> None:
        """Start without caches.

        Args:
            max_bytes: most bytes of values that the caches in memory hold together.
            defaults: options for each cache that are not given when it is opened.
        """
        self.max_bytes = max_bytes
        self._budget = None if max_bytes is None else MemoryBudget(max_bytes)
        self._defaults = defaults
        self.after_fork()
        survive_forks(self)
        self._caches: dict[str, tuple[Cache, BackendName, dict[str, Any]]] = {}

    def get_cache(self, name: str, backend: BackendName = "in_memory", **options: Any) -> Cache:
        """Return the cache called `name`, opening it the first time.

        Args:
            name: its name and namespace.
            backend: see `open_cache`.
            options: see `open_cache`.

        Raises:
            CacheConflictError: it is open already, with another backend or other options.
            CacheUsageError: the name is empty or holds a colon, or an option is none.
            StorageError: the backend can't be used.
        """
        if not name or ":" in name:
            raise CacheUsageError(f"{name!r} is no name for a cache: write one without a colon.")
        options = {**self._defaults, **options}
        with self._lock:
            known = self._caches.get(name)
            if known is None:
                cache = self._opened(name, backend, options)
                self._caches[name] = cache, backend, options
                return cache
            if known[1:] != (backend, options):
                raise CacheConflictError(
                    f"The cache {name!r} is open with {_told(known[1], known[2])}, not with "
                    f"{_told(backend, options)}: use another name, or the same options."
                )
            return known[0]

    def __iter__(self) -> Iterator[str]:
        with self._lock:
            return iter(list(self._caches))

    def stats(self) -> CacheStats:
        """Return the statistics of all caches together."""
        return sum(self.stats_by_name().values(), CacheStats(max_size=0, max_bytes=0))

    def stats_by_name(self) -> dict[str, CacheStats]:
        """Return the statistics of each cache."""
        return {name: cache.stats() for name, cache in self._open()}

    def health(self) -> Health:
        """Ask each cache's backend whether it works."""
        problems = {name: cache.problem() for name, cache in self._open()}
        issues = {name: problem for name, problem in problems.items() if problem is not None}
        return Health(not issues, issues)

    def clear_all(self) -> int:
        """Clear each cache; return how many keys that removed."""
        return sum(cache.clear() for _, cache in self._open())

    def close(self) -> None:
        """Close all caches; each name may then be opened anew."""
        with self._lock:
            caches, self._caches = self._open(), {}
            for _, cache in caches:
                cache.close()

    def after_fork(self) -> None:
        """See `Forked.after_fork`."""
        self._lock = threading.RLock()

    def _open(self) -> list[tuple[str, Cache]]:
        with self._lock:
            return [(name, cache) for name, (cache, _, _) in self._caches.items()]

    def _opened(self, name: str, backend: BackendName, options: dict[str, Any]) -> Cache:
        if self._budget is None or not is_in_memory(backend):
            return open_cache(name, backend, **options)
        cache = open_cache(name, backend, budget=self._budget, **options)
        if cache.memory is not None:
            self._budget.join(cache.memory)
        return cache


def _told(backend: BackendName, options: dict[str, Any]) -> str:
    from ..storage.redis_client import without_password

    what = without_password(backend) if isinstance(backend, str) else backend.url
    return f"{what} and options {', '.join(sorted(options)) or 'none'}"


_manager = CacheManager()


def default_manager() -> CacheManager:
    """Return the manager behind `get_cache`."""
    return _manager


def get_cache(name: str, backend: BackendName = "in_memory", **options: Any) -> Cache:
    """Return the cache called `name` of this process; see `CacheManager.get_cache`."""
    return _manager.get_cache(name, backend, **options)
