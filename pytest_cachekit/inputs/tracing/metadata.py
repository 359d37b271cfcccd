"""Existence, type and size of files: `os.stat` and its kin, which raise no audit events."""

from __future__ import annotations

import functools
import linecache
import os
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

from .audit import absolute
from .callers import is_machinery
from .patching import Patches
from .recorder import Recorder

_PATH_LIBRARIES = frozenset({"genericpath", "posixpath", "pathlib", "pathlib._local", "shutil"})
_TYPE_QUESTIONS = frozenset(
    {
        "exists", "lexists", "isfile", "isdir", "islink", "is_file", "is_dir", "is_symlink",
        "realpath", "resolve", "which", "_access_check",
    }
)  # fmt: skip


def _of_os(name: str) -> Any:
    return getattr(os, name)


class _Watched:
    """A function of `os` that tells the recorder; like a builtin, it never becomes a method."""

    def __init__(self, original: Callable[..., Any], recorder: Recorder) -> None:
        functools.update_wrapper(self, original)
        self._original = original
        self._recorder = recorder
        self._note = _note_link if original.__name__ in ("lstat", "readlink") else _note

    def __call__(self, path: Any, *arguments: Any, **options: Any) -> Any:
        folder = options.get("dir_fd")
        if folder is not None:
            place = os.path.join(absolute(folder) or "", os.fsdecode(path))
            self._recorder.observe(self._note, self._recorder, place)
        elif type(path) is not str or path not in self._recorder.unheeded:
            self._recorder.observe(self._note, self._recorder, path)
        return self._original(path, *arguments, **options)

    def __reduce__(self) -> tuple[Any, ...]:
        """Make a pickle of the original's place."""
        return _of_os, (self._original.__name__,)


def watch_metadata(recorder: Recorder, patches: Patches) -> None:
    """Begin to tell `recorder` which files are asked about without being opened."""
    for name in ("stat", "lstat", "access", "readlink"):
        original = getattr(os, name)
        replacement = _Watched(original, recorder)
        patches.set(os, name, replacement)
        # The standard library asks whether a function is a member of these sets.
        for support in (os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks,
                        os.supports_effective_ids):  # fmt: skip
            if original in support:
                support.add(replacement)

    original_getlines = linecache.getlines

    def getlines(filename: str, module_globals: Any = None) -> list[str]:
        # What linecache holds already is read again by nobody's open().
        path = absolute(filename)
        if path is not None and not filename.startswith("<") and not is_machinery(1):
            recorder.observe(recorder.read_file, path)
        return original_getlines(filename, module_globals)

    patches.set(linecache, "getlines", functools.wraps(original_getlines)(getlines))


def _note(recorder: Recorder, path: Any) -> None:
    name = absolute(path)
    if name is None or not recorder.heeds(name):
        return
    # linecache checks whether its copies are fresh; whoever uses the copy is noted there.
    if sys._getframe(3).f_globals.get("__name__") == "linecache" or is_machinery(3):
        return
    if _asks_for_type(3):
        recorder.read_existence(name)
    else:
        recorder.read_metadata(name)


def _note_link(recorder: Recorder, path: Any) -> None:
    name = absolute(path)
    if name is None or not recorder.heeds(name) or is_machinery(3):
        return
    recorder.read_link(name)
    if _asks_for_type(3):
        recorder.read_existence(name)
    else:
        recorder.read_metadata(name)


def _asks_for_type(depth: int) -> bool:
    """Return whether the library function that asks tells its caller the type at most."""
    frame: FrameType | None = sys._getframe(depth + 1)
    while frame is not None and frame.f_globals.get("__name__") in _PATH_LIBRARIES:
        if frame.f_code.co_name in _TYPE_QUESTIONS:
            return True
        frame = frame.f_back
    return False
