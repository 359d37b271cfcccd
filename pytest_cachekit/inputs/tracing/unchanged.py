"""Whether a module leads to what it led to when its import ended, found without a new walk.

`states.py` tells how values changed, and walks through all that a module leads to. Most modules
are as they were: here each object that was walked into is compared with what it holds now.
"""

from __future__ import annotations

import operator
from collections import defaultdict
from collections.abc import Mapping
from types import FunctionType
from typing import Any

from ..own_kind import is_a
from .contents import are_same, contents
from .held_values import (
    attributes,
    closure,
    elements,
    held_by_function,
    is_walked,
    kept,
    only_dict,
)
from .leaves import Leaves, Path, is_passed_over

_IS = operator.is_


def is_as_it_was(now: Mapping[str, Any], before: Leaves, module: str = "") -> bool:
    """Return whether a namespace surely leads to what it led to `before`, all of it unchanged.

    Args:
        now: the namespace, as it is now.
        before: what it led to.
        module: the dotted name of the module that it belongs to, if any.
    """
    names: dict[Path, dict[str, object]] = defaultdict(dict)
    for path, leaf in before.items():
        names[path[:-1]][path[-1]] = leaf.value
        if leaf.contents and not is_filled_as(leaf.value, leaf.contents):
            return False
    return lead_to(now, names[()]) and all(
        lead_to(names_in(value, module), names[path]) for path, value in before.entered
    )


def is_filled_as(value: object, before: tuple[object, ...]) -> bool:
    """Return whether a value surely has the contents that it had `before`."""
    now = contents(value)
    if len(now) != len(before):
        return False
    return all(map(_IS, now, before)) or are_same(now, before)


def names_in(value: Any, module: str) -> Mapping[str, Any]:
    """Return what a walk finds in `value`."""
    if is_a(value, type):
        return vars(value) if is_walked(value, module) else {}
    if is_a(value, FunctionType):
        return {**held_by_function(value), **closure(value)}
    inner = {f"[{index}]": element for index, element in enumerate(elements(value))}
    own = only_dict(value)
    found: Mapping[str, Any] = attributes(value) if own is None else own
    if not any(not name.startswith("__") for name in found):
        inner.update(kept(value))
    return {**found, **inner} if inner else found


def lead_to(now: Mapping[str, Any], before: Mapping[str, object]) -> bool:
    """Return whether names lead to what they led to, and no others have come."""
    return (
        before.keys() <= now.keys()
        and all(map(_IS, map(now.get, before), before.values()))
        and (
            len(now) == len(before)
            or all(
                name in before or is_passed_over(name, value) for name, value in list(now.items())
            )
        )
    )
