"""What a process that goes on for long may remember of files, and what it must look at again."""

from __future__ import annotations

import time

from .fingerprint import Contents

_A_MOMENT = 2_000_000_000


class SettledContents(Contents):
    """Forgets files that were changed a moment ago: the next change could look the same."""

    def __setitem__(self, path: str, known: tuple[tuple[int, ...], str]) -> None:
        if time.time_ns() - known[0][1] > _A_MOMENT:
            super().__setitem__(path, known)
        else:
            self.pop(path, None)


def umask_now() -> str:
    """Return the permissions that new files don't get, without changing them in between."""
    with open("/proc/self/status", encoding="utf-8") as stream:
        line = next(line for line in stream if line.startswith("Umask:"))
    return f"{int(line.split()[1], 8):o}"
