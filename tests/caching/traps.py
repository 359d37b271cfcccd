"""What must never be unpickled."""

from __future__ import annotations

from pathlib import Path


class Trap:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        """Say that it is made by touching the file."""
        return Path.touch, (self.path,)
