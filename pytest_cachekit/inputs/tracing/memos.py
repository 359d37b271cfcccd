"""State that outlives the action that computed it: memos, singletons, lazily filled caches.

What `lru_cache`, a lazily bound global, a class attribute or a table in a
module holds may have been computed while another test ran; whoever reads it
later runs none of the code that it came from. So each project module's state is
looked at when its import ends and again when the run ends. A name whose value
changed in between is a *state*: every function that names it rests on the
functions that may have computed it, which are those that change it and, by
name, what they call, as far as these ran in any action that ran one of them.
"""

from __future__ import annotations

import io
import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from types import CodeType
from typing import Any

from .action import UNCACHEABLE, UNSEEN, Action
from .frames import frame_keys
from .names import (
    UsedNames,
    changed_at_import,
    code_names,
    hands_on,
    import_time_parts,
    only_binds,
    only_looks_up,
    spelled,
    used_names,
)
from .state_users import StateActions
from .states import Change
from .units import Unit, whole

# Methods of these classes that change something are known by name.
_PLAIN_MODULES = frozenset({"builtins", "collections"})
_OF_BUILTINS = frozenset(
    name
    for kind in (dict, list, set, str, bytes, tuple, frozenset, int, float, deque, io.IOBase,
                 io.TextIOWrapper, re.Pattern, re.Match, type, object)
    for name in dir(kind)
)  # fmt: skip
# What these return for a class or a value is kept by abstract classes and enums, where no name
# leads to.
_ASKED_ONCE = frozenset({"__subclasshook__", "_missing_"})


def state_actions(
    states: Mapping[str, Change],
    units: list[Unit],
    actions: Iterable[Action],
    namespaces: Mapping[str, Mapping[str, Any]],
    codes: Mapping[Action, list[CodeType]],
) -> StateActions:
    """Return, for each name in `states`, an action that read what its value may come from.

    Args:
        states: names whose values changed while the actions ran, and how.
        units: all functions of the run.
        actions: all actions of the run, in the order in which they began.
        namespaces: path of each project module to its globals.
        codes: action of each project module's import to the code that ran.
    """
    found = StateActions(units)
    ordered = list(actions)
    ran: frozenset[int] = frozenset().union(*(action.functions for action in ordered))
    checks = [identifier for identifier in ran if units[identifier].name in _ASKED_ONCE]
    if not states and not checks:
        return found
    calls = _Calls(units, ran, namespaces)
    imports = _Imports(codes)
    for state, change in sorted(states.items()):
        if change.is_looked_up and calls.only_look_up(state) and imports.only_bind(state):
            # Nobody could tell an empty value from none.
            continue
        # Who changes an object changes it for all names that lead to it.
        names = sorted({state, *change.twins})
        writers = set().union(*(calls.writers(name, states[name]) for name in names))
        users = [action for action in ordered if not writers.isdisjoint(action.functions)]
        universe: frozenset[int] = frozenset().union(*(action.functions for action in users))
        reached = calls.reach(writers, universe)
        computed = reached - writers
        # Where most of those who ask compute it themselves, it is no memo.
        fillers = [action for action in users if not computed.isdisjoint(action.functions)]
        node = Action(f"state {state}")
        found.add(state, change.places, node)
        node.functions = frozenset(reached)
        # Modules that register something when they are imported.
        node.parents.update(action for action in users if action.source is not None)
        node.parents.update(imports.changing(state))
        if 2 * len(fillers) <= len(users) or len(users) == 1:
            for filler in (*users[:1], *fillers):
                node.inputs.update(filler.inputs)
                node.imports.update(filler.imports)
        _inherit_reads(node, [units[writer].code for writer in writers], users)
    for check in checks:
        users = [action for action in ordered if check in action.functions]
        node = Action(f"{units[check].owner}.{units[check].name}")
        node.functions = frozenset(
            calls.reach({check}, frozenset().union(*(action.functions for action in users)))
        )
        _inherit_reads(node, [units[check].code], users)
        found.add_check(units[check].path, node)
    return found


