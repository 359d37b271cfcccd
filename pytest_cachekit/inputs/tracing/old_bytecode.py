"""Bytecode of an older text, which Python runs where size and second of the newer are the same."""

from __future__ import annotations

import posix
from collections.abc import Callable
from types import CodeType

from .action import Action


def refuse_old(action: Action, name: str) -> None:
    """Have nothing stored that rests on `action`, the import of the file `name`."""
    action.refuse(f"ran bytecode of an older text of {name}: delete its __pycache__")


def is_old(
    code: CodeType, path: str, cached: str | None, compile_now: Callable[[], CodeType | None]
) -> bool:
    """Return whether `code` isn't what the file at `path` says now.

    Args:
        code: what is about to run.
        path: of the source.
        cached: where its bytecode is kept.
        compile_now: returns the code of the text; called only where that, or its place in the
            directory, may have changed since the bytecode was written.
    """
    if cached is None:
        return False
    try:
        source, written = posix.stat(path), posix.stat(cached)
    except OSError:
        return False
    if max(source.st_mtime_ns, source.st_ctime_ns) < written.st_mtime_ns:
        return False
    try:
        return compile_now() != code
    except Exception:  # noqa: BLE001  what compiles may be anybody's
        return True
