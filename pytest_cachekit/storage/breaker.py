"""A circuit breaker: who did not answer just now isn't asked again at once."""

from __future__ import annotations

import time
from collections.abc import Callable


class Breaker:
    """Opens on a failure, for a time that doubles with each further one."""

    def __init__(
        self,
        *,
        cooldown: float = 1.0,
        longest: float = 30.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start closed.

        Args:
            cooldown: seconds for which the first failure opens it.
            longest: most seconds for which it stays open.
            clock: tells seconds.
        """
        self._cooldown, self._longest, self._clock = cooldown, longest, clock
        self._failures = 0
        self._until = 0.0

    @property
    def is_open(self) -> bool:
        """Whether to fail without asking. Half open, it lets one caller try."""
        if not self._failures or self._clock() >= self._until:
            if self._failures:
                # Others fail at once while this caller tries.
                self._until = self._clock() + self._cooldown
            return False
        return True

    def failed(self) -> None:
        """Note a failure."""
        pause = min(self._cooldown * 2**self._failures, self._longest)
        self._failures = min(self._failures + 1, 30)
        self._until = self._clock() + pause

    def reset(self) -> None:
        """Close: what was asked answered."""
        self._failures = 0
