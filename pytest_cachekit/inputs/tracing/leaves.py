"""What can hold state: values that names, attributes and containers lead to, and what they hold."""

from __future__ import annotations

import contextlib
import dis
import logging
import threading
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from types import CellType, FunctionType, GeneratorType, MappingProxyType, ModuleType
from typing import Any, TypeVar

_T = TypeVar("_T")
_BINDS_CELL = dis.opmap["STORE_DEREF"]
_LIMIT = 2_000
# Of larger containers only the number of elements is compared.
_ELEMENTS = 1_000
_ATOMS = (str, bytes, int, float, complex, frozenset, type(None))
_CONTAINERS = (dict, list, set, deque, MappingProxyType)
_WITH_ELEMENTS = (*_CONTAINERS, tuple)
_WITHOUT_CONTENTS = (*_ATOMS, tuple, type, FunctionType)
_NO_STATE = (*_ATOMS, type, FunctionType)
_OF_PATHS = ("pathlib", "pathlib._local")

Path = tuple[str, ...]
"""What leads from a namespace to a value: names, and numbers of elements in brackets."""
Place = tuple[str, frozenset[str]]
"""An attribute, and the names of the classes of the instance that has it; none for a global,

a variable of a closure, or the function of a generator.
"""


@dataclass(slots=True, eq=False)
class Leaf:
    """A value, and how code reaches it."""

    value: object
    contents: tuple[object, ...]
    """What is another object, or another number, when the value has changed."""
    name: str
    """The global or class attribute that leads there."""
    place: Place

    def differs(self, other: Leaf) -> bool:
        """Return whether `other` is another value, or the same one after a change."""
        return (
            self.value is not other.value
            or len(self.contents) != len(other.contents)
            or any(
                one is not two and not (type(one) is type(two) is int and one == two)
                for one, two in zip(self.contents, other.contents, strict=True)
            )
        )


Leaves = dict[Path, Leaf]


Inside = tuple[int, str]
"""The identity of what holds a value, and the last part of the path to the value."""


def insides(leaves: Leaves) -> Iterator[tuple[Inside, Leaf]]:
    """Iterate over what objects among `leaves` hold; these keep the objects alive."""
    for path, leaf in leaves.items():
        holder = leaves.get(path[:-1])
        if holder is not None:
            yield (id(holder.value), path[-1]), leaf


def differing(
    before: Leaves, after: Leaves, known: Callable[[Inside], Leaf | None] = lambda _inside: None
) -> Iterator[tuple[Path, Leaf]]:
    """Iterate over the values that are others, that changed, that came or went.

    Args:
        before: values as they were.
        after: the same, as they are now.
        known: returns what an object held, whatever led to it. Where another path leads to it
            now, it is that path which has changed, and not what the object holds.
    """
    for path in before.keys() | after.keys():
        old, new = before.get(path), after.get(path)
        if new is None:
            assert old is not None
            yield path, old
        elif old is None or old.differs(new):
            holder = after.get(path[:-1])
            same = None if holder is None else known((id(holder.value), path[-1]))
            if same is None or same.differs(new):
                yield path, new


def collect_leaves(names: Mapping[str, Any], depth: int, module: str = "") -> Leaves:
    """Return what can hold state in a namespace, classes of others than `module` left out."""
    collection = _Collection(module)
    collection.namespace(names, (), depth)
    return collection.found


class _Collection:
    """Walks from a namespace to what it holds, each object once."""

    def __init__(self, module: str) -> None:
        self.found: Leaves = {}
        self._module = module
        self._seen: set[int] = set()

    def namespace(
        self, names: Mapping[str, Any], prefix: Path, depth: int, held: str | None = None,
        kinds: frozenset[str] = frozenset(),
    ) -> None:  # fmt: skip
        """Take in `names`, of a module or class, or of an instance that `held` leads to."""
        for name, value in list(names.items()):
            if len(self.found) > _LIMIT:
                return
            if (name.startswith("__") and name.endswith("__")) or isinstance(value, ModuleType):
                continue
            attribute = value.gi_code.co_name if _is_generator(value) and not held else name
            self._value(value, (*prefix, name), depth, held or name, (attribute, kinds))

    def _value(self, value: Any, path: Path, depth: int, name: str, place: Place) -> None:
        self.found[path] = Leaf(value, _contents(value), name, place)
        if depth <= 1 or isinstance(value, _ATOMS) or id(value) in self._seen:
            return
        if isinstance(value, type):
            if value.__module__ == self._module:
                self._seen.add(id(value))
                self.namespace(vars(value), path, depth - 1)
            return
        self._seen.add(id(value))
        if isinstance(value, FunctionType):
            self._function(value, path, depth, name)
            return
        if isinstance(value, _WITH_ELEMENTS):
            for index, element in enumerate(_elements(value)):
                if len(self.found) > _LIMIT:
                    return
                if not isinstance(element, _NO_STATE):
                    self._value(element, (*path, f"[{index}]"), depth - 1, name, place)
        attributes = _attributes(value)
        if attributes:
            kinds = frozenset(kind.__name__ for kind in type(value).__mro__)
            self.namespace(attributes, path, depth - 1, name, kinds)

    def _function(self, value: FunctionType, path: Path, depth: int, name: str) -> None:
        """Take in a default argument that is changed, and attributes of the function itself."""
        if value.__defaults__ or value.__dict__:
            defaults = {str(index): held for index, held in enumerate(value.__defaults__ or ())}
            kinds = frozenset(kind.__name__ for kind in type(value).__mro__)
            self.namespace({**defaults, **value.__dict__}, path, depth - 1, name, kinds)
        if value.__closure__ is not None:
            self.namespace(_closure(value, value.__closure__), path, depth - 1, name)


