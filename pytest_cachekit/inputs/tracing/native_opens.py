"""Files that C code of other libraries opens, without an audit event: the kernel tells of them.

On Linux, inotify(7) tells of each file below the project's root that anybody opens. What Python
opened is known already, and left out; the rest was opened by an extension module, or by another
process at the same time, which costs a test a needless input at worst. Python's own modules
are left out too: import systems of all processes open these. It begins when the first library is
loaded that could open files.
"""

from __future__ import annotations

import errno
import os
import re
import struct
import sys
from collections.abc import Iterator
from functools import lru_cache
from importlib.machinery import ExtensionFileLoader, ModuleSpec, all_suffixes

from ..layout import Layout, Region

# What a library must ask the dynamic linker for, to open files or load others that do; Go's ask
# the kernel.
_OPENING = re.compile(
    rb"\0(?:(?:f?re|f)?open(?:at)?(?:64)?|__open(?:at)?(?:64)?_2|syscall|dlm?open"
    rb"|_ZNS\w*basic_(?:filebuf|[io]?fstream)\w*|crosscall2|x?_cgo_\w+)\0"
)
# Names lie side by side, each ended by the byte that the next one begins after.
_LIBRARIES = re.compile(rb"\0([^\0]+\.so[\w.]*)(?=\0)")
_OF_C = re.compile(
    rb"(?:lib(?:c(?:\.musl-\w+)?|m|pthread|dl|rt|gcc_s|stdc\+\+|util)|ld-linux[\w-]*)\.so[\w.]*"
)
_VERSION_CONTROL = frozenset({".git", ".hg", ".svn", ".jj"})
_BY_PRODUCTS_OF_ROOT = (".pytest_cache", ".mypy_cache", ".ruff_cache", ".coverage")
_MODULES = tuple(all_suffixes())
# elf(5)
_ELF, _SECTION = struct.Struct("<6s34xQ10xHH2x"), struct.Struct("<4xIQ8xQQ")
_ELF_64, _STRINGS, _LOADED = b"\x7fELF\x02\x01", 3, 2
# inotify(7)
_OPEN, _CREATE, _MOVED_TO, _OVERFLOW, _DIRECTORY = 0x20, 0x100, 0x80, 0x4000, 0x40000000
_EVENT = struct.Struct("iIII")
_BUFFER = 1 << 16


@lru_cache
def opens_files(library: str) -> bool:
    """Return whether the shared library at `library` could open files without Python.

    It can't if it imports none of C's functions for that, and rests on no library but C's own.
    Where this can't be told, it could.
    """
    try:
        names = _dynamic_names(library)
    except (OSError, struct.error):
        return True
    others = set(_LIBRARIES.findall(names)) - {os.fsencode(os.path.basename(library))}
    return not names or _OPENING.search(names) is not None or not all(map(_OF_C.fullmatch, others))


def _dynamic_names(library: str) -> bytes:
    """Return the names by which a library is linked: those of functions and other libraries.

    That is the section `.dynstr` of an ELF file with words of 64 bits; nothing for other files.
    """
    with open(library, "rb") as file:
        header = _ELF.unpack(file.read(_ELF.size))
        if header[0] != _ELF_64:
            return b""
        _, sections, size, count = header
        file.seek(sections)
        table = file.read(size * count)
        for index in range(count):
            kind, flags, place, length = _SECTION.unpack_from(table, index * size)
            if kind == _STRINGS and flags & _LOADED:
                file.seek(place)
                return file.read(length)
    return b""


class NativeOpens:
    """What other code than Python's opened below the project's root."""

    def __init__(self, layout: Layout) -> None:
        self.is_one_of_many = False
        """Whether other processes are known to open the same files meanwhile."""
        self._layout = layout
        self._queue: int | None = None
        self._tried = not sys.platform.startswith("linux")
        self._folders: dict[int, str] = {}
        self._expected: set[str] = set()
        self._made: set[str] = set()

    @property
    def is_active(self) -> bool:
        """Whether the kernel tells of anything."""
        return self._queue is not None

    def loading(self, spec: object) -> None:
        """Begin, if the module of `spec`, which is about to be loaded, could open files."""
        if (
            isinstance(spec, ModuleSpec)
            and isinstance(spec.loader, ExtensionFileLoader)
            and spec.origin
        ):
            self.loading_library(spec.origin)

    def loading_library(self, path: str) -> None:
        """Begin, if the library at `path` could open files, and isn't the interpreter's own."""
        if (
            not self._tried
            and self._layout.region(os.path.abspath(path)) is not Region.STANDARD
            and opens_files(path)
        ):
            self._tried = True
            self._begin()

    def expect(self, path: object) -> None:
        """Leave out `path`, which Python itself opens."""
        if isinstance(path, (str, bytes, os.PathLike)):
            self._expected.add(os.path.abspath(os.fsdecode(path)))

    def opened(self) -> list[str]:
        """Return the files that were opened since this was called last.

        Raises:
            OSError: there were too many to tell.
        """
        expected, self._expected = self._expected, set()
        found = dict.fromkeys(self._told())
        if not found.keys() <= expected:
            # The same file has several names where links lead to it.
            expected |= {os.path.realpath(path) for path in expected}
        return [path for path in found if path not in expected]

    def is_made(self, path: str) -> bool:
        """Return whether the file at `path` was made since this began, by whomever."""
        return path in self._made

    def close(self) -> None:
        """Be told of nothing any more."""
        self._tried = True
        if self._queue is not None:
            os.close(self._queue)
        self._queue = None

    def _told(self) -> Iterator[str]:
        """Iterate over the files that the kernel has told of."""
        while self._queue is not None:
            try:
                told = os.read(self._queue, _BUFFER)
            except BlockingIOError:
                return
            at = 0
            while at < len(told):
                watch, mask, _, length = _EVENT.unpack_from(told, at)
                at += _EVENT.size + length
                if mask & _OVERFLOW:
                    raise OSError("more files are opened than the kernel can tell of")
                name = os.fsdecode(told[at - length : at].rstrip(b"\0"))
                path = f"{self._folders[watch]}/{name}"
                if mask & (_CREATE | _MOVED_TO):
                    self._made.add(path)
                elif name and not mask & _DIRECTORY and not name.endswith(_MODULES):
                    yield path

    def _begin(self) -> None:
        import ctypes

        c = ctypes.CDLL(None, use_errno=True)
        queue = c.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if queue < 0:
            return
        for folder in _folders(self._layout):
            watch = c.inotify_add_watch(queue, os.fsencode(folder), _OPEN | _CREATE | _MOVED_TO)
            if watch >= 0:
                self._folders[watch] = folder
            elif ctypes.get_errno() == errno.ENOSPC:
                break
        self._queue = queue


def _folders(layout: Layout) -> list[str]:
    """Return the directories in which the project may keep what tests read."""
    found = []
    for folder, below, files in os.walk(layout.root):
        if "pyvenv.cfg" in files:
            below.clear()
            continue
        found.append(folder)
        below[:] = [
            name
            for name in below
            if name not in _VERSION_CONTROL
            and layout.region(os.path.join(folder, name)) is Region.PROJECT
            and not (folder == layout.root and name.startswith(_BY_PRODUCTS_OF_ROOT))
        ]
    return found
