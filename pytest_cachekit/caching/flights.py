"""Computations under way in this process, for which others wait."""

from __future__ import annotations

import concurrent.futures
import threading
from contextvars import ContextVar

from ..storage.forks import survive_forks


class Flight:
    """One computation under way."""

    def __init__(self) -> None:
        self.result: concurrent.futures.Future[bytes | None] = concurrent.futures.Future()
        """What gets stored; None if the computation failed."""
        self.awaited: set[Flight] = set()
        """The flights that this one's computation waited for."""

    def rests_on(self, others: tuple[Flight, ...]) -> bool:
        """Return whether it is, or waits for, one of `others`, perhaps by way of further ones."""
        return self in others or any(each.rests_on(others) for each in self.awaited)


class Traffic:
    """The lock over who waits for whom, in all caches together."""

    def __init__(self) -> None:
        self.after_fork()
        survive_forks(self)

    def after_fork(self) -> None:
        """See `Forked.after_fork`."""
        self.lock = threading.Lock()


_traffic = Traffic()
# The flights of which the running code is a part: tasks and what `to_thread` runs inherit them.
_aboard: ContextVar[tuple[Flight, ...]] = ContextVar("aboard", default=())


class Flights:
    """The computations of one cache that are under way, by key."""

    def __init__(self) -> None:
        self.after_fork()
        survive_forks(self)

    def board(self, key: str) -> tuple[Flight | None, bool]:
        """Return the flight of `key`, and whether the caller is to compute and `land` it.

        None stands for a flight that waits for its caller, who would wait for itself for ever.
        """
        with _traffic.lock:
            known, aboard = self._flights.get(key), _aboard.get()
            if known is None:
                flight = self._flights[key] = Flight()
                _aboard.set((*aboard, flight))
                return flight, True
            if aboard and known.rests_on(aboard):
                return None, False
            for each in aboard:
                each.awaited.add(known)
            return known, False

    def land(self, key: str, flight: Flight, result: bytes | None) -> None:
        """Let those go on who wait for `key`."""
        with _traffic.lock:
            if self._flights.get(key) is flight:
                del self._flights[key]
            flight.awaited.clear()
        _aboard.set(tuple(each for each in _aboard.get() if each is not flight))
        flight.result.set_result(result)

    def after_fork(self) -> None:
        """See `Forked.after_fork`; no thread here will ever end what was under way."""
        self._flights: dict[str, Flight] = {}
