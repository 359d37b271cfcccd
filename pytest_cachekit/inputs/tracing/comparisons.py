"""Many values compared at once with what they were, which is cheap as long as all are the same."""

from __future__ import annotations

import operator
from collections import defaultdict
from collections.abc import Iterable
from itertools import chain
from typing import Any

from .addresses import addresses
from .spots import PLAIN, Held, Spot


class Comparison:
    """What hasn't changed yet of some values."""

    def __init__(
        self, filled: Iterable[Spot], holding: Iterable[Spot], named: Iterable[Held]
    ) -> None:
        """Compare values with what they were; leave out what has changed already.

        Args:
            filled: those whose contents count.
            holding: those to which names may come.
            named: those that may have other values under names.
        """
        self._tables: list[dict[Any, Any]] = []
        self._rows: list[Any] = []
        self._lengths: list[int] = []
        """Of the tables, then of the rows."""
        self._others: list[Spot] = []
        """Containers that have to be looked at one by one."""
        self._slow: dict[Spot, set[str]] = defaultdict(set)
        """Names that no namespace has, by those that hold values under them."""
        self._filled = [each for each in filled if each.marks is None]
        self._elements = self._take_contents()
        self._holding = [each for each in holding if each.marks is None]
        self._namespaces: list[Any] = [each.held for each in self._holding]
        self._counts = [each.count for each in self._holding]
        self._named = [each for each in named if each.spot.marks is None]
        self._values = self._take_names()

    def _take_contents(self) -> bytes:
        tables, rows, lengths, row_lengths = list[Any](), list[Any](), self._lengths, list[int]()
        keys: list[object] = []
        for spot in self._filled:
            elements = spot.contents[1:]
            is_table = isinstance(spot.value, dict)
            length = len(elements) // 2 if is_table else len(elements)
            if type(spot.value) not in PLAIN or spot.contents[0] != length:
                self._others.append(spot)
            elif is_table:
                self._tables.append(spot.value)
                lengths.append(length)
                tables += elements[:length]
                keys += elements[length:]
            else:
                self._rows.append(spot.value)
                row_lengths.append(length)
                rows += elements
        lengths += row_lengths
        return addresses(chain(tables, keys, rows))

    def _take_names(self) -> bytes:
        having = [each for each in self._named if each.space is not None]
        self._spaces: list[Any] = [each.space for each in having]
        self._names = [each.name for each in having]
        others = [each for each in self._named if each.space is None]
        placed = [each for each in others if each.attribute]
        self._owners = [each.owner for each in placed]
        self._attributes = [each.attribute for each in placed]
        for each in others:
            if not each.attribute:
                self._slow[each.spot].add(each.name)
        return addresses([each.spot.names[each.name] for each in chain(having, placed)])

    def different(self) -> set[Spot]:
        """Return what has changed."""
        found = {spot for spot in self._others if spot.is_filled_otherwise()}
        if not self._are_filled_as_they_were():
            found.update(spot for spot in self._filled if spot.is_filled_otherwise())
        if list(map(len, self._namespaces)) != self._counts:
            found.update(spot for spot in self._holding if spot.holds_more())
        if not self._are_named_as_they_were():
            found.update(each.spot for each in self._named if each.spot.holds_another(each.name))
        found.update(spot for spot, names in self._slow.items() if spot.holds_any_other(names))
        return found

    def _are_named_as_they_were(self) -> bool:
        now = map(operator.getitem, self._spaces, self._names)
        held = map(object.__getattribute__, self._owners, self._attributes)
        try:
            return addresses(chain(now, held)) == self._values
        except (AttributeError, KeyError, ValueError):
            # A name, a slot or a variable of a closure has no value any more.
            return False

    def _are_filled_as_they_were(self) -> bool:
        tables, rows = self._tables, self._rows
        values = chain.from_iterable(map(dict.values, tables))
        return (
            list(map(len, chain(tables, rows))) == self._lengths
            and addresses(chain(values, chain.from_iterable(tables), chain.from_iterable(rows)))
            == self._elements
        )
