"""Outcomes of one kind of action, with tags and an age: what clients of the store share."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec

from ..inputs.fingerprint import Fingerprints
from ..inputs.manifest import (
    VERSION,
    Entry,
    FileRecord,
    Manifest,
    RecordBuilder,
    decode_record,
    encode_outcome,
    encode_record,
    reading_of,
)
from ..inputs.reading import Reading
from ..storage import Backend
from ..storage.backend import tag_of
from ..storage.seal import SIGNED
from .context import ProcessContext
from .entries import Outcome, Removed, Stored, decode_outcome
from .store import ActionStore
from .verdict import Hit, Verdict

_BATCH = 200


class _Readings(ActionStore):
    """A store that tells what its entries rest on."""

    def reading(self, group: str, manifest: Manifest) -> Reading:
        """Return what an entry of a loaded `group` rests on."""
        record = self._records[group]
        assert record is not None
        return reading_of(record, manifest)


class OutcomeStore:
    """All entries of one kind of action in a backend."""

    def __init__(
        self,
        backend: Backend,
        kind: str,
        root: Path,
        *,
        ttl: float | None = None,
        max_entries: int | None = None,
        clock: Callable[[], float] = time.time,
        context: str | None = None,
    ) -> None:
        """Keep entries of `kind` in `backend`.

        Args:
            backend: where.
            kind: the kind of action.
            root: what the working directory is told relative to.
            ttl: seconds after which an outcome is no hit any more.
            max_entries: most entries; those go first that this process did not use for the
                longest time, and of others those that were stored first.
            clock: tells seconds since 1970.
            context: what all keys have in common; the interpreter, the platform and the working
                directory unless it is given.
        """
        self._context = ProcessContext(root, context)
        self.backend, self.kind, self.ttl = backend, kind, ttl
        self._clock = clock
        self.max_entries = max_entries
        self._used: dict[tuple[str, str], float] = {}
        self._at_most: int | None = None

    def lookup(
        self,
        group: str,
        name: str,
        fingerprints: Fingerprints,
        accept: Callable[[Outcome], str | None] = lambda _: None,
    ) -> tuple[Verdict, Outcome | None, Callable[[], Reading]]:
        """Decide about one action: the verdict, the outcome of a hit, and what that rests on.

        Raises:
            StorageError: the backend can't be read.
        """
        found: list[Outcome] = []

        def objection(content: msgspec.Raw) -> str | None:
            outcome = decode_outcome(content)
            if outcome is None:
                return "the stored outcome can't be read"
            if self.is_expired(outcome):
                return "the stored outcome is older than its time to live"
            reason = accept(outcome)
            if reason is None:
                found.append(outcome)
            return reason

        store = self._store(fingerprints)
        store.load([group])
        verdict = store.lookup(group, name, objection)
        if not isinstance(verdict, Hit):
            return verdict, None, Reading
        manifest = verdict.entry.manifest
        self.note_use(group, name)
        return verdict, found[-1], lambda: store.reading(group, manifest)

    def record(
        self,
        group: str,
        name: str,
        reading: Reading,
        outcome: Outcome,
        fingerprints: Fingerprints,
    ) -> bool:
        """Store one outcome; return whether the sources were still what ran.

        Raises:
            StorageError: the backend can't be written.
        """
        return self.record_many([(group, name, reading, outcome)], fingerprints) > 0

    def record_many(
        self,
        items: Sequence[tuple[str, str, Reading, Outcome]],
        fingerprints: Fingerprints,
    ) -> int:
        """Store outcomes in one batch; return of how many the sources were still what ran.

        Raises:
            StorageError: the backend can't be written.
        """
        store = self._store(fingerprints)
        store.load({group for group, _, _, _ in items})
        for group, name, reading, outcome in items:
            store.record(group, name, reading, encode_outcome(outcome))
        if self._at_most is not None:
            # One more is what `make_room` counts itself.
            self._at_most += len(items) - 1
        return store.flush()

    def groups(self) -> Iterator[str]:
        """Iterate over the groups of this context of which anything is stored.

        Raises:
            StorageError: the backend can't be read.
        """
        prefix = f"{self.kind}:{VERSION}:{self._context.now()}:"
        return (key[len(prefix) :] for key in self.backend.keys(prefix))

    def note_use(self, group: str, name: str) -> None:
        """Note that an action was used: it is among the last to go when room is made."""
        if self.max_entries is not None:
            self._used[group, name] = self._clock()

    def outcome(self, kind: str, content: bytes, duration: float, tags: list[str]) -> Outcome:
        """Return an outcome of this moment."""
        return Outcome(self._clock(), duration, kind, content, tags)

    def is_expired(self, outcome: Outcome) -> bool:
        """Return whether an outcome is older than the time to live."""
        return self.ttl is not None and self._clock() - outcome.stored >= self.ttl

    def age(self, outcome: Outcome) -> float:
        """Return how many seconds ago an outcome was stored."""
        return self._clock() - outcome.stored

    def entries(self) -> Iterator[Stored]:
        """Iterate over all entries, those of other contexts included.

        Raises:
            StorageError: the backend can't be read.
        """
        for key, record in self._records():
            for name, entries in record.entries.items():
                for entry in entries:
                    stored = self._stored(key, name, record, entry)
                    if stored is not None:
                        yield stored

    def remove(self, chosen: Callable[[Stored], bool]) -> Removed:
        """Remove the entries that are `chosen`, and those that can't be read.

        Raises:
            StorageError: the backend can't be read or written.
        """
        count = size = 0
        for key, content in list(self._contents()):
            held: bytes | None = content
            while held is not None:
                kept, entries, freed = self._without(key, held, chosen)
                if kept == held:
                    break
                # What another process stores meanwhile is looked at as well, and never lost.
                changed = self.backend.replace_many({key: (tag_of(held), kept)})
                if not changed:
                    count, size = count + entries, size + freed
                    break
                held = changed[key]
        return Removed(count, size)

    def _without(
        self, key: str, content: bytes, chosen: Callable[[Stored], bool]
    ) -> tuple[bytes | None, int, int]:
        """Return a record without what is chosen, None for nothing; entries and bytes that went."""
        record = decode_record(content)
        if record is None:
            return None, 0, 0
        count = size = 0
        builder = RecordBuilder()
        for name, entries in record.entries.items():
            for entry in reversed(entries):
                stored = self._stored(key, name, record, entry)
                if stored is None or chosen(stored):
                    count += 1
                    size += len(bytes(entry.outcome))
                else:
                    reading = reading_of(record, entry.manifest)
                    builder.add(name, reading, entry.outcome, entry.recorded)
        if not count and record.entries:
            return content, 0, 0
        built = builder.build()
        return encode_record(built) if built.entries else None, count, size

    def make_room(self) -> Removed:
        """Remove what is too much after one more entry was stored.

        Raises:
            StorageError: the backend can't be read or written.
        """
        if self.max_entries is None:
            return Removed(0, 0)
        if self._at_most is not None:
            self._at_most += 1
        if self._at_most is not None and self._at_most <= self.max_entries:
            return Removed(0, 0)
        held = sorted(self.entries(), key=self._last_used)
        # Some more than need be, so that not every new entry costs a look at all.
        spare = self.max_entries // 10 if len(held) > self.max_entries else 0
        count = max(0, len(held) - self.max_entries + spare)
        oldest = {_identity(stored) for stored in held[:count]}
        self._at_most = len(held) - count
        if not count:
            return Removed(0, 0)
        return self.remove(lambda stored: _identity(stored) in oldest)

    def _last_used(self, stored: Stored) -> float:
        used = self._used.get((stored.group, stored.name), 0.0)
        return max(used, stored.outcome.stored)

    def _records(self) -> Iterator[tuple[str, FileRecord]]:
        for key, content in self._contents():
            record = decode_record(content)
            if record is not None:
                yield key, record

    def _contents(self) -> Iterator[tuple[str, bytes]]:
        """Iterate over keys and contents, but those that are signed and not by us."""
        keys = list(self.backend.keys(f"{self.kind}:"))
        for start in range(0, len(keys), _BATCH):
            for key, content in self.backend.get_many(keys[start : start + _BATCH]).items():
                if not content.startswith(SIGNED):
                    yield key, content

    def _stored(self, key: str, name: str, record: FileRecord, entry: Entry) -> Stored | None:
        outcome = decode_outcome(entry.outcome)
        if outcome is None:
            return None
        manifest: Manifest = entry.manifest
        group = key.split(":", 3)[3]
        size = len(bytes(entry.outcome))
        return Stored(group, name, outcome, lambda: reading_of(record, manifest), size)

    def _store(self, fingerprints: Fingerprints) -> _Readings:
        return _Readings(
            self.backend,
            fingerprints,
            kind=self.kind,
            context=self._context.now(),
            clock=self._clock,
        )


def _identity(stored: Stored) -> tuple[str, str, float, bytes]:
    return stored.group, stored.name, stored.outcome.stored, stored.outcome.content
