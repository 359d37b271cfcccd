"""The action store: look up, record, explain. The only place that decides a hit."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping

import msgspec

from ..inputs.digest import digest
from ..inputs.fingerprint import Fingerprints
from ..inputs.manifest import VERSION, FileRecord, RecordBuilder, decode_record, encode_record
from ..inputs.reading import Reading, Source
from ..storage import Backend
from .changes import Changes, RecordChanges, pack_source
from .verdict import Hit, Miss, Verdict

Accept = Callable[[msgspec.Raw], str | None]
"""Looks at a stored outcome; says why it can't be replayed, or None where it can."""


class ActionStore:
    """Entries of the actions of one kind, in one context, one record per group.

    A group is what is read and written together: for tests, a test file.
    """

    def __init__(
        self,
        backend: Backend,
        fingerprints: Fingerprints,
        *,
        kind: str,
        context: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Keep entries in `backend`, apart from those of other kinds and contexts.

        Args:
            backend: where records and sources are kept.
            fingerprints: what inputs are now.
            kind: the kind of action.
            context: digest of all that can change an outcome and is no input.
            clock: seconds since 1970, noted in entries.
        """
        self._backend = backend
        self._fingerprints = fingerprints
        self._prefix = f"{kind}:{VERSION}:{context}:"
        self._clock = clock
        self._records: dict[str, FileRecord | None] = {}
        self._changes = Changes(fingerprints, self._fetch_sources)
        self._states: dict[str, RecordChanges] = {}
        self._unchanged: dict[Source, bool] = {}
        self._current: dict[Reading, bool] = {}
        self._pending: dict[str, list[tuple[str, Reading, msgspec.Raw]]] = {}
        self._dropped: dict[str, set[str]] = {}

    def exists(self) -> bool:
        """Return whether anything is stored for this kind and context.

        Raises:
            StorageError: the backend can't be read.
        """
        return next(iter(self._backend.keys(self._prefix)), None) is not None

    def load(self, groups: Iterable[str]) -> None:
        """Read the records of `groups` in one batch, and what is needed to judge them in another.

        Raises:
            StorageError: the backend can't be read.
        """
        wanted = [group for group in groups if group not in self._records]
        found = self._backend.get_many(self._prefix + group for group in wanted)
        for group in wanted:
            content = found.get(self._prefix + group)
            self._records[group] = None if content is None else decode_record(content)
        self._changes.prepare(record for record in self._records.values() if record is not None)

    def lookup(self, group: str, name: str, accept: Accept = lambda _: None) -> Verdict:
        """Decide about the action `name` of a loaded `group`.

        The newest entry whose inputs are all unchanged, and which `accept` has
        nothing against, is the hit.
        """
        record = self._records.get(group)
        entries = [] if record is None else record.entries.get(name, [])
        if record is None or not entries:
            return Miss()
        state = self._states.get(group)
        if state is None:
            state = self._states[group] = RecordChanges(record, self._changes)
        verdict: Verdict | None = None
        for entry in entries:
            changed = state.first(entry.manifest, name)
            if changed is not None:
                verdict = verdict or changed
                continue
            objection = accept(entry.outcome)
            if objection is None:
                return Hit(entry)
            verdict = verdict or Miss(objection)
        assert verdict is not None
        return verdict

    def recorded_text(self, digest: str) -> bytes | None:
        """Return the text that a source file had, by its digest, where it differs now.

        None where it isn't kept, or no loaded record names it.
        """
        return self._changes.recorded_text(digest)

    def record(self, group: str, name: str, reading: Reading, outcome: msgspec.Raw) -> None:
        """Note an outcome, to be stored by `flush`."""
        self._pending.setdefault(group, []).append((name, reading, outcome))

    def drop(self, group: str, name: str) -> None:
        """Note that all entries of an action are to be dropped by the next `flush` that records."""
        self._dropped.setdefault(group, set()).add(name)

    def flush(self) -> int:
        """Store what was recorded, one record per group; return how many entries that were.

        A record that another process wrote meanwhile is merged, not replaced.

        Raises:
            StorageError: the backend can't be written; nothing that it held is lost.
        """
        if not self._pending:
            return 0
        now = self._clock()
        keys = {group: self._prefix + group for group in self._pending}
        stored = self._backend.get_many(keys.values())
        items: dict[str, bytes] = {}
        sources: set[Source] = set()
        count = 0
        for group, actions in self._pending.items():
            content = stored.get(keys[group])
            builder = RecordBuilder(None if content is None else decode_record(content))
            for name in self._dropped.pop(group, ()):
                builder.drop(name)
            for name, reading, outcome in actions:
                if self._is_current(reading):
                    builder.add(name, reading, outcome, now)
                    count += 1
            record = builder.build()
            sources.update(record.sources)
            items[keys[group]] = encode_record(record)
        items.update(self._new_sources(sources))
        self._backend.set_many(items)
        self._pending.clear()
        return count

    def _is_current(self, reading: Reading) -> bool:
        """Return whether the sources of `reading` are still what ran; after an edit they aren't."""
        known = self._current.get(reading)
        if known is None:
            own = {function[:2] for function in reading.functions} | reading.sources
            known = all(self._is_unchanged(source) for source in own)
            known = known and (reading.base is None or self._is_current(reading.base))
            self._current[reading] = known
        return known

    def _is_unchanged(self, source: Source) -> bool:
        known = self._unchanged.get(source)
        if known is None:
            known = self._unchanged[source] = self._fingerprints.file(source[0]) == source[1]
        return known

    def _new_sources(self, sources: Iterable[Source]) -> Mapping[str, bytes]:
        known = {
            source
            for record in self._records.values()
            if record is not None
            for source in record.sources
        }
        items: dict[str, bytes] = {}
        for name, recorded in sources:
            if (name, recorded) in known:
                continue
            try:
                with open(self._fingerprints.layout.path(name), "rb") as stream:
                    content = stream.read()
            except OSError:
                continue
            if digest(content) == recorded:
                items[_source_key(recorded)] = pack_source(content)
        return items

    def _fetch_sources(self, digests: list[str]) -> dict[str, bytes]:
        found = self._backend.get_many(map(_source_key, digests))
        return {key: found[_source_key(key)] for key in digests if _source_key(key) in found}


def _source_key(recorded: str) -> str:
    return f"source:{recorded}"
