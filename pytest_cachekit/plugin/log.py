"""From what one run decided to what the log of runs keeps of it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence

from ..actions.runs import RunContext, RunLine, log_run, most_frequent, place_of
from ..inputs.fingerprint import Fingerprints
from ..inputs.resolution import name_path
from ..settings import Settings
from ..storage import Backend
from .questions import answers
from .results import TestResults
from .tally import Line, Tally


def log(
    backend: Backend,
    tally: Tally,
    settings: Settings,
    results: TestResults,
    fingerprints: Fingerprints,
    path: Sequence[str],
) -> None:
    """Add a run to the log in its cache.

    Args:
        backend: the cache.
        tally: what was decided, and how the tests ended.
        settings: the run's.
        results: know the run's context.
        fingerprints: know what tests could ask the run.
        path: where modules were looked for; empty where this process collected nothing.

    Raises:
        StorageError: the cache can't be written.
    """
    lines = tally.lines.values()
    counts = tally.counts()
    ran = [line for line in lines if not line.replayed and line.outcome is not None]
    reasons = Counter((line.category, line.reason) for line in ran)
    line = RunLine(
        ended=time.time(),
        context=results.context,
        place=place_of(fingerprints.layout),
        mode=settings.cachekit_mode,
        replayed=counts["replayed"],
        ran=len(ran),
        not_run=counts["not run"],
        saved=tally.saved,
        reasons=most_frequent(reasons),
    )
    context = RunContext(
        parts=results.context_parts,
        answers=answers(fingerprints),
        path=name_path(fingerprints.layout, path),
        refused={line.nodeid: reason for line in ran if (reason := _refusal(line)) is not None},
        kept_out=results.kept_out,
        is_covered=results.is_covered,
        is_distributed=fingerprints.distributed,
    )
    log_run(backend, line, context, tally.lines)


def _refusal(line: Line) -> str | None:
    """Return why the result of a test that ran was not stored; None where it was."""
    return line.reason if line.verdict.kind == "uncacheable" else line.not_stored