def _inherit_reads(node: Action, writers: Iterable[CodeType], users: Iterable[Action]) -> None:
    """Let `node` rest on what `users` read while one of `writers` was running."""
    keys = {key for code in writers for key in frame_keys(code)}
    for user in users:
        for key in user.reads_below.keys() & keys:
            for kind, name in user.reads_below[key]:
                if kind == UNCACHEABLE:
                    node.refuse(name)
                elif kind == UNSEEN:
                    node.refuse_unless_declared(name)
                elif (kind, name) in user.inputs:
                    node.inputs[kind, name] = user.inputs[kind, name]


class _Imports:
    """What the import-time code of each module binds or changes."""

    def __init__(self, codes: Mapping[Action, list[CodeType]]) -> None:
        self._codes = codes
        self._changed: dict[Action, set[str]] = {}
        self._naming: dict[str, list[Action]] = {}
        for action, own in codes.items():
            parts = (part for code in own for part in import_time_parts(code))
            for name in set().union(*(part.co_names for part in parts)):
                self._naming.setdefault(name, []).append(action)

    def changing(self, name: str) -> Iterator[Action]:
        """Iterate over the imports that bind or change `name`."""
        for action in self._naming.get(name, ()):
            if action not in self._changed:
                changed = map(changed_at_import, self._codes[action])
                self._changed[action] = set().union(*changed)
            if name in self._changed[action]:
                yield action

    def only_bind(self, name: str) -> bool:
        """Return whether import-time code just binds `name`, and no code spells it in a string."""
        parts = (
            part
            for action in self._naming.get(name, ())
            for code in self._codes[action]
            for part in import_time_parts(code)
        )
        return all(only_binds(part, name) for part in parts) and not any(
            name in spelled(code) for codes in self._codes.values() for code in codes
        )


class _Calls:
    """Who may call whom, by name, among the functions that ran."""

    def __init__(
        self,
        units: list[Unit],
        ran: frozenset[int],
        namespaces: Mapping[str, Mapping[str, Any]],
    ) -> None:
        self._project = frozenset(str(names.get("__name__")) for names in namespaces.values())
        self._namespaces = namespaces
        self._units = units
        self._used_by: dict[int, UsedNames] = {}
        self._simple: dict[str, set[int]] = {}
        self._special: dict[str, set[int]] = {}
        self._naming: dict[str, set[int]] = {}
        self._methods: dict[str, set[int]] = {}
        for identifier in ran:
            unit = units[identifier]
            simple, owner = unit.name, unit.owner
            # Making or using an instance names the class, not the method.
            table, key = (
                (self._special, owner) if simple.startswith("__") else (self._simple, simple)
            )
            table.setdefault(key, set()).add(identifier)
            self._methods.setdefault(owner, set()).add(identifier)
            for name in code_names(unit.code):
                self._naming.setdefault(name, set()).add(identifier)

    def writers(self, state: str, change: Change) -> set[int]:
        """Return the functions that change `state`, or that it is the memo of."""
        places = change.places
        writers = self._simple.get(state, set()) | self._changing(state)
        naming = self._naming.get(state, set())
        if change.makers is not None:
            # Who asks for what isn't there changes it.
            writers |= naming
            for name in change.makers:
                writers |= self._simple.get(name, set()) | self._special.get(name, set())
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

        These are functions of the same file, and those in `naming`, which name the state.
        """
        calling: set[int] = set()
        for writer in writers:
            name, path = self._units[writer].name, self._units[writer].path
            if not name.startswith("__"):
                callers = self._naming.get(name, set())
                near = {unit for unit in callers if self._units[unit].path == path}
                for unit in (callers & naming | near) - calling:
                    # A class with an attribute of that name calls nothing by it.
                    if any(not only_binds(part, name) for part in whole(self._units[unit].code)):
                        calling.add(unit)
        return calling

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
        waiting = list(start)
        while waiting:
            called = self._called(waiting.pop()) & universe
            waiting.extend(called - reached)
            reached |= called
        return reached

    def _called(self, identifier: int) -> set[int]:
        unit = self._units[identifier]
        called = set(self._special.get(unit.owner, ()))
        for name in self._used(identifier).loaded:
            named = self._simple.get(name, set())
            if name in _OF_BUILTINS:
                # Mostly a dict's or a string's; else a neighbour's.
                named = {other for other in named if self._units[other].path == unit.path}
            called |= named | self._special.get(name, set())
        return called
