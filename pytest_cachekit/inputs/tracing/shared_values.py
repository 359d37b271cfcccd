"""Objects that actions share without naming them: the values of wide fixtures."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

from .leaves import collect_leaves, differing
from .memos import Place, States

_DEPTH = 2


def watch_value(states: States, value: object) -> Callable[[], None]:
    """Remember the state of an object that actions share.

    Args:
        states: who is told which attributes have changed.
        value: the object.

    Returns:
        What to call when it is shared no longer; it is let go then.
    """
    if isinstance(value, (type, ModuleType)) or not hasattr(value, "__dict__"):
        return _nothing
    holder = {"value": value}
    before = collect_leaves(holder, _DEPTH + 1)

    def end() -> None:
        for path in differing(before, collect_leaves(holder, _DEPTH + 1)):
            if len(path) > 1:
                states.found(path[-1], _place(value, path[1:]))

    return end


def _place(value: Any, path: tuple[str, ...]) -> Place:
    for part in path[:-1]:
        value = getattr(value, "__dict__", {}).get(part)
    return path[-1], frozenset(kind.__name__ for kind in type(value).__mro__)


def _nothing() -> None:
    pass
