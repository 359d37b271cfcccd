"""What a container lets its processes have: the limits of control groups, version 1 and 2.

Source: the kernel's Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

_GROUPS = Path("/proc/self/cgroup")
_MOUNT = Path("/sys/fs/cgroup")
# Version 1 writes "no limit" as the largest number of pages.
_UNLIMITED = 1 << 60


class ContainerLimits(NamedTuple):
    """What a container may use; None where that isn't limited."""

    memory: int | None = None
    """Bytes."""
    cpus: float | None = None
    """Processors, as 1.5."""
    processes: int | None = None


def container_limits(groups: Path = _GROUPS, mount: Path = _MOUNT) -> ContainerLimits:
    """Return the limits of the control groups that this process is in, the narrowest of each.

    Args:
        groups: the file that names them.
        mount: where control groups are mounted.
    """
    try:
        lines = groups.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        # No Linux, or nothing that may be looked at.
        return ContainerLimits()
    found: dict[str, list[float]] = {"memory": [], "cpus": [], "processes": []}
    for line in lines:
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        for what, folder, read in _places(controllers, path, mount):
            limit = read(folder)
            if limit is not None:
                found[what].append(limit)
    memory, processes = (min(found[what], default=None) for what in ("memory", "processes"))
    return ContainerLimits(
        None if memory is None else int(memory),
        min(found["cpus"], default=None),
        None if processes is None else int(processes),
    )


_Reader = Callable[[Path], float | None]


def _places(controllers: str, path: str, mount: Path) -> Iterator[tuple[str, Path, _Reader]]:
    """Yield what may be limited, in which folder, and what reads it there."""
    if not controllers:
        for folder in _folders(mount, path):
            yield "memory", folder, lambda place: _number(place / "memory.max")
            yield "cpus", folder, _cpus
            yield "processes", folder, lambda place: _number(place / "pids.max")
        return
    for controller in controllers.split(","):
        for folder in _folders(mount / controller, path):
            if controller == "memory":
                yield "memory", folder, lambda place: _number(place / "memory.limit_in_bytes")
            elif controller == "cpu":
                yield "cpus", folder, _cpus_of_version_1
            elif controller == "pids":
                yield "processes", folder, lambda place: _number(place / "pids.max")


def _folders(mount: Path, path: str) -> Iterator[Path]:
    """Yield the folders of a group and of those around it; in a container some aren't visible."""
    inner = PurePosixPath(path.lstrip("/"))
    if ".." not in inner.parts:
        for part in (inner, *inner.parents):
            yield mount / part


def _number(path: Path) -> float | None:
    words = _words(path)
    if not words or not words[0].isdigit() or int(words[0]) >= _UNLIMITED:
        return None
    return int(words[0])


def _cpus(folder: Path) -> float | None:
    words = _words(folder / "cpu.max")
    if len(words) != 2 or not all(word.isdigit() for word in words) or words[1] == "0":
        return None
    return int(words[0]) / int(words[1])


def _cpus_of_version_1(folder: Path) -> float | None:
    quota = _number(folder / "cpu.cfs_quota_us")
    period = _number(folder / "cpu.cfs_period_us")
    return quota / period if quota and period else None


def _words(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="ascii").split()
    except (OSError, UnicodeDecodeError):
        return []
