"""What may change in a project: modules, and what they lead to, each object once."""

from __future__ import annotations

from collections import defaultdict
from types import ModuleType

from ..own_kind import is_a
from .addresses import identity
from .held_values import is_walked
from .leaves import Leaves, Path
from .spots import Spot

# What their instances have under names nobody changes.
_FIXED = frozenset({"_pytest.fixtures", "_pytest.mark.structures"})


class GatheredSpots:
    """Modules and what they lead to, taken in as their imports end."""

    def __init__(self) -> None:
        self._spots: dict[int, Spot] = {}

    def find(self, value: object) -> Spot | None:
        """Return what is known of a value; None if it isn't known."""
        return self._spots.get(identity(value))

    def take_in(self, number: int, module: ModuleType, before: Leaves) -> set[Spot]:
        """Take in what a module led to when its import ended, the one after `number` others.

        Returns:
            What has come, and what more is known of now.
        """
        names: dict[Path, dict[str, object]] = defaultdict(dict)
        for way, leaf in before.items():
            names[way[:-1]][way[-1]] = leaf.value
        root = self._spot(module, (), module, number)
        root.look_into(names[()])
        touched = {root}
        entered = {way for way, _ in before.entered}
        for way, leaf in before.items():
            if is_a(leaf.value, type) and not is_walked(leaf.value, module.__name__):
                continue
            if not leaf.contents and way not in entered:
                continue
            spot = self._spot(leaf.value, leaf.contents, module, number)
            spot.states.update(() if is_a(leaf.value, type) else (leaf.name,))
            if way in entered and not spot.names and type(leaf.value).__module__ not in _FIXED:
                spot.look_into(names[way])
            if spot.contents or spot.held is not None or spot.has_names:
                touched.add(spot)
        return touched

    def _spot(
        self, value: object, contents: tuple[object, ...], module: ModuleType, number: int
    ) -> Spot:
        spot = self._spots.get(identity(value))
        if spot is None:
            spot = self._spots[identity(value)] = Spot(value, contents, module.__name__)
        spot.numbers.add(number)
        return spot
