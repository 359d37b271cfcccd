"""What the page says of a run, found in what was decided about each test."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from ...actions.last_run import LastRun, TestInRun

CATEGORIES = (
    "replayed", "new", "stale", "uncacheable", "not cacheable outcome", "audited", "not run",
)  # fmt: skip
"""As the summary calls them, in the order in which the page shows them."""
NOT_STORED = ("uncacheable", "not cacheable outcome")


@dataclass
class Group:
    """Tests that have something in common."""

    name: str
    tests: int = 0
    replayed: int = 0
    ran: int = 0
    spent: float = 0.0
    """Seconds that those took that ran."""
    saved: float = 0.0
    """Seconds that replaying the others saved."""

    def add(self, test: TestInRun) -> None:
        """Count one more."""
        seconds = test.microseconds / 1e6
        self.tests += 1
        if test.category == "replayed":
            self.replayed += 1
            self.saved += seconds
        elif test.category != "not run":
            self.ran += 1
            self.spent += seconds

    @property
    def hit_rate(self) -> float:
        """Share of the tests replayed or run that were replayed; 0 where there were none."""
        done = self.replayed + self.ran
        return self.replayed / done if done else 0.0


class Facts:
    """What can be said of one run."""

    def __init__(self, run: LastRun) -> None:
        self.run = run
        self.counts = Counter(test.category for test in run.tests)
        self.all = Group("all")
        directories: dict[str, Group] = {}
        for test in run.tests:
            self.all.add(test)
            name = test.nodeid.partition("::")[0].rpartition("/")[0]
            directories.setdefault(name, Group(name)).add(test)
        self.directories = [directories[name] for name in sorted(directories)]

    @property
    def unsteady(self) -> list[TestInRun]:
        """Tests that ended otherwise than before, with the same inputs."""
        return [test for test in self.run.tests if test.unsteady is not None]

    @property
    def changes(self) -> list[Group]:
        """What differs from what was recorded, the most tests first."""
        stale = (test for test in self.run.tests if test.category == "stale")
        return self._groups(stale, lambda group: (-group.tests, -group.spent, group.name))

    @property
    def refusals(self) -> list[Group]:
        """Why results could not be stored, the most time first."""
        return self._groups(self._kept_out(), lambda group: (-group.spent, -group.tests))

    @property
    def costly(self) -> list[TestInRun]:
        """Tests whose results could not be stored, the longest first."""
        return sorted(self._kept_out(), key=lambda test: -test.microseconds)

    def reason(self, test: TestInRun) -> str:
        """Return why a test was replayed, or ran."""
        return self.run.causes[test.cause].text

    def _kept_out(self) -> Iterable[TestInRun]:
        return (test for test in self.run.tests if test.category in NOT_STORED)

    def _groups(self, tests: Iterable[TestInRun], order: Callable[[Group], Any]) -> list[Group]:
        groups: dict[str, Group] = {}
        for test in tests:
            cause = self.run.causes[test.cause]
            name = cause.changed or cause.text
            groups.setdefault(name, Group(name)).add(test)
        return sorted(groups.values(), key=order)
