"""Values of a project that may change, each told later from what it was."""

from __future__ import annotations

import operator
import threading
from collections import OrderedDict, defaultdict, deque
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain
from types import FunctionType, ModuleType
from typing import Any
from weakref import ReferenceType

from .addresses import addresses, identity, separate
from .contents import COMPARED, contents
from .held_values import only_dict, place_of
from .unchanged import is_filled_as, names_in

_FEW = 50
PLAIN = frozenset({dict, list, set, OrderedDict, defaultdict, deque})
"""Containers that are nothing but their elements."""
GONE = object()
"""Stands for a value that isn't there any more."""
_Told = tuple[int | bytes, ...]
_Marks = dict[str, _Told]


@dataclass(slots=True, eq=False)
class Spot:
    """A value that may change, and what it held when the import ended that led there first."""

    value: Any
    contents: tuple[object, ...]
    module: str
    """The dotted name of the module that led there first."""
    numbers: set[int] = field(default_factory=set)
    """The modules that lead there, in the order of their imports."""
    known: set[str] = field(default_factory=set)
    """The names that lead there."""
    keys: set[str] = field(default_factory=set)
    """What somebody binds who changes what it holds under names."""
    states: set[str] = field(default_factory=set)
    """The globals and attributes of classes that lead there; empty for a module or a class."""
    users: set[str] = field(default_factory=set)
    """Names by which code has it that need not bind anything itself to change it."""
    names: dict[str, object] = field(default_factory=dict)
    """What it held under names."""
    held: Mapping[str, Any] | None = None
    """All that it holds under names now; None where nothing that lives tells."""
    named: dict[str, Held] = field(default_factory=dict)
    """The same, elements left out, each ready to be compared."""
    others: frozenset[str] = frozenset()
    """Names of that which don't count."""
    count: int = 0
    """How many names that were."""
    marks: _Marks | None = None
    """What tells whether it has changed again; None where it hasn't yet."""
    is_weak: bool = False
    """Whether it held weak references when somebody looked last."""

    def look_into(self, names: dict[str, object]) -> None:
        """Remember what it holds under names."""
        self.names = names
        self.held = _living(self.value)
        self.named = {name: Held(self, name) for name in names if name[0] != "["}
        self.others = frozenset(self.held or ()) - names.keys()
        self.count = 0 if self.held is None else len(self.held)

    def is_filled_otherwise(self) -> bool:
        """Return whether it may have other contents than it had."""
        value, before = self.value, self.contents
        if before and type(value) in PLAIN:
            # As below, for what there is most of, in a tenth of the time.
            now = chain(value.values(), value) if isinstance(value, dict) else value
            if len(value) == before[0] and all(map(operator.is_, now, before[1:])):
                return False
        return bool(before) and not is_filled_as(value, before)

    def holds_more(self) -> bool:
        """Return whether names came to it, or went."""
        return self.held is not None and len(self.held) != self.count

    def holds_another(self, name: str) -> bool:
        """Return whether another value stands under a name that it had."""
        held = self._now() if self.held is None else self.held
        if isinstance(self.value, FunctionType) and name not in held:
            held = self._now()
        return held.get(name, GONE) is not self.names[name]

    def holds_any_other(self, names: Iterable[str]) -> bool:
        """Return whether another value stands under one of some names that it had."""
        now = self._now()
        return any(now.get(name, GONE) is not self.names[name] for name in names)

    def changed(self) -> set[str]:
        """Return the states of which something has changed since this was called last."""
        before, is_first = self.marks or {}, self.marks is None
        self.marks = self._marks()
        if self.is_weak and not is_first and _are_fewer(self.marks, before):
            # What nobody refers to any more goes at any time.
            return set()
        self.is_weak = _is_weak(self.value)
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
        found = {"": _identities(self.value)}
        now, before = self._now() if self.names or self.held else {}, self.names
        new = [name for name, value in now.items() if before.get(name, GONE) is not value]
        for name in new:
            if name not in self.others:
                found[name] = (identity(now[name]), *_held_by(now[name]))
        if len(now) - len(new) < len(before):
            found.update((name, ()) for name in before.keys() - now.keys())
        return found


class Held:
    """A name under which something held a value."""

    __slots__ = ("attribute", "name", "owner", "space", "spot")

    def __init__(self, spot: Spot, name: str) -> None:
        self.spot = spot
        self.name = name
        self.space = spot.held if spot.held is not None and name in spot.held else None
        """The namespace that has the name."""
        place = place_of(spot.value, name) if self.space is None else None
        self.owner, self.attribute = place or (None, "")
        """If there is no such, what has the value as an attribute, a cell for instance.

        No attribute where the value must be looked for in other ways.
        """


def _living(value: Any) -> Mapping[str, Any] | None:
    """Return the namespace of a module, class, function or instance that has all it holds."""
    if isinstance(value, (ModuleType, type, FunctionType, threading.local)):
        return vars(value)
    return only_dict(value)


def _held_by(value: Any) -> _Told:
    """Return what tells what a value holds, if that isn't much."""
    if isinstance(value, (ModuleType, type)):
        return ()
    if type(value) in PLAIN:
        return _identities(value) if len(value) <= _FEW else ()
    held = _identities(value) or tuple(map(identity, (only_dict(value) or {}).values()))
    return held if len(held) <= _FEW else ()


def _is_weak(value: object) -> bool:
    """Return whether a value is what a weak dictionary, or a weak set, keeps its elements in."""
    sides: tuple[Collection[object], ...] = ()
    if type(value) is dict:
        sides = (value.keys(), value.values())
    elif type(value) is set:
        sides = (value,)
    return any(
        side and all(issubclass(kind, ReferenceType) for kind in set(map(type, side)))
        for side in sides
    )


def _are_fewer(now: _Marks, before: _Marks) -> bool:
    """Return whether elements went from a plain container, and nothing else changed."""
    lying, lying_before = _lying(now), _lying(before)
    others = {name: marks for name, marks in now.items() if name}
    return (
        len(lying) < len(lying_before)
        and before == {**others, "": before[""]}
        and separate(lying) < separate(lying_before)
    )


def _lying(marks: _Marks) -> bytes:
    return b"".join(each for each in marks[""] if isinstance(each, bytes))


def _identities(value: Any) -> _Told:
    """Return what tells the contents of a value from others, and keeps none of them alive."""
    if type(value) in PLAIN and len(value) <= COMPARED:
        return _of_plain(value)
    return tuple(
        each if type(each) is int else hash(each) if type(each) in (str, bytes) else identity(each)
        for each in contents(value)
    )


def _of_plain(value: Any) -> _Told:
    if isinstance(value, dict):
        return len(value), addresses(value.values()), addresses(value)
    return len(value), addresses(value)
