"""Who may call whom among the functions that ran: told by names, and by what these lead to."""

from __future__ import annotations

import io
import os
import re
from collections import deque
from collections.abc import Iterator, Mapping
from inspect import getattr_static
from types import CodeType, ModuleType
from typing import Any

from ..computed import Computed
from ..own_kind import is_a
from .action import Action
from .name_uses import calls_arguments, gets_by_computed_names
from .named_modules import ends, finds_any_module, imported_names
from .named_objects import NamedObjects
from .names import code_names, runs_strings, spelled
from .ran_functions import RanFunctions
from .units import Unit, nested

OF_BUILTINS = frozenset(
    name
    for kind in (dict, list, set, str, bytes, tuple, frozenset, int, float, deque, io.IOBase,
                 io.TextIOWrapper, re.Pattern, re.Match, type, object)
    for name in dir(kind)
)  # fmt: skip
"""Names of methods that Python's own objects have."""


class Calls:
    """Which functions a function may call."""

    def __init__(self, functions: RanFunctions) -> None:
        """Tell of `functions`."""
        self._ran = functions
        self._known: dict[str, set[str]] = {}
        self._reached: dict[tuple[int, int], set[int]] = {}
        self.called_by: Computed[int, set[int]] = Computed(self._called)
        """Those that each of them may call directly."""
        self.imported_by: Computed[int, set[str]] = Computed(
            lambda identifier: imported_names(self.code(identifier))
        )
        """The names in the import statements of each of them."""
        self.finds_any: Computed[int, bool] = Computed(
            lambda identifier: finds_any_module(self.code(identifier))
        )
        """Whether each of them finds modules by names that it computes."""
        self.ends_of: Computed[str, frozenset[str]] = Computed(lambda name: frozenset(ends(name)))
        """What import statements may call the module with a dotted name."""
        self._given_by: Computed[int, set[int]] = Computed(self._given)
        """Those that each of them may give to others that call them."""
        self._objects = NamedObjects(
            functions.units, functions.ran, functions.namespaces, functions.project
        )

    def code(self, identifier: int) -> CodeType:
        """Return the code of a function."""
        return self._ran.units[identifier].code

    def reached_from(self, identifier: int, actions: list[Action]) -> set[int]:
        """Return a function, and those that it may have called in `actions` that ran it."""
        key = identifier, id(actions)
        if key not in self._reached:
            users = [action.functions for action in actions if identifier in action.functions]
            self._reached[key] = self.reach({identifier}, frozenset().union(*users))
        return self._reached[key]

    def reach(self, start: set[int], universe: frozenset[int]) -> set[int]:
        """Return `start` and the functions of `universe` that these may call."""
        reached = set(start)
        for identifier in start:
            unit = self._ran.units[identifier]
            if calls_arguments(unit.code):
                # What others are given by those who are reached is named there.
                given = map(self._given_by.__getitem__, self._callers(unit))
                reached |= universe.intersection(set().union(*given))
        waiting = list(reached)
        while waiting:
            called = self.called_by[waiting.pop()] & universe
            waiting.extend(called - reached)
            reached |= called
        return reached

    def _callers(self, unit: Unit) -> set[int]:
        """Return the functions that may call one; who calls a special method names the class."""
        named = self._ran.naming.get(unit.name, set())
        if not (unit.owner and unit.name.startswith("__")):
            return named
        relatives = {unit.owner, *self._objects.classes_with(unit.owner)}
        found = {caller for caller in named if self._ran.units[caller].owner in relatives}
        return found.union(*(self._ran.naming.get(name, ()) for name in relatives))

    def _called(self, identifier: int) -> set[int]:
        unit = self._ran.units[identifier]
        if runs_strings(unit.code) or (
            finds_any_module(unit.code) and gets_by_computed_names(unit.code)
        ):
            # Nobody can tell what.
            return set(self._ran.ran)
        used = self._ran.used(identifier)
        called, classes = self._objects.led_to(identifier)
        classes |= self._objects.classes_with(unit.owner)
        for name in used.loaded:
            named = self._ran.simple.get(name, set())
            if name in OF_BUILTINS and name not in used.variables:
                # Mostly a dict's or a string's; else of something that the module knows.
                named = {other for other in named if self.is_known(other, unit.path)}
            called |= named
            classes |= {name, *self._objects.classes_with(name)}
        for name in (unit.owner, *classes):
            called |= self._ran.special.get(name, set())
        if gets_by_computed_names(unit.code):
            called |= self._called_by_computed_names(unit)
        return called

    def _called_by_computed_names(self, unit: Unit) -> set[int]:
        """Return the functions that `unit` may find by the start of a name, or beside itself."""
        starts = tuple(each for each in spelled(unit.code) if isinstance(each, str) and each)
        relatives = self._objects.classes_with(unit.owner)
        found: set[int] = set()
        for name, named in self._ran.simple.items():
            if name.startswith(starts):
                found |= named
            else:
                found |= {
                    other
                    for other in named
                    if self._ran.units[other].owner in relatives or self.is_known(other, unit.path)
                }
        return found

    def _given(self, caller: int) -> set[int]:
        found, classes = self._objects.led_to(caller)
        for name in classes:
            found |= self._ran.special.get(name, set())
        for _, inner in nested(self._ran.units[caller].code):
            for name in code_names(inner):
                found |= self._ran.simple.get(name, set())
        return found

    def is_known(self, identifier: int, path: str) -> bool:
        """Return whether the module at `path` has what a function belongs to, or is a method of."""
        if path not in self._known:
            self._known[path] = {path, *_known_in(self._ran.namespaces.get(path, {}))}
        unit = self._ran.units[identifier]
        return not self._known[path].isdisjoint((unit.path, unit.owner or unit.path))


def _known_in(namespace: Mapping[str, Any]) -> Iterator[str]:
    """Iterate over the files of modules, and the names of classes, that a namespace leads to."""
    for value in list(namespace.values()):
        if is_a(value, ModuleType):
            path = getattr_static(value, "__file__", None)
            if isinstance(path, str):
                yield os.path.abspath(path)
        else:
            for kind in (type(value), value):
                if is_a(kind, type):
                    yield from (base.__name__ for base in kind.__mro__)
