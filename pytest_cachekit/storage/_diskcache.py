"""diskcache, told to hold bytes only."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, cast

import diskcache

# No limit of diskcache's own: what may go is decided by whoever knows what an entry is.
_UNLIMITED = 2**62


class BytesDisk(diskcache.Disk):  # type: ignore[misc]  # diskcache has no types
    """A `diskcache.Disk` that neither pickles nor unpickles."""

    def put(self, key: str) -> tuple[str, bool]:
        """Store keys as they are."""
        if not isinstance(key, str):
            raise TypeError(f"keys are str, not {type(key).__name__}")
        return key, True

    def get(self, key: Any, raw: bool) -> str:
        """Hand keys back as they are; a pickled one is refused unread."""
        if not raw or not isinstance(key, str):
            raise ValueError("a key that this package did not write")
        return key

    def store(self, value: bytes, read: bool, key: Any = diskcache.UNKNOWN) -> Any:
        """Store bytes in the row, or beside the database where they are many."""
        if not isinstance(value, bytes) or read:
            raise TypeError("values are bytes")
        return super().store(value, read, key)

    def remove(self, file_path: str) -> None:
        """Remove a value's file; a name that leads out of the directory is left alone."""
        path = os.path.abspath(os.path.join(self._directory, file_path))
        if path.startswith(os.path.join(os.path.abspath(self._directory), "")):
            super().remove(file_path)

    def fetch(self, mode: int, filename: str | None, value: Any, read: bool) -> bytes:
        """Hand bytes back; anything else is refused unread."""
        if mode not in (diskcache.core.MODE_RAW, diskcache.core.MODE_BINARY):
            raise ValueError("a value that this package did not write")
        return cast("bytes", super().fetch(mode, filename, value, read))


def open_bytes_cache(directory: Path, timeout: float) -> Any:
    """Open `directory` as a `diskcache.Cache` of bytes, without its own eviction or statistics."""
    return diskcache.Cache(
        str(directory),
        timeout=timeout,
        disk=BytesDisk,
        eviction_policy="none",
        size_limit=_UNLIMITED,
        cull_limit=0,
        statistics=0,
    )
