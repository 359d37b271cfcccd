"""Computations under way in this process, for which others wait."""

from __future__ import annotations

import concurrent.futures
import os
import threading
from contextvars import ContextVar

_lock = threading.Lock()


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


# The flights of which the running code is a part: tasks and what `to_thread` runs inherit them.
_aboard: ContextVar[tuple[Flight, ...]] = ContextVar("aboard", default=())


class Flights:
    """The computations of one cache that are under way, by key."""

    def __init__(self) -> None:
        self._start()

    def board(self, key: str) -> tuple[Flight | None, bool]:
        """Return the flight of `key`, and whether the caller is to compute and `land` it.

        None stands for a flight that waits for its caller, who would wait for itself for ever.
        """
        with _lock:
            if self._process != os.getpid():
                # A fork brought flights along that no thread here will ever end.
                self._start()
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
        with _lock:
            if self._flights.get(key) is flight:
                del self._flights[key]
            flight.awaited.clear()
        _aboard.set(tuple(each for each in _aboard.get() if each is not flight))
        flight.result.set_result(result)

    def _start(self) -> None:
        self._process = os.getpid()
        self._flights: dict[str, Flight] = {}


def _after_fork() -> None:
    """Take a new lock: a thread that does not exist here may hold the old one."""
    global _lock
    _lock = threading.Lock()


os.register_at_fork(after_in_child=_after_fork)
