"""Taking entries out of a cache, and the texts and files that nothing needs then."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from ..inputs.manifest import Entry, FileRecord, RecordBuilder, encode_record, reading_of
from ..storage import Backend
from ..storage.backend import NotesUses
from ..storage.batches import get_each
from .catalogue import SOURCES, Selection, StoredRecord, actions_of, read_records
from .kinds import KINDS, NOTE, ActionKind
from .last_run import LAST
from .runs import CONTEXTS, LOG, read_runs

_Values = dict[str, bytes]
# Records of another version, or of a kind that isn't known here: their texts are theirs.
_FOREIGN = re.compile(r"[a-z]+:\d+:[0-9a-f]{32}:")


@dataclass
class Removed:
    """What went, or would go."""

    by_kind: Counter[str] = field(default_factory=Counter)
    """Actions of which nothing is left, by their kind."""
    entries: int = 0
    records: int = 0
    texts: int = 0
    files: int = 0
    """And counters: what outcomes kept under keys of their own."""
    contexts: int = 0
    bytes: int = 0
    keys: list[str] = field(default_factory=list, repr=False)
    _rewritten: _Values = field(default_factory=dict, repr=False)

    def __bool__(self) -> bool:
        return bool(self.keys or self._rewritten)

    @property
    def actions(self) -> int:
        """Actions of which nothing is left, of all kinds."""
        return self.by_kind.total()

    def apply(self, backend: Backend) -> None:
        """Take it out of `backend`.

        Raises:
            StorageError: the cache can't be written.
        """
        if self._rewritten:
            backend.set_many(self._rewritten)
        if self.keys:
            backend.delete_many(self.keys)

    def drop(self, stored: StoredRecord) -> None:
        """Let a whole record go."""
        record = stored.record
        names = () if record is None else record.entries
        self.by_kind[stored.kind.name] += sum(NOTE not in name for name in names)
        self.entries += 0 if record is None else _count(record)
        self.records += 1
        self.bytes += stored.bytes
        self.keys.append(stored.key)

    def cut(self, stored: StoredRecord, kept: FileRecord) -> None:
        """Let go what a record has and `kept` hasn't."""
        assert stored.record is not None
        before, content = stored.record.entries, encode_record(kept)
        gone = before.keys() - kept.entries.keys()
        self.by_kind[stored.kind.name] += sum(NOTE not in name for name in gone)
        self.entries += _count(stored.record) - _count(kept)
        self.bytes += stored.bytes - len(content)
        self._rewritten[stored.key] = content


class _Needed:
    """Texts and files that what is kept needs, of those that are there at the start.

    What others store meanwhile isn't looked at, and so never taken for something that nobody needs.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._texts = list(backend.keys(SOURCES))
        self._files = [
            key
            for kind in KINDS.values()
            for attachment in kind.attachments
            for key in backend.keys(attachment.prefix)
        ]
        self._needed: set[str] = set()

    def sizes(self) -> dict[str, int]:
        """Return the size of each text and file."""
        return _sizes(self._backend, [*self._texts, *self._files])

    def of(self, stored: StoredRecord, record: FileRecord) -> set[str]:
        """Return the keys of what a record needs that nothing that is kept needed so far."""
        keys = {SOURCES + digest for _, digest in record.sources}
        for entries in record.entries.values() if stored.kind.attachments else ():
            for entry in entries:
                keys.update(stored.kind.attached(stored.group, entry.outcome))
        return keys - self._needed

    def keep(self, keys: set[str]) -> None:
        """Note that these are needed."""
        self._needed |= keys

    def drop_others(self, removed: Removed) -> None:
        """Let go what nothing needs; of texts, unless there are records that can't be asked."""
        ours = tuple(kind.prefix for kind in KINDS.values())
        keys = self._backend.keys("")
        is_known = not any(_FOREIGN.match(key) and not key.startswith(ours) for key in keys)
        texts = [key for key in self._texts if is_known and key not in self._needed]
        files = [key for key in self._files if key not in self._needed]
        removed.texts += len(texts)
        removed.files += len(files)
        removed.bytes += sum(_sizes(self._backend, [*texts, *files]).values())
        removed.keys += [*texts, *files]


