"""Objects that actions share without naming them: the values of wide fixtures."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

from .leaves import collect_leaves, differing
from .memos import States

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
        for leaf in differing(before, collect_leaves(holder, _DEPTH + 1)):
            if leaf.value is not value:
                states.found(leaf.place[0], leaf.place)

    return end


def _nothing() -> None:
    pass
