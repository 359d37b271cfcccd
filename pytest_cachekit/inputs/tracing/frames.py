"""Which functions of the project are running while something is read."""

from __future__ import annotations

import sys
import threading
from collections.abc import Container, Iterator
from types import CodeType, FrameType

from .action import FrameKey
from .callers import frame_of
from .units import nested

# Below them, pytest calls a test or a fixture.
_CALLERS = frozenset(
    {"_pytest.python", "_pytest.fixtures", "_pytest.unittest", "_pytest.runner", "_pytest.doctest"}
)


def frame_keys(code: CodeType) -> Iterator[FrameKey]:
    """Iterate over the keys of a function's frames, and of those of functions nested in it."""
    yield code.co_filename, code.co_firstlineno, code.co_name
    for _, inner in nested(code):
        yield from frame_keys(inner)


def running_functions(project: Container[str]) -> set[FrameKey]:
    """Return the functions that the caller runs in, as far as a test or a fixture called them.

    Args:
        project: dotted names of the project's modules.
    """
    found: set[FrameKey] = set()
    _collect(frame_of(1), project, found)
    if threading.current_thread() is not threading.main_thread():
        # Whoever waits for this thread may have asked for what it reads.
        main = sys._current_frames().get(threading.main_thread().ident or 0)
        _collect(main, project, found)
    return found


def _collect(frame: FrameType | None, project: Container[str], found: set[FrameKey]) -> None:
    while frame is not None:
        name = frame.f_globals.get("__name__")
        if type(name) is str:
            if name in _CALLERS:
                return
            if name in project:
                # Asking for the code of a frame raises an audit event, so others aren't asked.
                code = frame.f_code
                found.add((code.co_filename, code.co_firstlineno, code.co_name))
        frame = frame.f_back
