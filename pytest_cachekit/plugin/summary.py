"""What the terminal says: the header line, the summary, and why tests ran."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

import pytest

from ..storage import BackendSize
from .tally import Tally

_ORDER = ("audited", "new", "stale", "uncacheable", "not cacheable outcome")
_MOST_REASONS = 5


def write_summary(
    reporter: pytest.TerminalReporter,
    tally: Tally,
    size: BackendSize | None,
    where: str,
    remarks: Iterable[str],
    *,
    stores: bool,
) -> None:
    """Write the summary's lines: replayed and run, time saved, the cache, and `remarks`.

    Args:
        reporter: writes.
        tally: the tests.
        size: what the cache holds; None where that isn't known.
        where: the cache's URL.
        remarks: lines besides.
        stores: whether the results of tests that ran were stored.
    """
    counts = tally.counts()
    replayed = counts["replayed"]
    reasons = [f"{counts[category]} {category}" for category in _ORDER if counts[category]]
    ran = sum(counts[category] for category in _ORDER)
    parts = [f"{replayed} replayed", f"{ran} run" + (f" ({', '.join(reasons)})" if reasons else "")]
    if counts["not run"]:
        parts.append(f"{counts['not run']} not run")
    reporter.section("cachekit", sep="-")
    reporter.line(f"tests   {', '.join(parts)}")
    reporter.line(f"saved   {_savings(tally, stores=stores)}")
    reporter.line(f"cache   {held_in_words(size, where)}")
    for remark in remarks:
        reporter.line(remark)
    if reporter.verbosity > 0:
        for line in _reasons(tally):
            reporter.line(line)


def _savings(tally: Tally, *, stores: bool) -> str:
    stored = [line for line in tally.lines.values() if line.is_stored]
    if tally.counts()["replayed"] or not stored or not stores:
        return f"{duration(tally.saved)}, hit rate {tally.hit_rate:.1%}"
    results = "1 result was" if len(stored) == 1 else f"{len(stored)} results were"
    worth = duration(sum(line.duration for line in stored))
    return f"nothing yet; {results} stored, worth {worth} when replayed"


def _reasons(tally: Tally) -> Iterator[str]:
    counts = Counter((line.category, line.reason) for line in tally.lines.values() if line.has_run)
    top = counts.most_common(_MOST_REASONS)
    width = max((len(str(tests)) for _, tests in top), default=0)
    for (category, reason), tests in top:
        yield f"why     {tests:>{width}} {category}: {reason}"
    rest = counts.total() - sum(tests for _, tests in top)
    if rest:
        yield f"why     {rest:>{width}} of other reasons: see --cachekit-explain"


def write_doubts(reporter: pytest.TerminalReporter, tally: Tally) -> None:
    """Write which tests ended otherwise than before, although their inputs were the same."""
    doubted = [line for line in tally.lines.values() if line.unsteady is not None]
    if doubted:
        reporter.section("cachekit: NOT DETERMINISTIC", sep="=", red=True, bold=True)
        for line in doubted:
            word = "audited: " if line.audited else ""
            reporter.line(f"{line.nodeid}: {word}{line.unsteady}", red=True)
        reporter.line("They run in each run until their inputs change.")


def write_explanations(reporter: pytest.TerminalReporter, tally: Tally) -> None:
    """Write, for each test that ran, one line that says why."""
    reporter.section("cachekit: why tests ran", sep="-")
    for line in tally.lines.values():
        if line.has_run:
            reporter.line(f"{line.nodeid}: {line.verdict.kind}: {line.reason}")


def held_in_words(size: BackendSize | None, where: str) -> str:
    """Return what a cache holds, as far as that is known, and where it is."""
    held = "" if size is None else f"{size.entries} entries, {bytes_in_words(size.bytes)} in "
    return f"{held}{where}"


def duration(seconds: float) -> str:
    """Return a length of time as people write it."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def bytes_in_words(count: int) -> str:
    """Return a number of bytes as people write it."""
    value = float(count)
    for unit in ("bytes", "KiB", "MiB"):
        if value < 1024:
            return f"{value:.0f} {unit}" if unit == "bytes" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} GiB"
