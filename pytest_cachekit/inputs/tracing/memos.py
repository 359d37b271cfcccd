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

import dis
from collections.abc import Iterable, Mapping
from types import CodeType, FunctionType, ModuleType
from typing import Any

from .action import Action
from .units import Unit, nested

_STORES = frozenset(
    dis.opmap[name]
    for name in ("STORE_GLOBAL", "DELETE_GLOBAL", "STORE_ATTR", "DELETE_ATTR", "STORE_SUBSCR",
                 "DELETE_SUBSCR")
)  # fmt: skip
_MUTATORS = frozenset(
    {
        "add", "append", "appendleft", "clear", "difference_update", "discard", "extend",
        "insert", "pop", "popitem", "remove", "setdefault", "update", "__setitem__", "setattr",
    }
)  # fmt: skip
_DEPTH = 3
_LIMIT = 2_000

_Path = tuple[str, ...]
_Leaf = tuple[object, int]


class States:
    """Remembers the state of modules as their imports left it."""

    def __init__(self) -> None:
        self._before: list[tuple[ModuleType, dict[_Path, _Leaf]]] = []

    def remember(self, module: ModuleType) -> None:
        """Remember the state of `module`, whose import has just ended."""
        self._before.append((module, _leaves(module)))

    def changed(self) -> set[str]:
        """Return the names whose values have changed since."""
        names: set[str] = set()
        for module, before in self._before:
            after = _leaves(module)
            for path in before.keys() | after.keys():
                old, new = before.get(path), after.get(path)
                if old is None or new is None or old[0] is not new[0] or old[1] != new[1]:
                    names.add(path[-1])
        return names


def _leaves(module: ModuleType) -> dict[_Path, _Leaf]:
    """Return what can hold state in a module: paths of names to a value and its size."""
    found: dict[_Path, _Leaf] = {}
    _collect(vars(module), (), _DEPTH, module.__name__, found)
    return found


def _collect(
    names: Mapping[str, Any], prefix: _Path, depth: int, module: str, found: dict[_Path, _Leaf]
) -> None:
    for name, value in list(names.items()):
        if len(found) > _LIMIT:
            return
        if (name.startswith("__") and name.endswith("__")) or isinstance(value, ModuleType):
            continue
        path = (*prefix, name)
        found[path] = (value, _size(value))
        if depth > 1:
            inner = _attributes(value, module)
            if inner is not None:
                _collect(inner, path, depth - 1, module, found)


def _size(value: Any) -> int:
    """Return what changes when a value does, as far as that is cheap to know."""
    if isinstance(value, (str, bytes, int, float, tuple, frozenset, type)):
        return 0
    kind = type(value)
    try:
        if "cache_info" in dir(kind):
            return int(value.cache_info().misses)
        if issubclass(kind, (dict, list, set)) or kind.__module__ in ("collections", "weakref"):
            return len(value)
    except Exception:  # noqa: BLE001  objects of the project's may do anything
        return 0
    return 0


def _attributes(value: Any, module: str) -> Mapping[str, Any] | None:
    """Return where the attributes of a class of this module, or of an instance, are kept."""
    if isinstance(value, type):
        return vars(value) if value.__module__ == module else None
    if isinstance(value, (FunctionType, staticmethod, classmethod, property)):
        return None
    try:
        attributes = object.__getattribute__(value, "__dict__")
    except AttributeError:
        return None
    return attributes if isinstance(attributes, dict) else None


def state_actions(
    states: Iterable[str], units: list[Unit], actions: Iterable[Action]
) -> dict[str, Action]:
    """Return, for each name in `states`, an action that read what its value may come from.

    Args:
        states: names whose values changed while the actions ran.
        units: all functions of the run.
        actions: all actions of the run, in the order in which they began.
    """
    ordered = list(actions)
    ran = frozenset().union(*(action.functions for action in ordered))
    index = _Names(units, ran)
    found: dict[str, Action] = {}
    for state in sorted(states):
        writers = index.writers(state)
        if not writers:
            continue
        users = [action for action in ordered if not writers.isdisjoint(action.functions)]
        universe = frozenset().union(*(action.functions for action in users))
        reached = index.reach(writers, universe)
        # Where most of those who ask compute it themselves, it is no memo.
        fillers = [
            action for action in users if not (reached - writers).isdisjoint(action.functions)
        ]
        node = found[state] = Action(f"state {state}")
        node.functions = frozenset(reached)
        if 2 * len(fillers) <= len(users) or len(users) == 1:
            for filler in fillers:
                node.inputs.update(filler.inputs)
                node.imports.update(filler.imports)
    return found


class _Names:
    """Who names whom, among the functions that ran."""

    def __init__(self, units: list[Unit], ran: frozenset[int]) -> None:
        self._names = {unit: code_names(units[unit].code) for unit in ran}
        self._stores = {unit: _has_stores(units[unit].code) for unit in ran}
        self._simple: dict[str, set[int]] = {}
        self._special: dict[str, set[int]] = {}
        self._class: dict[int, str] = {}
        self._own: dict[int, str] = {}
        self._named: dict[str, set[int]] = {}
        for unit in ran:
            qualified = units[unit].code.co_qualname
            owner, _, simple = qualified.rpartition(".")
            self._own[unit] = simple
            self._class[unit] = owner.rpartition(".")[2]
            if simple.startswith("__"):
                self._special.setdefault(self._class[unit], set()).add(unit)
            else:
                self._simple.setdefault(simple, set()).add(unit)
            for name in self._names[unit]:
                self._named.setdefault(name, set()).add(unit)

    def writers(self, state: str) -> set[int]:
        """Return the functions that may change `state`: they name it and store, or it is theirs."""
        naming = self._named.get(state, set())
        writers = {
            unit
            for unit in naming
            if self._stores[unit] or not _MUTATORS.isdisjoint(self._names[unit])
        }
        return writers | self._simple.get(state, set())

    def reach(self, start: set[int], universe: frozenset[int]) -> set[int]:
        """Return `start` and the functions of `universe` that these may call, by name."""
        reached = set(start)
        waiting = list(start)
        while waiting:
            unit = waiting.pop()
            called = set(self._special.get(self._class[unit], ()))
            for name in self._names[unit]:
                called |= self._simple.get(name, set())
                called |= self._special.get(name, set())
            if "super" in self._names[unit]:
                own = self._own[unit]
                called.update(other for other in universe if self._own[other] == own)
            for other in called & universe - reached:
                reached.add(other)
                waiting.append(other)
        return reached


def code_names(code: CodeType) -> frozenset[str]:
    """Return all names in `code` and what is nested in it: globals, attributes, methods."""
    names = set(code.co_names)
    for _, inner in nested(code):
        names |= code_names(inner)
    return frozenset(names)


def _has_stores(code: CodeType) -> bool:
    return not _STORES.isdisjoint(code.co_code[::2]) or any(
        _has_stores(inner) for _, inner in nested(code)
    )
