"""Who uses state that outlives the action which computed it, and so rests on that."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from .action import Action
from .leaves import Place
from .units import Unit


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
        self._named: dict[str, Action] = {}
        self._early: dict[Action, Action | None] = {}
        self._attributes: dict[str, list[tuple[frozenset[str], Action]]] = {}
        self._finding: dict[int, list[Action]] = {}
        self._checks: dict[str, list[Action]] = {}
        self._nodes: set[Action] = set()
        self._methods = {(unit.owner, unit.name) for unit in units}

    def add(
        self,
        state: str,
        places: Iterable[Place],
        node: Action,
        early: Action | None,
        finding: Iterable[int] = (),
    ) -> None:
        """Note that whoever uses `state` rests on `node`.

        Args:
            state: the name that leads to it.
            places: where in its value something changes.
            node: what its value was computed from.
            early: what it was computed from before the first test; None where it was as imported.
            finding: functions that may find it under a name that they compute.
        """
        self._named[state] = node
        self._early[node] = early
        self._nodes.update((node, early or node))
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
        for node in self.used_by(identifier, names):
            early = self._early[node]
            if early is not None:
                yield early

    def used_by(self, identifier: int, names: frozenset[str]) -> Iterator[Action]:
        """Iterate over what the function `identifier`, which uses `names`, rests on."""
        for name in self._named.keys() & names:
            if self._means(identifier, name):
                yield self._named[name]
        yield from self._finding.get(identifier, ())
        owner = self._units[identifier].owner
        for name in self._attributes.keys() & names:
            for classes, node in self._attributes[name]:
                # Whoever names the object is there already; a method needs no name for it. And
                # what `cached_property` computed is read by whoever has the object.
                if owner in classes or any((kind, name) in self._methods for kind in classes):
                    yield node
