"""How often something is done that should take only a small share of the time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Pace:
    """Says when it is time again, so that all times together take at most a share.

    Args:
        share: of the time that has passed, from 0 to 1.
        clock: seconds since some moment.
    """

    def __init__(self, share: float = 0.04, clock: Callable[[], float] = time.perf_counter) -> None:
        self._share = share
        self._clock = clock
        self._ended = clock()
        self._took = 0.0

    def is_due(self) -> bool:
        """Return whether enough time has passed since the last time, for what that took."""
        return self._took <= self._share * (self._clock() - self._ended)

    def stop(self) -> None:
        """Let it never be time again."""
        self._took = float("inf")

    @contextmanager
    def spending(self) -> Iterator[None]:
        """Measure how long the block takes."""
        begun = self._clock()
        try:
            yield
        finally:
            self._ended = self._clock()
            self._took = self._ended - begun
