"""Which names code outside the project could look up in objects that the project hands it.

What a library does isn't traced. So its files are searched, sources for names behind a
dot or in quotation marks, and binaries for names as C stores them.
"""

from __future__ import annotations

import os
import re
import sys
import sysconfig
from collections.abc import Iterable, Iterator

from .distributions import Distributions
from .type_checking import SETTING

_Texts = list[tuple[bool, bytes]] | None

_CODE = (".py", ".so")
_LIMIT = 64 << 20
"""Bytes of one distribution's files beyond which every name counts as known to it."""
_SKIPPED = frozenset(
    {
        "test", "tests", "idlelib", "lib2to3", "tkinter", "turtledemo", "ensurepip",
        "__pycache__", "site-packages", "dist-packages", "pydoc_data",
    }
)  # fmt: skip
_ENUMERATES = re.compile(rb"\b(?:dir|vars)\(|\bgetmembers|__dict__\.(?:items|keys|values|copy)\b")
_READS_ANNOTATIONS = re.compile(
    rb"get_type_hints|__annotations__|__annotate__|get_annotations|getfullargspec|from_callable"
    rb"|\bsignature\s*\(|\bsignature as\b|\binspect\.signature\b|\0signature\0|singledispatch"
)
_BEFORE = frozenset(b".'\"")
_IN_WORD = frozenset(b"_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")


class LibraryNames:
    """The names in the files of the standard library and of installed distributions."""

    def __init__(self, distributions: Distributions) -> None:
        self._distributions = distributions
        self._texts: dict[str, _Texts] = {}
        self._known: dict[tuple[str, str, bool], bool] = {}
        self._matching: dict[tuple[str, re.Pattern[bytes]], bool] = {}

    def knows(self, name: str, distributions: Iterable[str], *, bare: bool = False) -> bool:
        """Return whether Python, what runs tests, or one of `distributions` could look `name` up.

        Args:
            name: of an attribute, or of a fixture.
            distributions: names of distributions, those that they require included.
            bare: whether the name of an argument is enough, as for fixtures.
        """
        places = ("", *self._distributions.of_pytest, *distributions)
        return any(self._is_in(place, name, bare) for place in dict.fromkeys(places))

    def enumerate_objects(self, distributions: Iterable[str]) -> bool:
        """Return whether one of `distributions` lists what an object holds."""
        return any(self._matches(place, _ENUMERATES) for place in distributions)

    def read_annotations(self, distributions: Iterable[str]) -> bool:
        """Return whether one of `distributions` reads annotations of what it is handed."""
        return any(self._matches(place, _READS_ANNOTATIONS) for place in distributions)

    def may_set_flag(self, distributions: Iterable[str]) -> bool:
        """Return whether they could make true what only type checkers take for true."""
        places = (*self._distributions.of_pytest, *distributions)
        return any(self._matches(place, SETTING) for place in dict.fromkeys(places))

    def _is_in(self, place: str, name: str, bare: bool) -> bool:
        key = (place, name, bare)
        if key not in self._known:
            texts = self._read(place)
            self._known[key] = texts is None or any(
                _has(text, binary, name, bare) for binary, text in texts
            )
        return self._known[key]

    def _matches(self, distribution: str, pattern: re.Pattern[bytes]) -> bool:
        key = (distribution, pattern)
        if key not in self._matching:
            texts = self._read(distribution)
            self._matching[key] = texts is None or any(pattern.search(text) for _, text in texts)
        return self._matching[key]

    def _read(self, place: str) -> _Texts:
        if place not in self._texts:
            paths = self._distributions.files(place) if place else _standard_files()
            self._texts[place] = _read(paths)
        return self._texts[place]


def _has(text: bytes, binary: bool, name: str, bare: bool) -> bool:
    wanted = name.encode()
    if binary:
        return b"\0" + wanted + b"\0" in text
    start = text.find(wanted)
    while start >= 0:
        end = start + len(wanted)
        before = text[start - 1] if start else 10
        after = text[end] if end < len(text) else 10
        if after not in _IN_WORD and (before in _BEFORE or (bare and before not in _IN_WORD)):
            return True
        start = text.find(wanted, end)
    return False


def _read(paths: Iterable[str]) -> _Texts:
    sources: list[bytes] = []
    found: list[tuple[bool, bytes]] = []
    size = 0
    for path in paths:
        if not path.endswith(_CODE) and path != os.path.realpath(sys.executable):
            continue
        try:
            with open(path, "rb") as stream:
                content = stream.read()
        except OSError:
            continue
        size += len(content)
        if size > _LIMIT:
            return None
        if path.endswith(".py"):
            sources.append(content)
        else:
            found.append((True, content))
    return [(False, b"\n".join(sources)), *found]


def _standard_files() -> Iterator[str]:
    paths = sysconfig.get_paths()
    for root in dict.fromkeys((paths["stdlib"], paths["platstdlib"])):
        yield from _below(root)
    yield os.path.realpath(sys.executable)
    # Where the interpreter is a library, the executable only starts it.
    yield os.path.join(
        sysconfig.get_config_var("LIBDIR") or "", sysconfig.get_config_var("LDLIBRARY") or ""
    )


def _below(root: str) -> Iterator[str]:
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if name not in _SKIPPED]
        yield from (os.path.join(folder, name) for name in files)
