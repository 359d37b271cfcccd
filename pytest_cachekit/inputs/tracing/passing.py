"""State that passes: what tests leave to others, and somebody puts back before the run ends.

What modules hold at the end of a run doesn't tell of it. So all that they lead
to is compared with what it was, after each test: at once, by where it lies.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from types import FunctionType

from .action import Action
from .comparisons import Comparison
from .gathered_spots import GatheredSpots
from .spots import Spot
from .states import States

_TOUCHES = frozenset(4**power for power in range(16))
_TOGETHER, _TOGETHER_AGAIN = 256, 16


class Passing:
    """Compares, after each test, what modules lead to with what it was."""

    def __init__(self, states: States) -> None:
        """Know what `states` remembers."""
        self._states = states
        self._count = 0
        self._spots = GatheredSpots()
        self._still: list[Comparison] = []
        self._still_alone: set[Spot] = set()
        """What hasn't changed yet, and can't be compared together."""
        self._changed: set[Spot] = set()
        self._pending: set[Spot] = set()
        """What of that may have changed again since it was looked at."""
        self._suspected: set[Spot] = set()
        """What hadn't changed, and may have since."""
        self._again: list[Comparison] = []
        self._again_alone: set[Spot] = set()
        self._bound_again: list[object] = []
        self._touched: dict[int, int] = defaultdict(int)
        """How often each module was touched that has changed."""
        self.changed_by: dict[str, set[Action]] = defaultdict(set)
        """The states that were seen to change, each with the actions after which they were."""

    def look(self, action: Action) -> None:
        """Look at what may have changed since this was called last.

        Args:
            action: what has just ended.
        """
        again: set[int] = set()
        changed: set[int] = set()
        self._find_changed_again()
        self._find_changed_first()
        if self._count != self._states.count:
            # Last, as it begins to compare some of what was compared already anew.
            self._states.glance(range(self._count, self._states.count))
            self._take_in()
        for spot in self._pending:
            is_first = spot.marks is None
            states = spot.changed()
            for state in states:
                self.changed_by[state].add(action)
            if states:
                (changed if is_first else again).update(spot.numbers)
        self._pending = set()
        for number in again - changed:
            # More may have changed below; with time that is less and less likely.
            self._touched[number] += 1
            if self._touched[number] in _TOUCHES:
                changed.add(number)
        if changed:
            self._states.glance(sorted(changed), have_changed=True)
        self._states.glance_elsewhere()

    def bound_again(self, function: FunctionType) -> None:
        """Note that something was given to a function that comparing doesn't see, as defaults."""
        self._bound_again.append(function)

    def _take_in(self) -> None:
        """Take in what modules led to whose imports have ended since."""
        touched = set[Spot]()
        for number in range(self._count, self._states.count):
            touched |= self._spots.take_in(number, *self._states.remembered(number))
        self._still_alone -= touched
        self._still = _without(self._still, touched)
        # More may be known now of what has changed before.
        self._again = _without(self._again, touched)
        self._have_changed(
            {spot for spot in touched if spot in self._changed or spot.is_otherwise()}
        )
        touched -= self._changed
        alone = {spot for spot in touched if spot.stands_alone}
        self._still_alone |= alone
        self._still += _together(touched - alone, _TOGETHER)
        self._count = self._states.count

    def _find_changed_again(self) -> None:
        """Find what may have changed again since it was looked at."""
        self._pending |= self._again_alone
        for each in self._again:
            self._pending |= each.touched()
        while self._bound_again:
            spot = self._spots.find(self._bound_again.pop())
            if spot is not None:
                (self._pending if spot in self._changed else self._suspected).add(spot)
        self._pending.update(spot for spot in self._changed if spot.is_otherwise_below())

    def _find_changed_first(self) -> None:
        """Find what has changed that hadn't yet."""
        for each in self._still:
            self._suspected |= each.touched()
        alone = {spot for spot in self._still_alone if spot.is_otherwise()}
        changed = alone.union(spot for spot in self._suspected if spot.is_otherwise())
        self._suspected = set()
        if changed:
            self._have_changed(changed)
            self._still_alone -= alone
            self._still = _without(self._still, changed)

    def _have_changed(self, spots: set[Spot]) -> None:
        self._changed |= spots
        self._pending |= spots
        alone = {spot for spot in spots if spot.stands_alone}
        self._again_alone |= alone
        if together := spots - alone:
            if self._again and len(self._again[-1].spots) < _TOGETHER_AGAIN:
                together |= self._again.pop().spots
            self._again += _together(together, _TOGETHER_AGAIN)


def _without(comparisons: list[Comparison], spots: set[Spot]) -> list[Comparison]:
    """Return the comparisons without some of what they compare."""
    return [
        each if each.spots.isdisjoint(spots) else Comparison(each.spots - spots)
        for each in comparisons
    ]


def _together(spots: set[Spot], count: int) -> Iterator[Comparison]:
    """Iterate over comparisons of `count` each."""
    every = list(spots)
    for start in range(0, len(every), count):
        yield Comparison(every[start : start + count])
