"""Objects that actions share without naming them: the values of wide fixtures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from types import ModuleType

from .action import Action
from .held_values import is_bound_by_its_name
from .leaves import collect_leaves, differing
from .states import States

_DEPTH = 2


def watch_value(states: States, value: object, shared: Action) -> Callable[[], None]:
    """Remember the state of an object that actions share.

    Args:
        states: who is told what has changed.
        value: the object.
        shared: the action that made it.

    Returns:
        What to call when it is shared no longer; it is let go then.
    """
    if isinstance(value, ModuleType) or (isinstance(value, type) and is_bound_by_its_name(value)):
        return _nothing
    has_names = hasattr(value, "__dict__")
    if isinstance(value, Iterator) and not has_names:
        # Whoever takes the next element runs what makes it; nothing shows from where it came.
        states.filled.add(shared)
        return _nothing
    holder = {"value": value}
    before = collect_leaves(holder, _DEPTH + 1)

    def end() -> None:
        for _, leaf in differing(before, collect_leaves(holder, _DEPTH + 1)):
            if has_names and leaf.value is not value:
                states.found(leaf.place[0], leaf.place)
            else:
                states.filled.add(shared)

    return end


def rest_on_users(shared: Iterable[Action], actions: list[Action]) -> None:
    """Let actions, and so all who use what they made, rest on what any of these users did.

    Args:
        shared: actions whose values others have changed.
        actions: all of the run.
    """
    for maker in shared:
        users, count = {maker}, 0
        while count < len(users):
            count = len(users)
            users.update(action for action in actions if not users.isdisjoint(action.parents))
        node = Action(f"what was put into the value of {maker.label}")
        for user in users - {maker}:
            node.functions |= user.functions
            node.inputs.update(user.inputs)
            node.imports |= user.imports
        maker.parents.add(node)


def _nothing() -> None:
    pass
