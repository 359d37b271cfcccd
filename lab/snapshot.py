"""The files below a directory as they were, to be put back after a run that changed some."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

_LEFT_ALONE = frozenset({".cachekit", "__pycache__", ".git", ".pytest_cache", ".hypothesis"})


class Snapshot:
    """What is below `root` at construction."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._contents = {path: path.read_bytes() for path in self._files()}
        self._signatures = {path: _signature(path) for path in self._contents}

    def restore(self) -> None:
        """Put everything back that differs."""
        found = {path: _signature(path) for path in self._files()}
        for path in found.keys() - self._contents.keys():
            path.unlink()
        for path, content in self._contents.items():
            if found.get(path) != self._signatures[path]:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
                self._signatures[path] = _signature(path)

    def _files(self) -> Iterator[Path]:
        for folder, folders, names in os.walk(self._root):
            folders[:] = [name for name in folders if name not in _LEFT_ALONE]
            for name in names:
                path = Path(folder, name)
                if path.is_file() and not path.is_symlink():
                    yield path


def _signature(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_mtime_ns, status.st_size
