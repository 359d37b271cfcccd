"""Who may have changed what a name stands for, or computed what it holds."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from inspect import CO_VARARGS, CO_VARKEYWORDS
from types import ModuleType
from typing import Any

from ..computed import Computed
from ..own_kind import is_a
from .action import Action
from .calls import OF_BUILTINS, Calls
from .changes import Change
from .handing import changes_contents, hands_on
from .keeping import is_given_method
from .module_users import ModuleUsers
from .name_uses import (
    binds_of_others,
    means,
    only_binds,
    only_looks_up,
    uses_constants_only,
)
from .named_modules import module_globals
from .ran_functions import RanFunctions
from .replaced_names import ReplacedNames
from .units import whole

# Methods of these classes that change something are known by name.
_PLAIN_MODULES = frozenset({"builtins", "collections"})
_MEMO = type(functools.lru_cache(len))


class Writers:
    """The functions that states may come from."""

    def __init__(
        self,
        functions: RanFunctions,
        calls: Calls,
        states: Mapping[str, Change],
        replaced: ReplacedNames,
    ) -> None:
        """Tell of `functions`.

        Args:
            functions: those that ran.
            calls: who may call whom.
            states: names whose values changed, and how.
            replaced: names that code may have given another meaning.
        """
        self._ran = functions
        self._replaced = replaced
        self._modules = ModuleUsers(functions)
        self._calls = calls
        self._states = states
        self._meaning: dict[tuple[int, str], bool] = {}
        self._changing: Computed[int, bool] = Computed(
            lambda unit: changes_contents(functions.units[unit].code)
        )
        self._explaining: Computed[tuple[str, ...], tuple[set[int], set[int]]] = Computed(
            self._find_explaining
        )

    def means(self, identifier: int, state: str) -> bool:
        """Return whether a function that names `state` may mean that, and nothing else so named."""
        answer = self._meaning.get((identifier, state))
        if answer is None:
            unit, roots = self._ran.units[identifier], self._states[state].roots
            namespace = self._ran.namespaces.get(unit.path)
            answer = not roots or namespace is None or means(unit.code, state, namespace, roots)
            self._meaning[identifier, state] = answer
        return answer

    def direct(self, state: str, change: Change) -> set[int]:
        """Return the functions that change `state`, or that it is the memo of."""
        places = change.places
        writers = self._ran.simple.get(state, set()) | self._ran.changing(state)
        naming = {unit for unit in self._ran.naming.get(state, ()) if self.means(unit, state)}
        if change.makers is not None:
            # Who asks for what isn't there changes it.
            writers |= naming
            for name in change.makers:
                writers |= self._ran.known_as(name)
        for name in change.called:
            writers |= self._ran.known_as(name)
        writers |= self.computing(state, change)
        for attribute, classes in places:
            # A cached property, or a method that binds or changes an attribute of its own.
            methods = self._ran.methods_of(classes)
            own = {unit for unit in methods if self._ran.units[unit].name == attribute}
            changing = self._ran.changing(attribute)
            writers |= own | methods & changing | naming & changing
            if classes:
                # Who has the object need not name what leads to it, but then mostly who gave it.
                others = self._binding(attribute, changing - methods)
                own |= methods & (changing | self._ran.reflecting)
                known = {state, *classes, *(self._ran.units[each].name for each in writers)}
                writers |= others & self._naming_any(known) if own else others
            if not classes and attribute != state:
                writers |= self._ran.simple.get(attribute, set()) | self._ran.changing(attribute)
            if not classes:
                # What is in a container may be changed under another name.
                writers |= {unit for unit in naming if self._ran.used(unit).changes_unnamed}
        if not writers or self._is_foreign(state):
            # An object of a library's changes where its methods are called.
            writers |= naming
        elif change.containers:
            # What others are handed may be changed by them, under a name of theirs.
            writers |= self._handing(state, state)
        return writers

    def leave_open(self, names: list[str], action: Action) -> bool:
        """Return whether no function explains by names how `action` changed a state.

        Args:
            names: all that lead to it.
            action: something after which it was seen to be another.
        """
        explaining, handing = self._explaining[tuple(names)]
        ran = set[int]().union(*(each.functions for each in action.with_fixtures()))
        if explaining.isdisjoint(ran):
            return True
        return not handing.isdisjoint(ran) and any(
            map(self._changing.__getitem__, ran - explaining)
        )

    def _find_explaining(self, names: tuple[str, ...]) -> tuple[set[int], set[int]]:
        """Return the functions that change states by name, and those that hand them to others."""
        explaining, handing = set[int](), set[int]()
        for name in names:
            change = self._states[name]
            explaining |= self._ran.changing(name) | self._ran.simple.get(name, set())
            for attribute, _ in change.places:
                explaining |= self._ran.changing(attribute)
            for each in {*change.called, *(change.makers or ())}:
                explaining |= self._ran.known_as(each)
            if change.makers is not None:
                explaining |= self._ran.naming.get(name, set())
            for attribute in change.containers:
                handing |= self._handing(name, attribute)
        return explaining, handing

    def _handing(self, state: str, name: str) -> set[int]:
        """Return the functions that give to others what `name` stands for, in `state` or itself."""
        naming = self._ran.naming.get(name, ())
        return {
            unit
            for unit in naming
            if (name != state or self.means(unit, state))
            and hands_on(self._ran.units[unit].code, name)
        }

    def _binding(self, attribute: str, changing: set[int]) -> set[int]:
        """Return those of the functions `changing` an attribute that bind it for what they have."""
        codes = {unit: self._ran.units[unit].code for unit in changing}
        return {unit for unit, code in codes.items() if binds_of_others(code, attribute)}

    def _naming_any(self, names: set[str]) -> set[int]:
        return set().union(*(self._ran.naming.get(name, ()) for name in names))

    def may_set(self, name: str) -> bool:
        """Return whether a function binds or changes `name`, or hands on what it stands for."""
        return bool(self._ran.changing(name)) or any(
            hands_on(self._ran.units[unit].code, name) for unit in self._ran.naming.get(name, ())
        )

    def computing(self, state: str, change: Change) -> set[int]:
        """Return the functions that may change `state` under a name that they compute."""
        found: set[int] = set()
        for attribute, classes in change.places:
            if not classes:
                found |= self._modules.setting(state, change.homes)
            if self._ran.changing(attribute):
                continue
            if classes:
                methods = self._ran.methods_of(classes)
                found |= methods & self._ran.reflecting
            else:
                found |= {
                    unit
                    for unit in self._ran.reflecting
                    if self._ran.has(self._ran.units[unit].path, state, change.homes)
                }
        return found

    def finding(self, state: str, change: Change) -> set[int]:
        """Return the functions that may find `state` under a name that they compute."""
        found = self.computing(state, change)
        if any(not classes for _, classes in change.places):
            found |= self._modules.getting(state, change.homes)
        return found

    def _is_foreign(self, state: str) -> bool:
        """Return whether `state` is a global with an object of a library's class."""
        kinds = (type(names.get(state)) for names in self._ran.namespaces.values())
        return any(
            kind.__module__ not in self._ran.project and kind.__module__ not in _PLAIN_MODULES
            for kind in kinds
            if kind is not _MEMO
            or not any(
                self._computes_alone(unit, state) for unit in self._ran.simple.get(state, ())
            )
        )

    def only_look_up(self, state: str) -> bool:
        """Return whether no function does more than to look up what `state` has for a key."""
        naming = self._ran.naming.get(state, ())
        return all(only_looks_up(self._ran.units[unit].code, state) for unit in naming)

    def calling(self, writers: set[int], state: str) -> set[int]:
        """Return who calls `writers`, and may have computed what they keep.

        These are functions of the same file, and those which name the state; all, where the
        writers only keep what they are given.
        """
        naming = {unit for unit in self._ran.naming.get(state, ()) if self.means(unit, state)}
        calling: set[int] = set()
        waiting = [unit for unit in writers if not self._computes_alone(unit, state)]
        methods = [unit for unit in writers if not self._ran.units[unit].name.startswith("__")]
        all_given = all(self._only_keeps(unit, writers) for unit in methods)
        while waiting:
            writer = waiting.pop()
            are_given = all_given or is_given_method(self._ran.units[writer].code)
            name, path = self._ran.units[writer].name, self._ran.units[writer].path
            if name.startswith("__"):
                continue
            callers = self._ran.naming.get(name, set())
            near = {unit for unit in callers if self._ran.units[unit].path == path}
            if are_given:
                near |= {
                    unit
                    for unit in callers
                    if name not in OF_BUILTINS
                    or self._calls.is_known(writer, self._ran.units[unit].path)
                }
            for unit in (callers & naming | near) - calling - writers:
                # A class with an attribute of that name calls nothing by it.
                if any(not only_binds(part, name) for part in whole(self._ran.units[unit].code)):
                    calling.add(unit)
                    if are_given and self._only_keeps(unit, writers | calling):
                        waiting.append(unit)
        return calling

    def _computes_alone(self, identifier: int, state: str) -> bool:
        """Return whether a function, the memo of what it returns, returns the same for all callers.

        It has no arguments, calls no other function of the project, and uses nothing but what
        can't change and nobody replaces, so that no caller has set anything for it.
        """
        unit = self._ran.units[identifier]
        code = unit.code
        arguments = code.co_argcount + code.co_kwonlyargcount
        takes_more = code.co_flags & (CO_VARARGS | CO_VARKEYWORDS)
        if unit.name != state or arguments or takes_more or code.co_freevars:
            return False
        namespace = self._ran.namespaces.get(unit.path)
        if namespace is None or self._calls.called_by[identifier] - {identifier}:
            return False
        variables = self._ran.used(identifier).variables
        if not uses_constants_only(code, namespace, variables):
            return False
        if any(map(self._replaced.has, variables)):
            return False
        found = [namespace.get(name) for name in variables]
        modules = [value for value in found if is_a(value, ModuleType)]
        return not any(
            self._replaced.has_some_of(self._aliases(each))
            for each in (namespace, *map(module_globals, modules))
        )

    def _aliases(self, namespace: Mapping[str, Any]) -> set[str]:
        """Return the names by which code knows a module."""
        known = {str(namespace.get("__name__")).rpartition(".")[2]}
        for names in self._ran.namespaces.values():
            for name, value in list(names.items()):
                if is_a(value, ModuleType) and module_globals(value) is namespace:
                    known.add(name)
        return known

    def _only_keeps(self, identifier: int, writers: set[int]) -> bool:
        """Return whether a function has arguments, and calls nothing but `writers`."""
        unit = self._ran.units[identifier]
        code = unit.code
        given = code.co_argcount + code.co_kwonlyargcount + bool(code.co_flags & CO_VARARGS)
        called = self._calls.called_by[identifier] - writers
        return given > bool(unit.owner) and all(
            self._ran.units[other].name.startswith("__") for other in called
        )
