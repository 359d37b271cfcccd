"""Who uses state that outlives the action which computed it, and so rests on that."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from .action import Action
from .changes import Change
from .units import Unit

# Who looks through all modules by these names none of what he finds.
_LIST = frozenset({"__dict__", "getmembers", "getmembers_static", "vars"})


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
    homes: frozenset[str]
    """Files of the only modules that lead there, where no other module knows these; else none."""
    writing: frozenset[Action]
    """The actions while which it may have changed."""

    def seen_by(self, identifier: int) -> Action:
        """Return what a function rests on that names the state."""
        return self.own if identifier in self.keepers else self.given


Behind = frozenset[str] | None
"""States one of which leads whoever comes to something; empty if none has to.

None for whoever finds it by a name that is computed.
"""


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
        self._named: dict[str, tuple[Node, Behind]] = {}
        self._attributes: dict[str, list[tuple[frozenset[str], Node, Behind]]] = {}
        self._finding: dict[int, list[Node]] = {}
        self._checks: dict[str, list[Action]] = {}
        self._nodes: dict[Action, Node | None] = {}
        self._methods = {(unit.owner, unit.name) for unit in units}

    def add(self, state: str, change: Change, node: Node, finding: Iterable[int] = ()) -> None:
        """Note that whoever uses `state` rests on `node`.

        Args:
            state: the name that leads to it.
            change: where in its value something changes.
            node: what its value was computed from.
            finding: functions that may find it under a name that they compute.
        """
        leading = [change.leading_to(place) for place in change.places]
        self._named[state] = node, frozenset().union(*leading) if all(leading) else frozenset()
        for each in (node.own, node.given, node.early):
            if each is not None:
                self._nodes[each] = node
        for attribute, classes in change.places:
            if classes and attribute != state:
                behind = change.leading_to((attribute, classes))
                self._attributes.setdefault(attribute, []).append((classes, node, behind))
        for identifier in finding:
            self._finding.setdefault(identifier, []).append(node)

    def node(self, action: Action) -> Node | None:
        """Return the node that `action` is a part of; None where it stands for no such state."""
        return self._nodes.get(action)

    def named(self, state: str) -> Node | None:
        """Return the node of a state; None where nothing says what it comes from."""
        return self._named[state][0] if state in self._named else None

    def has(self, action: Action) -> bool:
        """Return whether `action` stands for a state."""
        return action in self._nodes

    def add_check(self, path: str, node: Action) -> None:
        """Note that all who rest on the module at `path` may rest on an answer that is kept."""
        self._checks.setdefault(path, []).append(node)
        self._nodes[node] = None

    def kept_for(self, path: str) -> list[Action]:
        """Return what all who rest on the module at `path` rest on."""
        return self._checks.get(path, [])

    def used_early_by(self, identifier: int, names: frozenset[str]) -> Iterator[Action]:
        """Iterate over what a function rests on that ran before the first test."""
        for node, _, _ in self._used_by(identifier, names):
            if node.early is not None:
                yield node.early

    def used_by(self, identifier: int, names: frozenset[str]) -> Iterator[tuple[Action, Behind]]:
        """Iterate over what the function `identifier`, which uses `names`, rests on."""
        for _, action, behind in self._used_by(identifier, names):
            yield action, behind

    def _used_by(
        self, identifier: int, names: frozenset[str]
    ) -> Iterator[tuple[Node, Action, Behind]]:
        for name in self._named.keys() & names:
            if self._means(identifier, name):
                node, behind = self._named[name]
                yield node, node.seen_by(identifier), behind
        finding: Iterable[Node] = self._finding.get(identifier, ())
        if "modules" in names and not _LIST.isdisjoint(names):
            finding = [node for node, _ in self._named.values()]
        for node in finding:
            yield node, node.given, None
        owner = self._units[identifier].owner
        for name in self._attributes.keys() & names:
            for classes, node, behind in self._attributes[name]:
                # Whoever names the object is there already; a method needs no name for it. And
                # what `cached_property` computed is read by whoever has the object.
                if owner in classes or any((kind, name) in self._methods for kind in classes):
                    yield node, node.own, behind
