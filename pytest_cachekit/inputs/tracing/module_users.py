"""Which functions have modules as values, and may find in them what no name of theirs tells."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cached_property
from types import ModuleType
from typing import Any

from ..computed import Computed
from ..own_kind import is_a
from .addresses import identity
from .name_uses import gets_by_computed_names
from .named_modules import NamedModules, finds_any_module, module_globals
from .names import spelled
from .ran_functions import RanFunctions
from .replaced_names import last_name, replaced_and_handed_on


class ModuleUsers:
    """Functions that get or set globals of modules under names in strings, or hand modules on."""

    def __init__(self, functions: RanFunctions) -> None:
        """Tell of `functions`, those that ran."""
        self._ran = functions
        self._modules = NamedModules(functions.namespaces)
        self._names: Computed[int, tuple[set[str], set[str]]] = Computed(
            lambda unit: replaced_and_handed_on(functions.units[unit].code)
        )
        self._had: Computed[int, frozenset[int]] = Computed(self._find_had)

    def setting(self, name: str, homes: Collection[str]) -> set[int]:
        """Return the functions that may bind a global of another module without naming it.

        Args:
            name: the global.
            homes: files of modules that had it at some time.
        """
        others = {
            unit
            for unit in self._ran.reflecting
            if not self._ran.has(self._ran.units[unit].path, name, homes)
        }
        return self._those_with(name, others, homes) | self._telling(name, homes)

    def getting(self, name: str, homes: Collection[str]) -> set[int]:
        """Return the functions that may find a global without naming it; as for `setting`."""
        return self._those_with(name, self._getting, homes) | self._telling(name, homes)

    def _those_with(self, name: str, units: set[int], homes: Collection[str]) -> set[int]:
        holders = {
            identity(namespace)
            for path, namespace in self._ran.namespaces.items()
            if self._ran.has(path, name, homes)
        }
        return {unit for unit in units if not self._had[unit].isdisjoint(holders)}

    def _telling(self, name: str, homes: Collection[str]) -> set[int]:
        """Return the functions that have a module, and tell others the name of what is in it."""
        naming = self._ran.naming.get(name, set()) | self._spelling.get(name, set())
        telling = {unit for unit in naming if name in self._names[unit][0]}
        return self._those_with(name, telling, homes)

    @cached_property
    def _getting(self) -> set[int]:
        """Those that may get something under a name that they compute."""
        return self._ran.reflecting.union(
            unit for unit in self._ran.ran if gets_by_computed_names(self._ran.units[unit].code)
        )

    @cached_property
    def _spelling(self) -> dict[str, set[int]]:
        """Those that have strings, by the names at the ends of these."""
        found: dict[str, set[int]] = {}
        for unit in self._ran.ran:
            for each in spelled(self._ran.units[unit].code):
                if isinstance(each, str):
                    found.setdefault(last_name(each), set()).add(unit)
        return found

    def _find_had(self, identifier: int) -> frozenset[int]:
        """Return the identities of the globals of each module that a function has as a value."""
        unit = self._ran.units[identifier]
        own = self._ran.namespaces.get(unit.path, {})
        found: list[Mapping[str, Any]] = []
        if not {"globals", "vars"}.isdisjoint(unit.code.co_names):
            found.append(own)
        if finds_any_module(unit.code):
            found += self._ran.namespaces.values()
        for name in self._names[identifier][1]:
            value = own.get(name)
            if is_a(value, ModuleType):
                found.append(module_globals(value))
            elif name not in self._ran.used(identifier).variables:
                found += self._modules.called(name)
        return frozenset(map(identity, found))
