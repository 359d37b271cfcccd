"""What this process and its children use: memory, disk, processors, files, processes."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import CacheUsageError

# Seconds; the kernel may count a processor's time in hundredths of one.
_SHORTEST = 0.1


@dataclass(frozen=True)
class ResourceReading:
    """What was in use at one moment."""

    at: float
    """Seconds, by the reader's clock."""
    memory: int
    """Bytes of main memory (resident set size) of the process and its children together.

    Pages that several share count for each."""
    cpu_percent: float
    """Of one processor, since the reading before: 250 means two and a half. 0 at first; what it
    was, where less than a tenth of a second has passed since."""
    open_files: int
    """Files, sockets and pipes that are open."""
    processes: int
    """The process and its children."""
    disk: int = 0
    """Bytes of the files in the directory that is watched."""
    disk_free: int | None = None
    """Bytes that are free beside it; None where no directory is watched."""


class ResourceReader:
    """Reads what a process and its children, and theirs, use now."""

    def __init__(
        self,
        directory: str | os.PathLike[str] | None = None,
        *,
        process: int | None = None,
        disk_interval: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Read about a process.

        Args:
            directory: whose size counts as disk, as that of a cache; it needn't be there.
            process: its number; this one by default.
            disk_interval: seconds for which the size of the directory counts as known: looking at
                each of its files takes a while.
            clock: tells seconds.

        Raises:
            CacheUsageError: psutil is not installed, or there is no such process.
        """
        self._psutil = _import_psutil()
        self._directory = None if directory is None else Path(directory)
        self._clock = clock
        try:
            self._process = self._psutil.Process(process)
        except self._psutil.NoSuchProcess as error:
            raise CacheUsageError(f"There is no process {process}: name one that runs.") from error
        self._before: tuple[float, float] | None = None
        self._percent = 0.0
        self._disk_interval = disk_interval
        self._disk: tuple[float, int, int | None] | None = None

    def read(self) -> ResourceReading:
        """Return what is in use now; processes that end meanwhile are left out."""
        now = self._clock()
        try:
            family = [self._process, *self._process.children(recursive=True)]
        except self._psutil.Error:
            family = [self._process]
        memory = files = count = 0
        used = 0.0
        for number, process in enumerate(family):
            try:
                with process.oneshot():
                    times = process.cpu_times()
                    memory += process.memory_info().rss
                    used += times.user + times.system
                    # Those that ended, as far as they were waited for.
                    used += 0 if number else times.children_user + times.children_system
                    count += 1
                    files += process.num_fds()
            except self._psutil.Error:
                continue
        percent = self._percent_since(now, used)
        return ResourceReading(now, memory, percent, files, count, *self._disk_use(now))

    def _percent_since(self, now: float, used: float) -> float:
        if self._before is None:
            self._before = now, used
        elif now - self._before[0] >= _SHORTEST:
            self._percent = 100 * max(0.0, used - self._before[1]) / (now - self._before[0])
            self._before = now, used
        return self._percent

    def _disk_use(self, now: float) -> tuple[int, int | None]:
        if self._directory is None:
            return 0, None
        if self._disk is None or now - self._disk[0] >= self._disk_interval:
            self._disk = now, *disk_use(self._directory)
        return self._disk[1:]


def disk_use(directory: Path) -> tuple[int, int | None]:
    """Return the bytes of all files in a directory, and how many are free where it lies.

    Files that go meanwhile are left out.
    """
    total = 0
    for folder, _, names in os.walk(directory):
        for name in names:
            try:
                total += os.lstat(os.path.join(folder, name)).st_size
            except OSError:
                continue
    place = directory.absolute()
    while not place.exists() and place != place.parent:
        place = place.parent
    try:
        status = os.statvfs(place)
    except OSError:
        return total, None
    return total, status.f_bavail * status.f_frsize


def peak_memory() -> tuple[int, int]:
    """Return the most bytes of memory that this process had so far, and the largest child.

    Of children those count that ended and were waited for. It needs nothing but the kernel.
    """
    import resource

    # macOS tells bytes, others kibibytes.
    unit = 1 if sys.platform == "darwin" else 1024
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return own * unit, children * unit


def _import_psutil() -> Any:
    try:
        import psutil
    except ImportError as error:
        raise CacheUsageError(
            "Resources are read by psutil: install pytest-cachekit[resources]."
        ) from error
    return psutil
