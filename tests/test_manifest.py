"""Records come back as they went in; whatever else is found in their place is no record."""

from __future__ import annotations

import dataclasses

import msgspec
import pytest

from pytest_cachekit.actions.outcomes import Phase, TestOutcome, decode_outcome
from pytest_cachekit.inputs.manifest import (
    MAX_ENTRIES,
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
from pytest_cachekit.inputs.merging import merge
from pytest_cachekit.inputs.reading import Reading, bits

pytest.importorskip("hypothesis")

from hypothesis import given
from hypothesis import strategies as st

names = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
sources = st.tuples(names, names)
functions = st.tuples(names, names, st.integers(1, 10_000))
readings = st.builds(
    Reading,
    sources=st.frozensets(sources, max_size=4),
    ordered=st.frozensets(sources, max_size=4),
    functions=st.frozensets(functions, max_size=4),
    inputs=st.frozensets(st.tuples(names, names, names), max_size=4),
    placed=st.frozensets(functions, max_size=2),
)
nested = st.builds(
    lambda reading, base: dataclasses.replace(reading, base=base),
    readings,
    st.none() | readings,
)
OUTCOME = encode_outcome(TestOutcome([Phase("call", "passed", 0.5)]))


def all_of(reading: Reading) -> tuple[frozenset[object], ...]:
    base = reading.base or Reading()
    return (
        reading.sources | base.sources,
        reading.ordered | base.ordered,
        reading.functions | base.functions,
        reading.inputs | base.inputs,
        reading.placed | base.placed,
    )


@given(st.lists(st.tuples(st.sampled_from("abc"), nested), max_size=12))
def test_what_was_added_is_read_back(added: list[tuple[str, Reading]]) -> None:
    builder = RecordBuilder()
    for time, (test, reading) in enumerate(added):
        builder.add(test, reading, OUTCOME, float(time))
    record = decode_record(encode_record(builder.build()))

    assert record is not None
    newest = {test: reading for test, reading in added}  # noqa: C416  the last of each wins
    assert record.entries.keys() == newest.keys()
    for test, reading in newest.items():
        assert all_of(reading_of(record, record.entries[test][0].manifest)) == all_of(reading)
        assert len(record.entries[test]) <= MAX_ENTRIES


@given(st.lists(readings, min_size=1, max_size=6), readings)
def test_a_stored_record_takes_more_and_keeps_what_it_had(
    older: list[Reading], newer: Reading
) -> None:
    builder = RecordBuilder()
    for reading in older:
        builder.add("test", reading, OUTCOME, 1.0)
    stored = decode_record(encode_record(builder.build()))
    assert stored is not None
    again = RecordBuilder(stored)
    again.add("test", newer, OUTCOME, 2.0)
    record = decode_record(encode_record(again.build()))
    assert record is not None

    held = [all_of(reading_of(record, entry.manifest)) for entry in record.entries["test"]]
    assert held[0] == all_of(newer)
    assert {all_of(reading) for reading in older} <= set(held)
    assert len(held) == len(set(held))


@given(st.binary(max_size=60))
def test_any_bytes_are_a_record_or_none(content: bytes) -> None:
    record = decode_record(content)

    assert record is None or record.version == VERSION


@given(st.data())
def test_a_torn_record_is_none(data: st.DataObject) -> None:
    builder = RecordBuilder()
    builder.add("test", data.draw(readings), OUTCOME, 1.0)
    content = encode_record(builder.build())

    assert decode_record(content[: data.draw(st.integers(0, len(content) - 1))]) is None


@given(st.sets(st.integers(0, 300)))
def test_bits_are_the_indices_of_a_mask(indices: set[int]) -> None:
    mask = sum(1 << index for index in indices)
    as_bytes = mask.to_bytes((mask.bit_length() + 7) // 8, "little")

    assert list(bits(mask)) == list(bits(as_bytes)) == sorted(indices)


def entry(**masks: bytes) -> dict[str, list[Entry]]:
    manifest = Manifest(**dict.fromkeys(Manifest.__struct_fields__, b"") | masks)
    return {"test": [Entry(manifest, OUTCOME, 0.0)]}


@pytest.mark.parametrize(
    "record",
    [
        FileRecord(version=VERSION + 1),
        FileRecord(version=0),
        FileRecord(functions=[(0, 1)]),
        FileRecord(sources=[("a.py", "d")], functions=[(1, 1)]),
        FileRecord(sources=[("a.py", "d")], functions=[(-1, 1)]),
        FileRecord(entries=entry(sources=b"\x01")),
        FileRecord(entries=entry(ordered=b"\x01")),
        FileRecord(entries=entry(functions=b"\x01")),
        FileRecord(inputs=[("file", "a", "d")], entries=entry(inputs=b"\x02")),
        FileRecord(entries=entry(placed=b"\x01")),
    ],
    ids=[
        "later version",
        "earlier version",
        "function of no source",
        "source beyond the table",
        "source before the table",
        "mask beyond sources",
        "mask beyond ordered sources",
        "mask beyond functions",
        "mask beyond inputs",
        "mask beyond functions whose lines count",
    ],
)
def test_an_inconsistent_record_is_none(record: FileRecord) -> None:
    assert decode_record(encode_record(record)) is None


@pytest.mark.parametrize(
    "content", [b"", b"\xc0", b"\x90", msgspec.msgpack.encode("text"), b"\x91\xa4call"]
)
def test_an_outcome_that_is_none(content: bytes) -> None:
    assert decode_outcome(msgspec.Raw(content)) is None


def test_an_outcome_comes_back_as_it_was() -> None:
    outcome = TestOutcome(
        [
            Phase("setup", "passed", 0.25, [("Captured stdout setup", "said")]),
            Phase("call", "skipped", 0.5, skipped_at=("", 3, "why")),
            Phase("teardown", "passed", 0.25, properties=[("a", 1), ("b", None), ("c", "text")]),
        ]
    )

    assert decode_outcome(encode_outcome(outcome)) == outcome
    assert outcome.duration == 1.0
    assert outcome.word == "skipped"


@given(
    st.lists(st.tuples(st.sampled_from("ab"), readings), max_size=5),
    st.lists(st.tuples(st.sampled_from("bc"), readings), max_size=5),
)
def test_merged_records_know_what_both_knew(
    ours: list[tuple[str, Reading]], theirs: list[tuple[str, Reading]]
) -> None:
    records = []
    for first, added in enumerate((ours, theirs)):
        builder = RecordBuilder()
        for time, (test, reading) in enumerate(added):
            builder.add(test, reading, OUTCOME, float(2 * time + first))
        records.append(builder.build())
    builder = RecordBuilder(records[0])
    learned = merge(builder, records[1])
    merged = decode_record(encode_record(builder.build()))
    assert merged is not None

    def known(record: FileRecord) -> set[tuple[str, object]]:
        return {
            (test, all_of(reading_of(record, entry.manifest)))
            for test, entries in record.entries.items()
            for entry in entries
        }

    assert known(merged) <= known(records[0]) | known(records[1])
    if all(len(entries) < MAX_ENTRIES for entries in merged.entries.values()):
        assert known(merged) == known(records[0]) | known(records[1])
        assert not merge(RecordBuilder(merged), records[1])
    assert learned == (known(merged) != known(records[0]))
    for entries in merged.entries.values():
        assert len({entry.manifest for entry in entries}) == len(entries) <= MAX_ENTRIES
        assert entries[0].recorded == max(entry.recorded for entry in entries)


def test_merging_keeps_the_newest() -> None:
    def record(times: range) -> FileRecord:
        builder = RecordBuilder()
        for time in times:
            builder.add(
                "test", Reading(inputs=frozenset({("file", f"{time}", "x")})), OUTCOME, time
            )
        return builder.build()

    builder = RecordBuilder(record(range(10, 14)))
    assert merge(builder, record(range(14, 22)))
    assert [entry.recorded for entry in builder.build().entries["test"]] == [*range(21, 13, -1)]
    assert not merge(builder, record(range(2)))
