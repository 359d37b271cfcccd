"""Who uses state that outlives the action which computed it, and so rests on that."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from .action import Action
from .leaves import Place
from .units import Unit


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """What a state was computed from."""

    own: Action
    """All that may have computed its value."""
    given: Action
    """That, and who may have given what is kept: who doesn't keep something itself rests on it."""
    keepers: frozenset[int]
    """Functions that surely keep something, and look at what they would find or make."""
    early: Action | None
    """What it was computed from before the first test; None where it was as imported."""

    def seen_by(self, identifier: int) -> Action:
        """Return what a function rests on that names the state."""
        return self.own if identifier in self.keepers else self.given


class StateActions:
    """An action for each state, on which whoever uses that state rests."""

    def __init__(self, units: list[Unit], means: Callable[[int, str], bool]) -> None:
        """Begin with none.

        Args:
            units: all functions of the run.
            means: returns whether a function that names a state may mean that one.
        """
        self._units = units
        self._means = means
        self._named: dict[str, Node] = {}
        self._attributes: dict[str, list[tuple[frozenset[str], Node]]] = {}
        self._finding: dict[int, list[Node]] = {}
        self._checks: dict[str, list[Action]] = {}
        self._nodes: set[Action] = set()
        self._methods = {(unit.owner, unit.name) for unit in units}

    def add(
        self, state: str, places: Iterable[Place], node: Node, finding: Iterable[int] = ()
    ) -> None:
        """Note that whoever uses `state` rests on `node`.

        Args:
            state: the name that leads to it.
            places: where in its value something changes.
            node: what its value was computed from.
            finding: functions that may find it under a name that they compute.
        """
        self._named[state] = node
        self._nodes.update((node.own, node.given, node.early or node.own))
        for attribute, classes in places:
            if classes and attribute != state:
                self._attributes.setdefault(attribute, []).append((classes, node))
        for identifier in finding:
            self._finding.setdefault(identifier, []).append(node)

    def has(self, node: Action) -> bool:
        """Return whether `node` stands for a state."""
        return node in self._nodes

    def add_check(self, path: str, node: Action) -> None:
        """Note that all who rest on the module at `path` may rest on an answer that is kept."""
        self._checks.setdefault(path, []).append(node)
        self._nodes.add(node)

    def kept_for(self, path: str) -> list[Action]:
        """Return what all who rest on the module at `path` rest on."""
        return self._checks.get(path, [])

    def used_early_by(self, identifier: int, names: frozenset[str]) -> Iterator[Action]:
        """Iterate over what a function rests on that ran before the first test."""
        for node, _ in self._used_by(identifier, names):
            if node.early is not None:
                yield node.early

    def used_by(self, identifier: int, names: frozenset[str]) -> Iterator[Action]:
        """Iterate over what the function `identifier`, which uses `names`, rests on."""
        for _, action in self._used_by(identifier, names):
            yield action

    def _used_by(self, identifier: int, names: frozenset[str]) -> Iterator[tuple[Node, Action]]:
        for name in self._named.keys() & names:
            if self._means(identifier, name):
                yield self._named[name], self._named[name].seen_by(identifier)
        for node in self._finding.get(identifier, ()):
            yield node, node.given
        owner = self._units[identifier].owner
        for name in self._attributes.keys() & names:
            for classes, node in self._attributes[name]:
                # Whoever names the object is there already; a method needs no name for it. And
                # what `cached_property` computed is read by whoever has the object.
                if owner in classes or any((kind, name) in self._methods for kind in classes):
                    yield node, node.own
