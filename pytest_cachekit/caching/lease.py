"""The right to compute a value, among all processes that share a backend."""

from __future__ import annotations

import inspect
import os
import socket
import time
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from ..errors import CacheUsageError
from ..storage import AsyncBackend
from .flights import Flight

_FIRST_PAUSE, _LONGEST_PAUSE = 0.002, 0.1


class Waiting(Protocol):
    """How to wait: in a thread, or in an event loop."""

    async def pause(self, seconds: float) -> None:
        """Wait for a time."""
        ...

    async def result(self, flight: Flight) -> bytes | None:
        """Wait until `flight` is over; return what it computed."""
        ...

    async def settled(self, value: Any) -> Any:
        """Return `value`, or what it comes to if it is to be awaited."""
        ...


class BlockingWait:
    """Waits in the calling thread; its coroutines never suspend."""

    async def pause(self, seconds: float) -> None:
        """See `Waiting.pause`."""
        time.sleep(seconds)

    async def result(self, flight: Flight) -> bytes | None:
        """See `Waiting.result`."""
        return flight.result.result()

    async def settled(self, value: Any) -> Any:
        """See `Waiting.settled`.

        Raises:
            CacheUsageError: it is to be awaited.
        """
        if inspect.isawaitable(value):
            if inspect.iscoroutine(value):
                value.close()
            raise CacheUsageError("A Cache awaits nothing: use an AsyncCache for this factory.")
        return value


class Lease:
    """The right to compute one key: a key of its own, with its holder's machine and process."""

    def __init__(self, backend: AsyncBackend, key: str, seconds: float) -> None:
        """Ask for the right to `key`, to be given back within `seconds`."""
        self._backend, self._key, self._seconds = backend, key, seconds
        self._until: float | None = None

    async def wait(
        self, waiting: Waiting, look: Callable[[], Awaitable[bytes | None]]
    ) -> bytes | None:
        """Wait until the right is ours, or `look` sees a value; return that value.

        After as many seconds as a lease lasts the caller is to compute in any case.
        """
        end, pause = time.monotonic() + self._seconds, _FIRST_PAUSE
        while not await self._take():
            if time.monotonic() >= end:
                break
            await waiting.pause(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
            found = await look()
            if found is not None:
                return found
        return await look()

    async def give_back(self) -> None:
        """Let others have it, unless it ran out and may be somebody else's."""
        if self._until is not None and time.monotonic() < self._until:
            await self._backend.delete_many([self._key])

    async def _take(self) -> bool:
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
