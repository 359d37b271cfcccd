"""What a test produced, as it is stored: reports and warnings, nothing that needs unpickling."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from ..inputs.manifest import encode_outcome
from .coverage import CoverageNow, CoveredFile, pack_coverage


class Phase(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """One report: of setup, call, teardown, or a subtest."""

    when: str
    outcome: str
    duration: float
    sections: list[tuple[str, str]] = []
    skipped_at: tuple[str, int, str] | None = None
    """File, line (counted from the test's own where the file is the same) and reason of a skip."""
    xfail: tuple[str, str] | None = None
    """The reason of an expected failure and the failure's text."""
    properties: list[tuple[str, str | int | float | bool | None]] = []
    subtest: dict[str, Any] | None = None
    """Where it is a subtest's: its report as pytest serializes it."""
    attributes: dict[str, Any] = {}
    """What other plugins put on the report: names to plain data."""


class RecordedWarning(msgspec.Struct, frozen=True, array_like=True):
    """A warning that a test gave."""

    category: tuple[str, str]
    """Module and qualified name of its class."""
    text: str
    file: str
    is_path: bool
    """Whether `file` is a path's name in the project, rather than what the warning said."""
    line: int
    when: str


class TestOutcome(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """All reports of a test, in the order in which they came, and its warnings."""

    __test__ = False

    phases: list[Phase]
    warnings: list[RecordedWarning] = []
    coverage: bytes | None = None
    """What it covered (`coverage.py`), where coverage was measured."""
    output_left_out: bool = False
    """Whether something was printed that isn't stored here."""

    @property
    def duration(self) -> float:
        """Seconds that running the test took, setup and teardown included."""
        return sum(phase.duration for phase in self.phases if phase.subtest is None)

    @property
    def word(self) -> str:
        """The outcome as pytest counts it: passed, skipped or xfailed."""
        for phase in self.phases:
            if phase.subtest is None and phase.outcome == "skipped":
                return "skipped" if phase.xfail is None else "xfailed"
        return "passed"


_decoder = msgspec.msgpack.Decoder(TestOutcome)


def decode_outcome(content: msgspec.Raw) -> TestOutcome | None:
    """Return the outcome stored as `content`; None where it is none."""
    try:
        return _decoder.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def without_output(content: msgspec.Raw) -> msgspec.Raw:
    """Return the stored outcome `content` without what the test printed."""
    outcome = decode_outcome(content)
    if outcome is None or not any(map(_printed, outcome.phases)):
        return content
    silent = [_silent(phase) for phase in outcome.phases]
    return encode_outcome(msgspec.structs.replace(outcome, phases=silent, output_left_out=True))


def _printed(phase: Phase) -> bool:
    return bool(phase.sections or (phase.subtest or {}).get("sections"))


def _silent(phase: Phase) -> Phase:
    subtest = phase.subtest
    if subtest is not None and "sections" in subtest:
        subtest = {**subtest, "sections": []}
    return msgspec.structs.replace(phase, sections=[], subtest=subtest)


def objection(content: msgspec.Raw, coverage: CoverageNow | None) -> str | None:
    """Return why the outcome stored as `content` can't be replayed; None where it can.

    `coverage` says where covered lines stand now, where coverage is measured.
    """
    outcome = decode_outcome(content)
    if outcome is None:
        return "the stored outcome can't be read"
    if coverage is not None and coverage.files(outcome.coverage) is None:
        return "what it covers now isn't known"
    return None


def with_coverage(content: msgspec.Raw, files: Iterable[CoveredFile]) -> msgspec.Raw:
    """Return the stored outcome `content` with what was covered added to it."""
    outcome = msgspec.structs.replace(_decoder.decode(content), coverage=pack_coverage(files))
    return encode_outcome(outcome)
