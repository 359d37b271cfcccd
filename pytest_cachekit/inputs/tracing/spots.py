"""Values of a project that may change, each told later from what it was."""

from __future__ import annotations

import _thread
import gc
import operator
import threading
from collections import OrderedDict, defaultdict, deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from itertools import chain
from types import CodeType, FunctionType, MappingProxyType, ModuleType
from typing import Any
from weakref import ReferenceType

from ..own_kind import is_a
from .addresses import addresses, identity, separate
from .contents import ATOMS, COMPARED, FIXED, contents
from .held_values import has_dict, only_dict
from .unchanged import is_filled_as, names_in

_FEW = 50
PLAIN = frozenset({dict, list, set, OrderedDict, defaultdict, deque})
"""Containers that are nothing but their elements."""
GONE = object()
"""Stands for a value that isn't there any more."""
# What these hold is no part of what has them.
_CLOSED = (*ATOMS, CodeType, ModuleType, type)
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
    states: set[str] = field(default_factory=set)
    """The globals and attributes of classes that lead there; empty for a module or a class."""
    names: dict[str, object] = field(default_factory=dict)
    """What it held under names, elements of it included."""
    has_names: bool = False
    """Whether there are others than elements."""
    held: Mapping[str, Any] | None = None
    """All that it holds under names now; None where nothing that lives tells."""
    others: frozenset[str] = frozenset()
    """Names of that which don't count."""
    count: int = 0
    """How many names that were."""
    marks: _Marks | None = None
    """What tells whether it has changed again; None where it hasn't yet."""
    deep: list[str] = field(default_factory=list)
    """Names that have come to it, or have other values, which may change themselves."""
    is_weak: bool = False
    """Whether it held weak references when somebody looked last."""

    def look_into(self, names: dict[str, object]) -> None:
        """Remember what it holds under names."""
        self.names = names
        self.has_names = any(name[0] != "[" for name in names)
        self.held = _living(self.value)
        self.others = frozenset(self.held or ()) - names.keys()
        self.count = 0 if self.held is None else len(self.held)

    @property
    def stands_alone(self) -> bool:
        """Whether something of it can't be compared together with others."""
        value = self.value
        if self.contents and type(value) is not _thread.LockType:
            value = shown(value) if type(value) is MappingProxyType else value
            if type(value) not in PLAIN or len(value) > COMPARED:
                return True
        is_whole = self.held is not None or not self.has_names or not has_dict(self.value)
        return not is_whole

    def is_otherwise(self) -> bool:
        """Return whether it may hold anything else than it held."""
        if self.held is not None and len(self.held) != self.count:
            return True
        now = self._now() if self.has_names else {}
        return self._is_filled_otherwise() or any(
            now.get(name, GONE) is not value
            for name, value in self.names.items()
            if self.has_names and name[0] != "["
        )

    def _is_filled_otherwise(self) -> bool:
        value, before = self.value, self.contents
        if before and type(value) in PLAIN:
            # As below, for what there is most of, in a tenth of the time.
            now = chain(value.values(), value) if isinstance(value, dict) else value
            if len(value) == before[0] and all(map(operator.is_, now, before[1:])):
                return False
        return bool(before) and not is_filled_as(value, before)

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

    def is_otherwise_below(self) -> bool:
        """Return whether something has changed in what had come to it by the last time."""
        if not self.deep:
            return False
        marks, now = self.marks or {}, self._now()
        values = ((name, now.get(name, GONE)) for name in self.deep)
        return any((identity(each), *_held_by(each)) != marks.get(name) for name, each in values)

    def _now(self) -> Mapping[str, Any]:
        if is_a(self.value, FunctionType) or self.held is None:
            return names_in(self.value, self.module)
        return self.held

    def _marks(self) -> _Marks:
        """Return what will be another value if this has changed; no value is kept alive."""
        found = {"": _identities(self.value)}
        now, before = self._now() if self.names or self.held else {}, self.names
        new = [name for name, value in now.items() if before.get(name, GONE) is not value]
        counted = [name for name in new if name not in self.others]
        for name in counted:
            found[name] = (identity(now[name]), *_held_by(now[name]))
        self.deep = [name for name in counted if not _is_closed(now[name])]
        if len(now) - len(new) < len(before):
            found.update((name, ()) for name in before.keys() - now.keys())
        return found


def _living(value: Any) -> Mapping[str, Any] | None:
    """Return the namespace of a module, class, function or instance that has all it holds."""
    if is_a(value, (ModuleType, type, FunctionType, threading.local)):
        found: Mapping[str, Any] = vars(value)
        return found
    return only_dict(value)


def shown(proxy: MappingProxyType[Any, Any]) -> Any:
    """Return what `proxy` shows to those who may not change it."""
    return gc.get_referents(proxy)[0]


def _is_closed(value: Any) -> bool:
    if type(value) in FIXED and len(value) <= _FEW:
        return all(map(_is_closed, value))
    return is_a(value, _CLOSED)


def _held_by(value: Any) -> _Told:
    """Return what tells what a value holds, if that isn't much."""
    if is_a(value, _CLOSED):
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
