"""The record of one test file, as it is stored: manifests and outcomes of its tests.

Grammar, version 2 (msgpack of the types below; every table is append-only
within one record, so that masks stay small):

    FileRecord   version, sources, functions, inputs, entries by test name
    Source       a project file at the content it had: name, digest
    Function     index into sources, first line there
    Input        kind, name, fingerprint
    Manifest     five bit masks, little-endian: sources whose import-time code
                 counts, those whose order of definitions does too, functions
                 that ran, other inputs, functions whose lines count
    Entry        manifest, outcome, when it was recorded (seconds since 1970)

A record of another version is no record. History: 1, the first; 2, with the
functions whose lines count.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import msgspec

from .reading import Function, Input, Reading, Source, bits

VERSION = 2
MAX_ENTRIES = 8
"""How many entries a test keeps, newest first; each stands for another state of its inputs."""


class Manifest(msgspec.Struct, frozen=True, array_like=True):
    """What one test read, as bit masks over the tables of its record."""

    sources: bytes
    ordered: bytes
    functions: bytes
    inputs: bytes
    placed: bytes


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """A manifest and the outcome that it led to."""

    manifest: Manifest
    outcome: msgspec.Raw
    recorded: float


class FileRecord(msgspec.Struct, array_like=True):
    """All entries of all tests of one test file."""

    version: int = VERSION
    sources: list[Source] = msgspec.field(default_factory=list)
    functions: list[tuple[int, int]] = msgspec.field(default_factory=list)
    inputs: list[Input] = msgspec.field(default_factory=list)
    entries: dict[str, list[Entry]] = msgspec.field(default_factory=dict)


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(FileRecord)


def encode_record(record: FileRecord) -> bytes:
    """Return the stored form of `record`."""
    return _encoder.encode(record)


def decode_record(content: bytes) -> FileRecord | None:
    """Return the record in `content`; None where it is torn, foreign or of another version."""
    try:
        record = _decoder.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return record if record.version == VERSION and _is_consistent(record) else None


def encode_outcome(outcome: Any) -> msgspec.Raw:
    """Return `outcome`, a msgspec structure, as it stands in an entry."""
    return msgspec.Raw(_encoder.encode(outcome))


def _is_consistent(record: FileRecord) -> bool:
    """Return whether no index points beyond its table; a mask that does would hide an input."""
    sources = len(record.sources)
    functions = len(record.functions)
    bounds = (sources, sources, functions, len(record.inputs), functions)
    return all(0 <= source < sources for source, _ in record.functions) and all(
        int.from_bytes(mask, "little").bit_length() <= bound
        for entries in record.entries.values()
        for entry in entries
        for mask, bound in zip(msgspec.structs.astuple(entry.manifest), bounds, strict=True)
    )


_Masks = tuple[int, int, int, int, int]


NOTHING = msgspec.Raw(msgspec.msgpack.encode(None))
"""The outcome of an entry that only says which inputs something was seen with."""


class RecordBuilder:
    """Adds entries to a record; tables only grow, so that older masks stay true."""

    def __init__(self, record: FileRecord | None = None) -> None:
        self.start_from(FileRecord() if record is None else record)

    def add(self, test: str, reading: Reading, outcome: msgspec.Raw, recorded: float) -> None:
        """Put an entry for `test` before its others; those beyond `MAX_ENTRIES` are dropped."""
        manifest = Manifest(*map(to_bytes, self._masks(reading)))
        older = self.record.entries.get(test, ())
        kept = [entry for entry in older if entry.manifest != manifest]
        entry = Entry(manifest, outcome, recorded)
        self.record.entries[test] = [entry, *kept[: MAX_ENTRIES - 1]]

    def drop(self, test: str) -> bool:
        """Drop all entries for `test`; return whether there were any."""
        return bool(self.record.entries.pop(test, None))

    def build(self) -> FileRecord:
        """Return the record, without rows that no entry needs where they are the larger part."""
        record = self.record
        used = [0, 0, 0, 0, 0]
        for entries in record.entries.values():
            for entry in entries:
                for table, mask in enumerate(msgspec.structs.astuple(entry.manifest)):
                    used[table] |= int.from_bytes(mask, "little")
        rows = len(record.functions) + len(record.inputs)
        if 2 * ((used[2] | used[4]).bit_count() + used[3].bit_count()) >= rows:
            return record
        compact = RecordBuilder()
        for test, entries in record.entries.items():
            for entry in reversed(entries):
                compact.add(test, reading_of(record, entry.manifest), entry.outcome, entry.recorded)
        return compact.record

    def source(self, source: Source) -> int:
        """Return the index of a source's row."""
        return self._row(source, source, self.record.sources)

    def function(self, function: Function) -> int:
        """Return the index of a function's row."""
        index = self._known.get(function)
        if index is None:
            index = self._row(function, self._function(function), self.record.functions)
        return index

    def input(self, item: Input) -> int:
        """Return the index of an input's row."""
        return self._row(item, item, self.record.inputs)

    def start_from(self, record: FileRecord) -> None:
        """Begin with a copy of `record`, in place of what was there."""
        rows = FileRecord(
            record.version,
            list(record.sources),
            list(record.functions),
            list(record.inputs),
            dict(record.entries),
        )
        self.record = rows
        self._masks_of: dict[Reading, _Masks] = {}
        self._known: dict[tuple[object, ...], int] = {
            row: index for index, row in enumerate(rows.sources)
        }
        self._known.update((row, index) for index, row in enumerate(rows.inputs))
        self._known.update(
            ((*rows.sources[source], line), index)
            for index, (source, line) in enumerate(rows.functions)
        )

    def _masks(self, reading: Reading) -> _Masks:
        masks = self._masks_of.get(reading)
        if masks is None:
            masks = self._masks_of[reading] = self._make_masks(reading)
        return masks

    def _make_masks(self, reading: Reading) -> _Masks:
        sources = self._rows(reading.sources, self.record.sources)
        ordered = self._rows(reading.ordered, self.record.sources)
        functions = self._rows(reading.functions, self.record.functions, self._function)
        placed = self._rows(reading.placed, self.record.functions, self._function)
        inputs = self._rows(reading.inputs, self.record.inputs)
        if reading.base is not None:
            base = self._masks(reading.base)
            sources |= base[0]
            ordered |= base[1]
            functions |= base[2]
            inputs |= base[3]
            placed |= base[4]
        return sources, ordered, functions, inputs, placed

    def _rows(
        self,
        keys: Collection[tuple[object, ...]],
        table: list[Any],
        row_of: Callable[[Any], object] = lambda key: key,
    ) -> int:
        """Return the mask of the rows of `keys` in a table; those that are new come last."""
        known, start = self._known, len(table)
        new = [key for key in keys if key not in known]
        bits_known = bytearray(start // 8 + 1)
        if len(new) < len(keys):
            for index in map(known.get, keys):
                if index is not None:
                    bits_known[index >> 3] |= 1 << (index & 7)
        table.extend(map(row_of, new))
        known.update(zip(new, range(start, len(table)), strict=True))
        return int.from_bytes(bits_known, "little") | ((1 << len(new)) - 1) << start

    def _function(self, function: Function) -> tuple[int, int]:
        name, digest, line = function
        return self.source((name, digest)), line

    def _row(self, key: tuple[object, ...], row: Any, table: list[Any]) -> int:
        # Keys of the three tables differ in length or in what they hold, so one index serves all.
        index = self._known.get(key)
        if index is None:
            index = self._known[key] = len(table)
            table.append(row)
        return index


def reading_of(record: FileRecord, manifest: Manifest) -> Reading:
    """Return what `manifest` says, free of its record."""

    def functions(mask: bytes) -> frozenset[Function]:
        rows = (record.functions[index] for index in bits(mask))
        return frozenset((*record.sources[source], line) for source, line in rows)

    return Reading(
        sources=frozenset(record.sources[index] for index in bits(manifest.sources)),
        ordered=frozenset(record.sources[index] for index in bits(manifest.ordered)),
        functions=functions(manifest.functions),
        inputs=frozenset(record.inputs[index] for index in bits(manifest.inputs)),
        placed=functions(manifest.placed),
    )


def to_bytes(mask: int) -> bytes:
    """Return `mask` as manifests hold it."""
    return mask.to_bytes((mask.bit_length() + 7) // 8, "little")
