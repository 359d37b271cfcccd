"""Where an import would find a module, asked without importing anything.

A module's place is an input of whoever imports it: a file that appears nearer on
the path would be found instead. So is the absence of one that was looked for.
"""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Iterable, Sequence
from functools import lru_cache
from importlib.machinery import NamespaceLoader, PathFinder

from .layout import Layout, Region

ABSENT = "absent"
NAMESPACE = "namespace"
_FROM = " from "
_STANDARD, _INSTALLED = "<standard>", "<installed>"


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

    def __init__(self, layout: Layout, path: Sequence[str] | None = None) -> None:
        """Resolve along `path`, or along `sys.path`."""
        self._layout = layout
        self._path = path
        self._others: dict[str, Resolver] = {}
        self._found: dict[str, tuple[str, list[str] | None]] = {}
        # Not the attribute: while a run is recorded, that one takes notes.
        self._find_spec = getattr(PathFinder.find_spec, "__wrapped__", PathFinder.find_spec)

    def fingerprint(self, name: str) -> str:
        """Return where `name` is found now: a project file's name, its region, or "absent".

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
        return self.place(spec.origin), search

    def place(self, origin: str) -> str:
        """Return the fingerprint of a module that lies in the file `origin`."""
        path = os.path.abspath(origin)
        region = self._layout.region(path)
        return self._layout.name(path) if region is Region.PROJECT else region.value
