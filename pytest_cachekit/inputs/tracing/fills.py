"""Which of the functions that change a state were watched while they did."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import CodeType

from .changes import Change
from .extents import Extents, Watched
from .fillers import ASKED_FOR_MORE, Place, place
from .keeping import (
    is_given_method,
    keeps_under,
    own_names,
    returns_more_than_it_is_given,
    returns_what_it_keeps,
    takes_arguments,
)
from .ran_functions import RanFunctions
from .units import Unit, is_function, nested


@dataclass
class Fills:
    """Where a state comes from."""

    others: set[int] = field(default_factory=set)
    """Functions that may have changed it while nobody watched."""
    watched: set[Watched] = field(default_factory=set)
    """Those whose calls were watched, or during whose calls alone the rest ran."""
    given: set[Watched] = field(default_factory=set)
    """Those of them that may keep, under its name, what they are given."""
    keeping: set[Watched] = field(default_factory=set)
    """Those of them that may complain of it, or don't return what they keep."""
    unwatched_given: set[int] = field(default_factory=set)
    """Those of the others that may keep what they are given."""
    unwatched_keeping: set[int] = field(default_factory=set)
    """Those of the others that may complain of it."""


class WatchedFills:
    """Tells states that were changed during watched calls alone from others."""

    def __init__(self, extents: Extents, functions: RanFunctions) -> None:
        """Tell of `functions`, as far as their calls are among `extents`."""
        self._extents = extents
        self._ran = functions

    def of(self, writing: set[int], names: list[str], states: Mapping[str, Change]) -> Fills:
        """Return what was watched of functions that change a state.

        Args:
            writing: those functions.
            names: all that lead to it.
            states: how what these stand for has changed.
        """
        homes = set[str]().union(*(states[name].homes for name in names))
        places = {attribute for name in names for attribute, _ in states[name].places}
        home = next(iter(homes)) if len(homes) == 1 else ""
        shared = {each for name in names for each, kinds in states[name].places if not kinds}
        has_passed = any(states[name].has_passed for name in names)
        fills = Fills()
        for writer in writing:
            told = self._told(writer, names, places, home, has_passed)
            if told is not None:
                fills.watched.update(told)
                takes = {each for each in told if self._may_be_given(each, names, shared)}
                fills.given |= takes
                if not takes and any(is_given_method(each.code) for each in told):
                    # It may keep them in something that the name leads to.
                    fills.others.add(writer)
                fills.keeping.update(each for each in takes if not returns_what_it_keeps(each.code))
            elif writer in self._extents.outside:
                fills.others.add(writer)
                self._note_giving(writer, names, shared, fills)
            else:
                around = self._extents.containing(writer)
                fills.watched.update(around)
                fills.given.update(each for each in around if takes_arguments(each.code))
        return fills

    def _note_giving(self, writer: int, names: list[str], shared: set[str], fills: Fills) -> None:
        """Note whether callers that nobody watched may have given what a unit keeps."""
        unit = self._ran.units[writer]
        if _is_asked(unit, names):
            return
        watched = self._watched(writer)
        for part, _ in _functions(unit.code):
            if _keeps_arguments(part, names, shared):
                is_memo = returns_what_it_keeps(part)
                found = watched.get(place(part))
                if found is not None and not found.is_missed:
                    fills.given.add(found)
                    fills.keeping.update([] if is_memo else [found])
                else:
                    fills.unwatched_given.add(writer)
                    fills.unwatched_keeping.update([] if is_memo else [writer])

    def _watched(self, unit: int) -> dict[Place, Watched]:
        return {place(each.code): each for each in self._extents.of_unit.get(unit, ())}

    def certain(self, names: list[str]) -> set[int]:
        """Return the functions that surely change what one of `names` stands for."""
        found: set[int] = set()
        for name in names:
            found |= self._ran.simple.get(name, set())
            for unit in self._ran.changing(name):
                if any(
                    keeps_under(part, names) for part, _ in _functions(self._ran.units[unit].code)
                ):
                    found.add(unit)
        return found

    def _told(
        self, writer: int, names: list[str], places: set[str], home: str, has_passed: bool
    ) -> list[Watched] | None:
        """Return the watched functions of a unit that use a state; None if not all are known."""
        unit = self._ran.units[writer]
        watched = self._watched(writer)
        using = [
            part
            for part, used in _functions(unit.code)
            if not used.isdisjoint(names) or not used.isdisjoint(places)
        ]
        if not using or unit.name in names or unit.name in ASKED_FOR_MORE:
            using.append(unit.code)
        told = [watched.get(place(part)) for part in using]
        found = [each for each in told if each is not None]
        if len(found) < len(told):
            return None
        if not all(each.is_told(name, home) for each in found for name in names):
            return None
        return None if has_passed and any(each.is_over for each in found) else found

    def _may_be_given(self, watched: Watched, names: list[str], shared: set[str]) -> bool:
        if _is_asked(self._ran.units[watched.unit], names):
            return False
        return _keeps_arguments(watched.code, names, shared)


def _is_asked(unit: Unit, names: list[str]) -> bool:
    """Return whether a function is what remembers, by a decorator or the language's own rules."""
    return unit.name in ASKED_FOR_MORE or (
        unit.name in names and not keeps_under(unit.code, [unit.name])
    )


def _keeps_arguments(code: CodeType, names: list[str], shared: set[str]) -> bool:
    """Return whether a function may keep what it is given.

    Args:
        code: a function's code.
        names: what leads to the state.
        shared: variables of closures, among others, in which something may be kept.
    """
    variables = shared.intersection(code.co_freevars)
    return takes_arguments(code) and (
        keeps_under(code, names)
        or (keeps_under(code, variables) and not returns_more_than_it_is_given(code))
    )


def _functions(code: CodeType) -> Iterator[tuple[CodeType, set[str]]]:
    """Iterate over a function and those in it, each with the names that it uses itself."""
    yield code, own_names(code)
    for _, inner in nested(code):
        for part in _outermost(inner):
            yield from _functions(part)


def _outermost(code: CodeType) -> Iterator[CodeType]:
    """Iterate over the functions in what may be one, or something that holds some."""
    if is_function(code):
        yield code
    else:
        for _, inner in nested(code):
            yield from _outermost(inner)
