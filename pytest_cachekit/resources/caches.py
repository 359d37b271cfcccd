"""All caches of a project in one place, under one budget: told, checked and tidied together."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ..actions.analysis import AnalysisCache
from ..actions.artifacts import ArtifactCache
from ..actions.client import scoped
from ..actions.entries import Removed
from ..actions.execution import ExecutionCache
from ..actions.plans import PlanCache
from ..actions.runs import read_runs
from ..actions.statistics import Part, sizes
from ..caching import Cache, CacheStats
from ..caching.manager import CacheManager as NamedCaches
from ..errors import CacheUsageError
from ..storage import Backend, open_backend
from ..storage.closing import Closing
from .health import CacheHealth, examine

_NAMED = "values/"


@dataclass(frozen=True)
class CombinedStats:
    """What all caches of a manager did in this process, and what lies in their place."""

    by_cache: Mapping[str, CacheStats]
    """What each did; of tests, what the last runs did, in other processes."""
    by_part: Mapping[str, Part]
    """Keys and bytes, of all processes: tests, executions, and so on; `other` are named caches."""
    max_bytes: int | None

    @property
    def total(self) -> CacheStats:
        """What they did together."""
        return sum(self.by_cache.values(), CacheStats())

    @property
    def hit_rate(self) -> float:
        """Share of what was asked for that was there; 0 where nothing was asked."""
        return self.total.hit_rate

    @property
    def entries(self) -> int:
        """Keys that are stored."""
        return sum(part.keys for part in self.by_part.values())

    @property
    def bytes(self) -> int:
        """Of all values."""
        return sum(part.bytes for part in self.by_part.values())


class CacheManager(Closing):
    """Executions, analyses, plans, artifacts, named caches and tests in one place.

    Each cache is opened when it is first asked for. Where `max_bytes` is given, whatever was used
    least recently goes first, whichever cache it belongs to, and whichever process wrote it.
    """

    def __init__(
        self,
        url: str | os.PathLike[str] = "file:.cachekit",
        *,
        root: str | os.PathLike[str] | None = None,
        max_bytes: int | None = None,
        ttl: float | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Open the place.

        Args:
            url: a directory, or a URL; a path in it is relative to `root`.
            root: the project's directory; the working directory by default.
            max_bytes: most bytes of values, of all caches together. All processes that share the
                place should name the same. A server has a setting of its own.
            ttl: seconds that what is stored here counts; for ever by default.
            clock: tells seconds since 1970.

        Raises:
            StorageError: the place can't be used.
            CacheUsageError: a limit keeps nothing, or a server is to have one.
        """
        self.root = Path(root or os.getcwd()).absolute()
        where = os.fspath(url)
        if isinstance(url, os.PathLike) or ":" not in where:
            where = f"file:{where}"
        if ttl is not None and ttl <= 0:
            raise CacheUsageError(f"ttl={ttl!r} keeps nothing: give more, or None.")
        self.max_bytes, self._ttl, self._clock = max_bytes, ttl, clock
        self._place = open_backend(
            where, relative_to=self.root, **_limits(where, max_bytes), **_clock(where, clock)
        )
        # As the command sees it: what another key signed is left alone, loudly.
        self.backend: Backend = scoped(self._place, is_strict=True)
        self._named = NamedCaches()

    @property
    def directory(self) -> Path | None:
        """Where files are; None where it is no directory."""
        scheme, _, path = self.backend.url.partition(":")
        return Path(path) if scheme == "file" else None

    @cached_property
    def executions(self) -> ExecutionCache:
        """What functions, commands and snippets did."""
        return ExecutionCache(self._place, root=self.root, ttl=self._ttl, clock=self._clock)

    @cached_property
    def analyses(self) -> AnalysisCache:
        """What analysers say of files."""
        return AnalysisCache(self._place, root=self.root, ttl=self._ttl, clock=self._clock)

    @cached_property
    def plans(self) -> PlanCache:
        """Plans for tasks."""
        return PlanCache(self._place, ttl=self._ttl, clock=self._clock)

    @cached_property
    def artifacts(self) -> ArtifactCache:
        """Files with metadata."""
        return ArtifactCache(self._place, ttl=self._ttl, clock=self._clock)

    def get_cache(self, name: str, **options: Any) -> Cache:
        """Return the cache of values called `name`.

        Args:
            name: its name.
            options: `ttl`, `codec` and what else `open_cache` takes, but for the backend's.

        Raises:
            CacheConflictError: it is open already with other options.
            CacheUsageError: the name is none, or an option.
        """
        if self._ttl is not None:
            options.setdefault("ttl", self._ttl)
        return self._named.get_cache(f"{_NAMED}{name}" if name else "", self._place, **options)

    def stats(self) -> CombinedStats:
        """Return what all caches did and hold.

        Raises:
            StorageError: the place can't be read.
        """
        runs = read_runs(self.backend)
        tests = CacheStats(
            hits=sum(run.replayed for run in runs), misses=sum(run.ran for run in runs)
        )
        named = {
            name.removeprefix(_NAMED): stats for name, stats in self._named.stats_by_name().items()
        }
        by_cache = {
            "tests": tests,
            "executions": self.executions.counted(),
            "analyses": self.analyses.counted(),
            "plans": self.plans.counted(),
            "artifacts": self.artifacts.counted(),
            **named,
        }
        return CombinedStats(by_cache, sizes(self.backend), self.max_bytes)

    def health(self) -> CacheHealth:
        """Ask whether all is well; of what isn't, say what it is and what to do about it."""
        return examine(self.backend, self.directory, self.stats)

    def remove_expired(self) -> Removed:
        """Remove what is older than the time to live; say how much.

        Raises:
            StorageError: the place can't be written.
        """
        if self._ttl is None:
            return Removed(0, 0)
        each = [
            self.executions.remove_expired(),
            self.analyses.remove_expired(),
            self.plans.remove_expired(),
            self.artifacts.remove_expired(),
        ]
        return Removed(sum(one.entries for one in each), sum(one.bytes for one in each))

    def clear_all(self) -> dict[str, int]:
        """Remove everything but test results; return how many entries, by cache.

        Raises:
            StorageError: the place can't be written.
        """
        return {
            "executions": self.executions.clear().entries,
            "analyses": self.analyses.clear().entries,
            "plans": self.plans.clear().entries,
            "artifacts": self.artifacts.remove().entries,
            "values": self._place.clear(_NAMED),
        }

    def close(self) -> None:
        """Release the place; it can't be used afterwards."""
        if "executions" in self.__dict__:
            # It adds its hits to those of all processes.
            self.executions.close()
        self._place.close()


def _limits(url: str, max_bytes: int | None) -> dict[str, int]:
    if max_bytes is None:
        return {}
    if not url.startswith(("file:", "memory:")):
        raise CacheUsageError(
            "A server has a budget of its own: set its maxmemory, with the policy allkeys-lru, "
            "instead of max_bytes."
        )
    return {"max_bytes": max_bytes}


def _clock(url: str, clock: Callable[[], float]) -> dict[str, Any]:
    return {"clock": clock} if url.startswith(("file:", "memory:")) else {}
