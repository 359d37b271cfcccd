"""Which states an action comes to: naming what lies in one isn't enough.

A name, or an attribute, is often that of many objects. Nobody comes to a state of a module that
no other module knows who doesn't rest on that module; nor to what lies in something that came
during the run who doesn't use what leads there. And of what a state was computed from, other
states count as far as somebody who may have computed it comes to them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping

from .action import Action
from .dependencies import Dependencies
from .state_users import Behind

Masks = Callable[[Action], int]
"""Returns the bits of all that an action rests on."""


class Reach:
    """The states that actions name, and come to or not."""

    def __init__(self, dependencies: Dependencies) -> None:
        self._dependencies = dependencies
        self._asked: set[Action] = set()
        self._beyond: dict[Action, dict[Action, set[Behind]]] = {}
        """For each action, the states that it knows no way to, each with what would lead there."""

    def ask_for(self, actions: Iterable[Action]) -> None:
        """Judge `actions`, each of which runs all of the code that leads it somewhere."""
        self._asked.update(actions)

    def direct(self, action: Action) -> set[Action]:
        """Return what `action` rests on directly, states that it doesn't come to left out."""
        found = self._dependencies.direct(action)[0]
        if action not in self._beyond:
            self._beyond[action] = self._conditional(action)
        return found - self._beyond[action].keys()

    def extend(self, masks: Masks, index: Mapping[Action, int]) -> list[tuple[Action, Action]]:
        """Return actions, each with a state that it comes to by what it rests on by now.

        Args:
            masks: tells what an action rests on.
            index: the bit of each shared action.
        """
        found: list[tuple[Action, Action]] = []
        for action, states in self._beyond.items():
            if states:
                rests_on = self._mask_for(action, masks)
                for state, ways in list(states.items()):
                    if self._comes_to(action, state, ways, rests_on, index):
                        found.append((action, state))
        for action, state in found:
            del self._beyond[action][state]
        return found

    def _conditional(self, action: Action) -> dict[Action, set[Behind]]:
        dependencies = self._dependencies
        if action in self._asked:
            ways = dependencies.ways_to_states(action)
            return {each: found for each, found in ways.items() if self._may_miss(each, found)}
        direct = dependencies.direct(action)[0] - action.parents
        if dependencies.node(action) is not None:
            return {each: set() for each in direct if dependencies.node(each) is not None}
        if action.source is not None and not any(
            None in found for found in dependencies.ways_to_states(action).values()
        ):
            return {each: {frozenset()} for each in direct if self._may_miss(each, ())}
        return {}

    def _may_miss(self, state: Action, ways: Collection[Behind]) -> bool:
        node = self._dependencies.node(state)
        if node is None or None in ways:
            return False
        return bool(self._dependencies.homes(node) or (ways and all(ways)))

    def _mask_for(self, action: Action, masks: Masks) -> int:
        """Return what those rest on while whom `action` looked at something."""
        node = None if action in self._asked else self._dependencies.node(action)
        if node is None:
            return masks(action)
        mask = 0
        for each in node.writing:
            if each.began_early or not action.ended_early:
                mask |= masks(each)
        return mask

    def _comes_to(
        self,
        action: Action,
        state: Action,
        ways: set[Behind],
        rests_on: int,
        index: Mapping[Action, int],
    ) -> bool:
        def has(other: Action) -> bool:
            return other in index and bool(rests_on >> index[other] & 1)

        def has_named(name: str) -> bool:
            named = self._dependencies.named(name)
            return named is None or has(named.own)

        node = self._dependencies.node(state)
        if node is None:
            return True
        if not ways:
            return has(node.own if state is node.given else state)
        homes = self._dependencies.homes(node)
        if homes and not any(map(has, homes)):
            return False
        return any(not behind or any(map(has_named, behind)) for behind in ways)
