"""Two records of the same test file as one."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from .manifest import MAX_ENTRIES, Entry, FileRecord, Manifest, RecordBuilder, to_bytes
from .reading import bits


def merge(
    builder: RecordBuilder,
    other: FileRecord,
    outcome_of: Callable[[msgspec.Raw], msgspec.Raw] = lambda raw: raw,
) -> bool:
    """Add the entries of `other` for states of inputs that no entry of `builder` stands for.

    Args:
        builder: takes them.
        other: the record of the same file from elsewhere.
        outcome_of: what to store for each outcome in it.

    Returns:
        Whether any was added; those are not that are older than `MAX_ENTRIES` others.
    """
    if not builder.record.entries:
        # Nothing to translate to.
        builder.start_from(other)
        for test, entries in other.entries.items():
            builder.record.entries[test] = [
                Entry(entry.manifest, outcome_of(entry.outcome), entry.recorded)
                for entry in entries
            ]
        return bool(other.entries)
    masks = _Translation(builder, other)
    added = False
    for test, entries in other.entries.items():
        mine = builder.record.entries.get(test, [])
        known = {entry.manifest for entry in mine}
        new: list[Entry] = []
        for entry in entries:
            manifest = masks.translated(entry.manifest)
            if manifest not in known:
                new.append(Entry(manifest, outcome_of(entry.outcome), entry.recorded))
        if new:
            newest = sorted([*mine, *new], key=lambda entry: -entry.recorded)[:MAX_ENTRIES]
            if any(entry in newest for entry in new):
                builder.record.entries[test] = newest
                added = True
    return added


class _Translation:
    """Masks over the tables of another record, as masks over those of a builder's."""

    def __init__(self, builder: RecordBuilder, other: FileRecord) -> None:
        self._builder = builder
        self._other = other
        self._known: dict[Manifest, Manifest] = {}
        self._is_identity = _starts_like(builder.record, other)

    def translated(self, manifest: Manifest) -> Manifest:
        """Return `manifest` as it stands in the builder's record."""
        known = manifest if self._is_identity else self._known.get(manifest)
        if known is None:
            other, builder = self._other, self._builder
            known = self._known[manifest] = Manifest(
                _moved(manifest.sources, lambda index: builder.source(other.sources[index])),
                _moved(manifest.ordered, lambda index: builder.source(other.sources[index])),
                _moved(manifest.functions, self._function),
                _moved(manifest.inputs, lambda index: builder.input(other.inputs[index])),
                _moved(manifest.placed, self._function),
            )
        return known

    def _function(self, index: int) -> int:
        source, line = self._other.functions[index]
        return self._builder.function((*self._other.sources[source], line))


def _moved(mask: bytes, index_of: Callable[[int], int]) -> bytes:
    moved = 0
    for index in bits(mask):
        moved |= 1 << index_of(index)
    return to_bytes(moved)


def _starts_like(record: FileRecord, other: FileRecord) -> bool:
    """Return whether masks over the tables of `other` mean the same over those of `record`."""
    return all(
        mine[: len(theirs)] == theirs
        for mine, theirs in (
            (record.sources, other.sources),
            (record.functions, other.functions),
            (record.inputs, other.inputs),
        )
    )
