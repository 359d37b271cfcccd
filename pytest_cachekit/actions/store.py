"""The action store: look up, record, explain. The only place that decides a hit.

Records may lie on two shelves. The near one is asked first. The far one, which others share, is
asked for what the near one has no answer for, in one batch, and written to in one batch.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping

import msgspec

from ..inputs.computed import Computed
from ..inputs.fingerprint import Fingerprints
from ..inputs.manifest import VERSION, FileRecord, RecordBuilder, decode_record, encode_record
from ..inputs.merging import merge
from ..inputs.reading import Reading, Source
from ..storage import Backend, Shelf
from .changes import Changes
from .concealed import Concealed
from .kept_sources import KeptSources
from .record_changes import RecordChanges
from .verdict import Hit, Miss, Verdict

Accept = Callable[[msgspec.Raw], str | None]
"""Looks at a stored outcome; says why it can't be replayed, or None where it can."""


class ActionStore:
    """Entries of the actions of one kind, in one context, one record per group.

    A group is what is read and written together: for tests, a test file.
    """

    def __init__(
        self,
        near: Backend | Shelf,
        fingerprints: Fingerprints,
        *,
        kind: str,
        context: str,
        far: Shelf | None = None,
        shared_form: Callable[[msgspec.Raw], msgspec.Raw] | None = None,
        conceal: Callable[[str], str] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Keep entries near, apart from those of other kinds and contexts.

        Args:
            near: where records and sources are kept.
            fingerprints: what inputs are now.
            kind: the kind of action.
            context: digest of all that can change an outcome and is no input.
            far: where they are shared with other machines.
            shared_form: makes of an outcome what is shared of it; None for all.
            conceal: what is stored instead of the fingerprint of an environment variable's value.
            clock: seconds since 1970, noted in entries.
        """
        self._near = near if isinstance(near, Shelf) else Shelf(near)
        self._far = far
        self._shared_form = shared_form or (lambda outcome: outcome)
        self._fingerprints = fingerprints
        self._prefix = f"{kind}:{VERSION}:{context}:"
        self._clock = clock
        self._records: dict[str, FileRecord | None] = {}
        """All that is known, from both shelves."""
        self._near_records: dict[str, FileRecord | None] = {}
        self._far_records: dict[str, FileRecord | None] = {}
        self._promoted: set[str] = set()
        """Groups of which the far shelf knew more."""
        self._concealed = Concealed(conceal)
        self._sources = KeptSources(self._near, far, fingerprints.layout)
        self._changes = Changes(fingerprints, self._sources.fetch, self._concealed)
        self._states: dict[str, RecordChanges] = {}
        self._unchanged: Computed[Source, bool] = Computed(
            lambda source: fingerprints.file(source[0]) == source[1]
        )
        self._current: dict[Reading, bool] = {}
        self._pending: dict[str, list[tuple[str, Reading, msgspec.Raw]]] = {}
        self._dropped: dict[str, set[str]] = {}

    def exists(self, *, surely: bool = True) -> bool:
        """Return whether anything is stored for this kind and context.

        Without `surely` the far shelf isn't asked, and counts as if it knew something.

        Raises:
            StorageError: the near shelf can't be read.
        """
        if self._near.has_any(self._prefix):
            return True
        if self._far is None or not surely:
            return self._far is not None
        # The prefix itself is a key there: walking over a server's keys takes long.
        return bool(self._far.get_many([self._prefix], to_change=True))

    def load(self, groups: Iterable[str]) -> None:
        """Read the near records of `groups`, and what is needed to judge them, in two batches.

        Raises:
            StorageError: the near shelf can't be read.
        """
        wanted = [group for group in groups if group not in self._records]
        found = self._near.get_many(self._prefix + group for group in wanted)
        for group in wanted:
            record = _decoded(found.get(self._prefix + group))
            self._records[group] = self._near_records[group] = record
        records = (self._records[group] for group in wanted)
        self._changes.prepare(record for record in records if record is not None)

    def complement(self, groups: Iterable[str]) -> set[str]:
        """Read the far records of loaded `groups`, likewise; return those of which more is known.

        Raises:
            StorageError: the near shelf can't be read.
        """
        if self._far is None:
            return set()
        self._sources.asks_far = True
        wanted = [group for group in groups if group not in self._far_records]
        found = self._far.get_many((self._prefix + group for group in wanted), to_change=True)
        learned: set[str] = set()
        for group in wanted:
            record = self._far_records[group] = _decoded(found.get(self._prefix + group))
            builder = RecordBuilder(self._records[group])
            if record is not None and merge(builder, record):
                self._records[group] = builder.build()
                self._states.pop(group, None)
                learned.add(group)
        self._promoted |= learned
        known = (self._records[group] for group in learned)
        self._changes.prepare(record for record in known if record is not None)
        return learned

    def lookup(
        self, group: str, name: str, accept: Accept = lambda _: None, *, by_names: bool = True
    ) -> Verdict:
        """Decide about the action `name` of a loaded `group`.

        The newest entry whose inputs are all unchanged, and which `accept` has
        nothing against, is the hit. An action that looks at all that modules hold, as
        the collection of a file does, notices every changed binding: it isn't judged `by_names`.
        """
        record = self._records.get(group)
        entries = [] if record is None else record.entries.get(name, [])
        if record is None or not entries:
            return Miss()
        state = self._states.get(group)
        if state is None:
            state = self._states[group] = RecordChanges(record, self._changes)
        verdict: Verdict | None = None
        names = name if by_names else None
        for entry in entries:
            if verdict is None:
                # What differs is told of the newest only.
                verdict = state.first(entry.manifest, names)
                if verdict is not None:
                    continue
            elif not state.holds(entry.manifest, names):
                continue
            objection = accept(entry.outcome)
            if objection is None:
                return Hit(entry)
            verdict = verdict or Miss(objection)
        assert verdict is not None
        return verdict

    def look_again(self, *, places_only: bool) -> None:
        """Forget what was found out, or only what rests on `sys.path`, which is another one now."""
        self._changes.look_again(places_only=places_only)
        self._states.clear()

    def release(self) -> None:
        """Let go of what only decisions need; what is asked for later is judged coarsely."""
        self._changes.release()
        for state in self._states.values():
            state.release()

    def recorded_text(self, digest: str) -> bytes | None:
        """Return the text that a source file had, by its digest, where it differs now.

        None where it isn't kept, or no loaded record names it.
        """
        return self._changes.recorded_text(digest)

    def stored(self, group: str) -> FileRecord | None:
        """Return the record of a loaded `group`; None where there is none, or a torn one."""
        return self._records.get(group)

    def record(self, group: str, name: str, reading: Reading, outcome: msgspec.Raw) -> None:
        """Note an outcome, to be stored by `flush`."""
        self._pending.setdefault(group, []).append((name, reading, outcome))

    def drop(self, group: str, name: str) -> None:
        """Note that all entries of an action are to be dropped by the next `flush` that records."""
        self._dropped.setdefault(group, set()).add(name)

    def flush(self) -> int:
        """Store what was recorded, one record per group; return how many entries that were.

        What other processes write meanwhile is merged, not replaced. What one shelf holds of the
        loaded groups and the other doesn't goes there as well.

        Raises:
            StorageError: the near shelf can't be written; nothing that it held is lost.
        """
        if not self._pending and not self._promoted:
            return 0
        now = self._clock()
        for group, actions in self._pending.items():
            self._pending[group] = [action for action in actions if self._is_current(action[1])]
        count = sum(map(len, self._pending.values()))
        near = self._pending.keys() | self._promoted
        held = self._near.get_many((self._prefix + group for group in near), to_change=True)
        known = {group: _decoded(held.get(self._prefix + group)) for group in near}
        self._write(self._near, self._near_records | known, near, now)
        if self._far is not None and self._far.is_writable:
            self._write(self._far, self._far_records, self._pending.keys() | self._far_records, now)
        self._pending.clear()
        self._dropped.clear()
        self._promoted.clear()
        return count

    def _write(
        self,
        shelf: Shelf,
        known: Mapping[str, FileRecord | None],
        groups: Iterable[str],
        now: float,
    ) -> None:
        """Write to one shelf what it doesn't hold of `groups`, of which it held what is `known`."""
        records = self._merged(shelf, {group: known.get(group) for group in groups}, now)
        there = {source for held in known.values() if held is not None for source in held.sources}
        new = {source for record in records.values() for source in record.sources} - there
        others = self._sources.packed(new, self._changes.packed)
        if shelf is self._far and records:
            others[self._prefix] = b"here"

        def again(changed: Mapping[str, bytes | None]) -> dict[str, bytes]:
            held = {
                group: _decoded(changed[self._prefix + group])
                for group in records
                if self._prefix + group in changed
            }
            merged = self._merged(shelf, held, now)
            gone = {key for key in others if changed.get(key, b"") is None}
            return {**self._encoded(merged), **{key: others[key] for key in gone}}

        shelf.change({**self._encoded(records), **others}, again)

    def _encoded(self, records: Mapping[str, FileRecord]) -> dict[str, bytes]:
        return {self._prefix + group: encode_record(record) for group, record in records.items()}

    def _merged(
        self, shelf: Shelf, held: Mapping[str, FileRecord | None], now: float
    ) -> dict[str, FileRecord]:
        """Return the records that are to replace what a shelf held, where there is more to say."""
        form = self._shared_form if shelf is self._far else (lambda outcome: outcome)
        records: dict[str, FileRecord] = {}
        for group, record in held.items():
            builder = RecordBuilder(record)
            known = self._records.get(group) if self._far is not None else None
            has_more = known is not None and merge(builder, known, form)
            for name in self._dropped.get(group, ()):
                has_more |= builder.drop(name)
            for name, reading, outcome in self._pending.get(group, ()):
                builder.add(name, self._concealed.reading(reading), form(outcome), now)
                has_more = True
            if has_more:
                records[group] = builder.build()
        return records

    def _is_current(self, reading: Reading) -> bool:
        """Return whether the sources of `reading` are still what ran; after an edit they aren't."""
        known = self._current.get(reading)
        if known is None:
            own = {function[:2] for function in reading.functions} | reading.sources
            known = all(map(self._unchanged.__getitem__, own))
            self._current[reading] = known
        return known and (reading.base is None or self._is_current(reading.base))


def _decoded(content: bytes | None) -> FileRecord | None:
    return None if content is None else decode_record(content)
