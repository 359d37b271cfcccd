"""What a value holds, as far as that may change; no code of a project runs."""

from __future__ import annotations

import contextlib
import dis
import gc
import logging
import sys
import threading
from collections import deque
from collections.abc import Iterator
from types import (
    CellType,
    FunctionType,
    GeneratorType,
    GetSetDescriptorType,
    MemberDescriptorType,
    ModuleType,
)
from typing import Any

from ..own_kind import is_a
from .addresses import identity
from .contents import ATOMS, CONTAINERS, FIXED, all_elements, per_type
from .named_modules import module_globals

_DESCRIPTORS = (GetSetDescriptorType, MemberDescriptorType)
_BINDS_CELL = dis.opmap["STORE_DEREF"]
_ELEMENTS = 1_000
# The elements of larger containers are not looked into.
_WITH_ELEMENTS = (*CONTAINERS, *FIXED)
# What these hold is somebody else's, or follows from their own text.
_CLOSED = (ModuleType, GeneratorType, logging.Logger, threading.Thread)
_OWN = __name__.partition(".")[0]
_CALL_NOTHING: tuple[type, ...] = (*ATOMS, *_CLOSED, type)
_OF_PATHS = ("pathlib", "pathlib._local")


def elements(value: object) -> Iterator[object]:
    """Iterate over the elements of a container, as far as they, or what they hold, may change."""
    if is_a(value, _WITH_ELEMENTS):
        yield from filter(_may_change, all_elements(value, _ELEMENTS))


def held_by_function(function: FunctionType) -> dict[str, Any]:
    """Return default arguments, which may be changed, and the attributes of the function itself."""
    return {
        **{str(index): held for index, held in enumerate(function.__defaults__ or ())},
        **(function.__kwdefaults__ or {}),
        **function.__dict__,
    }


def closure(function: FunctionType) -> dict[str, Any]:
    """Return the variables of a closure that may change, or hold what may."""
    cells: tuple[CellType, ...] = function.__closure__ or ()
    code = function.__code__
    binds = bool(cells) and _BINDS_CELL in code.co_code[::2]
    found = {}
    for name, cell in zip(code.co_freevars, cells, strict=True):
        with contextlib.suppress(ValueError):  # empty
            value = cell.cell_contents
            if binds or _may_change(value):
                found[name] = value
    return found


def cell_of(function: FunctionType, variable: str) -> CellType | None:
    """Return what holds a variable of a closure; None if it has no such variable."""
    names = function.__code__.co_freevars
    if variable not in names or function.__closure__ is None:
        return None
    return function.__closure__[names.index(variable)]


def attributes(value: Any) -> dict[str, Any]:
    """Return the attributes of an instance, those in slots included."""
    # All that a path's attributes remember follows from its own text, which doesn't change.
    if is_a(value, logging.Logger) or type(value).__module__ in _OF_PATHS:
        return {}
    found: dict[str, Any] = {}
    held = _names_of(value)
    if isinstance(held, dict):
        found.update(held)
    for slot, name in _slots(type(value)):
        with contextlib.suppress(Exception):
            found[slot] = object.__getattribute__(value, name)
    return found


def only_dict(value: object) -> dict[str, Any] | None:
    """Return the dictionary that has all attributes of an instance; None where others are kept."""
    kind = type(value)
    if issubclass(kind, (threading.local, logging.Logger)) or kind.__module__ in _OF_PATHS:
        return None
    held = None if _slots(kind) else _names_of(value)
    return held if type(held) is dict else None


def has_dict(value: object) -> bool:
    """Return whether an instance keeps attributes in a dictionary."""
    return _names_of(value) is not None


def kept(value: object) -> dict[str, object]:
    """Return what an object made by C code keeps, as a bound method, a partial or a memo does.

    Returns:
        By the kind, and a number, what may change or hold what does.
    """
    kind = type(value)
    if is_a(value, (*ATOMS, *_WITH_ELEMENTS, *_CLOSED)) or kind.__module__ in _OF_PATHS:
        return {}
    found: dict[str, object] = {}
    for referent in gc.get_referents(value):
        if referent is not kind and not is_a(referent, ModuleType) and _may_change(referent):
            found[f"[{type(referent).__name__} {len(found)}]"] = referent
    return found


def functions_kept(value: object) -> Iterator[FunctionType]:
    """Iterate over the functions of Python that run where an object made by C code is called."""
    waiting: deque[Any] = deque([value] if callable(value) else ())
    seen: set[int] = set()
    while waiting and len(seen) < _ELEMENTS:
        current = waiting.popleft()
        if is_a(current, _CALL_NOTHING) or identity(current) in seen:
            continue
        seen.add(identity(current))
        if is_a(current, FunctionType):
            yield current
        elif callable(current) or is_a(current, _WITH_ELEMENTS):
            waiting.extend(gc.get_referents(current))


def is_ours(value: object) -> bool:
    """Return whether a value belongs to what watches, which changes all the time."""
    owner = value if is_a(value, (FunctionType, type)) else type(value)
    module = owner.__module__
    return is_a(module, str) and module.partition(".")[0] == _OWN


def is_walked(owner: type, module: str) -> bool:
    """Return whether a class is looked into where `module` leads to it."""
    return owner.__module__ == module or not is_bound_by_its_name(owner)


def _may_change(value: Any) -> bool:
    """Return whether a value, or what it holds, may change."""
    if is_a(value, ATOMS):
        return False
    if is_a(value, FunctionType):
        return bool(
            value.__closure__ or value.__defaults__ or value.__kwdefaults__ or value.__dict__
        )
    if is_a(value, type):
        return not is_bound_by_its_name(value)
    return type(value) not in FIXED or any(map(_may_change, value))


def is_bound_by_its_name(owner: type) -> bool:
    """Return whether the module that a class names as its own leads to it, or may do so."""
    path = owner.__qualname__.split(".")
    with contextlib.suppress(Exception):  # a metaclass of the project's may say anything
        names = module_globals(sys.modules[owner.__module__])
        return "<locals>" not in path and path[0] in names
    return True


_EVERYBODYS = frozenset({"__dict__", "__weakref__"})


@per_type
def _slots(kind: type) -> tuple[tuple[str, str], ...]:
    """Return the names in `__slots__`, and under which each is kept."""
    found: list[tuple[str, str]] = []
    for base in kind.__mro__:
        slots = vars(base).get("__slots__", ())
        for slot in (slots,) if isinstance(slots, str) else tuple(slots):
            if not isinstance(slot, str) or slot in _EVERYBODYS:
                continue
            if slot.endswith("__"):
                # Libraries keep there what projects know under other names, as pydantic does.
                found.append((slot.strip("_"), slot))
            else:
                private = slot.startswith("__")
                found.append((slot, f"_{base.__name__.lstrip('_')}{slot}" if private else slot))
    return tuple(found)


def _names_of(value: object) -> object:
    """Return what an object keeps its attributes in; None where that is nothing."""
    if is_a(value, threading.local):
        return threading.local.__getattribute__(value, "__dict__")
    descriptor = _dictionary(type(value))
    return None if descriptor is None else descriptor.__get__(value)


@per_type
def _dictionary(kind: type) -> GetSetDescriptorType | MemberDescriptorType | None:
    """Return Python's own descriptor of `__dict__`, whatever a class puts in its place."""
    found = (vars(base).get("__dict__") for base in kind.__mro__)
    return next((each for each in found if type(each) in _DESCRIPTORS), None)
