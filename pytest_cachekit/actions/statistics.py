"""Totals of a cache: what it holds by kind, and what the last runs say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from ..storage import Backend
from .catalogue import SOURCES, actions_of, read_records
from .kinds import KINDS
from .last_run import LAST
from .runs import CONTEXTS, LOG, Reason, RunLine, read_runs


@dataclass(frozen=True)
class Part:
    """One part of what a cache holds."""

    keys: int
    bytes: int


@dataclass(frozen=True)
class KindTotals:
    """What is there of one kind of action."""

    actions: int
    entries: int
    contexts: int
    torn: int
    """Records that can't be read."""
    outcomes: Mapping[str, int]
    seconds: float
    """What replaying all of them once saves; each in its newest context alone."""
    oldest: float | None
    newest: float | None
    """When the newest entry of an action was, in seconds since 1970."""


@dataclass(frozen=True)
class Statistics:
    """What can be told of a cache in numbers."""

    parts: Mapping[str, Part]
    kinds: Mapping[str, KindTotals]
    runs: tuple[RunLine, ...]
    """The last ones, newest first."""

    @property
    def keys(self) -> int:
        """All that is stored."""
        return sum(part.keys for part in self.parts.values())

    @property
    def bytes(self) -> int:
        """Of all values."""
        return sum(part.bytes for part in self.parts.values())

    @property
    def replayed(self) -> int:
        """Tests that the last runs replayed."""
        return sum(run.replayed for run in self.runs)

    @property
    def ran(self) -> int:
        """Tests that the last runs ran."""
        return sum(run.ran for run in self.runs)

    @property
    def hit_rate(self) -> float | None:
        """Share of tests that the last runs replayed; None where there were none."""
        done = self.replayed + self.ran
        return self.replayed / done if done else None

    @property
    def saved(self) -> float:
        """Seconds that the last runs saved."""
        return sum(run.saved for run in self.runs)

    @property
    def reasons(self) -> list[Reason]:
        """Why tests ran in the last runs, the most frequent first, as far as they were kept."""
        counts: Counter[tuple[str, str]] = Counter()
        for run in self.runs:
            for reason in run.reasons:
                counts[reason.category, reason.text] += reason.tests
        ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        return [Reason(category, text, tests) for (category, text), tests in ranked]


def sizes(backend: Backend) -> dict[str, Part]:
    """Return how much a cache holds, by parts.

    Records of each kind of action with what belongs to them, source texts, what is known of runs,
    and what else is there.

    Raises:
        StorageError: the cache can't be read.
    """
    prefixes = {
        kind.name: [kind.prefix, *(each.prefix for each in kind.attachments)]
        for kind in KINDS.values()
    }
    prefixes |= {"source texts": [SOURCES], "runs": [LOG, LAST, CONTEXTS]}
    parts: dict[str, Part] = {}
    for name, found in prefixes.items():
        held = [backend.size(prefix) for prefix in found]
        parts[name] = Part(sum(size.entries for size in held), sum(size.bytes for size in held))
    total = backend.size()
    parts["other"] = Part(
        max(total.entries - sum(part.keys for part in parts.values()), 0),
        max(total.bytes - sum(part.bytes for part in parts.values()), 0),
    )
    return parts


def statistics(backend: Backend) -> Statistics:
    """Return what can be told of a cache.

    Raises:
        StorageError: the cache can't be read.
    """
    kinds = {name: _Sum() for name in KINDS}
    for stored in read_records(backend):
        found = kinds[stored.kind.name]
        found.contexts.add(stored.context)
        found.torn += stored.record is None
        for action in actions_of(stored):
            found.actions += 1
            found.entries += action.entries
            found.outcomes[action.outcome] += 1
            known = found.newest.get(action.name, (0.0, 0.0))
            found.newest[action.name] = max(known, (action.recorded, action.seconds))
            found.oldest = min(found.oldest, action.recorded)
    totals = {name: found.totals() for name, found in kinds.items()}
    return Statistics(sizes(backend), totals, tuple(read_runs(backend)))


class _Sum:
    """Counts up what is there of one kind."""

    def __init__(self) -> None:
        self.actions = self.entries = self.torn = 0
        self.contexts: set[str] = set()
        self.outcomes: Counter[str] = Counter()
        self.newest: dict[str, tuple[float, float]] = {}
        self.oldest = float("inf")

    def totals(self) -> KindTotals:
        """Return the sums."""
        return KindTotals(
            self.actions,
            self.entries,
            len(self.contexts),
            self.torn,
            dict(sorted(self.outcomes.items())),
            sum(seconds for _, seconds in self.newest.values()),
            self.oldest if self.actions else None,
            max((recorded for recorded, _ in self.newest.values()), default=None),
        )
