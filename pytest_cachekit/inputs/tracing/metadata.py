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


def watch_metadata(recorder: Recorder, patches: Patches) -> None:
    """Begin to tell `recorder` which files are asked about without being opened."""

    def watched(original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def ask(path: Any, *arguments: Any, **options: Any) -> Any:
            if options.get("dir_fd") is None:
                recorder.observe(_note, recorder, path)
            return original(path, *arguments, **options)

        return ask

    for name in ("stat", "lstat", "access", "readlink"):
        original = getattr(os, name)
        replacement = watched(original)
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
    # linecache checks whether its copies are fresh; whoever uses the copy is noted there.
    if sys._getframe(3).f_globals.get("__name__") == "linecache" or is_machinery(3):
        return
    name = absolute(path)
    if name is None:
        return
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
