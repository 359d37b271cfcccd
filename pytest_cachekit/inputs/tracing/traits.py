"""What a function may have changed that was there before it ran, told by its names."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import FunctionType, ModuleType

from .bound_names import BoundNames
from .named_spots import NamedSpots
from .spots import Held, Spot
from .units import Unit

# Where a name leads to more, who only looks something up there isn't asked.
_MUCH = 100


@dataclass(slots=True)
class Traits:
    """What a function, or who gets something from it, may have changed."""

    containers: set[str] = field(default_factory=set)
    """Names of values whose contents it may change."""
    holders: set[str] = field(default_factory=set)
    """Names of objects to which somebody may give new attributes."""
    others: set[Spot] = field(default_factory=set)
    """Such objects that have other names."""
    bound: set[str] = field(default_factory=set)
    """Names that it binds, whatever holds them."""
    used: set[str] = field(default_factory=set)
    """Names by which it has what others may change for it."""
    own: set[Held] = field(default_factory=set)
    """Names that it binds for instances of its own class."""
    asks: int = 0
    """What all of these stand for, as `Asks` numbers it."""
    asks_all: int | None = None
    """What may change beside that if somebody binds names that he computes; None if not known."""
    binds: bool = False
    """Whether it binds anything for others."""
    reflects: bool = False
    """Whether it binds something under a name that it may compute."""

    @property
    def is_none(self) -> bool:
        """Whether it may have changed nothing."""
        return not (self.containers or self.holders or self.others or self.used or self.binds)

    def filled(self, spots: NamedSpots) -> set[Spot]:
        """Return those whose contents it may have changed."""
        return set[Spot]().union(*map(spots.containers.__getitem__, self.containers))

    def holding(self, spots: NamedSpots) -> set[Spot]:
        """Return those to which it may have given attributes."""
        return self.others.union(*map(spots.holders.__getitem__, self.holders))

    def named(self, spots: NamedSpots) -> set[Held]:
        """Return what may have other values under names."""
        bound = map(spots.by_key.__getitem__, self.bound)
        return self.own.union(*bound, *map(spots.by_user.__getitem__, self.used))

    def all_named(self, spots: NamedSpots) -> set[Held]:
        """Return the same where somebody binds names that he computes."""
        # Who is handed a class or a module mostly finds what it may bind there by name.
        holding = self.holding(spots)
        objects = (each for each in holding if not isinstance(each.value, (ModuleType, type)))
        found = self.others.union(objects)
        every = (each for each in found if not isinstance(each.value, FunctionType))
        return set[Held]().union(*(each.named.values() for each in every))

    def lead_to(self, spot: Spot) -> bool:
        """Return whether it may have changed again what has changed."""
        return (
            spot in self.others
            or not self.containers.isdisjoint(spot.known)
            or not self.holders.isdisjoint(spot.known)
            or not self.bound.isdisjoint(spot.keys)
            or not self.used.isdisjoint(spot.users)
            or any(each.spot is spot for each in self.own)
        )


def find_traits(unit: Unit, uses: BoundNames, spots: NamedSpots) -> Traits:
    """Return what a function may have changed.

    Args:
        unit: the function.
        uses: how it uses names.
        spots: what there is.
    """
    traits = Traits(binds=uses.binds, reflects=uses.reflects)
    traits.containers.update(
        name
        for name in uses.names & spots.containers.keys()
        if spots.heft[name] <= _MUCH or uses.may_change(name)
    )
    traits.holders |= uses.names & spots.holders.keys()
    traits.bound |= uses.bound & spots.by_key.keys()
    traits.used |= uses.names & spots.by_user.keys()
    traits.others |= spots.named_otherwise(unit.path, uses.names)
    of_class = spots.of_class.get(unit.owner, set())
    if uses.binds:
        traits.others |= of_class | spots.roots.get(unit.path, set())
        traits.holders.update({unit.owner} & spots.holders.keys())
    if uses.reflects:
        traits.others.update(*map(spots.holders.__getitem__, traits.holders))
    for spot in of_class:
        traits.own.update(spot.named[name] for name in uses.bound_own & spot.named.keys())
    return traits
