"""Existence, type and size of files: `os.stat` and its kin, which raise no audit events."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from types import FrameType, ModuleType
from typing import Any

from .callers import frame_of, is_machinery, names_of_asker
from .file_events import FINDER_OF_PACKAGES, absolute, below, note_open
from .patching import Patches, Prepare
from .recorder import Recorder

_PATH_LIBRARIES = frozenset({"genericpath", "posixpath", "pathlib", "pathlib._local", "shutil"})
_TYPE_QUESTIONS = frozenset(
    {
        "exists", "lexists", "isfile", "isdir", "islink", "is_file", "is_dir", "is_symlink",
        "realpath", "resolve", "which", "_access_check",
    }
)  # fmt: skip
_ASKING_WHO_MAY = frozenset({"which", "_access_check"})
"""Which of them tell whether a file can be run."""
# What code names that wants to know what is there, rather than when it was written.
_OTHER_QUESTIONS = frozenset(
    {
        "st_size",
        "st_mode",
        "st_ino",
        "st_dev",
        "st_uid",
        "st_gid",
        "st_nlink",
        "S_ISDIR",
        "S_ISREG",
        "getsize",
        "access",
        "samefile",
        "ismount",
    }
)
_TIMES = frozenset(
    {"st_mtime", "st_mtime_ns", "st_ctime", "st_ctime_ns", "st_birthtime", "getmtime", "getctime"}
)
_UMASK = ("umask", "start")


def _of_os(name: str) -> Any:
    return getattr(os, name)


class _Watched:
    """A function of `os` that tells the recorder; like a builtin, it never becomes a method."""

    def __init__(self, original: Callable[..., Any], recorder: Recorder) -> None:
        functools.update_wrapper(self, original)
        self._original = original
        self._recorder = recorder
        self._of_link = original.__name__ in ("lstat", "readlink")

    def __call__(self, path: Any, *arguments: Any, **options: Any) -> Any:
        folder = options.get("dir_fd")
        is_unheeded = folder is None and type(path) is str and path in self._recorder.unheeded
        # Pytest looks at every file of a project before it finds its tests.
        if is_unheeded or is_machinery(1):
            return self._original(path, *arguments, **options)
        of_link = self._of_link or options.get("follow_symlinks") is False
        path_asked = path if folder is None else below(folder, path)
        self._recorder.observe(_note_link if of_link else _note, self._recorder, path_asked)
        return self._original(path, *arguments, **options)

    def __reduce__(self) -> tuple[Any, ...]:
        """Make a pickle of the original's place."""
        return _of_os, (self._original.__name__,)


class _WatchedOpen(_Watched):
    """`os.open`, whose audit event doesn't say what a path is relative to."""

    def __call__(self, path: Any, flags: int, *arguments: Any, **options: Any) -> Any:
        folder = options.get("dir_fd")
        name = absolute(path) if folder is None else below(folder, path)
        if name is not None:
            self._recorder.observe(note_open, self._recorder, name, flags, 3)
        with self._recorder.unobserved():
            return self._original(path, flags, *arguments, **options)


def watch_metadata(recorder: Recorder, patches: Patches) -> None:
    """Begin to tell `recorder` which files are asked about without being opened."""
    for name in ("stat", "lstat", "access", "readlink", "open"):
        original = getattr(os, name)
        replacement = (_WatchedOpen if name == "open" else _Watched)(original, recorder)
        patches.set(os, name, replacement)
        # The standard library asks whether a function is a member of these sets.
        for support in (os.supports_dir_fd, os.supports_fd, os.supports_follow_symlinks,
                        os.supports_effective_ids):  # fmt: skip
            if original in support:
                support.add(replacement)

    original_umask = os.umask

    def umask(mask: int, /) -> int:
        if not is_machinery(1):
            recorder.observe(recorder.read, *_UMASK)
        return original_umask(mask)

    patches.set(os, "umask", functools.wraps(original_umask)(umask))


def line_readers(recorder: Recorder, patches: Patches) -> dict[str, Prepare]:
    """Return, by name of a module, what makes it tell whose lines it hands out."""

    def prepare_linecache(module: ModuleType) -> None:
        original = module.getlines

        def getlines(filename: str, module_globals: Any = None) -> Any:
            # What linecache holds already is read again by nobody's open().
            path = absolute(filename)
            if path is not None and not filename.startswith("<") and not is_machinery(1):
                recorder.observe(recorder.read_file, path)
            return original(filename, module_globals)

        patches.set(module, "getlines", functools.wraps(original)(getlines))

    return {"linecache": prepare_linecache}


def _note(recorder: Recorder, path: Any, depth: int = 3) -> None:
    # linecache checks whether its copies are fresh; whoever uses the copy is noted there.
    if frame_of(depth).f_globals.get("__name__") == "linecache":
        return
    name = absolute(path)
    if name is None or not recorder.heeds(name):
        return
    question = _question(depth)
    if question:
        recorder.read_existence(name)
        if question in _ASKING_WHO_MAY:
            recorder.read_mode(name)
        return
    if frame_of(depth).f_globals.get("__name__") == FINDER_OF_PACKAGES:
        recorder.read_packages(name)
        return
    recorder.read_metadata(name)
    names = names_of_asker(depth)
    if "st_mode" in names:
        recorder.read_mode(name)
        recorder.read(*_UMASK)
    if not _TIMES.isdisjoint(names) or _OTHER_QUESTIONS.isdisjoint(names):
        # Time stamps differ between checkouts; what they stand for is whether it has changed.
        if os.path.isdir(name):
            recorder.read_listing(name)
        else:
            recorder.read_file(name)


def _note_link(recorder: Recorder, path: Any) -> None:
    name = absolute(path)
    if name is None or not recorder.heeds(name):
        return
    recorder.read_link(name)
    _note(recorder, path, 4)


def _question(depth: int) -> str:
    """Return the library function that asks, if it tells its caller the type at most; else ""."""
    frame: FrameType | None = frame_of(depth + 1)
    while frame is not None and frame.f_globals.get("__name__") in _PATH_LIBRARIES:
        if frame.f_code.co_name in _TYPE_QUESTIONS:
            return frame.f_code.co_name
        frame = frame.f_back
    return ""
