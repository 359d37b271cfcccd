"""Objects that actions share without naming them: the values of wide fixtures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import ModuleType

from ..own_kind import is_a
from .action import Action
from .held_values import has_dict, is_bound_by_its_name
from .leaves import Leaves, collect_leaves, differing
from .states import States
from .unchanged import is_as_it_was

_DEPTH = 2


class SharedValue:
    """An object that actions share, and what it held when it was made."""

    def __init__(self, states: States, value: object, maker: Action) -> None:
        """Remember the state of `value`.

        Args:
            states: who is told what has changed.
            value: the object.
            maker: the action that made it.
        """
        self._states = states
        self._maker = maker
        self._holder = {"value": value}
        self._before: Leaves | None = None
        self._touched = 0
        self._has_names = has_dict(value)
        if is_a(value, ModuleType) or (is_a(value, type) and is_bound_by_its_name(value)):
            return
        if issubclass(type(value), Iterator) and not self._has_names:
            # Whoever takes the next element runs what makes it; nothing shows from where it came.
            states.filled.add(maker)
            return
        self._before = self._leaves()

    def glance(self) -> None:
        """Look whether it has changed; as it does so again and again, more and more seldom."""
        if self._before is None or is_as_it_was(self._holder, self._before):
            return
        self._touched += 1
        if self._touched & (self._touched - 1) == 0:
            self.look()

    def look(self) -> None:
        """Note what has changed."""
        now = None if self._before is None else self._leaves()
        if self._before is None or now is None:
            return
        for _, leaf in differing(self._before, now):
            if self._has_names and leaf.value is not self._holder["value"]:
                self._states.found(leaf.place[0], leaf.place)
            else:
                self._states.filled.add(self._maker)

    def _leaves(self) -> Leaves | None:
        try:
            return collect_leaves(self._holder, _DEPTH + 1)
        except Exception as error:  # noqa: BLE001  a fixture must not fail by this
            self._maker.refuse(f"has a value that could not be looked at ({error!r})")
            return None


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
