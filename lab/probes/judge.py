"""What became of one probe: recorded, replayed, changed, run plain and with the cache."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from .place import Place, Run, Start
from .probe import Probe

Word = Literal["right", "uncacheable", "stale", "needless", "differs", "known", "unsound"]
WORDS: dict[Word, str] = {
    "right": "what failed plain failed with the cache, and had been replayed before; "
    "or what should be replayed was",
    "uncacheable": "it failed, and would never have been replayed",
    "known": "the cache is fooled as docs/limits.md says",
    "stale": "the cache is fooled",
    "needless": "a test ran that nothing of the change concerns",
    "differs": "with the cache, tests end otherwise than without",
    "unsound": "the probe proves nothing: plain pytest doesn't do what it expects",
}
WRONG: frozenset[Word] = frozenset({"stale", "needless", "differs", "unsound"})


@dataclass(frozen=True)
class Judgement:
    """The word for what became of a probe, and why."""

    probe: Probe
    word: Word
    why: str = ""
    testmon: str = "-"
    """ "right" or "stale", of pytest-testmon; "-" where it was not asked."""


def judge(
    probe: Probe,
    words: Sequence[str] = (),
    testmon: str | None = None,
    start: Start | None = None,
) -> Judgement:
    """Try a probe.

    Args:
        probe: which one.
        words: more arguments for pytest.
        testmon: a Python that has pytest-testmon, which is tried as well.
        start: runs pytest's command in a directory, with an environment; by default as a process.
    """
    with tempfile.TemporaryDirectory(prefix="probe-") as folder:
        word, why, red = _judge(probe, Place(probe, Path(folder), words, start))
    if probe.limit and word in ("stale", "differs"):
        word = "known"
    elif probe.limit and word in ("right", "uncacheable"):
        word, why = "unsound", "the cache isn't fooled any more: drop `limit`"
    beside = "-"
    if testmon is not None and red:
        with tempfile.TemporaryDirectory(prefix="probe-") as folder:
            beside = _judge_testmon(probe, Path(folder), red, testmon)
    return Judgement(probe, word, why, beside)


def _judge(probe: Probe, place: Place) -> tuple[Word, str, set[str]]:
    """Return the word, why, and the tests that fail plain after the change."""
    recorded = place.run(cached=True)
    if probe.expect == "hits" or recorded.status:
        plain = place.run(cached=False)
        if plain.status:
            return "unsound", "it fails before the change: " + plain.text[-600:], set()
        if not _same(plain, recorded):
            return "differs", recorded.text[-600:], set()
    replayed = place.run(cached=True)
    if replayed.status or not _same(recorded, replayed):
        return "differs", replayed.text[-600:], set()
    ran = {name: verdict for name, verdict in replayed.verdicts.items() if verdict[0] != "hit"}
    place.change()
    plain = place.twin().run(cached=False)
    changed = place.run(cached=True)
    if probe.expect == "same":
        return ("right" if _same(plain, changed) else "differs"), changed.text[-600:], set()
    if probe.expect == "hits":
        if plain.status:
            return "unsound", "the change makes a test fail", set()
        lost = [
            f"{name}: {verdict}: {reason}"
            for name, (verdict, reason) in changed.verdicts.items()
            if verdict != "hit" and name in replayed.verdicts
        ]
        return ("needless", "; ".join(lost), set()) if lost else ("right", "", set())
    if not plain.red:
        return "unsound", "the change makes no test fail: " + plain.text[-600:], set()
    if plain.red - changed.red or (changed.status == 0 and plain.status):
        hits = [name for name, verdict in changed.verdicts.items() if verdict[0] == "hit"]
        return "stale", f"replayed: {', '.join(hits)}", plain.red
    if not _same(plain, changed):
        return "differs", changed.text[-600:], plain.red
    if ran:
        return "uncacheable", "; ".join(sorted({reason for _, reason in ran.values()})), plain.red
    return "right", "", plain.red


def _judge_testmon(probe: Probe, folder: Path, red: set[str], python: str) -> str:
    place = Place(probe, folder)
    place.run_testmon(python)
    place.change()
    return "right" if red <= place.run_testmon(python).red else "stale"


def _same(one: Run, other: Run) -> bool:
    return one.status == other.status and one.outcomes == other.outcomes
