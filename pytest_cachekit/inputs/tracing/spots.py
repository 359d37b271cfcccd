"""Values of a project that may change, each told later from what it was."""

from __future__ import annotations

import operator
import threading
from collections import OrderedDict, defaultdict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain
from types import FunctionType, ModuleType
from typing import Any

from .held_values import closure, contents, only_dict
from .unchanged import is_filled_as, names_in

_FEW = 50
_PLAIN = frozenset({dict, list, set, OrderedDict, defaultdict, deque})
_GONE = object()
_Marks = dict[str, tuple[int, ...]]


@dataclass(slots=True, eq=False)
class Spot:
    """A value that may change, and what it held when the import ended that led there first."""

    value: Any
    contents: tuple[object, ...]
    module: str
    """The dotted name of the module that led there first."""
    numbers: set[int] = field(default_factory=set)
    """The modules that lead there, in the order of their imports."""
    states: set[str] = field(default_factory=set)
    """The globals and attributes of classes that lead there; empty for a module or a class."""
    names: dict[str, object] = field(default_factory=dict)
    """What it held under names."""
    held: Mapping[str, Any] | None = None
    """All that it holds under names now; None where nothing that lives tells."""
    others: frozenset[str] = frozenset()
    """Names of that which don't count."""
    count: int = 0
    """How many names that were."""
    marks: _Marks | None = None
    """What tells whether it has changed again; None where it hasn't yet."""

    def look_into(self, names: dict[str, object]) -> None:
        """Remember what it holds under names."""
        self.names = names
        self.held = _living(self.value)
        self.others = frozenset(self.held or ()) - names.keys()
        self.count = 0 if self.held is None else len(self.held)

    def is_filled_otherwise(self) -> bool:
        """Return whether it may have other contents than it had."""
        value, before = self.value, self.contents
        if before and type(value) in _PLAIN:
            # As below, for what there is most of, in a tenth of the time.
            now = value.values() if isinstance(value, dict) else value
            if len(now) == before[0] and all(map(operator.is_, now, before[1:])):
                return False
        return bool(before) and not is_filled_as(value, before)

    def holds_more(self) -> bool:
        """Return whether names came to it, or went."""
        return self.held is not None and len(self.held) != self.count

    def holds_another(self, name: str) -> bool:
        """Return whether another value stands under a name that it had."""
        held = self._now() if self.held is None else self.held
        if isinstance(self.value, FunctionType) and name not in held:
            held = closure(self.value)
        return held.get(name, _GONE) is not self.names[name]

    def holds_others(self) -> bool:
        """Return whether another value stands under any name that an object had."""
        if self.held is None or isinstance(self.value, FunctionType):
            return False
        return not all(map(operator.is_, map(self.held.get, self.names), self.names.values()))

    def changed(self) -> set[str]:
        """Return the states of which something has changed since this was called last."""
        before = self.marks or {}
        self.marks = self._marks()
        if self.states:
            return self.states if self.marks != before else set()
        return {
            name
            for name in self.marks.keys() | before.keys()
            if self.marks.get(name) != before.get(name)
        }

    def _now(self) -> Mapping[str, Any]:
        if isinstance(self.value, FunctionType) or self.held is None:
            return names_in(self.value, self.module)
        return self.held

    def _marks(self) -> _Marks:
        """Return what will be another value if this has changed; no value is kept alive."""
        found = {"": tuple(map(_identity, contents(self.value)))}
        now, before = self._now() if self.names or self.held else {}, self.names
        new = [name for name, value in now.items() if before.get(name, _GONE) is not value]
        for name in new:
            if name not in self.others:
                found[name] = (id(now[name]), *map(_identity, _held_by(now[name])))
        if len(now) - len(new) < len(before):
            found.update((name, ()) for name in before.keys() - now.keys())
        return found


class Batch:
    """Some spots, of which it is cheap to tell that all are as they were."""

    def __init__(self, spots: Iterable[Spot]) -> None:
        """Take in `spots`."""
        self.spots = list(spots)
        self._sort()

    def _sort(self) -> None:
        same = [spot for spot in self.spots if spot.marks is None]
        contents = [spot for spot in same if spot.contents]
        plain = [spot for spot in contents if _is_plain(spot)]
        tables = [spot for spot in plain if isinstance(spot.value, dict)]
        rows = [spot for spot in plain if not isinstance(spot.value, dict)]
        self._tables = [spot.value for spot in tables]
        self._rows = [spot.value for spot in rows]
        self._lengths = [spot.contents[0] for spot in (*tables, *rows)]
        self._elements = [held for spot in (*tables, *rows) for held in spot.contents[1:]]
        self._rest = [spot for spot in contents if not _is_plain(spot)]
        self._changed = [spot for spot in self.spots if spot.marks is not None]
        self._held: list[Any] = [spot.held for spot in same if spot.held is not None]
        self._counts = [spot.count for spot in same if spot.held is not None]

    def filled_otherwise(self) -> list[Spot]:
        """Return those that may have other contents than they had, or had them before."""
        if list(map(len, (*self._tables, *self._rows))) == self._lengths:
            tables = chain.from_iterable(map(dict.values, self._tables))
            now = chain(tables, chain.from_iterable(self._rows))
            if all(map(operator.is_, now, self._elements)):
                rest = [each for each in self._rest if each.is_filled_otherwise()]
                return self._changed + rest
        if self._is_sorted_anew():
            return self.filled_otherwise()
        return [each for each in self.spots if each.marks or each.is_filled_otherwise()]

    def holding_more(self) -> list[Spot]:
        """Return those to which names came, or from which some went."""
        if list(map(len, self._held)) == self._counts:
            return []
        if self._is_sorted_anew():
            return self.holding_more()
        return [each for each in self.spots if each.marks is None and each.holds_more()]

    def _is_sorted_anew(self) -> bool:
        """Set those apart that were found to have changed; return whether there were any."""
        if sum(spot.marks is not None for spot in self.spots) == len(self._changed):
            return False
        self._sort()
        return True


def _is_plain(spot: Spot) -> bool:
    """Return whether the contents of a spot are its elements, all of which are known."""
    return type(spot.value) in _PLAIN and len(spot.contents) == len(spot.value) + 1


def _living(value: Any) -> Mapping[str, Any] | None:
    """Return the namespace of a module, class, function or instance that has all it holds."""
    if isinstance(value, (ModuleType, type, FunctionType, threading.local)):
        return vars(value)
    return only_dict(value)


def _held_by(value: object) -> Iterable[object]:
    """Iterate over what a value holds, if that isn't much."""
    if isinstance(value, (ModuleType, type)):
        return ()
    held = contents(value) or (only_dict(value) or {}).values()
    return held if len(held) <= _FEW else ()


def _identity(value: object) -> int:
    return value if type(value) is int else id(value)
