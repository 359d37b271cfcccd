"""From what one run decided to what the log of runs keeps of it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Sequence

from ..actions.last_run import Cause, LastRun, TestInRun
from ..actions.runs import RunContext, RunLine, log_run, most_frequent, place_of
from ..actions.verdict import Stale
from ..inputs.fingerprint import Fingerprints
from ..inputs.resolution import name_path
from ..storage import Backend
from .results import TestResults
from .tally import Line, Tally


def log(
    backend: Backend,
    tally: Tally,
    last: LastRun,
    results: TestResults,
    fingerprints: Fingerprints,
    answers: dict[str, dict[str, str]],
    path: Sequence[str],
) -> None:
    """Add a run to the log in its cache.

    Args:
        backend: the cache.
        tally: what was decided, and how the tests ended.
        last: the same, as it is kept.
        results: know the run's context.
        fingerprints: of this run.
        answers: what tests could ask the run, as `RunContext` keeps it.
        path: where modules were looked for; empty where this process collected nothing.

    Raises:
        StorageError: the cache can't be written.
    """
    context = RunContext(
        parts=results.context_parts,
        answers=answers,
        path=name_path(fingerprints.layout, path),
        refused={
            line.nodeid: reason
            for line in tally.lines.values()
            if line.has_run and (reason := _refusal(line)) is not None
        },
        kept_out=results.kept_out,
        is_covered=results.is_covered,
        is_distributed=fingerprints.distributed,
    )
    line = line_of(tally, last, results.context, place_of(fingerprints.layout))
    log_run(backend, line, context, tally.lines, last)


def line_of(tally: Tally, last: LastRun, context: str = "", place: str = "") -> RunLine:
    """Return the statistics of a run, as the log keeps them."""
    counts = tally.counts()
    ran = [line for line in tally.lines.values() if line.has_run]
    return RunLine(
        ended=last.ended,
        context=context,
        place=place,
        mode=last.mode,
        replayed=counts["replayed"],
        ran=len(ran),
        not_run=counts["not run"],
        saved=tally.saved,
        reasons=most_frequent(Counter((line.category, line.reason) for line in ran)),
    )


def last_run_of(tally: Tally, mode: str, remarks: Iterable[str]) -> LastRun:
    """Return what was decided about each test of the run that ends now."""
    causes: dict[Cause, int] = {}
    tests = [
        TestInRun(
            _text(line.nodeid),
            line.category,
            line.outcome,
            causes.setdefault(_cause(line), len(causes)),
            round(line.duration * 1e6),
            line.unsteady,
        )
        for line in tally.lines.values()
    ]
    return LastRun(time.time(), mode, list(causes), tests, list(remarks))


def _cause(line: Line) -> Cause:
    verdict = line.verdict
    return Cause(_text(line.reason), _text(verdict.input) if isinstance(verdict, Stale) else None)


def _text(words: str) -> str:
    """Return `words` as text that can be stored: names of files may hold any bytes."""
    return words if words.isascii() else words.encode("utf-8", "replace").decode()


def _refusal(line: Line) -> str | None:
    """Return why the result of a test that ran was not stored; None where it was."""
    return line.reason if line.verdict.kind == "uncacheable" else line.not_stored
