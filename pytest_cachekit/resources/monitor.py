"""Reads resources again and again, judges them, and remembers them for a while."""

from __future__ import annotations

import threading
import weakref
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import NamedTuple, Protocol, Self

from ..errors import CacheUsageError
from .limits import ResourceLimits, Violation
from .reading import ResourceReading

RESOURCES = ("memory", "cpu_percent", "open_files", "processes", "disk")
Callback = Callable[[Violation], object]
_MOST_ERRORS = 20


class Reader(Protocol):
    """What reads resources, as `ResourceReader` does."""

    def read(self) -> ResourceReading:
        """Return what is in use now."""
        ...


class ResourceSummary(NamedTuple):
    """One resource over the readings that are kept."""

    latest: float
    average: float
    maximum: float
    peak: float
    """The most that was ever read, those that are no longer kept included."""


class ResourceMonitor:
    """Watches resources, in a thread of its own between `start` and `stop`.

        with ResourceMonitor(ResourceReader(), ResourceLimits(memory=10**9)) as monitor:
            monitor.on_violation(print)

    The thread ends with `stop`, with the process, and when nobody has the monitor any more.
    """

    def __init__(
        self,
        reader: Reader,
        limits: ResourceLimits = ResourceLimits(),  # noqa: B008  it is frozen
        *,
        interval: float = 1.0,
        history: int = 3600,
    ) -> None:
        """Watch what `reader` reads.

        Args:
            reader: a `ResourceReader`, or what reads like one.
            limits: what should not be exceeded.
            interval: seconds between two readings of the thread.
            history: most readings that are kept.

        Raises:
            CacheUsageError: a number is not positive.
        """
        if interval <= 0 or history < 1:
            raise CacheUsageError("interval and history have to be positive.")
        self.limits = limits
        self._reader = reader
        self._interval = interval
        self._history: deque[ResourceReading] = deque(maxlen=history)
        self._peaks = dict.fromkeys(RESOURCES, 0.0)
        self._exceeded: set[str] = set()
        self._callbacks: list[Callback] = []
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self.errors: deque[str] = deque(maxlen=_MOST_ERRORS)
        """What readings and callbacks raised, the last of it; watching goes on."""

    def on_violation(self, callback: Callback) -> None:
        """Call `callback` whenever a limit begins to be exceeded, in the thread that reads."""
        self._callbacks.append(callback)

    def check(self) -> list[Violation]:
        """Read now; return which limits are exceeded, and tell of those that were not before."""
        reading = self._reader.read()
        violations = self.limits.violations(reading)
        with self._lock:
            self._history.append(reading)
            for name in RESOURCES:
                self._peaks[name] = max(self._peaks[name], getattr(reading, name))
            new = [each for each in violations if each.resource not in self._exceeded]
            self._exceeded = {each.resource for each in violations}
        for violation in new:
            for callback in self._callbacks:
                try:
                    callback(violation)
                except Exception as error:  # noqa: BLE001  who listens doesn't end the watch
                    self.errors.append(f"{callback!r}: {error!r}")
        return violations

    def readings(self) -> list[ResourceReading]:
        """Return the readings that are kept, oldest first."""
        with self._lock:
            return list(self._history)

    def summary(self) -> dict[str, ResourceSummary]:
        """Return latest, average and greatest values by resource; nothing before any reading."""
        readings = self.readings()
        found: dict[str, ResourceSummary] = {}
        for name in RESOURCES if readings else ():
            values = [float(getattr(reading, name)) for reading in readings]
            average = sum(values) / len(values)
            found[name] = ResourceSummary(values[-1], average, max(values), self._peaks[name])
        return found

    @property
    def is_running(self) -> bool:
        """Whether the thread watches; it doesn't in a forked child."""
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        """Begin to watch, unless that is so already."""
        if self.is_running:
            return
        self._ended = threading.Event()
        self._thread = threading.Thread(
            target=_watch,
            args=(weakref.ref(self), self._interval, self._ended),
            name="cachekit-resources",
            daemon=True,
        )
        self._thread.start()

    def stop(self) -> None:
        """End the watch, and wait for the thread."""
        self._ended.set()
        thread, self._thread = self._thread, None
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def tick(self) -> None:
        """Do what the thread does each time; what goes wrong is kept in `errors`."""
        try:
            self.check()
        except Exception as error:  # noqa: BLE001  a reading that fails doesn't end the watch
            self.errors.append(repr(error))

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()


def _watch(what: weakref.ref[ResourceMonitor], interval: float, ended: threading.Event) -> None:
    while True:
        monitor = what()
        if monitor is None:
            return
        monitor.tick()
        del monitor
        if ended.wait(interval):
            return
