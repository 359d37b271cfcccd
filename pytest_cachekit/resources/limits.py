"""How much may be used, and what goes beyond."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import NamedTuple, Self

from ..errors import CacheUsageError
from .cgroups import ContainerLimits, container_limits
from .reading import ResourceReading


class Violation(NamedTuple):
    """One limit that is exceeded."""

    resource: str
    """The name of a field of `ResourceReading`."""
    value: float
    limit: float

    def __str__(self) -> str:
        relation = "below" if self.resource == "disk_free" else "above"
        return f"{self.resource} is {self.value:,.0f}, {relation} the limit of {self.limit:,.0f}"


@dataclass(frozen=True)
class ResourceLimits:
    """The most, or least, of each resource; None for no limit."""

    memory: int | None = None
    """Bytes, of the process and its children."""
    disk: int | None = None
    """Bytes, of the directory that is watched."""
    cpu_percent: float | None = None
    """Of one processor."""
    open_files: int | None = None
    processes: int | None = None
    least_disk_free: int | None = None
    """Bytes that should stay free."""

    def __post_init__(self) -> None:
        for field in fields(self):
            limit = getattr(self, field.name)
            if limit is not None and limit <= 0:
                raise CacheUsageError(f"{field.name}={limit!r} allows nothing: give more, or None.")

    @classmethod
    def of_container(cls, share: float = 0.9, limits: ContainerLimits | None = None) -> Self:
        """Return a `share` of what the container allows; nothing is limited outside of one.

        Raises:
            CacheUsageError: the share is not between 0 and 1.
        """
        if not 0 < share <= 1:
            raise CacheUsageError(f"share={share!r} is none: give a number above 0, at most 1.")
        found = container_limits() if limits is None else limits
        return cls(
            memory=None if found.memory is None else max(1, int(found.memory * share)),
            cpu_percent=None if found.cpus is None else found.cpus * 100 * share,
            processes=None if found.processes is None else max(1, int(found.processes * share)),
        )

    def violations(self, reading: ResourceReading) -> list[Violation]:
        """Return which limits a reading exceeds."""
        found: list[Violation] = []
        for name in ("memory", "disk", "cpu_percent", "open_files", "processes"):
            limit, value = getattr(self, name), getattr(reading, name)
            if limit is not None and value > limit:
                found.append(Violation(name, value, limit))
        least, free = self.least_disk_free, reading.disk_free
        if least is not None and free is not None and free < least:
            found.append(Violation("disk_free", free, least))
        return found
