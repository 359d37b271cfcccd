"""What a process uses, what it may use, and what is tidied up meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from .caches import CacheManager
from .cleanup import Cleaner, CleanupTask
from .limits import ResourceLimits, Violation
from .monitor import Reader, ResourceMonitor
from .reading import ResourceReader
from .tasks import expired_entries, orphaned_files, orphaned_values, temporary_files

_ABOUT_CACHES = ("memory", "disk", "disk_free")


class ResourceManager(ResourceMonitor):
    """A monitor that also runs cleanup tasks: those that are due, and all where space is short.

    Attributes:
        cleaner: runs the tasks; more can be added, and all be run by hand.
    """

    def __init__(
        self,
        caches: CacheManager | None = None,
        limits: ResourceLimits = ResourceLimits(),  # noqa: B008  it is frozen
        *,
        tasks: Iterable[CleanupTask] = (),
        reader: Reader | None = None,
        interval: float = 1.0,
        history: int = 3600,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Watch this process, and look after `caches`.

        Args:
            caches: whose expired entries and orphaned files are removed, and whose directory
                counts as disk; None for no caches.
            limits: what should not be exceeded. Where memory or disk are, all tasks run.
            tasks: what is to be done besides.
            reader: reads resources; a `ResourceReader` by default.
            interval: seconds between two readings.
            history: most readings that are kept.
            clock: tells seconds since 1970, for schedules.

        Raises:
            CacheUsageError: psutil is not installed, or two tasks have one name.
        """
        directory = None if caches is None else caches.directory
        super().__init__(
            ResourceReader(directory) if reader is None else reader,
            limits,
            interval=interval,
            history=history,
        )
        own = [] if caches is None else [expired_entries(caches), orphaned_files(caches.backend)]
        if directory is not None:
            own.append(orphaned_values(directory))
        self.cleaner = Cleaner(
            [*own, temporary_files(clock=clock), *tasks],
            schedule=None if caches is None else caches.backend,
            clock=clock,
        )
        self.on_violation(self._relieve)

    def tick(self) -> None:
        """Read and judge, and run the tasks that are due."""
        super().tick()
        for result in self.cleaner.run():
            if result.error is not None:
                self.errors.append(f"{result.name}: {result.error}")

    def _relieve(self, violation: Violation) -> None:
        if violation.resource in _ABOUT_CACHES:
            self.cleaner.run(force=True)
