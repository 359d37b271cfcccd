"""What tests read that ran, and what it led to, on its way into the cache."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import msgspec
import pytest

from ..actions.outcomes import with_coverage
from ..actions.verdict import Uncacheable
from ..inputs.fingerprint import Fingerprints
from ..inputs.manifest import (
    NOTHING,
    Manifest,
    RecordBuilder,
    decode_record,
    encode_record,
    reading_of,
)
from ..inputs.reading import Reading
from ..inputs.tracing.action import Action
from ..inputs.tracing.graph import Graph
from ..inputs.tracing.recorder import Recorder
from .coverage import CoverageMeter, Covered
from .identity import group_and_name
from .obstacles import uncacheable_reason
from .recording import declares_inputs
from .tally import Line


@dataclass(frozen=True)
class TestRecording:
    """One test that ran."""

    __test__ = False

    nodeid: str
    group: str
    name: str
    reading: Reading | None = None
    """What it read; None where that isn't known whole."""
    outcome: msgspec.Raw | None = None
    """How it ended; None where that may not be stored."""
    refusal: str | None = None
    """Why it may never be stored, as far as its inputs tell."""
    not_stored: str | None = None
    """Why this outcome may not be stored."""

    def tell(self, line: Line) -> None:
        """Tell the tally's `line` of this test why it wasn't stored."""
        if self.not_stored is not None:
            line.not_stored = self.not_stored
        if self.refusal is not None and not isinstance(line.verdict, Uncacheable):
            line.verdict = Uncacheable(self.refusal)


class Collection(Protocol):
    """What collecting a file produced."""

    def recording(self, reading: Reading, fingerprints: Fingerprints) -> TestRecording | None:
        """Return what to store of it, which has read `reading`; None where it isn't known."""
        ...


@dataclass(frozen=True)
class Ran:
    """One test that ran in this process."""

    item: pytest.Item
    action: Action
    given: tuple[Action, Action]
    """Actions that a run does in any case where it has this test."""
    covered: Covered
    outcome: msgspec.Raw | None
    not_stored: str | None
    """Why there is no outcome."""


