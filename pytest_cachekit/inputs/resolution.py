"""Where an import would find a module, asked without importing anything.

A module's place is an input of whoever imports it: a file that appears nearer on
the path would be found instead. So is the absence of one that was looked for.
"""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from importlib.machinery import ModuleSpec, NamespaceLoader, PathFinder

from .layout import Layout, Region

ABSENT = "absent"
NAMESPACE = "namespace"
SEVERAL = "several:"
"""Begins the fingerprint of a module that several files of the project could be.

Which one it is, is up to who imports it first, as each test file may change `sys.path`.
"""
_REGIONS = frozenset(region.value for region in Region)
_FROM = " from "
_STANDARD, _INSTALLED = "<standard>", "<installed>"


def is_in_project(fingerprint: str) -> bool:
    """Return whether the fingerprint of a module tells of files of the project."""
    return fingerprint != ABSENT and fingerprint not in _REGIONS and fingerprint[:9] != NAMESPACE


def with_places(layout: Layout, name: str, places: Iterable[str]) -> str:
    """Return the name that the module `name` has for a process with another `sys.path`.

    Args:
        layout: where the project lies.
        name: dotted name of a module.
        places: the absolute paths of the directories that were looked through for it.
    """
    return name + _FROM + name_path(layout, places)


def name_path(layout: Layout, places: Iterable[str]) -> str:
    """Return what to call a list of directories, absolute paths, in any checkout."""
    names: list[str] = []
    for place in places:
        if place in _standard_places():
            word = _STANDARD
        elif place + os.sep in layout.installed_roots:
            word = _INSTALLED
        else:
            word = layout.name(place)
        if names[-1:] != [word]:
            names.append(word)
    return os.pathsep.join(names)


def path_of(layout: Layout, names: str) -> list[str]:
    """Return the directories here that `name_path` gave the `names`."""
    path: list[str] = []
    for name in names.split(os.pathsep):
        if name == _STANDARD:
            path += _standard_places()
        elif name == _INSTALLED:
            path += [place for place in sys.path if place + os.sep in layout.installed_roots]
        else:
            path.append(layout.path(name))
    return path


@lru_cache(maxsize=1)
def _standard_places() -> tuple[str, ...]:
    standard = sysconfig.get_path("stdlib")
    archive = f"python{sys.version_info[0]}{sys.version_info[1]}.zip"
    dynamic = os.path.join(sysconfig.get_path("platstdlib"), "lib-dynload")
    based = os.path.join(sys.base_exec_prefix, os.path.relpath(dynamic, sys.exec_prefix))
    return os.path.join(os.path.dirname(standard), archive), standard, based


class Resolver:
    """Resolves dotted module names along `sys.path`, as the import system would."""

    def __init__(
        self,
        layout: Layout,
        path: Sequence[str] | None = None,
        known: dict[str, str] | None = None,
    ) -> None:
        """Resolve along `path`, or along `sys.path`, knowing what others had found before."""
        self._layout = layout
        self._path = path
        self.known = {} if known is None else known
        """The project's own modules that were found outside of packages, each with its place."""
        self.takes_first = path is not None
        """Whether the first of several files is the module, as nobody changes `sys.path`."""
        self._others: dict[str, Resolver] = {}
        self._found: dict[str, tuple[str, list[str] | None]] = {}
        # Not the attribute: while a run is recorded, that one takes notes.
        self._find_spec = getattr(PathFinder.find_spec, "__wrapped__", PathFinder.find_spec)

    def fingerprint(self, name: str) -> str:
        """Return where `name` is found now: a project file's name, its region, or "absent".

        Or all names, after `SEVERAL`, where several files of the project could be it.

        `with_places` tells what other names there are.
        """
        name, separator, places = name.partition(_FROM)
        if separator:
            if places not in self._others:
                self._others[places] = Resolver(self._layout, path_of(self._layout, places))
            return self._others[places].fingerprint(name)
        return self._resolve(name)[0]

    def _resolve(self, name: str) -> tuple[str, list[str] | None]:
        found = self._found.get(name)
        if found is None:
            found = self._found[name] = self._search(name)
        return found

    def _search(self, name: str) -> tuple[str, list[str] | None]:
        parent = name.rpartition(".")[0]
        if parent:
            path = self._resolve(parent)[1]
            if path is None:
                return ABSENT, None
        else:
            if name in sys.builtin_module_names:
                return Region.STANDARD.value, None
            path = None if self._path is None else list(self._path)
        try:
            spec = self._find_spec(name, path)
        except (ImportError, OSError, ValueError, AttributeError):
            return ABSENT, None
        if spec is None:
            return ABSENT, None
        locations = spec.submodule_search_locations
        search = None if locations is None else list(locations)
        if spec.origin is None or isinstance(spec.loader, NamespaceLoader):
            portions = [self._layout.name(os.path.abspath(path)) for path in search or ()]
            return " ".join([NAMESPACE, *portions]), search
        place = self.place(spec.origin)
        if not parent and self._is_own(spec):
            self.known[name] = place
            others = [each for entry in sys.path for each in self._in(entry, name)]
            if set(others) - {place} and not self.takes_first:
                place = "\n".join((SEVERAL, *dict.fromkeys((place, *others))))
        return place, search

    def clashes(self, folder: str) -> bool:
        """Return whether a module that was found elsewhere in the project lies in `folder`, too."""
        there = {entry.partition(".")[0] for entry in os.listdir(folder)}
        return any(
            set(self._in(folder, name)) - {place}
            for name, place in self.known.items()
            if name in there
        )

    def _in(self, folder: str, name: str) -> Iterator[str]:
        """Return the place of the project's module `name` in `folder`, if it is there."""
        if self._layout.region(os.path.abspath(folder) + os.sep) is Region.PROJECT:
            spec = self._find_spec(name, [folder])
            if spec is not None and self._is_own(spec) and spec.origin is not None:
                yield self.place(spec.origin)

    def _is_own(self, spec: ModuleSpec) -> bool:
        return (
            spec.origin is not None
            and not isinstance(spec.loader, NamespaceLoader)
            and self._layout.region(os.path.abspath(spec.origin)) is Region.PROJECT
        )

    def place(self, origin: str) -> str:
        """Return the fingerprint of a module that lies in the file `origin`."""
        path = os.path.abspath(origin)
        region = self._layout.region(path)
        return self._layout.name(path) if region is Region.PROJECT else region.value
