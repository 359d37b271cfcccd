"""State that passes: what tests leave to others, and somebody puts back before the run ends.

What modules hold at the end of a run doesn't tell of it. So after each test
those values are compared with what they were that the functions which ran may
have changed: these name what leads there, or are methods of what has it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from types import FunctionType, ModuleType
from typing import Any

from ..computed import Computed
from .action import Action
from .bound_names import BoundNames
from .handing import hands_on
from .held_values import is_walked
from .leaves import Leaves, Path
from .spots import Batch, Spot
from .states import States, file_of
from .units import Unit

# Where a name leads to more, who only looks something up there isn't asked.
_MUCH = 100
_TOUCHES = frozenset(4**power for power in range(16))


@dataclass(slots=True)
class _Traits:
    """What a function, or who gets something from it, may have changed."""

    containers: set[str] = field(default_factory=set)
    """Names of values whose contents it may change."""
    holders: set[str] = field(default_factory=set)
    """Names of objects to which somebody may give new attributes."""
    others: set[Spot] = field(default_factory=set)
    """Such objects that have other names."""
    bound: set[str] = field(default_factory=set)
    """Names that it binds, whatever holds them."""
    own: set[tuple[Spot, str]] = field(default_factory=set)
    """Names that it binds for instances of its own class."""
    binds: bool = False
    """Whether it binds anything for others."""
    reflects: bool = False
    """Whether it binds something under a name that it may compute."""


class Passing:
    """Compares, after each test, what functions may have changed with what it was."""

    def __init__(self, states: States, units: list[Unit]) -> None:
        """Know what `states` remembers, and all `units` of the run, also those to come."""
        self._states = states
        self._units = units
        self._count = 0
        self._spots: dict[int, Spot] = {}
        self._containers: dict[str, set[Spot]] = defaultdict(set)
        self._holders: dict[str, set[Spot]] = defaultdict(set)
        self._of_class: dict[str, set[Spot]] = defaultdict(set)
        self._roots: dict[str, set[Spot]] = defaultdict(set)
        self._objects: dict[str, set[Spot]] = defaultdict(set)
        """Those of `_holders` that are neither modules, classes nor functions."""
        self._filled: Computed[str, Batch] = Computed(lambda name: Batch(self._containers[name]))
        self._holding: Computed[str, Batch] = Computed(lambda name: Batch(self._holders[name]))
        self._by_key: dict[str, list[Spot]] = defaultdict(list)
        self._traits: dict[int, _Traits] = {}
        self._uses: Computed[int, BoundNames] = Computed(lambda each: BoundNames(units[each]))
        self._handed: dict[Action, tuple[tuple[int, int], Batch]] = {}
        self._hefts: dict[str, int] = {}
        """How much each name leads to."""
        self._globals: dict[str, dict[str, Any]] = {}
        """By the paths of their files, those of modules."""
        self._quiet: set[int] = set()
        """Functions that may have changed nothing."""
        self._touched: dict[int, int] = defaultdict(int)
        """How often each module was touched that has changed."""
        self.changed_by: dict[str, set[Action]] = defaultdict(set)
        """The states that were seen to change, each with the actions after which they were."""

    def look(self, action: Action, ran: Iterable[int], given: Iterable[Action]) -> None:
        """Look at what functions may have changed.

        Args:
            action: what has just ended.
            ran: functions that ran since this was called last.
            given: the shared fixtures whose values these had.
        """
        if self._count != self._states.count:
            self._take_in()
            self._states.glance(range(self._states.count))
        changed: set[int] = set()
        again: set[int] = set()
        for spot in self._different(ran, given):
            is_first = spot.marks is None
            states = spot.changed()
            for state in states:
                self.changed_by[state].add(action)
            if states:
                (changed if is_first else again).update(spot.numbers)
        for number in again - changed:
            # More may have changed below; with time that is less and less likely.
            self._touched[number] += 1
            if self._touched[number] in _TOUCHES:
                changed.add(number)
        if changed:
            self._states.glance(sorted(changed))

    def _different(self, ran: Iterable[int], given: Iterable[Action]) -> set[Spot]:
        """Return what isn't as it was, of that which functions may have changed."""
        traits = [self._traits_of(unit) for unit in set(ran) - self._quiet]
        found = set[Spot]()
        for name in set[str]().union(*(each.containers for each in traits)):
            found.update(self._filled[name].filled_otherwise())
        for fixture in given:
            found.update(self._handed_by(fixture).filled_otherwise())
        bound = set[str]().union(*(each.bound for each in traits))
        pairs = [(spot, name) for name in bound for spot in self._by_key[name]]
        for spot, name in (*pairs, *set[tuple[Spot, str]]().union(*(each.own for each in traits))):
            if spot not in found and (spot.marks or spot.holds_another(name)):
                found.add(spot)
        if any(each.binds for each in traits):
            self._states.glance_elsewhere()
            names = set[str]().union(*(each.holders for each in traits))
            for name in names:
                found.update(self._holding[name].holding_more())
            others = set[Spot]().union(*(each.others for each in traits))
            found.update(each for each in others if each.holds_more())
            if any(each.reflects for each in traits):
                objects = others.union(
                    *map(self._objects.__getitem__, names & self._objects.keys())
                )
                found.update(each for each in objects if each.holds_others())
        return found

    def _take_in(self) -> None:
        """Take in what modules led to whose imports have ended since."""
        for number in range(self._count, self._states.count):
            self._take_in_module(number, *self._states.remembered(number))
        self._count = self._states.count
        self._filled.clear()
        self._holding.clear()
        self._traits.clear()
        self._hefts.clear()
        self._quiet.clear()

    def _take_in_module(self, number: int, module: ModuleType, before: Leaves) -> None:
        names: dict[Path, dict[str, object]] = defaultdict(dict)
        for way, leaf in before.items():
            names[way[:-1]][way[-1]] = leaf.value
        path = file_of(module)
        self._globals[path] = vars(module)
        root = self._spot(module, (), module, number)
        self._enter(root, names[()])
        self._holders[module.__name__.rpartition(".")[2]].add(root)
        self._roots[path].add(root)
        entered = {way for way, _ in before.entered}
        for way, leaf in before.items():
            if isinstance(leaf.value, type) and not is_walked(leaf.value, module.__name__):
                continue
            is_class = isinstance(leaf.value, type)
            if not leaf.contents and way not in entered:
                continue
            spot = self._spot(leaf.value, leaf.contents, module, number)
            spot.states.update(() if is_class else (leaf.name,))
            known = {leaf.place[0]}
            holder = before.get(way[:-1])
            if holder is not None and isinstance(holder.value, FunctionType):
                # Defaults have no names.
                known.add(leaf.name)
            for name in known:
                if leaf.contents:
                    self._containers[name].add(spot)
                self._holders[name].add(spot)
                if not isinstance(leaf.value, (ModuleType, type, FunctionType)):
                    self._objects[name].add(spot)
            if way in entered and not spot.names:
                self._enter(spot, names[way])
                for kind in () if is_class else type(leaf.value).__mro__[:-1]:
                    self._of_class[kind.__name__].add(spot)

    def _enter(self, spot: Spot, names: dict[str, object]) -> None:
        spot.look_into(names)
        for name in names:
            if not name.startswith("["):
                self._by_key[name].append(spot)

    def _spot(
        self, value: object, contents: tuple[object, ...], module: ModuleType, number: int
    ) -> Spot:
        spot = self._spots.get(id(value))
        if spot is None:
            spot = self._spots[id(value)] = Spot(value, contents, module.__name__)
        spot.numbers.add(number)
        return spot

    def _traits_of(self, identifier: int) -> _Traits:
        traits = self._traits.get(identifier)
        if traits is None:
            traits = self._find_traits(identifier)
            if traits.containers or traits.holders or traits.others or traits.binds:
                self._traits[identifier] = traits
            else:
                self._quiet.add(identifier)
        return traits

    def _find_traits(self, identifier: int) -> _Traits:
        unit, uses = self._units[identifier], self._uses[identifier]
        traits = _Traits(binds=uses.binds, reflects=uses.reflects)
        traits.containers.update(
            name
            for name in uses.names & self._containers.keys()
            if self._heft(name) <= _MUCH or uses.may_change(name)
        )
        traits.holders |= uses.names & self._holders.keys()
        traits.bound |= uses.bound & self._by_key.keys()
        known = self._globals.get(unit.path, {})
        for name in uses.names & known.keys():
            spot = self._spots.get(id(known[name]))
            if spot is not None and spot not in self._holders.get(name, ()):
                traits.others.add(spot)
        if uses.binds:
            traits.others |= self._of_class.get(unit.owner, set())
            traits.others |= self._roots.get(unit.path, set())
            traits.holders.update({unit.owner} & self._holders.keys())
        if uses.reflects:
            # Who is handed a class or a module mostly finds what it may bind there by name.
            traits.others.update(*(self._holders[name] for name in traits.holders))
        for spot in self._of_class.get(unit.owner, ()) if uses.bound_own else ():
            traits.own.update((spot, name) for name in uses.bound_own & spot.names.keys())
        return traits

    def _handed_by(self, fixture: Action) -> Batch:
        """Return what a fixture may have handed to its users, who change it without its name."""
        known = self._handed.get(fixture)
        if known is None or known[0] != (self._count, len(fixture.functions)):
            spots: set[Spot] = set()
            for unit in fixture.functions:
                for name in self._uses[unit].names & self._containers.keys():
                    if hands_on(self._units[unit].code, name):
                        spots |= self._containers[name]
            known = self._handed[fixture] = (self._count, len(fixture.functions)), Batch(spots)
        return known[1]

    def _heft(self, name: str) -> int:
        heft = self._hefts.get(name)
        if heft is None:
            heft = self._hefts[name] = sum(
                len(spot.contents) + 1 for spot in self._containers[name]
            )
        return heft