class Recordings:
    """The tests that ran in this process."""

    def __init__(self, beside: Action) -> None:
        """Keep them; `beside` is what runs beside them, and may leave something behind."""
        self._beside = beside
        self._ran: list[Ran] = []
        self._undecided: list[Ran] = []
        """Those that `settle_early` has not returned."""
        self._times: Counter[str] = Counter()

    def add(self, ran: Ran) -> None:
        """Note that a test ran."""
        self._ran.append(ran)
        self._undecided.append(ran)
        self._times[ran.item.nodeid] += 1

    def settle(
        self,
        recorder: Recorder,
        meter: CoverageMeter,
        fingerprints: Fingerprints,
        collections: Sequence[tuple[Collection, Action]] = (),
    ) -> list[TestRecording]:
        """Return what all tests read that ran, and what collecting files did.

        Args:
            recorder: has seen it all.
            meter: the same, for coverage.
            fingerprints: what inputs are now.
            collections: what collecting files produced, each with its action.
        """
        recorder.children.settle()
        recorder.modules.settle()
        recorder.writes.settle()
        if not self._ran and not collections:
            return []
        graph = self._graph(recorder, [action for _, action in collections])
        found = [self._recording(ran, graph, meter, fingerprints) for ran in self._ran]
        for collection, action in collections:
            refusal = graph.refusal(action, declared=False)
            if refusal is None and all("/__pycache__" in path for path in graph.written(action)):
                # Nobody but Python reads what it wrote.
                recording = collection.recording(graph.reading(action), fingerprints)
                if recording is not None:
                    found.append(recording)
        # The rest of pytest's end collects garbage several times.
        self._ran.clear()
        self._undecided.clear()
        return found

    def settle_early(
        self,
        recorder: Recorder,
        meter: CoverageMeter,
        fingerprints: Fingerprints,
        unfinished: Container[Action],
    ) -> list[TestRecording]:
        """Return what tests read, as far as nothing that is still to come can add to it.

        Each is returned once. Memos that later tests fill were not there for earlier ones. But
        what somebody wrote may yet be read, which binds who wrote it; and what is still
        set up will read more when it is torn down. Tests that rest on such are kept back.

        Args:
            recorder: has seen all tests up to now, and none is running.
            meter: the same, for coverage.
            fingerprints: what inputs are now.
            unfinished: actions that will go on.
        """
        recorder.modules.settle()
        graph = self._graph(recorder)
        found: list[TestRecording] = []
        undecided: list[Ran] = []
        for ran in self._undecided:
            if graph.has_written(ran.action) or graph.rests_on_any(ran.action, unfinished):
                undecided.append(ran)
            else:
                found.append(self._recording(ran, graph, meter, fingerprints))
        self._undecided = undecided
        return found

    def _graph(self, recorder: Recorder, collections: Sequence[Action] = ()) -> Graph:
        graph = Graph(recorder)
        graph.prepare([self._beside, *collections, *(ran.action for ran in self._ran)])
        return graph

    def _recording(
        self, ran: Ran, graph: Graph, meter: CoverageMeter, fingerprints: Fingerprints
    ) -> TestRecording:
        item, outcome = ran.item, ran.outcome
        refusal = uncacheable_reason(item)
        if self._times[item.nodeid] > 1:
            refusal = "several selected tests share its node id"
        refusal = refusal or graph.refusal(ran.action, declared=declares_inputs(item))
        reading = graph.reading(ran.action) if refusal is None else None
        if reading is None:
            outcome = None
        elif outcome is not None and meter.measures:
            shared = graph.apart_from(ran.action, ran.given)
            files = meter.files(ran.covered, shared, fingerprints)
            outcome = with_coverage(outcome, files)
        group, name = group_and_name(item)
        return TestRecording(item.nodeid, group, name, reading, outcome, refusal, ran.not_stored)


class _Parcel(msgspec.Struct, array_like=True):
    """Recordings on their way from one process to another."""

    records: dict[str, bytes]
    tests: list[tuple[str, str, str, str | None, str | None]]


def pack(recordings: Iterable[TestRecording]) -> bytes:
    """Return `recordings` as bytes that `unpack` understands."""
    builders: dict[str, RecordBuilder] = {}
    parcel = _Parcel({}, [])
    for recording in recordings:
        parcel.tests.append(
            (
                recording.nodeid,
                recording.group,
                recording.name,
                recording.refusal,
                recording.not_stored,
            )
        )
        if recording.reading is not None:
            builder = builders.setdefault(recording.group, RecordBuilder())
            outcome = NOTHING if recording.outcome is None else recording.outcome
            builder.add(recording.name, recording.reading, outcome, 0.0)
    parcel.records = {group: encode_record(builder.build()) for group, builder in builders.items()}
    return msgspec.msgpack.encode(parcel)


def unpack(content: bytes) -> list[TestRecording]:
    """Return the recordings that `pack` made bytes of.

    Raises:
        msgspec.DecodeError: `content` is something else.
    """
    parcel = msgspec.msgpack.decode(content, type=_Parcel)
    records = {group: decode_record(record) for group, record in parcel.records.items()}
    # Tests of one file that read the same keep sharing one reading.
    readings: dict[tuple[str, Manifest], Reading] = {}
    found: list[TestRecording] = []
    for nodeid, group, name, refusal, not_stored in parcel.tests:
        record = records.get(group)
        entries = [] if record is None else record.entries.get(name, [])
        reading = outcome = None
        if record is not None and entries:
            manifest = entries[0].manifest
            outcome = None if entries[0].outcome == NOTHING else entries[0].outcome
            reading = readings.get((group, manifest))
            if reading is None:
                reading = readings[group, manifest] = reading_of(record, manifest)
        found.append(TestRecording(nodeid, group, name, reading, outcome, refusal, not_stored))
    return found
