"""Which modules nobody imports or names but themselves, as test files and conftests mostly are."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from functools import cached_property
from types import CodeType

from ..computed import Computed
from .action import Action
from .changes import Change
from .held_elsewhere import HeldElsewhere
from .ran_functions import RanFunctions

# By these, fixtures and tests find what hooks saw of others.
_OF_PYTEST = frozenset({"config", "session", "stash"})


class Homes:
    """Modules that others may use, or not."""

    def __init__(
        self,
        functions: RanFunctions,
        named_at_import: Mapping[str, Iterable[Action]],
        imports: Mapping[Action, list[CodeType]],
        actions: list[Action],
    ) -> None:
        """Tell of `functions`, those that ran.

        Args:
            functions: those that ran.
            named_at_import: names in import-time code, each with the imports that run it.
            imports: these, each with the code that ran.
            actions: all actions of the run.
        """
        self._ran = functions
        self._at_import = named_at_import
        self._files = {
            action: {os.path.abspath(code.co_filename) for code in codes}
            for action, codes in imports.items()
        }
        self._actions = actions
        self._known: Computed[str, bool] = Computed(self._is_known)
        self._last_parts: dict[str, set[str]] = {}
        for name in (*named_at_import, *functions.naming):
            self._last_parts.setdefault(name.rpartition(".")[2], set()).add(name)

    def is_known(self, path: str) -> bool:
        """Return whether others may use the module in the file at `path`."""
        return self._known[path]

    def alone(self, names: Iterable[str], states: Mapping[str, Change]) -> frozenset[str]:
        """Return the files of the modules without which nobody comes to a state.

        None, where others know such a module or name the state, or where something else holds it.

        Args:
            names: all that lead to it.
            states: how what these stand for has changed.
        """
        changes = [states[name] for name in names]
        homes = frozenset[str]().union(*(change.homes for change in changes))
        if self._asks_pytest or any(map(self._known.__getitem__, homes)):
            return frozenset()
        for name in names:
            by_functions = {self._ran.units[each].path for each in self._ran.naming.get(name, ())}
            at_import = (self._files[action] for action in self._at_import.get(name, ()))
            if not homes.issuperset(by_functions.union(*at_import)):
                return frozenset()
        holders = [identity for change in changes for identity in change.holders]
        return frozenset() if self._elsewhere.may_hold(holders, homes) else homes

    @cached_property
    def _elsewhere(self) -> HeldElsewhere:
        namespaces = self._ran.namespaces
        apart = [path for path in namespaces if not self._known[path]]
        return HeldElsewhere(namespaces, apart)

    @cached_property
    def _asks_pytest(self) -> bool:
        """Return whether code may find, by pytest, what other tests than the running one have."""
        naming = set[int]().union(*(self._ran.naming.get(name, ()) for name in _OF_PYTEST))
        hooks = {unit for unit in naming if self._ran.units[unit].name.startswith("pytest_")}
        return bool(naming - hooks) or "session" in self._ran.naming

    def _is_known(self, path: str) -> bool:
        """Return whether code names the module in the file at `path`, or others import it."""
        dotted = str(self._ran.namespaces.get(path, {}).get("__name__", ""))
        last = dotted.rpartition(".")[2]
        if not last:
            return True
        for name in self._last_parts.get(last, ()):
            own = {unit for unit in self._ran.naming.get(name, ()) if self._is_in(unit, path)}
            importing = self._at_import.get(name, ())
            at_import = any(self._files[action] != {path} for action in importing)
            if at_import or self._ran.naming.get(name, set()) - own:
                return True
        return any(
            dotted in action.imports and not self._is_its_own(action, path)
            for action in self._actions
        )

    def _is_in(self, unit: int, path: str) -> bool:
        return self._ran.units[unit].path == path

    def _is_its_own(self, action: Action, path: str) -> bool:
        """Return whether `action` collects a file, or runs something of the module at `path`."""
        if action.source is not None:
            return False
        return action.collects or any(self._is_in(unit, path) for unit in action.functions)
