"""Taking the entries of one cache, or of a file, into another."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..inputs.manifest import FileRecord, RecordBuilder, decode_record, encode_record, reading_of
from ..storage import Backend
from ..storage.batches import in_batches
from .catalogue import SOURCES
from .checking import fault_of
from .kinds import KINDS, attachment_of
from .last_run import LAST
from .runs import CONTEXTS, LOG


@dataclass
class Merged:
    """What was taken over."""

    added: int = 0
    """Keys that were not there."""
    joined: int = 0
    """Records to which entries were added."""
    same: int = 0
    """Keys under which nothing new came."""
    refused: int = 0
    """Values that can't be used here: torn, of another version, or not of this package."""


def merge(backend: Backend, entries: Iterable[tuple[str, bytes]]) -> Merged:
    """Take `entries` into `backend`, without replacing anything.

    A record that both have gets the entries of both, newest first, as many as one keeps.
    The log of runs, and the last run, stay the cache's own.

    Args:
        backend: the cache.
        entries: keys and values.

    Raises:
        StorageError: the cache can't be read or written.
    """
    merged = Merged()
    for batch in in_batches(entries):
        stored = backend.get_many(key for key, _ in batch)
        items: dict[str, bytes] = {}
        for key, value in batch:
            if key in (LOG, LAST):
                continue
            if not _is_usable(key, value):
                merged.refused += 1
                continue
            known = items.get(key, stored.get(key))
            if known is None:
                items[key] = value
                merged.added += 1
                continue
            joined = _joined(key, known, value)
            if joined is None:
                merged.same += 1
            else:
                items[key] = joined
                merged.joined += 1
        if items:
            backend.set_many(items)
    return merged


def _is_usable(key: str, value: bytes) -> bool:
    ours = key.startswith((SOURCES, CONTEXTS, *(kind.prefix for kind in KINDS.values())))
    return (ours or attachment_of(key) is not None) and fault_of(key, value) == ""


def _joined(key: str, known: bytes, value: bytes) -> bytes | None:
    """Return the record that has the entries of both; None where nothing is new."""
    if known == value or not key.startswith(tuple(kind.prefix for kind in KINDS.values())):
        return None
    ours, theirs = decode_record(known), decode_record(value)
    if ours is None or theirs is None:
        return None if theirs is None else value
    builder = RecordBuilder()
    both = [
        (entry.recorded, name, record, entry)
        for record in (theirs, ours)
        for name, entries in record.entries.items()
        for entry in entries
    ]
    for recorded, name, record, entry in sorted(both, key=lambda item: item[0]):
        builder.add(name, reading_of(record, entry.manifest), entry.outcome, recorded)
    built = builder.build()
    return None if _count(built) == _count(ours) else encode_record(built)


def _count(record: FileRecord) -> dict[str, list[float]]:
    return {
        name: sorted(entry.recorded for entry in entries)
        for name, entries in record.entries.items()
    }
