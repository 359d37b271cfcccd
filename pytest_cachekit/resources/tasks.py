"""The usual tasks: files that killed processes left, caches that nobody used for long."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol

from ..actions.entries import Removed
from ..actions.removal import collect_garbage
from ..storage import Backend
from ..storage.database import stored_files
from .cleanup import Cleaned, CleanupTask
from .reading import disk_use

_DAY = 86_400.0
_TAG = "created by pytest-cachekit"


class Caches(Protocol):
    """Caches that know what has expired, as `CacheManager`."""

    def remove_expired(self) -> Removed:
        """Remove what is older than the time to live; say how much."""
        ...


def expired_entries(caches: Caches, *, every: float = 600.0) -> CleanupTask:
    """Return a task that removes what is older than the time to live of its cache."""

    def clean() -> Cleaned:
        removed = caches.remove_expired()
        return Cleaned(removed.entries, removed.bytes)

    return CleanupTask("expired entries", clean, "older than their time to live", 1, every)


def orphaned_files(backend: Backend, *, every: float = _DAY) -> CleanupTask:
    """Return a task that removes files, texts and records that nothing can hit any more."""

    def clean() -> Cleaned:
        removed = collect_garbage(backend)
        return Cleaned(len(removed.keys), removed.bytes)

    return CleanupTask("orphaned files", clean, "what no entry names any more", 2, every)


def orphaned_values(
    directory: str | os.PathLike[str],
    *,
    max_age: float = 3600.0,
    every: float = _DAY,
    clock: Callable[[], float] = time.time,
) -> CleanupTask:
    """Return a task that removes files of a cache's large values that its database doesn't name.

    A process that is killed in the midst of a write leaves such a file. Those younger than
    `max_age` seconds may belong to a write that isn't finished.
    """
    place = Path(directory)

    def clean() -> Cleaned:
        if not is_cache(place):
            return Cleaned(0)
        files = {str(path.relative_to(place)): path for path in place.glob("??/??/*.val")}
        named = stored_files(place)
        count = size = 0
        for name, path in files.items():
            if name not in named and clock() - _last_change(path) > max_age:
                freed = path.lstat().st_size
                if _remove(path):
                    count += 1
                    size += freed
        return Cleaned(count, size)

    return CleanupTask("orphaned values", clean, "left by writes that were killed", 3, every)


def temporary_files(
    *,
    max_age: float = _DAY,
    directory: str | os.PathLike[str] | None = None,
    prefix: str = "cachekit-code-",
    every: float = _DAY,
    clock: Callable[[], float] = time.time,
) -> CleanupTask:
    """Return a task that removes what killed processes left in the directory for such files.

    Only what belongs to this user, is called as ours are, and was not changed for `max_age`
    seconds.
    """
    place = Path(tempfile.gettempdir() if directory is None else directory)

    def clean() -> Cleaned:
        count = size = 0
        for path in sorted(place.glob(f"{prefix}*")):
            try:
                status = path.lstat()
            except OSError:
                continue
            is_ours = status.st_uid == os.getuid() and not stat.S_ISLNK(status.st_mode)
            if is_ours and clock() - _last_change(path) > max_age:
                freed = disk_use(path)[0] if path.is_dir() else status.st_size
                if _remove(path):
                    count += 1
                    size += freed
        return Cleaned(count, size)

    return CleanupTask("temporary files", clean, "left by processes that were killed", 3, every)


def old_caches(
    directories: Iterable[str | os.PathLike[str]],
    *,
    max_age: float,
    every: float = _DAY,
    clock: Callable[[], float] = time.time,
) -> CleanupTask:
    """Return a task that removes caches among `directories` that nobody wrote to for `max_age`.

    A directory that isn't tagged as one of ours is left alone, whatever it is called.
    """
    places = [Path(directory) for directory in directories]

    def clean() -> Cleaned:
        count = size = 0
        for place in places:
            if is_cache(place) and clock() - _last_change(place) > max_age:
                freed, _ = disk_use(place)
                if _remove(place):
                    count += 1
                    size += freed
        return Cleaned(count, size)

    return CleanupTask("old caches", clean, "directories that nobody uses any more", 4, every)


def is_cache(directory: Path) -> bool:
    """Return whether this package made a directory."""
    try:
        tag = (directory / "CACHEDIR.TAG").read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        return False
    return _TAG in tag and (directory / "cache.db").is_file() and not directory.is_symlink()


def _last_change(path: Path) -> float:
    """Return when a file, or the youngest file in a directory, changed; never where unknown."""
    try:
        times = [path.lstat().st_mtime]
        if path.is_dir():
            times += [each.lstat().st_mtime for each in path.iterdir()]
    except OSError:
        return float("inf")
    return max(times)


def _remove(path: Path) -> bool:
    try:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    except OSError:
        return False
    return True
