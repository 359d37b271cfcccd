"""What else may be measured per action: coverage, which this floor knows nothing of."""

from __future__ import annotations

from typing import Protocol

from .action import Action


class Meter(Protocol):
    """Measures something that belongs to actions, as which lines ran."""

    @property
    def measures(self) -> bool:
        """Whether it does measure in this run."""
        ...

    def credit(self, action: Action) -> None:
        """Credit to `action` what happened since the last call."""
        ...

    def begin(self) -> None:
        """An action begins, and must miss nothing because an earlier one did the same."""
        ...
