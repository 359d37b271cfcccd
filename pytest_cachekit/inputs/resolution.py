"""Where an import would find a module, asked without importing anything.

A module's place is an input of whoever imports it: a file that appears nearer on
the path would be found instead. So is the absence of one that was looked for.
"""

from __future__ import annotations

import os
import sys
from importlib.machinery import NamespaceLoader, PathFinder

from .layout import Layout, Region

ABSENT = "absent"
NAMESPACE = "namespace"


class Resolver:
    """Resolves dotted module names along `sys.path`, as the import system would."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._found: dict[str, tuple[str, list[str] | None]] = {}
        # Not the attribute: while a run is recorded, that one takes notes.
        self._find_spec = getattr(PathFinder.find_spec, "__wrapped__", PathFinder.find_spec)

    def fingerprint(self, name: str) -> str:
        """Return where `name` is found now: a project file's name, its region, or "absent"."""
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
            path = None
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
