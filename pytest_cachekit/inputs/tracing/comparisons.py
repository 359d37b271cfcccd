"""Many values compared at once with what they held, which is cheap as long as all are the same."""

from __future__ import annotations

import _thread
import gc
import threading
from collections import defaultdict
from collections.abc import Iterable
from types import FunctionType, MappingProxyType, ModuleType
from typing import Any

from ..own_kind import is_a
from .addresses import addresses
from .dict_versions import ARE_KEPT, SIZE, read_all, version
from .spots import Spot, shown

_PLAIN = (dict, defaultdict)
"""Those whose version tells all; an ordered one may be put into another order."""


class Comparison:
    """What some values held when somebody looked last."""

    def __init__(self, spots: Iterable[Spot]) -> None:
        """Remember what `spots` hold now, none of which has to be looked at alone."""
        self.spots = frozenset(spots)
        self._empty: list[tuple[dict[Any, Any], Spot]] = []
        self._tables: list[tuple[dict[Any, Any], Spot]] = []
        """Those of which the version tells whether they have changed."""
        self._others: list[dict[Any, Any]] = []
        self._rows: list[Any] = []
        self._locks: list[_thread.LockType] = []
        self._owners: list[object] = []
        """What holds values in slots, or is a variable of a closure."""
        self._before: bytes
        self._held_before: tuple[list[int], bytes]
        for spot in self.spots:
            self._take_names(spot)
            if spot.contents and is_a(spot.value, dict):
                self._take_table(spot.value, spot)
            elif spot.contents and is_a(spot.value, MappingProxyType):
                self._take_table(shown(spot.value), spot)
            elif spot.contents and is_a(spot.value, _thread.LockType):
                self._locks.append(spot.value)
            elif spot.contents:
                self._rows.append(spot.value)
        self._prepare()

    def touched(self) -> set[Spot]:
        """Return what may have changed since this was asked last."""
        now, before = read_all(self._versions), self._before
        held = self._held()
        is_filled = any(self._unfilled)
        if now == before and held == self._held_before and not is_filled:
            return set()
        if held != self._held_before:
            found = set(self.spots)
        else:
            found = {
                spot
                for (_, spot), start in zip(self._tables, range(0, len(now), SIZE), strict=True)
                if now[start : start + SIZE] != before[start : start + SIZE]
            }
        self._before, self._held_before = now, held
        if is_filled:
            filled = [(table, spot) for table, spot in self._empty if table]
            self._empty = [(table, spot) for table, spot in self._empty if not table]
            found.update(spot for _, spot in filled)
            for table, spot in filled:
                self._take_table(table, spot)
            self._prepare()
        return found

    def _prepare(self) -> None:
        """Remember what all that was taken holds now."""
        if not ARE_KEPT:
            self._others += [table for table, _ in self._tables]
            self._tables.clear()
        self._versions = [version(table) for table, _ in self._tables]
        self._unfilled = [table for table, _ in self._empty]
        self._sized = (*self._others, *self._rows)
        self._holders = (*self._sized, *self._owners)
        self._before = read_all(self._versions)
        self._held_before = self._held()

    def _take_names(self, spot: Spot) -> None:
        value, held = spot.value, spot.held
        if isinstance(held, MappingProxyType):
            # What it shows is a dictionary.
            self._tables.append((shown(held), spot))
        elif is_a(value, (FunctionType, ModuleType)):
            assert isinstance(held, dict)
            self._take_table(held, spot)
        elif spot.has_names or held is not None:
            if not is_a(value, threading.local):
                # An instance may have the values itself, and its dictionary look there, too.
                self._owners.append(value)
            if isinstance(held, dict):
                self._others.append(held)
        if is_a(value, FunctionType):
            self._owners += value.__closure__ or ()
            if value.__kwdefaults__:
                self._tables.append((value.__kwdefaults__, spot))

    def _take_table(self, table: dict[Any, Any], spot: Spot) -> None:
        if not table:
            self._empty.append((table, spot))
        elif type(table) in _PLAIN:
            self._tables.append((table, spot))
        else:
            self._others.append(table)

    def _held(self) -> tuple[list[int], bytes]:
        """Return what is the same as long as nothing changes; each step is one of C's, for all."""
        found: list[object] = []
        any(map(found.extend, self._others))
        found += gc.get_referents(*self._holders)
        told = [*map(len, self._sized), *map(_thread.LockType.locked, self._locks)]
        return told, addresses(found)
