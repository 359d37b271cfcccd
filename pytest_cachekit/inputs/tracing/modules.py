"""Which modules of the project were imported, which were looked for in vain, and where."""

from __future__ import annotations

import sys
from collections.abc import Callable
from inspect import getattr_static
from types import CodeType

from ..digest import digest
from ..fingerprint import Fingerprints
from ..resolution import ABSENT, Resolver, is_in_project
from .action import Action


class ImportedModules:
    """The modules of one run; what they rest on is told when all is over."""

    def __init__(self, fingerprints: Fingerprints, session: Action) -> None:
        self._fingerprints = fingerprints
        self._layout = fingerprints.layout
        self._session = session
        self.actions: dict[str, Action] = {}
        """Absolute path of each project module that ran, to the action of its import."""
        self.names: dict[str, set[str]] = {}
        """Dotted name to the paths of the project modules that ran under it."""
        self.codes: dict[str, list[CodeType]] = {}
        """Absolute path of each project module that ran, to the code that did."""
        self.missing: dict[str, tuple[str, ...] | None] = {}
        """Dotted names that were looked for, and not found at the time, or only asked about.

        With `sys.path` as it was where nothing was found along that.
        """
        self.made: dict[str, Action] = {}
        """Names of modules that have no file, to the action that put them into `sys.modules`."""
        self.imported: Callable[[bytes | None], None] = lambda _source: None
        """What to call with the text of each module of the project; None where it isn't known."""
        self._loaded = len(sys.modules)
        self._known = set(sys.modules)
        self.are_early = False
        """Whether those imported now are so before the first test."""
        self.import_path: list[str] = []
        """`sys.path` as it was when look-ups were made; the next run's will be made with it."""

    def action(self, name: str, path: str) -> Action:
        """Return the action of importing the project module at `path`, under `name`."""
        action = self.actions.get(path)
        if action is None:
            action = self.actions[path] = Action(f"import of {self._layout.name(path)}")
            try:
                with open(path, "rb") as stream:
                    source = stream.read()
                fingerprint = digest(source)
            except OSError:
                action.refuse(f"{self._layout.name(path)} could not be read")
                fingerprint, source = "", None
            self.imported(source)
            action.source = (self._layout.name(path), fingerprint)
            action.began_early = action.ended_early = self.are_early
        action.ended_early &= self.are_early
        self.names.setdefault(name, set()).add(path)
        return action

    def note_missing(self, name: str, path: object) -> None:
        """Note that the module `name` wasn't found along `path`, by default `sys.path`."""
        package = sys.modules.get(name.rpartition(".")[0])
        is_usual = (
            path is None if package is None else path is getattr_static(package, "__path__", 0)
        )
        self.missing.setdefault(name, tuple(sys.path) if is_usual else None)

    def note_made(self, action: Action) -> None:
        """Note which modules `action`, which runs or has just ended, made without importing."""
        if len(sys.modules) == self._loaded:
            return
        self._loaded = len(sys.modules)
        for name in set(list(sys.modules)) - self._known:  # noqa: C414  threads may import
            self._known.add(name)
            # One that is to be loaded when it is first asked for stays as it is.
            if getattr_static(sys.modules[name], "__spec__", None) is None:
                self.made[name] = action

    def settle(self) -> None:
        """Make inputs of the places where modules were found, or weren't.

        Whoever looks second for a module that isn't there leaves no trace; so these are the
        session's. Some were found later, when `sys.path` had grown, as it will have for the
        next look-up.
        """
        path_now, sys.path[:] = list(sys.path), self.import_path or sys.path
        for name, path_then in self.missing.items():
            place = self._fingerprints.now("module", name)
            if path_then is not None and is_in_project(place):
                there = Resolver(self._layout, path_then).fingerprint(name)
                # Else it has come meanwhile, and will be found by the next run.
                place = ABSENT if is_in_project(there) else place
            self._session.inputs["module", name] = place
        for name, paths in self.names.items():
            place = self._fingerprints.now("module", name)
            for path in paths:
                # pytest loads conftests by their paths, whatever is found under that name.
                own = self._layout.name(path)
                is_by_name = _folder(own) in map(_folder, place.split("\n"))
                if is_by_name and is_in_project(place) and not path.endswith("/conftest.py"):
                    inputs = self.actions[path].inputs
                    # Where another one has come meanwhile, it differs from what will be found.
                    inputs["module", name] = own
                    package = name.rpartition(".")[0]
                    while package and package not in self.names:
                        inputs["module", package] = self._fingerprints.now("module", package)
                        package = package.rpartition(".")[0]
        sys.path[:] = path_now


def _folder(place: str) -> str:
    """Return the directory in which a module is found that lies at `place`."""
    folder, _, file = place.rpartition("/")
    return folder.rpartition("/")[0] if file == "__init__.py" else folder
