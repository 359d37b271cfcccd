"""Many values compared at once with what they were, which is cheap as long as all are the same."""

from __future__ import annotations

import operator
from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any

from .held_values import place_of
from .spots import PLAIN, Spot

Named = tuple[Spot, str]
"""A name under which something held a value."""


class Comparison:
    """What hasn't changed yet of some values, as far as somebody asks for it."""

    def __init__(self) -> None:
        self._filled: set[Spot] = set()
        self._holding: set[Spot] = set()
        self._named: set[Named] = set()
        self._forget()

    def _forget(self) -> None:
        self._tables: list[dict[Any, Any]] = []
        self._rows: list[Any] = []
        self._table_lengths: list[int] = []
        self._row_lengths: list[int] = []
        self._in_tables: list[object] = []
        self._keys: list[object] = []
        self._in_rows: list[object] = []
        self._others: list[Spot] = []
        """Containers that have to be looked at one by one."""
        self._namespaces: list[Mapping[str, Any]] = []
        self._counts: list[int] = []
        self._having: list[Mapping[str, Any]] = []
        self._names: list[str] = []
        self._values: list[object] = []
        self._holders: list[object] = []
        self._attributes: list[str] = []
        self._held: list[object] = []
        self._slow: dict[Spot, set[str]] = defaultdict(set)
        """Names that no namespace has, by those that hold values under them."""

    @property
    def size(self) -> int:
        """How many values are compared."""
        return (
            len(self._in_tables) + len(self._in_rows) + len(self._others) + len(self._namespaces)
            + len(self._names) + len(self._held) + len(self._slow)
        )  # fmt: skip

    def add(self, filled: Iterable[Spot], holding: Iterable[Spot], named: Iterable[Named]) -> None:
        """Ask for more; what has changed is left out.

        Args:
            filled: those whose contents count.
            holding: those to which names may come.
            named: those that may have other values under names.
        """
        for spot in filled:
            if spot.marks is None and spot.contents and spot not in self._filled:
                self._filled.add(spot)
                self._add_contents(spot)
        for spot in holding:
            if spot.marks is None and spot.held is not None and spot not in self._holding:
                self._holding.add(spot)
                self._namespaces.append(spot.held)
                self._counts.append(spot.count)
        for each in named:
            if each[0].marks is None and each not in self._named:
                self._named.add(each)
                self._add_name(*each)

    def _add_contents(self, spot: Spot) -> None:
        elements = spot.contents[1:]
        is_table = isinstance(spot.value, dict)
        length = len(elements) // 2 if is_table else len(elements)
        if type(spot.value) not in PLAIN or spot.contents[0] != length:
            self._others.append(spot)
        elif is_table:
            self._tables.append(spot.value)
            self._table_lengths.append(length)
            self._in_tables += elements[:length]
            self._keys += elements[length:]
        else:
            self._rows.append(spot.value)
            self._row_lengths.append(length)
            self._in_rows += elements

    def _add_name(self, spot: Spot, name: str) -> None:
        if spot.held is not None and name in spot.held:
            self._having.append(spot.held)
            self._names.append(name)
            self._values.append(spot.names[name])
            return
        place = place_of(spot.value, name)
        if place is None:
            self._slow[spot].add(name)
        else:
            self._holders.append(place[0])
            self._attributes.append(place[1])
            self._held.append(spot.names[name])

    def leave_changed(self) -> None:
        """Ask no more for what has changed."""
        filled, holding, named = self._filled, self._holding, self._named
        self._filled, self._holding, self._named = set(), set(), set()
        self._forget()
        self.add(filled, holding, named)

    def different(self) -> set[Spot]:
        """Return what has changed."""
        found = {spot for spot in self._others if spot.is_filled_otherwise()}
        if not self._are_filled_as_they_were():
            found.update(spot for spot in self._filled if spot.is_filled_otherwise())
        if list(map(len, self._namespaces)) != self._counts:
            found.update(spot for spot in self._holding if spot.holds_more())
        if not self._are_named_as_they_were():
            found.update(spot for spot, name in self._named if spot.holds_another(name))
        found.update(spot for spot, names in self._slow.items() if spot.holds_any_other(names))
        return found

    def _are_named_as_they_were(self) -> bool:
        now = map(operator.getitem, self._having, self._names)
        held = map(object.__getattribute__, self._holders, self._attributes)
        try:
            return all(map(operator.is_, now, self._values)) and all(
                map(operator.is_, held, self._held)
            )
        except (AttributeError, KeyError, ValueError):
            # A name, a slot or a variable of a closure has no value any more.
            return False

    def _are_filled_as_they_were(self) -> bool:
        if list(map(len, self._tables)) != self._table_lengths:
            return False
        if list(map(len, self._rows)) != self._row_lengths:
            return False
        values = chain.from_iterable(map(dict.values, self._tables))
        return (
            all(map(operator.is_, values, self._in_tables))
            and all(map(operator.is_, chain.from_iterable(self._tables), self._keys))
            and all(map(operator.is_, chain.from_iterable(self._rows), self._in_rows))
        )
