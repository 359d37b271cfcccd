"""What a traced child is told when it starts, and hands back when it ends.

Whoever starts a child makes a directory with the `ChildContext` in it, and
names in an environment variable the file in that directory where the child is
to leave its `ChildReport`. There is no report of a child that was killed, that
another interpreter ran, or that isn't Python.
"""

from __future__ import annotations

import marshal
import os
import sys
from typing import NamedTuple

from ... import __version__
from ..reading import Function, Input, Source
from .child_start import VARIABLE

CONTEXT = "context"

__all__ = ["CONTEXT", "VARIABLE", "ChildContext", "ChildReport", "interpreter"]


class ChildContext(NamedTuple):
    """Where the project lies, for a child that may run elsewhere."""

    root: str
    ignored: tuple[str, ...]
    temporary: tuple[str, ...]


class ChildReport(NamedTuple):
    """What a child read, its own children included."""

    interpreter: str
    """See `interpreter`."""
    process: int
    parent: int
    arguments: list[str]
    """The command line that it was started with."""
    sources: list[Source]
    ordered: list[Source]
    functions: list[Function]
    inputs: list[Input]
    placed: list[Function]
    written: list[str]
    """Absolute paths that it made, changed or removed, other than temporary ones."""
    uncacheable: str | None
    unseen: str | None


def interpreter() -> str:
    """Return what a report rests on that is made elsewhere: the same Python, installed alike."""
    return f"{__version__} {sys.version} {sys.prefix} {sys.base_prefix}"


def write_atomically(path: str, value: ChildContext | ChildReport) -> None:
    """Write `value` to the file `path`, which is there whole or not at all."""
    unfinished = f"{path}.{os.getpid()}"
    with open(unfinished, "wb") as stream:
        stream.write(marshal.dumps(tuple(value)))
    os.replace(unfinished, path)


def read_context(folder: str) -> ChildContext:
    """Return the context in the directory `folder`."""
    with open(os.path.join(folder, CONTEXT), "rb") as stream:
        return ChildContext(*marshal.loads(stream.read()))  # noqa: S302  nobody else writes there


def read_report(path: str) -> ChildReport | None:
    """Return the report in the file `path`; None where there is none that can be read."""
    try:
        with open(path, "rb") as stream:
            content = marshal.loads(stream.read())  # noqa: S302  nobody else writes there
        # Another version's may have other fields.
        return ChildReport(*content) if content[0] == interpreter() else None
    except (OSError, EOFError, ValueError, TypeError, LookupError):
        return None
