"""Values in rows, and large ones in files beside the database, as diskcache places them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

# diskcache's column `mode`: a value in the row itself, or in a file.
_MODE_RAW = 1
_MODE_BINARY = 2
_LARGE = 32 * 1024


@dataclass
class Files:
    """The files of one transaction: those it wrote, and those that nothing names after it."""

    new: list[str] = field(default_factory=list)
    old: list[str] = field(default_factory=list)


class Values:
    """Where the values of one directory's rows are."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    @contextmanager
    def changing(self) -> Iterator[Files]:
        """Wrap a transaction: the old files go if it succeeds, the new ones if it fails."""
        files = Files()
        try:
            yield files
        except BaseException:
            self._remove(files.new)
            raise
        self._remove(files.old)

    def place(self, value: bytes, files: Files) -> tuple[int, int, str | None, bytes | None]:
        """Return the columns `size, mode, filename, value`, writing the file of a large value.

        Raises:
            OSError: the file can't be written.
        """
        if len(value) < _LARGE:
            return 0, _MODE_RAW, None, value
        name = os.urandom(16).hex()
        filename = os.path.join(name[:2], name[2:4], f"{name[4:]}.val")
        files.new.append(filename)
        path = self._directory / filename
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(value)
        return len(value), _MODE_BINARY, filename, None

    def read(self, mode: int, filename: str | None, value: object, size: int) -> bytes | None:
        """Return the bytes that a row's columns lead to; None if they are not as written."""
        if mode == _MODE_RAW and isinstance(value, bytes):
            return value
        if mode == _MODE_BINARY and isinstance(filename, str):
            path = self._path(filename)
            try:
                content = path.read_bytes() if path is not None else None
            except (OSError, ValueError):
                return None
            return content if content is not None and len(content) == size else None
        return None

    def _path(self, filename: str) -> Path | None:
        """Return where a row's file is; None for a name that leads out of the directory."""
        path = Path(os.path.abspath(self._directory / filename))
        return path if path.is_relative_to(self._directory) and path.suffix == ".val" else None

    def _remove(self, filenames: list[str]) -> None:
        for filename in filenames:
            path = self._path(filename)
            if path is not None:
                with suppress(OSError, ValueError):
                    path.unlink()
                with suppress(OSError, ValueError):
                    os.removedirs(path.parent)
