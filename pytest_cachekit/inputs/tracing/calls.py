"""Who may call whom, and who may have computed what a name holds: told by names."""

from __future__ import annotations

import io
import os
import re
from collections import deque
from collections.abc import Iterator, Mapping
from inspect import CO_VARARGS, getattr_static
from types import CodeType, ModuleType
from typing import Any

from ..computed import Computed
from .name_uses import (
    calls_arguments,
    gets_by_computed_names,
    hands_on,
    means,
    only_binds,
    only_looks_up,
)
from .named_objects import NamedObjects
from .names import UsedNames, code_names, names_by_strings, sets_by_strings, spelled, used_names
from .states import Change
from .units import Unit, nested, whole

# Methods of these classes that change something are known by name.
_PLAIN_MODULES = frozenset({"builtins", "collections"})
_OF_BUILTINS = frozenset(
    name
    for kind in (dict, list, set, str, bytes, tuple, frozenset, int, float, deque, io.IOBase,
                 io.TextIOWrapper, re.Pattern, re.Match, type, object)
    for name in dir(kind)
)  # fmt: skip


class Calls:
    """Who may call whom, by name, among the functions that ran."""

    def __init__(
        self,
        units: list[Unit],
        ran: frozenset[int],
        namespaces: Mapping[str, Mapping[str, Any]],
        states: Mapping[str, Change],
    ) -> None:
        self._states = states
        self._meaning: dict[tuple[int, str], bool] = {}
        self._project = frozenset(str(names.get("__name__")) for names in namespaces.values())
        self._namespaces = namespaces
        self._units = units
        self._used_by: dict[int, UsedNames] = {}
        self._simple: dict[str, set[int]] = {}
        self._special: dict[str, set[int]] = {}
        self._naming: dict[str, set[int]] = {}
        self._methods: dict[str, set[int]] = {}
        self._reflecting: set[int] = set()
        self._known: dict[str, set[str]] = {}
        self._calls: Computed[int, set[int]] = Computed(self._called)
        self._objects = NamedObjects(units, ran, namespaces, self._project)
        for identifier in ran:
            unit = units[identifier]
            simple, owner = unit.name, unit.owner
            # Making or using an instance names the class, not the method.
            table, key = (
                (self._special, owner) if simple.startswith("__") else (self._simple, simple)
            )
            table.setdefault(key, set()).add(identifier)
            self._methods.setdefault(owner, set()).add(identifier)
            if sets_by_strings(unit.code):
                self._reflecting.add(identifier)
            for name in code_names(unit.code) | names_by_strings(unit.code):
                self._naming.setdefault(name, set()).add(identifier)

    def code(self, identifier: int) -> CodeType:
        """Return the code of a function."""
        return self._units[identifier].code

    def means(self, identifier: int, state: str) -> bool:
        """Return whether a function that names `state` may mean that, and nothing else so named."""
        answer = self._meaning.get((identifier, state))
        if answer is None:
            unit, roots = self._units[identifier], self._states[state].roots
            namespace = self._namespaces.get(unit.path)
            answer = not roots or namespace is None or means(unit.code, state, namespace, roots)
            self._meaning[identifier, state] = answer
        return answer

    def writers(self, state: str, change: Change) -> set[int]:
        """Return the functions that change `state`, or that it is the memo of."""
        places = change.places
        writers = self._simple.get(state, set()) | self._changing(state)
        naming = {unit for unit in self._naming.get(state, ()) if self.means(unit, state)}
        if change.makers is not None:
            # Who asks for what isn't there changes it.
            writers |= naming
            for name in change.makers:
                writers |= self._simple.get(name, set()) | self._special.get(name, set())
        for name in change.called:
            writers |= self._simple.get(name, set()) | self._special.get(name, set())
        writers |= self.computing(state, change)
        for attribute, classes in places:
            # A cached property, or a method that binds or changes an attribute of its own.
            methods: set[int] = set().union(*(self._methods.get(name, ()) for name in classes))
            own = {unit for unit in methods if self._units[unit].name == attribute}
            changing = self._changing(attribute)
            writers |= own | methods & changing | naming & changing
            if not classes and attribute != state:
                writers |= self._simple.get(attribute, set()) | self._changing(attribute)
            if not classes:
                # What is in a container may be changed under another name.
                writers |= {unit for unit in naming if self._used(unit).changes_unnamed}
        if not writers or self._is_foreign(state):
            # An object of a library's changes where its methods are called.
            writers |= naming
        else:
            # What others are handed may be changed by them, under a name of theirs.
            writers |= {unit for unit in naming if hands_on(self._units[unit].code, state)}
        return writers | self._calling(writers, naming)

    def may_set(self, name: str) -> bool:
        """Return whether a function binds or changes `name`, or hands on what it stands for."""
        return bool(self._changing(name)) or any(
            hands_on(self._units[unit].code, name) for unit in self._naming.get(name, ())
        )

    def computing(self, state: str, change: Change) -> set[int]:
        """Return the functions that may change `state` under a name that they compute."""
        found: set[int] = set()
        for attribute, classes in change.places:
            if self._changing(attribute):
                continue
            if classes:
                methods: set[int] = set().union(*(self._methods.get(name, ()) for name in classes))
                found |= methods & self._reflecting
            else:
                found |= {
                    unit
                    for unit in self._reflecting
                    if state in self._namespaces.get(self._units[unit].path, {})
                }
        return found

    def _is_foreign(self, state: str) -> bool:
        """Return whether `state` is a global with an object of a library's class."""
        kinds = (type(names.get(state)) for names in self._namespaces.values())
        return any(
            kind.__module__ not in self._project and kind.__module__ not in _PLAIN_MODULES
            for kind in kinds
        )

    def only_look_up(self, state: str) -> bool:
        """Return whether no function does more than to look up what `state` has for a key."""
        naming = self._naming.get(state, ())
        return all(only_looks_up(self._units[unit].code, state) for unit in naming)

    def _calling(self, writers: set[int], naming: set[int]) -> set[int]:
        """Return who calls `writers`, and may have computed what they keep.

        These are functions of the same file, and those in `naming`, which name the state; all,
        where the writers only keep what they are given.
        """
        calling: set[int] = set()
        waiting = list(writers)
        methods = [unit for unit in writers if not self._units[unit].name.startswith("__")]
        are_given = all(self._only_keeps(unit, writers) for unit in methods)
        while waiting:
            writer = waiting.pop()
            name, path = self._units[writer].name, self._units[writer].path
            if name.startswith("__"):
                continue
            callers = self._naming.get(name, set())
            near = {unit for unit in callers if self._units[unit].path == path}
            if are_given:
                near |= {
                    unit
                    for unit in callers
                    if name not in _OF_BUILTINS or self._is_known(writer, self._units[unit].path)
                }
            for unit in (callers & naming | near) - calling - writers:
                # A class with an attribute of that name calls nothing by it.
                if any(not only_binds(part, name) for part in whole(self._units[unit].code)):
                    calling.add(unit)
                    if are_given and self._only_keeps(unit, writers | calling):
                        waiting.append(unit)
        return calling

    def _only_keeps(self, identifier: int, writers: set[int]) -> bool:
        """Return whether a function has arguments, and calls nothing but `writers`."""
        unit = self._units[identifier]
        code = unit.code
        given = code.co_argcount + code.co_kwonlyargcount + bool(code.co_flags & CO_VARARGS)
        called = self._calls[identifier] - writers
        return given > bool(unit.owner) and all(
            self._units[other].name.startswith("__") for other in called
        )

    def _changing(self, name: str) -> set[int]:
        naming = self._naming.get(name, ())
        return {unit for unit in naming if name in self._used(unit).changed}

    def _used(self, identifier: int) -> UsedNames:
        used = self._used_by.get(identifier)
        if used is None:
            unit = self._units[identifier]
            namespace = self._namespaces.get(unit.path, {})
            used = self._used_by[identifier] = used_names(unit.code, namespace, self._project)
        return used

    def reach(self, start: set[int], universe: frozenset[int]) -> set[int]:
        """Return `start` and the functions of `universe` that these may call."""
        reached = set(start)
        for identifier in start:
            unit = self._units[identifier]
            if calls_arguments(unit.code):
                # What others are given by those who are reached is named there.
                given = map(self._given_by, self._naming.get(unit.name, ()))
                reached |= universe.intersection(set().union(*given))
        waiting = list(reached)
        while waiting:
            called = self._calls[waiting.pop()] & universe
            waiting.extend(called - reached)
            reached |= called
        return reached

    def _called(self, identifier: int) -> set[int]:
        unit = self._units[identifier]
        used = self._used(identifier)
        called, classes = self._objects.led_to(identifier)
        classes |= self._objects.classes_with(unit.owner)
        for name in used.loaded:
            named = self._simple.get(name, set())
            if name in _OF_BUILTINS and name not in used.variables:
                # Mostly a dict's or a string's; else of something that the module knows.
                named = {other for other in named if self._is_known(other, unit.path)}
            called |= named
            classes |= {name, *self._objects.classes_with(name)}
        for name in (unit.owner, *classes):
            called |= self._special.get(name, set())
        if gets_by_computed_names(unit.code):
            called |= self._called_by_computed_names(unit)
        return called

    def _called_by_computed_names(self, unit: Unit) -> set[int]:
        """Return the functions that `unit` may find by the start of a name, or beside itself."""
        starts = tuple(each for each in spelled(unit.code) if isinstance(each, str) and each)
        relatives = self._objects.classes_with(unit.owner)
        found: set[int] = set()
        for name, named in self._simple.items():
            if name.startswith(starts):
                found |= named
            else:
                found |= {
                    other
                    for other in named
                    if self._units[other].owner in relatives or self._is_known(other, unit.path)
                }
        return found

    def _given_by(self, caller: int) -> set[int]:
        """Return the functions that a function may give to others that call them."""
        found, classes = self._objects.led_to(caller)
        for name in classes:
            found |= self._special.get(name, set())
        for _, inner in nested(self._units[caller].code):
            for name in code_names(inner):
                found |= self._simple.get(name, set())
        return found

    def _is_known(self, identifier: int, path: str) -> bool:
        """Return whether the module at `path` has what a function belongs to, or is a method of."""
        if path not in self._known:
            self._known[path] = {path, *_known_in(self._namespaces.get(path, {}))}
        unit = self._units[identifier]
        return not self._known[path].isdisjoint((unit.path, unit.owner or unit.path))


def _known_in(namespace: Mapping[str, Any]) -> Iterator[str]:
    """Iterate over the files of modules, and the names of classes, that a namespace leads to."""
    for value in list(namespace.values()):
        if isinstance(value, ModuleType):
            path = getattr_static(value, "__file__", None)
            if isinstance(path, str):
                yield os.path.abspath(path)
        else:
            for kind in (type(value), value):
                if isinstance(kind, type):
                    yield from (base.__name__ for base in kind.__mro__)
