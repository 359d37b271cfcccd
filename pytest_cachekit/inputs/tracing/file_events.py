"""Audit events of files and directories: opened, listed, made, moved, removed."""

from __future__ import annotations

import os
import posix
import stat
from functools import lru_cache
from typing import Any

from .callers import is_go_between, is_machinery, name_above
from .recorder import Recorder

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
# They read a file once, and answer from memory whoever asks next.
_READ_FOR_ALL = frozenset({"mimetypes", "gettext"})
_DRAWS_NAMES = "tempfile"
# It tries random names until one is free, and nobody depends on which.

FINDER_OF_PACKAGES = "importlib.metadata"
"""It lists each directory of the import path, and lists it again when its time stamp changed."""


def absolute(path: Any) -> str | None:
    """Return the absolute form of what was given as a path; None where it names no path."""
    if path is None:
        return None
    try:
        if isinstance(path, int):
            # Where an open directory is, on Linux.
            return posix.readlink(f"/proc/self/fd/{path}")
        text = path if type(path) is str else os.fsdecode(path)
        return _normalized(text) if text.startswith("/") else os.path.abspath(text)
    except (TypeError, ValueError, OSError):
        return None


def below(folder: int, path: Any) -> str | None:
    """Return the absolute form of a path that is relative to an open directory."""
    base = absolute(folder)
    return None if base is None else os.path.normpath(os.path.join(base, os.fsdecode(path)))


def _place(path: Any, folder: Any) -> str | None:
    """Return the absolute form of a path, with what an event says it is relative to."""
    return below(folder, path) if isinstance(folder, int) and folder >= 0 else absolute(path)


@lru_cache(maxsize=4096)
def _normalized(path: str) -> str:
    return os.path.normpath(path)


def opened(recorder: Recorder, arguments: tuple[Any, ...]) -> None:
    """Note what `open` found and does."""
    path, _mode, flags = arguments
    name = None if isinstance(path, int) else absolute(path)
    if name is not None:
        note_open(recorder, name, flags, 4)


def note_open(recorder: Recorder, name: str, flags: int, depth: int) -> None:
    """Note that the absolute path `name` is opened by whoever is `depth` calls above."""
    # Assertion rewriting and the import system read what they import in their own way.
    machinery = is_machinery(depth)
    if not flags & _WRITES:
        if not machinery:
            recorder.read_file(name)
            if name_above(depth) in _READ_FOR_ALL:
                recorder.read_for_all(name)
        return
    kind = _type(name)
    if kind == stat.S_IFDIR:
        if not machinery:
            recorder.read_existence(name)
    elif kind and not flags & os.O_TRUNC:
        if not machinery:
            recorder.modifies(name, reads=flags & os.O_ACCMODE != os.O_WRONLY)
    else:
        if not machinery:
            if flags & os.O_EXCL and name_above(depth) != _DRAWS_NAMES:
                recorder.read_existence(name)
            recorder.read_existence(os.path.dirname(name))
        recorder.created_here(name, appends=bool(flags & os.O_APPEND))


def listed(recorder: Recorder, arguments: tuple[Any, ...]) -> None:
    """Note that the names in a directory are read."""
    path = arguments[0]
    name = os.getcwd() if path is None else absolute(path)
    if name is None or is_machinery(3):
        return
    if name_above(3) == FINDER_OF_PACKAGES:
        recorder.read_packages(name)
    else:
        recorder.read_listing(name)


def scanned(recorder: Recorder, arguments: tuple[Any, ...]) -> None:
    """Note the same; whoever holds the entries themselves can ask them for more than names."""
    path = arguments[0]
    name = os.getcwd() if path is None else absolute(path)
    if name is not None and not is_machinery(3):
        recorder.read_listing(name)
        if not is_go_between(3):
            recorder.read_sizes(name)


def made(recorder: Recorder, arguments: tuple[Any, ...]) -> None:
    """Note that a directory is made."""
    name = _place(arguments[0], arguments[2])
    if name is None:
        return
    if not is_machinery(3):
        if name_above(3) != _DRAWS_NAMES:
            recorder.read_existence(name)
        recorder.read_existence(os.path.dirname(name))
    if not _type(name):
        recorder.created_here(name)


def linked(recorder: Recorder, arguments: tuple[Any, ...]) -> None:
    """Note that a symbolic link is made."""
    name = _place(arguments[1], arguments[2])
    if name is not None and not _type(name):
        recorder.created_here(name)


def moved(recorder: Recorder, arguments: tuple[Any, ...]) -> None:
    """Note that something gets another name, or one more."""
    source, target = _place(arguments[0], arguments[2]), _place(arguments[1], arguments[3])
    machinery = is_machinery(3)
    if source is not None and not machinery:
        recorder.read_file(source)
    if target is None:
        return
    if _type(target) == stat.S_IFDIR:
        # Only an empty directory gives way, and only to another one.
        if not machinery:
            recorder.read_listing(target)
        if source is None or _type(source) != stat.S_IFDIR or os.listdir(target):
            return
    recorder.created_here(target)


def removed(recorder: Recorder, arguments: tuple[Any, ...]) -> None:
    """Note that something is removed: whether it was there is what the outcome depends on."""
    name = _place(arguments[0], arguments[1])
    if name is not None:
        if not is_machinery(3):
            recorder.read_existence(name)
        recorder.removed_here(name)


def removed_directory(recorder: Recorder, arguments: tuple[Any, ...]) -> None:
    """Note that a directory is removed, which must be empty."""
    name = _place(arguments[0], arguments[1])
    if name is not None:
        if not is_machinery(3):
            recorder.read_listing(name)
        recorder.removed_here(name)


def changed(recorder: Recorder, arguments: tuple[Any, ...]) -> None:
    """Note what a call that changes something finds there: its outcome depends on that."""
    name = absolute(arguments[0])
    if name is not None and not is_machinery(3):
        recorder.read_existence(name)


def went_elsewhere(recorder: Recorder, arguments: tuple[Any, ...]) -> None:
    """Note that the working directory becomes another one."""
    name = absolute(arguments[0])
    recorder.is_away = name is None or name != recorder.start
    changed(recorder, arguments)


def truncated(recorder: Recorder, arguments: tuple[Any, ...]) -> None:
    """Note that a file is cut off or made longer."""
    name = absolute(arguments[0])
    if name is not None and not is_machinery(3):
        recorder.modifies(name, reads=True)


def loaded_library(recorder: Recorder, arguments: tuple[Any, ...]) -> None:
    """Note that a shared library is loaded by ctypes."""
    name = arguments[0]
    if isinstance(name, str):
        if os.sep in name:
            recorder.read_file(os.path.abspath(name))
        recorder.opens.loading_library(name)


def _type(path: str) -> int:
    """Return the type of what is at `path`, through links; 0 where there is nothing."""
    try:
        return stat.S_IFMT(posix.stat(path).st_mode)
    except (OSError, ValueError):
        pass
    try:
        return stat.S_IFMT(posix.lstat(path).st_mode)
    except (OSError, ValueError):
        return 0