def clear(
    backend: Backend,
    selection: Selection = Selection(),  # noqa: B008  it is frozen
    kinds: Collection[ActionKind] | None = None,
    *,
    dry_run: bool = False,
) -> Removed:
    """Remove the selected actions of `kinds`, and the texts and files that nothing needs then.

    Without a selection and kinds, what is known of runs goes too. What others keep in
    the same place stays.

    Args:
        backend: the cache.
        selection: which actions.
        kinds: of which kinds; all by default.
        dry_run: whether all stays as it is.

    Raises:
        StorageError: the cache can't be read or written.
    """
    removed = Removed()
    needed = _Needed(backend)
    wanted = KINDS.values() if kinds is None else kinds
    for stored in read_records(backend):
        kept = stored.record
        if stored.kind in wanted:
            kept = None if selection.is_everything else _without(stored, selection)
            if selection.is_everything or (kept is not None and not _count(kept)):
                removed.drop(stored)
                kept = None
            elif kept is not None and kept is not stored.record:
                removed.cut(stored, kept)
        if kept is not None:
            needed.keep(needed.of(stored, kept))
    if selection.is_everything and kinds is None:
        of_runs = [key for prefix in (CONTEXTS, LOG, LAST) for key in backend.keys(prefix)]
        _drop_contexts(backend, of_runs, removed)
    needed.drop_others(removed)
    if not dry_run:
        removed.apply(backend)
    return removed


def collect_garbage(
    backend: Backend,
    *,
    before: float | None = None,
    most_bytes: int | None = None,
    by_use: bool = False,
    dry_run: bool = False,
) -> Removed:
    """Remove what nothing can hit, what is old, and the oldest of what is too much.

    Args:
        backend: the cache.
        before: entries recorded earlier go, in seconds since 1970.
        most_bytes: what records, texts and files may take together; whole records go, those whose
            newest entry is oldest first.
        by_use: whether records count as old as when they were used last, where the cache notes
            that; then old ones go whole.
        dry_run: whether all stays as it is.

    Raises:
        StorageError: the cache can't be read or written.
    """
    removed = Removed()
    needed = _Needed(backend)
    kept: list[tuple[float, StoredRecord, FileRecord]] = []
    uses: dict[str, float] = {}
    if by_use and isinstance(backend, NotesUses):
        uses = backend.last_uses(
            key for kind in KINDS.values() for key in backend.keys(kind.prefix)
        )
    for stored in read_records(backend):
        record = stored.record
        if record is not None and before is not None:
            if stored.key not in uses:
                record = _younger(record, before)
            elif uses[stored.key] < before:
                record = None
        if record is None or not _count(record):
            removed.drop(stored)
        else:
            newest = max(entry.recorded for found in record.entries.values() for entry in found)
            kept.append((uses.get(stored.key, newest), stored, record))
    left = most_bytes
    sizes = {} if left is None else needed.sizes()
    for _, stored, record in sorted(kept, key=lambda item: item[0], reverse=True):
        others = needed.of(stored, record)
        if left is not None:
            left -= stored.bytes + sum(sizes.get(key, 0) for key in others)
            if left < 0:
                removed.drop(stored)
                continue
        if record is not stored.record:
            removed.cut(stored, record)
        needed.keep(others)
    used = {stored.context for _, stored, _ in kept} | {run.context for run in read_runs(backend)}
    contexts = [key for key in backend.keys(CONTEXTS) if key[len(CONTEXTS) :] not in used]
    _drop_contexts(backend, contexts, removed)
    needed.drop_others(removed)
    if not dry_run:
        removed.apply(backend)
    return removed


def _without(stored: StoredRecord, selection: Selection) -> FileRecord | None:
    """Return a record without what is selected; itself where that is nothing."""
    gone = {action.own_name for action in actions_of(stored) if action in selection}
    if stored.record is None or not gone:
        return stored.record
    return _keeping(
        stored.record,
        {
            name: entries
            for name, entries in stored.record.entries.items()
            if name.partition(NOTE)[0] not in gone
        },
    )


def _younger(record: FileRecord, before: float) -> FileRecord:
    """Return a record without entries from before a time; itself where there are none."""
    young = {
        name: [entry for entry in entries if entry.recorded >= before]
        for name, entries in record.entries.items()
    }
    if young == record.entries:
        return record
    return _keeping(record, {name: entries for name, entries in young.items() if entries})


def _keeping(record: FileRecord, entries: dict[str, list[Entry]]) -> FileRecord:
    """Return a record with these entries alone, and only the rows that they need."""
    builder = RecordBuilder()
    for name, found in entries.items():
        for entry in reversed(found):
            builder.add(name, reading_of(record, entry.manifest), entry.outcome, entry.recorded)
    return builder.build()


def _drop_contexts(backend: Backend, keys: list[str], removed: Removed) -> None:
    removed.contexts += len(keys)
    removed.bytes += sum(map(len, backend.get_many(keys).values()))
    removed.keys += keys


def _sizes(backend: Backend, keys: Iterable[str]) -> dict[str, int]:
    return {key: len(value or b"") for key, value in get_each(backend, keys)}


def _count(record: FileRecord) -> int:
    """Return the number of entries for actions; notes go with the last of them."""
    return sum(len(entries) for name, entries in record.entries.items() if NOTE not in name)
