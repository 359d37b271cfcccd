"""How often plans were used, and with what success: counters that all processes share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ..inputs.digest import digest_text
from ..storage import Backend
from .kinds import PLANS

_COUNTERS = tuple(each.prefix for each in PLANS.attachments)
USES, SUCCESSES, FAILURES = _COUNTERS


class PlanUsage(NamedTuple):
    """How often a template was used, in all processes, and with what success."""

    uses: int
    successes: int
    failures: int

    @property
    def success_rate(self) -> float | None:
        """Share of successes among what was told; None where nothing was."""
        told = self.successes + self.failures
        return self.successes / told if told else None

    @property
    def weight(self) -> float:
        """What a score is multiplied by: 0.75 to 1.25, and 1 where nothing was told.

        The share is estimated by Laplace's rule of succession, so that one failure doesn't
        count as much as a hundred.
        """
        return 0.75 + (self.successes + 1) / (self.successes + self.failures + 2) / 2


class PlanUsages:
    """The counters of all templates in a backend."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def count(self, what: str, template: str) -> None:
        """Add one to `USES`, `SUCCESSES` or `FAILURES` of a template.

        Raises:
            StorageError: the backend can't be written.
        """
        self._backend.incr(what + digest_text(template), 1)

    def of(self, templates: Iterable[str]) -> dict[str, PlanUsage]:
        """Return how templates did, in one batch.

        Raises:
            StorageError: the backend can't be read.
        """
        keys = {text: [what + digest_text(text) for what in _COUNTERS] for text in templates}
        found = self._backend.get_many([key for each in keys.values() for key in each])
        return {
            text: PlanUsage(*(int(found.get(key, b"0")) for key in each))
            for text, each in keys.items()
        }

    def drop_others(self, templates: Iterable[str]) -> None:
        """Remove what is known of all but these templates.

        Raises:
            StorageError: the backend can't be written.
        """
        there = {digest_text(text) for text in templates}
        keys = [key for what in _COUNTERS for key in self._backend.keys(what)]
        gone = [key for key in keys if key.partition(":")[2] not in there]
        if gone:
            self._backend.delete_many(gone)
