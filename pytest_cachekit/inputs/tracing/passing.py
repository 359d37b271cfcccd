"""State that passes: what tests leave to others, and somebody puts back before the run ends.

What modules hold at the end of a run doesn't tell of it. So after each test
those values are compared with what they were that the functions which ran may
have changed: these name what leads there, or are methods of what has it.
"""

from __future__ import annotations

import operator
from collections import defaultdict
from collections.abc import Iterable
from functools import reduce

from ..computed import Computed
from .action import Action
from .asks import Asks
from .bound_names import BoundNames
from .handing import hands_on
from .named_spots import NamedSpots
from .spots import Spot
from .states import States
from .traits import Traits, find_traits
from .units import Unit

_TOUCHES = frozenset(4**power for power in range(16))


class Passing:
    """Compares, after each test, what functions may have changed with what it was."""

    def __init__(self, states: States, units: list[Unit]) -> None:
        """Know what `states` remembers, and all `units` of the run, also those to come."""
        self._states = states
        self._units = units
        self._count = 0
        self._spots = NamedSpots()
        self._uses: Computed[int, BoundNames] = Computed(lambda each: BoundNames(units[each]))
        self._traits: Computed[int, Traits] = Computed(self._find_traits)
        self._quiet: set[int] = set()
        """Functions that may have changed nothing."""
        self._asks = Asks()
        self._changed: set[Spot] = set()
        self._leading: dict[int, set[Spot]] = defaultdict(set)
        """Of what has changed, that which each function may change again."""
        self._handed: dict[Action, tuple[tuple[int, int], set[Spot]]] = {}
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
        again: set[int] = set()
        changed: set[int] = set()
        first = set[Spot]()
        for spot in self._different(ran, given):
            is_first = spot.marks is None
            states = spot.changed()
            for state in states:
                self.changed_by[state].add(action)
            if states:
                (changed if is_first else again).update(spot.numbers)
            if is_first:
                first.add(spot)
        if first:
            self._leave(first)
        for number in again - changed:
            # More may have changed below; with time that is less and less likely.
            self._touched[number] += 1
            if self._touched[number] in _TOUCHES:
                changed.add(number)
        if changed:
            self._states.glance(sorted(changed))

    def _different(self, ran: Iterable[int], given: Iterable[Action]) -> set[Spot]:
        """Return what isn't as it was, of that which functions may have changed."""
        units = frozenset(ran) - self._quiet
        traits = list(map(self._traits.__getitem__, units))
        units -= self._quiet
        mask = reduce(operator.or_, (each.asks for each in traits), 0)
        if any(each.reflects for each in traits):
            mask = reduce(operator.or_, (self._asked_by_reflection(each) for each in traits), mask)
        found = self._asks.different(mask)
        for fixture in given:
            handed = self._handed_by(fixture)
            found.update(each for each in handed if each.marks or each.is_filled_otherwise())
        if any(each.binds for each in traits):
            self._states.glance_elsewhere()
        return found.union(*map(self._leading.__getitem__, units & self._leading.keys()))

    def _take_in(self) -> None:
        """Take in what modules led to whose imports have ended since."""
        for number in range(self._count, self._states.count):
            self._spots.take_in(number, *self._states.remembered(number))
        self._count = self._states.count
        self._asks = Asks()
        self._leading.clear()
        self._traits.clear()
        self._quiet.clear()

    def _leave(self, changed: set[Spot]) -> None:
        """Look at what has changed one by one from now on."""
        self._changed |= changed
        self._asks.forget()
        for unit, traits in self._traits.items():
            self._leading[unit].update(filter(traits.lead_to, changed))

    def _find_traits(self, identifier: int) -> Traits:
        traits = find_traits(self._units[identifier], self._uses[identifier], self._spots)
        spots = self._spots
        asked = traits.filled(spots), traits.holding(spots), traits.named(spots)
        traits.asks = self._asks.mask(*asked)
        if traits.is_none:
            self._quiet.add(identifier)
        self._leading[identifier].update(filter(traits.lead_to, self._changed))
        return traits

    def _asked_by_reflection(self, traits: Traits) -> int:
        if traits.asks_all is None:
            traits.asks_all = self._asks.mask(named=traits.all_named(self._spots))
        return traits.asks_all

    def _handed_by(self, fixture: Action) -> set[Spot]:
        """Return what a fixture may have handed to its users, who change it without its name."""
        known = self._handed.get(fixture)
        if known is None or known[0] != (self._count, len(fixture.functions)):
            spots: set[Spot] = set()
            for unit in fixture.functions:
                for name in self._uses[unit].names & self._spots.containers.keys():
                    if hands_on(self._units[unit].code, name):
                        spots |= self._spots.containers[name]
            known = self._handed[fixture] = (self._count, len(fixture.functions)), spots
        return known[1]
