"""A line on a terminal that says how far long work is, and is gone when that is done."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from types import TracebackType
from typing import Self, TextIO, TypeVar

import pytest

T = TypeVar("T")
_PATIENCE = 0.5
_INTERVAL = 0.1
_ERASE = "\r\x1b[2K"


class Progress:
    """Tells how far the work in its block is, once that takes longer than half a second."""

    def __init__(
        self, stream: TextIO | None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Tell on `stream`, which is a terminal; nowhere where it is None."""
        self._stream = stream
        self._clock = clock
        self._next: float | None = None
        """When to tell something; None where nothing is to be told."""
        self._files = 0
        self._is_shown = False

    def __enter__(self) -> Self:
        if self._stream is not None:
            self._next = self._clock() + _PATIENCE
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._is_shown:
            self._write(_ERASE)
            self._is_shown = False
        self._next = None

    @property
    def is_due(self) -> bool:
        """Whether it is time to tell something."""
        return self._next is not None and self._clock() >= self._next

    def tell(self, text: str) -> None:
        """Show `text`, within the block and if it is time for that."""
        if not self.is_due:
            return
        self._next = self._clock() + _INTERVAL
        self._is_shown = True
        self._write(f"{_ERASE}{text}")

    def over(self, items: Iterable[T], total: int, doing: str) -> Iterator[T]:
        """Iterate over `items`, and tell how many of `total` are done."""
        for number, item in enumerate(items):
            # Looking at the clock takes longer than most of what is counted.
            if number % 64 == 0:
                self.tell(f"cachekit: {doing}, {number:,} of {total:,}")
            yield item

    def file_read(self) -> None:
        """Count one file more whose fingerprint was taken."""
        self._files += 1
        self.tell(f"cachekit: taking fingerprints, {self._files:,} files read")

    def _write(self, text: str) -> None:
        assert self._stream is not None
        # Nobody has to see it.
        with suppress(OSError, ValueError):
            self._stream.write(text)
            self._stream.flush()


def progress_of(config: pytest.Config) -> Progress:
    """Return what tells on the terminal of a run; nowhere where it has none."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    writer = getattr(reporter, "_tw", None)
    is_terminal = getattr(reporter, "isatty", False) and getattr(writer, "hasmarkup", False)
    # Past the writer, which counts what stands on its line.
    return Progress(getattr(writer, "_file", None) if is_terminal else None)
