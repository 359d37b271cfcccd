"""Texts of loaded modules, as they lie on the disk now, and whether they are what runs."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterator
from types import CodeType
from typing import NamedTuple

from .digest import digest
from .tracing.units import is_function, nested


class Text(NamedTuple):
    """One source file and the functions in it."""

    digest: str
    changed: float
    """When it was changed last, in seconds since 1970; nobody can set that back."""
    codes: dict[tuple[int, str], tuple[CodeType, int | None]]
    """By first line and qualified name: the code, and the first line of its outermost function;
    None where it runs when the module is imported."""
    names: Counter[str]
    """How many functions have each qualified name."""


class LoadedTexts:
    """Compares code that is loaded with the files that it came from."""

    def __init__(self) -> None:
        self._texts: dict[str, tuple[tuple[int, ...], Text | None]] = {}
        self._start = _start_of_process()

    def text(self, path: str) -> Text | None:
        """Return what lies at the absolute `path`; None where that is no Python text."""
        try:
            status = os.stat(path)
            signature = (status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino)
            known = self._texts.get(path)
            if known is None or known[0] != signature:
                with open(path, "rb") as stream:
                    known = signature, _read(path, stream.read(), status.st_ctime)
                self._texts[path] = known
        except (OSError, ValueError, SyntaxError):
            return None
        return known[1]

    def place(self, code: CodeType) -> int | None:
        """Return the first line of the outermost function that `code` belongs to.

        None where it runs when its module is imported, as a lambda of the module does.

        Raises:
            LookupError: what was loaded isn't what lies there now.
        """
        text = self.text(os.path.abspath(code.co_filename))
        found = None if text is None else text.codes.get((code.co_firstlineno, code.co_qualname))
        if text is None or found is None:
            raise LookupError(code.co_filename)
        if found[0] != code and text.changed >= self._start:
            raise LookupError(code.co_filename)
        return found[1]

    def is_function(self, code: CodeType) -> bool:
        """Return whether `code` is a function's, or of one in it, as its file has it now."""
        try:
            return self.place(code) is not None
        except LookupError:
            return False

    def is_only(self, path: str, name: str) -> bool:
        """Return whether one function alone has the qualified `name` in the file at `path`."""
        text = self.text(path)
        return text is not None and text.names[name] == 1


def _read(path: str, content: bytes, changed: float) -> Text:
    codes: dict[tuple[int, str], tuple[CodeType, int | None]] = {}
    names: Counter[str] = Counter()
    module = compile(content, path, "exec", dont_inherit=True)
    for code, line in _functions(module, None):
        codes[code.co_firstlineno, code.co_qualname] = code, line
        names[code.co_qualname] += 1
    return Text(digest(content), changed, codes, names)


def _functions(code: CodeType, outer: int | None) -> Iterator[tuple[CodeType, int | None]]:
    for _, inner in nested(code):
        line = outer
        if line is None and is_function(inner):
            line = inner.co_firstlineno
        yield inner, line
        yield from _functions(inner, line)


def _start_of_process() -> float:
    """Return when this process began, in seconds since 1970; 0 where nobody says."""
    try:
        with open("/proc/self/stat", encoding="utf-8") as stream:
            ticks = int(stream.read().rpartition(")")[2].split()[19])
        with open("/proc/stat", encoding="utf-8") as stream:
            boot = next(int(line.split()[1]) for line in stream if line.startswith("btime "))
    except (OSError, ValueError, IndexError, StopIteration):
        return 0.0
    # Both are told in whole units; whoever was changed near to it is compared instead.
    return boot + ticks / os.sysconf("SC_CLK_TCK") - _MARGIN if sys.platform == "linux" else 0.0


_MARGIN = 3.0
