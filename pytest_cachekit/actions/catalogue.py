"""What a cache holds, read without a run: its records, and the actions in them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

import msgspec

from ..inputs.manifest import Entry, FileRecord, decode_record
from ..storage import Backend
from ..storage.batches import get_each
from .changes import unpack_source
from .kinds import KINDS, NOTE, ActionKind

SOURCES = "source:"
"""What the keys of source texts begin with."""


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """One record, as it lies in the cache."""

    key: str
    kind: ActionKind
    context: str
    group: str
    bytes: int
    record: FileRecord | None
    """None where it is torn."""


@dataclass(frozen=True, slots=True)
class StoredAction:
    """One action, a test for instance, in one context."""

    kind: str
    name: str
    """Of a test, its node id."""
    context: str
    key: str
    """Of its record."""
    own_name: str
    """In its record."""
    outcome: str
    """Of the newest entry, in a word; "unreadable" where it can't be told."""
    seconds: float
    """What replaying it saves."""
    recorded: float
    """When the newest entry was, in seconds since 1970."""
    entries: int
    bytes: int
    """Of outcomes and manifests; what it shares with other actions of its record is not counted."""
    fields: Mapping[str, Any] = field(default_factory=dict)
    """What is known by name, as an artifact's metadata."""


@dataclass(frozen=True)
class Selection:
    """Which actions are meant; what is None excludes none."""

    names: tuple[str, ...] = ()
    """Globs, one of which has to match the whole name or what it begins with up to `::` or `[`."""
    outcomes: tuple[str, ...] = ()
    after: float | None = None
    before: float | None = None
    """When the newest entry was, in seconds since 1970."""
    least_bytes: int | None = None
    most_bytes: int | None = None
    fields: tuple[tuple[str, str], ...] = ()
    """Names and values, as text, that what is known by name has to have."""

    @property
    def is_everything(self) -> bool:
        """Whether nothing is excluded."""
        return self == Selection()

    def __contains__(self, action: StoredAction) -> bool:
        return (
            (not self.names or any(_matches(action.name, glob) for glob in self.names))
            and (not self.outcomes or action.outcome in self.outcomes)
            and (self.after is None or action.recorded >= self.after)
            and (self.before is None or action.recorded < self.before)
            and (self.least_bytes is None or action.bytes >= self.least_bytes)
            and (self.most_bytes is None or action.bytes <= self.most_bytes)
            and all(
                name in action.fields and str(action.fields[name]) == value
                for name, value in self.fields
            )
        )


def read_records(
    backend: Backend, kinds: Iterable[ActionKind] | None = None
) -> Iterator[StoredRecord]:
    """Iterate over the records of `kinds`, of all by default, a few hundred at a time.

    Raises:
        StorageError: the cache can't be read.
    """
    for kind in KINDS.values() if kinds is None else kinds:
        yield from _read(backend, kind, sorted(backend.keys(kind.prefix)))


def _read(backend: Backend, kind: ActionKind, keys: Iterable[str]) -> Iterator[StoredRecord]:
    for key, value in get_each(backend, keys):
        context, _, group = key[len(kind.prefix) :].partition(":")
        # One that was there and can't be had now is torn as well.
        content = value or b""
        yield StoredRecord(key, kind, context, group, len(content), decode_record(content))


def actions_of(stored: StoredRecord) -> Iterator[StoredAction]:
    """Iterate over the actions of one record; notes about actions aren't any."""
    if stored.record is None:
        return
    for name, entries in stored.record.entries.items():
        if entries and NOTE not in name:
            told = stored.kind.tell(entries[0].outcome)
            yield StoredAction(
                stored.kind.name,
                stored.kind.label(stored.group, name),
                stored.context,
                stored.key,
                name,
                "unreadable" if told is None else told.outcome,
                0.0 if told is None else told.seconds,
                entries[0].recorded,
                len(entries),
                sum(map(_bytes_of, entries)),
                stored.kind.fields(entries[0].outcome),
            )


def find_actions(
    backend: Backend,
    selection: Selection = Selection(),
    kinds: Iterable[ActionKind] | None = None,
) -> Iterator[StoredAction]:
    """Iterate over the selected actions of `kinds`.

    Raises:
        StorageError: the cache can't be read.
    """
    for stored in read_records(backend, kinds):
        for action in actions_of(stored):
            if action in selection:
                yield action


def find_stored(backend: Backend, name: str) -> Iterator[tuple[StoredRecord, str, list[Entry]]]:
    """Iterate over what is stored of the action `name`, context by context: its own name, entries.

    Raises:
        StorageError: the cache can't be read.
    """
    for kind in KINDS.values():
        group, own = kind.split(name)
        keys = [
            key
            for key in backend.keys(kind.prefix)
            if key[len(kind.prefix) :].partition(":")[2] == group
        ]
        for stored in _read(backend, kind, sorted(keys)):
            entries = [] if stored.record is None else stored.record.entries.get(own, [])
            if entries:
                yield stored, own, entries


def read_text(backend: Backend, digest: str) -> bytes | None:
    """Return the source text with a `digest`; None where it isn't stored, or torn.

    Raises:
        StorageError: the cache can't be read.
    """
    packed = backend.get_many([SOURCES + digest]).get(SOURCES + digest)
    return None if packed is None else unpack_source(packed)


def _bytes_of(entry: Entry) -> int:
    return len(bytes(entry.outcome)) + sum(map(len, msgspec.structs.astuple(entry.manifest)))


def _matches(name: str, glob: str) -> bool:
    if "*" in glob or "?" in glob:
        # Brackets are a parameter's, as everywhere in node ids.
        return fnmatchcase(name, glob.replace("[", "[[]"))
    return name == glob or name.startswith((f"{glob}::", f"{glob}["))
