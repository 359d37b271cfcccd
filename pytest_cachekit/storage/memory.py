"""The in-memory backend: an ordered dictionary, least recently used first."""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, Protocol

from ..errors import CacheUsageError
from .backend import BackendSize, Replacement, count_up, sort_out
from .cleaning import clean_regularly
from .deadlines import Deadlines
from .forks import survive_forks

ENCODED: Any = object()
"""Stands where an entry has nothing but its bytes."""

Entry = tuple[bytes, float | None, Any]
"""The bytes, the deadline by the backend's clock, and the object that the bytes stand for where
that can't change, `ENCODED` elsewhere: a plain string isn't decoded anew for each reader."""


class Budget(Protocol):
    """What several backends share a number of bytes by."""

    most: int

    def spend(self) -> None:
        """Make room, if all together now hold too much."""
        ...


class MemoryBackend:
    """Keeps values in a dictionary of this process.

    Reads take no lock: `lookup` and `use` are single steps of the interpreter. Writers take one,
    and remove what has expired before they evict what was used least recently.
    """

    url = "memory:"
    shared = False

    def __init__(
        self,
        *,
        max_size: int | None = None,
        max_bytes: int | None = None,
        cleanup_interval: float | None = None,
        clock: Callable[[], float] = time.monotonic,
        budget: Budget | None = None,
    ) -> None:
        """Start empty.

        Args:
            max_size: most entries; None for no limit.
            max_bytes: most bytes of values; a larger value isn't kept at all.
            cleanup_interval: seconds after which, again and again, a thread of its own removes what
                has expired; None leaves that to later reads and writes.
            clock: tells seconds.
            budget: asked to make room after each write.
        """
        for name, limit in (("max_size", max_size), ("max_bytes", max_bytes)):
            if limit is not None and limit < 1:
                raise CacheUsageError(f"{name}={limit!r} keeps nothing: give 1 or more, or None.")
        if cleanup_interval is not None and cleanup_interval <= 0:
            raise CacheUsageError(f"cleanup_interval={cleanup_interval!r}: give positive seconds.")
        self.max_size, self.max_bytes, self.clock = max_size, max_bytes, clock
        self._entries: OrderedDict[str, Entry] = OrderedDict()
        self.lookup: Callable[[str], Entry | None] = self._entries.get
        self.use: Callable[[str], None] = self._entries.move_to_end
        self.evictions = self.expirations = 0
        self._budget = budget
        self._most_entries = math.inf if max_size is None else max_size
        limits = [max_bytes, None if budget is None else budget.most]
        self._most_bytes = min((each for each in limits if each is not None), default=math.inf)
        # Bytes of all values, kept only where a limit asks for them with each write.
        self._weighs = self._most_bytes < math.inf
        self._weight = 0
        self._deadlines = Deadlines(self._deadline_of)
        self._lock = threading.RLock()
        self._closed = threading.Event()
        survive_forks(self)
        if cleanup_interval is not None:
            clean_regularly(self, cleanup_interval, self._closed)

    @property
    def held(self) -> int:
        """Bytes of all values."""
        if self._weighs:
            return self._weight
        with self._lock:
            return sum(len(entry[0]) for _, entry in self._snapshot())

    def get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        """See `Backend.get_many`."""
        found: dict[str, bytes] = {}
        for key in keys:
            entry = self.lookup(key)
            if entry is not None and self.is_live(key, entry):
                found[key] = entry[0]
        return found

    def is_live(self, key: str, entry: Entry) -> bool:
        """Return whether `entry` may be read, and note that it was; remove it if it expired."""
        deadline = entry[1]
        if deadline is not None and deadline <= self.clock():
            self._expire(key, entry)
            return False
        with suppress(KeyError):  # Somebody may have removed it just now.
            self.use(key)
        return True

    def set_many(self, items: Mapping[str, bytes], ttl: float | None = None) -> None:
        """See `Backend.set_many`."""
        for key, value in items.items():
            self.store(key, value, ttl, ENCODED)

    def store(self, key: str, value: bytes, ttl: float | None, plain: Any) -> None:
        """Store one entry; `plain` is the unchangeable object that `value` stands for."""
        entries, lock = self._entries, self._lock
        lock.acquire()  # A third of the time that `with` takes.
        try:
            deadline = None
            if ttl is not None or self._deadlines.first < math.inf:
                deadline = self._keep_time(key, ttl)
            if self._weighs:
                self._weight += len(value)
                replaced = self.lookup(key)
                if replaced is not None:
                    self._weight -= len(replaced[0])
            entries[key] = value, deadline, plain
            self.use(key)
            if len(entries) > self._most_entries or self._weight > self._most_bytes:
                self._make_room(key)
        finally:
            lock.release()
        if self._budget is not None:
            self._budget.spend()

    def replace_many(self, items: Mapping[str, Replacement]) -> dict[str, bytes | None]:
        """See `Backend.replace_many`."""
        with self._lock:
            fresh, gone, others = sort_out(items, self.get_many(items))
            self.set_many(fresh)
            self.delete_many(gone)
            return others

    def add(self, key: str, value: bytes, ttl: float | None = None) -> bool:
        """See `Backend.add`."""
        with self._lock:
            if self.remaining([key]):
                return False
            self.store(key, value, ttl, ENCODED)
            return True

    def delete_many(self, keys: Iterable[str]) -> int:
        """See `Backend.delete_many`."""
        with self._lock:
            live = self.remaining(keys)
            for key in live:
                self._remove(key)
            return len(live)

    def touch(self, key: str, ttl: float | None) -> bool:
        """See `Backend.touch`."""
        with self._lock:
            if not self.remaining([key]):
                return False
            deadline = self._keep_time(key, ttl)
            entry = self.lookup(key)
            if entry is not None:
                self._entries[key] = (entry[0], deadline, entry[2])
            return entry is not None

    def incr(self, key: str, delta: int, ttl: float | None = None) -> int:
        """See `Backend.incr`."""
        with self._lock:
            stored = self.get_many([key])
            result = count_up(stored.get(key), delta)
            self.store(key, b"%d" % result, self.remaining([key]).get(key, ttl), result)
            return result

    def remaining(self, keys: Iterable[str]) -> dict[str, float | None]:
        """See `Backend.remaining`."""
        found: dict[str, float | None] = {}
        for key in keys:
            entry = self.lookup(key)
            if entry is None:
                continue
            left = None if entry[1] is None else entry[1] - self.clock()
            if left is None or left > 0:
                found[key] = left
            else:
                self._expire(key, entry)
        return found

    def keys(self, prefix: str = "") -> Iterator[str]:
        """See `Backend.keys`."""
        self.clean_up()
        return iter([key for key, _ in self._snapshot() if key.startswith(prefix)])

    def clear(self, prefix: str = "") -> int:
        """See `Backend.clear`."""
        with self._lock:
            return self.delete_many(self.keys(prefix))

    def size(self, prefix: str = "") -> BackendSize:
        """See `Backend.size`."""
        with self._lock:
            self.clean_up()
            if not prefix:
                return BackendSize(len(self._entries), self.held)
            sizes = [len(entry[0]) for key, entry in self._snapshot() if key.startswith(prefix)]
            return BackendSize(len(sizes), sum(sizes))

    def tallies(self) -> dict[str, int]:
        """See `Backend.tallies`."""
        return {"evictions": self.evictions, "expirations": self.expirations}

    def clean_up(self) -> None:
        """Remove all that has expired."""
        with self._lock:
            for key in self._deadlines.passed(self.clock()):
                self._remove(key)
                self.expirations += 1

    def evict(self) -> bool:
        """Remove what was used least recently; return whether there was anything."""
        with self._lock:
            if not self._entries:
                return False
            _, evicted = self._entries.popitem(last=False)
            if self._weighs:
                self._weight -= len(evicted[0])
            self.evictions += 1
            return True

    def close(self) -> None:
        """Forget everything, and end the thread that cleans up."""
        self._closed.set()
        with self._lock:
            self._entries.clear()
            self._deadlines.clear()
            self._weight = 0

    def after_fork(self) -> None:
        """See `Forked.after_fork`; a write may have been cut in two."""
        self._lock = threading.RLock()
        self._weight = sum(len(entry[0]) for entry in self._entries.values())

    def _make_room(self, written: str) -> None:
        # A value that can't fit must not drive all others out before it goes itself.
        if len(self._entries[written][0]) > self._most_bytes:
            self._remove(written)
            self.evictions += 1
        while len(self._entries) > self._most_entries or self._weight > self._most_bytes:
            self.evict()

    def _keep_time(self, key: str, ttl: float | None) -> float | None:
        """Return the deadline for a new entry at `key`, and see that it is noticed."""
        now = self.clock()
        if self._deadlines.first <= now:
            self.clean_up()
        if ttl is None:
            return None
        deadline = now + ttl
        replaced = self.lookup(key)
        if replaced is None or replaced[1] is None or replaced[1] > deadline:
            self._deadlines.add(key, deadline)
        return deadline

    def _deadline_of(self, key: str) -> float | None:
        entry = self.lookup(key)
        return None if entry is None else entry[1]

    def _expire(self, key: str, entry: Entry) -> None:
        with self._lock:
            if self._entries.get(key) is entry:
                self._remove(key)
                self.expirations += 1

    def _remove(self, key: str) -> None:
        removed = self._entries.pop(key)
        if self._weighs:
            self._weight -= len(removed[0])

    def _snapshot(self) -> list[tuple[str, Entry]]:
        while True:
            try:
                return list(self._entries.items())
            except RuntimeError:  # A reader moved an entry meanwhile.
                continue
