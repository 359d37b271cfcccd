"""Tasks that tidy up, by priority and when they are due."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

from ..errors import CacheUsageError, StorageError
from ..storage import Backend

LOG = "cleaned:"
"""What the keys begin with under which it is kept when a task ran."""


class Cleaned(NamedTuple):
    """What a task removed."""

    removed: int
    bytes: int = 0


@dataclass(frozen=True)
class CleanupTask:
    """Something that removes what isn't needed."""

    name: str
    clean: Callable[[], Cleaned | int | None]
    """Removes it, and returns how much that was."""
    description: str = ""
    priority: int = 5
    """Lower ones run first."""
    every: float = 3600.0
    """Seconds from one time to the next; 0 for each time."""

    def __post_init__(self) -> None:
        if not self.name or self.every < 0:
            raise CacheUsageError("A task has a name, and seconds that are not negative.")


class CleanupResult(NamedTuple):
    """What became of a task, one time."""

    name: str
    removed: int
    bytes: int
    seconds: float
    error: str | None
    """None where it worked."""


@dataclass
class TaskStatus:
    """How a task did so far, in this process."""

    name: str
    description: str
    priority: int
    every: float
    runs: int = 0
    failures: int = 0
    removed: int = 0
    bytes: int = 0
    last_run: float | None = None
    """When, in seconds since 1970; also by other processes that share the schedule."""
    last_error: str | None = None

    @property
    def next_run(self) -> float:
        """When it is due, in seconds since 1970; 0 where it never ran."""
        return 0.0 if self.last_run is None else self.last_run + self.every


class Cleaner:
    """Runs tasks that are due: those of low priority number first, then the longest overdue."""

    def __init__(
        self,
        tasks: Iterable[CleanupTask] = (),
        *,
        schedule: Backend | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Take `tasks`.

        Args:
            tasks: the first ones.
            schedule: where it is kept when each ran, for all processes; else each process has
                a schedule of its own.
            clock: tells seconds since 1970.
        """
        self._tasks: dict[str, CleanupTask] = {}
        self._status: dict[str, TaskStatus] = {}
        self._schedule = schedule
        self._clock = clock
        for task in tasks:
            self.add(task)

    def add(self, task: CleanupTask) -> None:
        """Take one more task.

        Raises:
            CacheUsageError: there is one of that name.
        """
        if task.name in self._tasks:
            raise CacheUsageError(f"There is a task {task.name!r} already: give another name.")
        self._tasks[task.name] = task
        self._status[task.name] = TaskStatus(task.name, task.description, task.priority, task.every)

    def remove(self, name: str) -> None:
        """Forget a task.

        Raises:
            KeyError: there is none of that name.
        """
        del self._tasks[name], self._status[name]

    def due(self) -> list[str]:
        """Return the names of tasks that are due, in the order in which they would run."""
        self._learn()
        now = self._clock()
        ready = [status for status in self._status.values() if status.next_run <= now]
        return [
            each.name for each in sorted(ready, key=lambda each: (each.priority, each.next_run))
        ]

    def run(self, *names: str, force: bool = False) -> list[CleanupResult]:
        """Run the tasks that are due; with `force` all; with `names` these, due or not.

        A task that fails doesn't keep others from running.

        Raises:
            KeyError: there is no task of such a name.
        """
        if names:
            wanted = list(names)
        elif force:
            ranked = sorted(self._tasks.values(), key=lambda task: task.priority)
            wanted = [task.name for task in ranked]
        else:
            wanted = self.due()
        return [self._run(self._tasks[name]) for name in wanted]

    def status(self) -> list[TaskStatus]:
        """Return how each task did, by priority."""
        self._learn()
        return sorted(self._status.values(), key=lambda each: (each.priority, each.name))

    def _run(self, task: CleanupTask) -> CleanupResult:
        status = self._status[task.name]
        status.last_run = self._clock()
        start = time.perf_counter()
        cleaned, error = Cleaned(0), None
        try:
            found = task.clean()
            cleaned = found if isinstance(found, Cleaned) else Cleaned(found or 0)
        except Exception as raised:  # noqa: BLE001  a failing task is told, and keeps no other back
            error = str(raised) or repr(raised)
        status.runs += 1
        status.failures += error is not None
        status.last_error = error
        status.removed += cleaned.removed
        status.bytes += cleaned.bytes
        if self._schedule is not None and task.every > 0:
            with suppress(StorageError):
                stamp = repr(status.last_run).encode()
                self._schedule.set_many({LOG + task.name: stamp})
        seconds = time.perf_counter() - start
        return CleanupResult(task.name, cleaned.removed, cleaned.bytes, seconds, error)

    def _learn(self) -> None:
        """Take over when other processes ran the tasks."""
        if self._schedule is None:
            return
        try:
            found = self._schedule.get_many([LOG + name for name in self._tasks])
        except StorageError:
            return
        for key, stamp in found.items():
            with suppress(ValueError):
                status = self._status[key[len(LOG) :]]
                # A clock that was wrong once must not keep a task back for ever.
                when = min(float(stamp), self._clock())
                status.last_run = max(when, status.last_run or 0.0)
