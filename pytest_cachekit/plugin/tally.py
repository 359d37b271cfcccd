"""What was decided about each selected test and how it ended; and the sums of that."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from ..actions.verdict import Hit, Miss, Verdict

# Outcomes that are not cacheable, and others, from the least to the most telling.
_RANK = ("passed", "skipped", "xfailed", "xpassed", "rerun", "failed", "error")


@dataclass
class Line:
    """One selected test."""

    nodeid: str
    verdict: Verdict
    outcome: str | None = None
    """How it ended; None where it did not run, after -x for instance."""
    duration: float = 0.0
    """Seconds it took, in this run or, replayed, when it was recorded."""
    replayed: bool = False
    audited: bool = False
    """Whether it ran although it was a hit."""
    unsteady: str | None = None
    """That it ended otherwise before, with the same inputs."""
    not_stored: str | None = None
    """Why the outcome of a run was not stored, where the verdict doesn't say it."""

    def saw(self, outcome: str) -> None:
        """Note one outcome; the most telling of a test's is kept."""
        if self.outcome is None or _RANK.index(outcome) > _RANK.index(self.outcome):
            self.outcome = outcome

    @property
    def saved(self) -> float:
        """Seconds that replaying it saved."""
        return self.duration if self.replayed else 0.0

    @property
    def has_run(self) -> bool:
        """Whether it ran in this run."""
        return self.outcome is not None and not self.replayed

    @property
    def is_stored(self) -> bool:
        """Whether it ran and nothing speaks against storing how it ended."""
        kept_out = self.not_stored is not None or self.verdict.kind == "uncacheable"
        return self.has_run and not kept_out and self.unsteady is None

    @property
    def category(self) -> str:
        """In the summary: replayed, audited, not run, or why it ran."""
        if self.replayed:
            return "replayed"
        if self.outcome is None:
            return "not run"
        if isinstance(self.verdict, Hit):
            return "audited"
        if isinstance(self.verdict, Miss):
            return "new" if self.not_stored is None else "not cacheable outcome"
        return self.verdict.kind

    @property
    def reason(self) -> str:
        """Why it ran, or that it was replayed."""
        if self.not_stored is not None and isinstance(self.verdict, Miss):
            return f"{self.verdict.reason}; not stored: {self.not_stored}"
        return self.verdict.reason


class Tally:
    """All selected tests, in the order in which they were selected."""

    def __init__(self) -> None:
        self.lines: dict[str, Line] = {}

    def counts(self) -> Counter[str]:
        """Return how many tests each category has."""
        return Counter(line.category for line in self.lines.values())

    @property
    def saved(self) -> float:
        """Seconds saved by all replays."""
        return sum(line.saved for line in self.lines.values())

    @property
    def hit_rate(self) -> float:
        """Share of the tests replayed or run that were replayed; 0 where there were none."""
        counts = self.counts()
        done = sum(counts.values()) - counts["not run"]
        return counts["replayed"] / done if done else 0.0
