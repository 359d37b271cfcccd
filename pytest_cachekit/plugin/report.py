"""The JSON report, whose format is a promise (docs/report.md)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..resources.reading import peak_memory
from ..storage import BackendSize, Shelf
from .tally import Tally

VERSION = 1


def report_data(
    tally: Tally, size: BackendSize | None, where: str, far: Shelf | None = None
) -> dict[str, Any]:
    """Return the report as JSON's types."""
    counts = tally.counts()
    own, children = peak_memory()
    ran = sum(counts.values()) - counts["replayed"] - counts["not run"]
    return {
        "version": VERSION,
        "tests": [
            {
                "nodeid": line.nodeid,
                "verdict": line.verdict.kind,
                "reason": line.reason,
                "outcome": line.outcome,
                "duration": line.duration,
                "saved": line.saved,
                **({"audited": True} if line.audited else {}),
                **({"not_deterministic": line.unsteady} if line.unsteady else {}),
            }
            for line in tally.lines.values()
        ],
        "stats": {
            "selected": len(tally.lines),
            "replayed": counts["replayed"],
            "run": ran,
            "audited": counts["audited"],
            "new": counts["new"],
            "stale": counts["stale"],
            "uncacheable": counts["uncacheable"],
            "not_cacheable_outcome": counts["not cacheable outcome"],
            "not_run": counts["not run"],
            "hit_rate": tally.hit_rate,
            "saved": tally.saved,
            "entries": None if size is None else size.entries,
            "bytes": None if size is None else size.bytes,
            "backend": where,
            "peak_memory": own,
            "peak_memory_children": children,
            **({} if far is None else {"remote": _remote_data(far)}),
        },
    }


def _remote_data(far: Shelf) -> dict[str, Any]:
    return {
        "backend": far.url,
        "read": far.reads,
        "written": far.writes,
        "batches": far.batches,
        "not_trusted": far.distrusted,
        "left_out": far.is_lost,
    }


def write_text(path: Path, text: str) -> None:
    """Write a report to `path`, making its directory where there is none.

    Raises:
        OSError: it can't be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # A file's name may hold bytes that are no text.
    path.write_text(text, encoding="utf-8", errors="replace")
