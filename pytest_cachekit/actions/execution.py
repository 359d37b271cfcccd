"""The execution cache: results of functions, commands and snippets, as long as they hold."""

from __future__ import annotations

import datetime as dt
import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, ParamSpec, TypeVar, overload

from ..caching.codec import Codec
from ..caching.stats import CacheStats
from ..errors import CacheUsageError, StorageError
from ..inputs.layout import Layout
from ..storage import Backend
from .client import Client
from .commands import Command, CommandResult, blobs_of
from .entries import Removed, Stored
from .execution_stats import ExecutionStats
from .memoize import MemoizedFunction
from .observing import Observer
from .outcome_store import OutcomeStore
from .performing import Performer, with_tags
from .snippets import CodeResult, Snippet

P = ParamSpec("P")
R = TypeVar("R")
KIND = "executions"
MODES = ("read-write", "read-only", "refresh")
_TOTAL = f"total:{KIND}:hits"


class ExecutionCache(Client):
    """Remembers what functions, commands and snippets produced, until an input changes."""

    def __init__(
        self,
        backend: str | Backend = "file:.cachekit",
        *,
        root: str | os.PathLike[str] | None = None,
        ttl: float | None = None,
        max_size: int | None = None,
        mode: Literal["read-write", "read-only", "refresh"] = "read-write",
        namespace: str = "",
        epoch: str = "",
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Open an execution cache.

        Args:
            backend: a URL (a path in it is relative to `root`), or a backend that is open.
            root: the project's directory, which names in the cache are relative to; the
                working directory by default.
            ttl: seconds after which a result is no hit any more; never by default.
            max_size: most entries; unlimited by default.
            mode: `read-only` stores nothing, `refresh` runs everything and records anew.
            namespace: keeps what is stored apart from other namespaces.
            epoch: another word disowns what was stored before.
            clock: tells seconds since 1970.

        Raises:
            StorageError: the backend can't be used.
            CacheUsageError: an option has no meaning.
        """
        if mode not in MODES:
            raise CacheUsageError(f"mode={mode!r} is unknown: write {', '.join(MODES)}.")
        self.root = Path(root or os.getcwd()).absolute()
        super().__init__(
            backend,
            relative_to=self.root,
            namespace=namespace,
            epoch=epoch,
            ttl=ttl,
            max_size=max_size,
        )
        self._layout = Layout.beside_caches(self.root, [self._backend.url])
        self._store = OutcomeStore(
            self._backend, KIND, self.root, ttl=ttl, max_entries=max_size, clock=clock
        )
        self._clock = clock
        self._performer = Performer(self._store, Observer(self._layout), mode)
        self._counted = 0

    @overload
    def memoize(self, function: Callable[P, R]) -> MemoizedFunction[P, R]: ...

    @overload
    def memoize(
        self,
        function: None = None,
        *,
        tags: Sequence[str] = (),
        failures: bool = False,
        type: Any = Any,
        codec: str = "msgpack",
        signing_key: bytes | str | None = None,
    ) -> Callable[[Callable[P, R]], MemoizedFunction[P, R]]: ...

    def memoize(
        self,
        function: Callable[P, R] | None = None,
        *,
        tags: Sequence[str] = (),
        failures: bool = False,
        type: Any = Any,  # noqa: A002  as the codec has it
        codec: str = "msgpack",
        signing_key: bytes | str | None = None,
    ) -> Any:
        """Make a function remember its results as long as what it read is unchanged.

        Args:
            function: the function, where the decorator is used without arguments.
            tags: words by which its results can be removed.
            failures: whether exceptions of builtin kinds are remembered too, and raised again.
            type: what results are converted to when they come back, as msgspec does it.
            codec: `msgpack`, `json`, or `pickle`, which needs a key.
            signing_key: see `Codec`.

        Raises:
            CacheUsageError: it is no plain function, or the codec has no key.
        """
        made = Codec(codec, type=type, signing_key=signing_key)

        def decorate(function: Callable[P, R]) -> MemoizedFunction[P, R]:
            return MemoizedFunction(function, self._performer, made, tags, failures)

        return decorate if function is None else decorate(function)

    def run_command(
        self,
        arguments: Sequence[str],
        *,
        inputs: Sequence[str] = (),
        env: Sequence[str] = (),
        outputs: Sequence[str] = (),
        stdin: bytes = b"",
        failures: bool = False,
        timeout: float | None = None,
        tags: Sequence[str] = (),
    ) -> CommandResult:
        """Run a command in the root, or replay what it did for the same inputs.

        Args:
            arguments: the program and its arguments.
            inputs: globs, relative to the root, for all files that it reads.
            env: variables that it sees and depends on; of others it gets only a few.
            outputs: files that it makes, relative to the root; they are removed before it runs,
                and restored when it is replayed.
            stdin: what it reads from standard input.
            failures: whether an exit status other than 0 is remembered as well.
            timeout: most seconds that it may take.
            tags: words by which the result can be removed.

        Raises:
            CacheUsageError: there is no program, or an output lies outside of the root.
            OSError: the program can't be started.
            subprocess.TimeoutExpired: it took too long.
        """
        command = Command(
            arguments,
            self._backend,
            self._layout,
            inputs=inputs,
            env=env,
            outputs=outputs,
            stdin=stdin,
            failures=failures,
            timeout=timeout,
        )
        return self._performer.perform(command.task(with_tags(tags)))

    def run_code(
        self,
        source: str,
        *,
        timeout: float = 30.0,
        memory: int | None = None,
        failures: bool = False,
        tags: Sequence[str] = (),
    ) -> CodeResult:
        """Run Python code in an interpreter of its own, or replay what it did.

        Args:
            source: the code; the value of its last line, if that is an expression, is returned.
            timeout: most seconds that it may take, on the clock and of computing.
            memory: most bytes of address space; unlimited by default.
            failures: whether an exit status other than 0 is remembered as well.
            tags: words by which the result can be removed.
        """
        snippet = Snippet(source, self._layout, timeout=timeout, memory=memory, failures=failures)
        return self._performer.perform(snippet.task(with_tags(tags)))

    def invalidate(self, path: str | os.PathLike[str]) -> Removed:
        """Remove all that rests on the file at `path`, or on files below it; say how much.

        Raises:
            StorageError: the backend can't be read or written.
        """
        name = self._layout.name(os.path.abspath(self.root / path))
        return self._remove(lambda stored: stored.rests_on(name, self._layout))

    def invalidate_tag(self, tag: str) -> Removed:
        """Remove all that has `tag`; say how much."""
        return self._remove(lambda stored: tag in stored.outcome.tags)

    def invalidate_older(self, seconds: float) -> Removed:
        """Remove all that was stored more than so many `seconds` ago; say how much."""
        return self._remove(lambda stored: self._store.age(stored.outcome) > seconds)

    def remove_expired(self) -> Removed:
        """Remove what is older than the time to live; say how much."""
        return self._remove(lambda stored: self._store.is_expired(stored.outcome))

    def clear(self) -> Removed:
        """Remove everything; say how much that was."""
        return self._remove(lambda _: True)

    def stats(self) -> ExecutionStats:
        """Return what the cache did and holds.

        Raises:
            StorageError: the backend can't be read.
        """
        held = [stored.size for stored in self._store.entries()]
        counts = self._performer.counts
        now = dt.datetime.fromtimestamp(self._clock(), dt.UTC)
        return ExecutionStats(
            total_hits=self._count_hits(),
            hits=counts.hits,
            misses=counts.misses,
            stale=counts.stale,
            uncacheable=counts.uncacheable,
            errors=counts.errors,
            saved=counts.saved,
            size=len(held),
            max_size=self._store.max_entries,
            bytes=sum(held),
            ttl=self._store.ttl,
            timestamp=now.isoformat(timespec="seconds"),
        )

    def counted(self) -> CacheStats:
        """Return what this process did, without a look at what is stored; stale counts as miss."""
        return self._performer.counted()

    def why_not_stored(self) -> dict[str, str]:
        """Return why outcomes of this process were not stored, by function or command."""
        return {group: why for (group, _), why in self._performer.counts.reasons.items()}

    def close(self) -> None:
        """Add the hits of this process to the total, and release the backend."""
        with suppress(StorageError):
            self._count_hits()
        super().close()

    def _count_hits(self) -> int:
        """Return the hits of all processes, those of this one included, and store that."""
        new = self._performer.counts.hits - self._counted
        if new:
            self._counted += new
            return self._backend.incr(_TOTAL, new)
        return int(self._backend.get_many([_TOTAL]).get(_TOTAL, b"0"))

    def _remove(self, chosen: Callable[[Stored], bool]) -> Removed:
        removed = self._store.remove(chosen)
        # What files commands made is kept apart, shared by all that made the same.
        kept = {key for stored in self._store.entries() for key in blobs_of(stored.outcome)}
        orphans = [key for key in self._backend.keys("blob:") if key not in kept]
        if orphans:
            self._backend.delete_many(orphans)
        return removed
