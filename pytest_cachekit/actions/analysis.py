"""Results of analysing files, by their content: what is the same is analysed once."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

from ..caching.codec import Codec
from ..caching.stats import CacheStats
from ..inputs.digest import digest_text
from ..inputs.layout import Layout
from ..storage import Backend
from .client import Client
from .entries import Removed
from .memoize import MemoizedFunction
from .observing import Observer
from .outcome_store import OutcomeStore
from .performing import Performer

T = TypeVar("T")
KIND = "analyses"


class Analysis(NamedTuple, Generic[T]):
    """What an analysis found."""

    results: dict[str, T]
    """By name of the file, relative to the root, in order."""
    reused: tuple[str, ...]
    """Names of the files whose results were there."""
    analysed: tuple[str, ...]
    """Names of the others."""


class AnalysisCache(Client):
    """Remembers what an analyser says of a file's content, wherever such a file lies."""

    def __init__(
        self,
        backend: str | Backend = "file:.cachekit",
        *,
        root: str | os.PathLike[str] | None = None,
        ttl: float | None = None,
        max_entries: int | None = None,
        namespace: str = "",
        epoch: str = "",
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Open an analysis cache.

        Args:
            backend: a URL (a path in it is relative to `root`), or a backend that is open.
            root: the workspace; the working directory by default.
            ttl: seconds after which a result is made anew; never by default.
            max_entries: most results; those go first that were used least recently.
            namespace: keeps what is stored apart from other namespaces.
            epoch: another word disowns what was stored before.
            clock: tells seconds since 1970.

        Raises:
            StorageError: the backend can't be used.
            CacheUsageError: a limit keeps nothing.
        """
        self.root = Path(root or os.getcwd()).absolute()
        super().__init__(
            backend,
            relative_to=self.root,
            namespace=namespace,
            epoch=epoch,
            ttl=ttl,
            max_entries=max_entries,
        )
        layout = Layout.beside_caches(self.root, [self._backend.url])
        store = OutcomeStore(
            self._backend, KIND, self.root, ttl=ttl, max_entries=max_entries, clock=clock
        )
        self._performer = Performer(store, Observer(layout))

    def analyse(
        self,
        analyser: Callable[[bytes], T],
        patterns: Sequence[str] = ("**/*.py",),
        *,
        type: Any = Any,  # noqa: A002  as the codec has it
    ) -> Analysis[T]:
        """Return what `analyser` says of each file that a pattern matches.

        Files whose content was analysed before are not analysed again, whatever they are called
        now, unless what the analyser itself rests on has changed: its source, what it reads.

        Args:
            analyser: a function of the project, of a file's content. As it is not told the name,
                its result can't depend on that.
            patterns: globs, relative to the root.
            type: what results are converted to when they come back, as msgspec does it.

        Raises:
            CacheUsageError: `analyser` is no plain function.
            OSError: a file can't be read.
        """
        counts = self._performer.counts
        remembered = MemoizedFunction(analyser, self._performer, Codec(type=type))
        results: dict[str, T] = {}
        reused: list[str] = []
        analysed: list[str] = []
        for name, path in self._files(patterns):
            hits = counts.hits
            results[name] = remembered(path.read_bytes())
            (reused if counts.hits > hits else analysed).append(name)
        return Analysis(results, tuple(reused), tuple(analysed))

    def workspace_key(self, patterns: Sequence[str] = ("**/*.py",)) -> str:
        """Return a digest of the names and contents of all files that a pattern matches.

        It is the same in each checkout, and changes with any of these files. A file whose size and
        times stand still isn't read again by the same cache.
        """
        fingerprints = self._performer.observer.fingerprints()
        return digest_text(
            *(
                part
                for name, path in self._files(patterns)
                for part in (name, fingerprints.file(str(path)))
            )
        )

    def counted(self) -> CacheStats:
        """Return what this process did, without a look at what is stored; stale counts as miss."""
        return self._performer.counted()

    def why_not_stored(self) -> dict[str, str]:
        """Return why results of this process were not stored, by analyser."""
        return {group: why for (group, _), why in self._performer.counts.reasons.items()}

    def size(self) -> int:
        """Return how many results are stored."""
        return sum(1 for _ in self._performer.store.entries())

    def remove_expired(self) -> Removed:
        """Remove what is older than the time to live; say how much."""
        store = self._performer.store
        return store.remove(lambda stored: store.is_expired(stored.outcome))

    def clear(self) -> Removed:
        """Remove all results; say how many that were."""
        return self._performer.store.remove(lambda _: True)

    def _files(self, patterns: Iterable[str]) -> list[tuple[str, Path]]:
        found = {path for pattern in patterns for path in self.root.glob(pattern)}
        layout = self._performer.observer.layout
        return sorted(
            (layout.name(str(path)), path)
            for path in found
            if path.is_file() and layout.is_project(str(path))
        )
