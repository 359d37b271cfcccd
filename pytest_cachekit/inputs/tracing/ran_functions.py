"""The functions that ran, by the names by which code knows them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from .names import UsedNames, code_names, names_by_strings, sets_by_strings, used_names
from .units import Unit


class RanFunctions:
    """Tables of the functions that ran in a run; each is known by its index in `units`."""

    def __init__(
        self,
        units: list[Unit],
        ran: frozenset[int],
        namespaces: Mapping[str, Mapping[str, Any]],
    ) -> None:
        """Look at each of them.

        Args:
            units: all functions of the project's modules.
            ran: those that ran.
            namespaces: path of each project module to its globals.
        """
        self.units = units
        self.ran = ran
        self.namespaces = namespaces
        self.project = frozenset(str(names.get("__name__")) for names in namespaces.values())
        """Dotted names of the project's modules."""
        self.simple: dict[str, set[int]] = {}
        """By name, special methods left out."""
        self.special: dict[str, set[int]] = {}
        """Special methods, by the names of their classes, which who uses instances may name."""
        self.naming: dict[str, set[int]] = {}
        """By each name that they use."""
        self.methods: dict[str, set[int]] = {}
        """By the names of their classes."""
        self.reflecting: set[int] = set()
        """Those that may set something under a name in a string."""
        self._used: dict[int, UsedNames] = {}
        for identifier in ran:
            unit = units[identifier]
            simple, owner = unit.name, unit.owner
            table, key = (self.special, owner) if simple.startswith("__") else (self.simple, simple)
            table.setdefault(key, set()).add(identifier)
            self.methods.setdefault(owner, set()).add(identifier)
            if sets_by_strings(unit.code):
                self.reflecting.add(identifier)
            for name in code_names(unit.code) | names_by_strings(unit.code):
                self.naming.setdefault(name, set()).add(identifier)

    def has(self, path: str, name: str, homes: Collection[str]) -> bool:
        """Return whether a module has a global, or had it: `homes` are the files of those."""
        return path in homes or name in self.namespaces.get(path, {})

    def used(self, identifier: int) -> UsedNames:
        """Return the names that a function uses."""
        used = self._used.get(identifier)
        if used is None:
            unit = self.units[identifier]
            namespace = self.namespaces.get(unit.path, {})
            used = self._used[identifier] = used_names(unit.code, namespace, self.project)
        return used

    def changing(self, name: str) -> set[int]:
        """Return the functions that bind `name`, or change what it stands for."""
        return {unit for unit in self.naming.get(name, ()) if name in self.used(unit).changed}

    def known_as(self, name: str) -> set[int]:
        """Return the functions called `name`, and the special methods of classes called so."""
        return self.simple.get(name, set()) | self.special.get(name, set())

    def methods_of(self, classes: Iterable[str]) -> set[int]:
        """Return the methods of `classes`."""
        return set().union(*(self.methods.get(name, ()) for name in classes))