def _is_generator(value: object) -> bool:
    return isinstance(value, GeneratorType)


def _elements(value: Any) -> Collection[Any]:
    """Return the elements of a container, the values of a mapping; none where there are many."""
    with contextlib.suppress(Exception):  # a subclass of the project's may do anything
        if len(value) <= _ELEMENTS:
            return tuple(value.values() if hasattr(value, "values") else value)
    return ()


def _contents(value: Any) -> tuple[object, ...]:
    """Return what changes when a value does, as far as that is cheap to know."""
    if isinstance(value, _WITHOUT_CONTENTS):
        return ()
    if isinstance(value, GeneratorType):
        return (-1 if value.gi_frame is None else value.gi_frame.f_lasti,)
    if isinstance(value, ContextVar):
        return (value.get(None),)
    kind = type(value)
    try:
        if isinstance(value, _CONTAINERS):
            return (len(value), *_elements(value))
        if _is_memo(kind):
            return (int(value.cache_info().misses),)
        if kind.__module__ in ("collections", "weakref"):
            return (len(value),)
    except Exception:  # noqa: BLE001  objects of the project's may do anything
        return ()
    return ()


def _per_type(function: Callable[[type], _T]) -> Callable[[type], _T]:
    """Return `function`, remembering what it returned; metaclasses may have no hash."""
    known: dict[int, tuple[type, _T]] = {}

    def ask(kind: type) -> _T:
        entry = known.get(id(kind))
        if entry is None:
            entry = known[id(kind)] = (kind, function(kind))
        return entry[1]

    return ask


@_per_type
def _is_memo(kind: type) -> bool:
    return any("cache_info" in vars(base) for base in kind.__mro__)


@_per_type
def _slots(kind: type) -> tuple[tuple[str, str], ...]:
    """Return the names in `__slots__`, and under which each is kept."""
    found: list[tuple[str, str]] = []
    for base in kind.__mro__:
        slots = vars(base).get("__slots__", ())
        for slot in (slots,) if isinstance(slots, str) else tuple(slots):
            if isinstance(slot, str) and not slot.endswith("__"):
                private = slot.startswith("__")
                found.append((slot, f"_{base.__name__.lstrip('_')}{slot}" if private else slot))
    return tuple(found)


def _attributes(value: Any) -> dict[str, Any] | None:
    """Return the attributes of an instance, those in slots included."""
    if isinstance(value, (staticmethod, classmethod, property, logging.Logger)):
        return None
    # All that a path's attributes remember follows from its own text, which doesn't change.
    if type(value).__module__ in _OF_PATHS:
        return None
    found: dict[str, Any] = {}
    with contextlib.suppress(AttributeError):
        if isinstance(value, threading.local):
            attributes = value.__dict__
        else:
            attributes = object.__getattribute__(value, "__dict__")
        if isinstance(attributes, dict):
            found.update(attributes)
    for slot, name in _slots(type(value)):
        with contextlib.suppress(Exception):
            found[slot] = object.__getattribute__(value, name)
    return found


def _closure(function: FunctionType, cells: tuple[CellType, ...]) -> dict[str, Any]:
    """Return the variables of a closure that can change: containers, and what is bound anew."""
    code = function.__code__
    binds = _BINDS_CELL in code.co_code[::2]
    found = {}
    for name, cell in zip(code.co_freevars, cells, strict=True):
        with contextlib.suppress(ValueError):  # empty
            if binds or isinstance(cell.cell_contents, (dict, list, set, deque)):
                found[name] = cell.cell_contents
    return found
