"""What can hold state: paths of names through modules, classes, instances and closures."""

from __future__ import annotations

import contextlib
import dis
from collections import deque
from collections.abc import Iterator, Mapping
from types import FunctionType, GeneratorType, ModuleType
from typing import Any

_BINDS_CELL = dis.opmap["STORE_DEREF"]
_LIMIT = 2_000

Path = tuple[str, ...]
"""Names that lead from a namespace to a value, each an attribute of what came before."""
_Leaf = tuple[object, int]
Leaves = dict[Path, _Leaf]
"""Paths of names to a value and its size."""


def differing(before: Leaves, after: Leaves) -> Iterator[Path]:
    """Iterate over the paths of names whose values are others, or changed."""
    for path in before.keys() | after.keys():
        old, new = before.get(path), after.get(path)
        if old is None or new is None or old[0] is not new[0] or old[1] != new[1]:
            yield path


def collect_leaves(names: Mapping[str, Any], depth: int, module: str = "") -> Leaves:
    """Return what can hold state in a namespace, classes of others than `module` left out."""
    found: Leaves = {}
    _collect(names, (), depth, module, found)
    return found


def _collect(
    names: Mapping[str, Any], prefix: Path, depth: int, module: str, found: Leaves
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
    if isinstance(value, GeneratorType):
        return -1 if value.gi_frame is None else value.gi_frame.f_lasti
    kind = type(value)
    try:
        if any("cache_info" in vars(base) for base in kind.__mro__):
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
    if isinstance(value, FunctionType):
        # A default argument that is changed, and attributes of the function itself.
        defaults = {str(index): held for index, held in enumerate(value.__defaults__ or ())}
        return {**defaults, **value.__dict__, **_closure(value)}
    if isinstance(value, (staticmethod, classmethod, property)):
        return None
    try:
        attributes = object.__getattribute__(value, "__dict__")
    except AttributeError:
        return None
    return attributes if isinstance(attributes, dict) else None


def _closure(function: FunctionType) -> dict[str, Any]:
    """Return the variables of a closure that can change: containers, and what is bound anew."""
    if function.__closure__ is None:
        return {}
    code = function.__code__
    binds = _BINDS_CELL in code.co_code[::2]
    found = {}
    for name, cell in zip(code.co_freevars, function.__closure__, strict=True):
        with contextlib.suppress(ValueError):  # empty
            if binds or isinstance(cell.cell_contents, (dict, list, set, deque)):
                found[name] = cell.cell_contents
    return found
