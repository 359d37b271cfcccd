"""Who computes a missing value while others wait for it."""

from __future__ import annotations

import concurrent.futures
import os
import socket
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

from ..storage import AsyncBackend

Flight = concurrent.futures.Future[bytes | None]
"""One computation under way; its result is what gets stored, None if it failed."""

_FIRST_PAUSE, _LONGEST_PAUSE = 0.002, 0.1


class Waiting(Protocol):
    """How to wait: in a thread, or in an event loop."""

    async def pause(self, seconds: float) -> None:
        """Wait for a time."""
        ...

    async def result(self, flight: Flight) -> bytes | None:
        """Wait until `flight` is over; return what it computed."""
        ...

    def who(self) -> object:
        """Return the thread or task that runs."""
        ...


class BlockingWait:
    """Waits in the calling thread; its coroutines never suspend."""

    async def pause(self, seconds: float) -> None:
        """See `Waiting.pause`."""
        time.sleep(seconds)

    async def result(self, flight: Flight) -> bytes | None:
        """See `Waiting.result`."""
        return flight.result()

    def who(self) -> object:
        """See `Waiting.who`."""
        return threading.current_thread()


class Flights:
    """Computations under way in this process, by key."""

    def __init__(self) -> None:
        self._start()

    def board(self, key: str, who: object) -> tuple[Flight, bool]:
        """Return the flight of `key`, and whether the caller is to compute it.

        Args:
            key: what is to be computed.
            who: the thread or task that asks.
        """
        if self._process != os.getpid():
            # A fork brought flights along that no thread here will ever end.
            self._start()
        with self._lock:
            known = self._flights.get(key)
            if known is not None:
                return known[0], False
            flight = Flight()
            self._flights[key] = flight, who
            return flight, True

    def is_flown_by(self, key: str, who: object) -> bool:
        """Return whether `who` computes `key` already, and would wait for itself for ever."""
        known = self._flights.get(key)
        return known is not None and known[1] == who and self._process == os.getpid()

    def land(self, key: str, flight: Flight, result: bytes | None) -> None:
        """Let those go on who wait for `key`."""
        with self._lock:
            known = self._flights.get(key)
            if known is not None and known[0] is flight:
                del self._flights[key]
        flight.set_result(result)

    def _start(self) -> None:
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._flights: dict[str, tuple[Flight, object]] = {}


class Lease:
    """The right to compute one key, among all processes that share a backend."""

    def __init__(self, backend: AsyncBackend, key: str, seconds: float) -> None:
        """Ask for the right to `key`, to be given back within `seconds`."""
        self._backend, self._key, self._seconds = backend, key, seconds
        self._until: float | None = None

    async def take(self) -> bool:
        """Return whether the right is ours now."""
        start = time.monotonic()
        if not await self._backend.add(self._key, _signature(), self._seconds):
            holder = (await self._backend.get_many([self._key])).get(self._key)
            if holder is None or not _is_dead(holder):
                return False
            await self._backend.delete_many([self._key])
            if not await self._backend.add(self._key, _signature(), self._seconds):
                return False
        self._until = start + self._seconds
        return True

    async def give_back(self) -> None:
        """Let others have it, unless it ran out and may be somebody else's."""
        if self._until is not None and time.monotonic() < self._until:
            await self._backend.delete_many([self._key])


async def wait_for_turn(
    lease: Lease, waiting: Waiting, look: Callable[[], Awaitable[bool]], longest: float
) -> bool:
    """Wait until the right is ours or the value is there; return whether it is ours.

    After `longest` seconds the caller is to compute in any case.
    """
    end, pause = time.monotonic() + longest, _FIRST_PAUSE
    while not await lease.take():
        if time.monotonic() >= end:
            return True
        await waiting.pause(pause)
        pause = min(pause * 2, _LONGEST_PAUSE)
        if await look():
            return False
    return True


def _signature() -> bytes:
    return f"{socket.gethostname()} {os.getpid()}".encode()


def _is_dead(holder: bytes) -> bool:
    """Return whether the holder is a process of this machine that has ended."""
    host, _, process = holder.decode(errors="replace").rpartition(" ")
    if host != socket.gethostname() or not process.isdigit():
        return False
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        return False
    return False
