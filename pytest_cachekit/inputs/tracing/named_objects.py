"""What the names in functions lead to now: functions under any name, and classes of objects."""

from __future__ import annotations

import gc
from collections import deque
from collections.abc import Iterable, Mapping
from types import CodeType, FunctionType, ModuleType
from typing import Any

from ..own_kind import is_a
from .addresses import identity
from .contents import ATOMS, FIXED
from .held_values import attributes
from .named_modules import NamedModules, module_globals
from .names import code_names, names_by_strings
from .units import Unit

_MOST = 500
# Objects that are looked at on behalf of one name.
_LEADING_NOWHERE = (*ATOMS, ModuleType)
_CONTAINERS = (dict, list, set, *FIXED, deque)


class NamedObjects:
    """Resolves the global names of functions in their modules, as these are at the end of a run."""

    def __init__(
        self,
        units: list[Unit],
        ran: Iterable[int],
        namespaces: Mapping[str, Mapping[str, Any]],
        project: frozenset[str],
    ) -> None:
        """Look for those functions among `units` that `ran`, and for classes of the `project`."""
        self._units = units
        self._namespaces = namespaces
        self._project = project
        self._by_code: dict[tuple[str, str], set[int]] = {}
        for identifier in ran:
            code = units[identifier].code
            self._by_code.setdefault((code.co_filename, code.co_qualname), set()).add(identifier)
        self._known: dict[int, tuple[set[int], set[str]]] = {}
        self._modules = NamedModules(namespaces)
        self._mros: dict[str, set[str]] | None = None

    def led_to(self, identifier: int) -> tuple[set[int], set[str]]:
        """Return the functions, and the names of the classes, that a function's names lead to."""
        unit = self._units[identifier]
        names = code_names(unit.code) | names_by_strings(unit.code)
        functions: set[int] = set()
        classes: set[str] = set()
        waiting, seen = [self._namespaces.get(unit.path, {})], set[int]()
        waiting += self._modules.imported_by(unit.code)
        while waiting:
            namespace = waiting.pop()
            if identity(namespace) in seen:
                continue
            seen.add(identity(namespace))
            for name in names & namespace.keys():
                value = namespace[name]
                if is_a(value, ModuleType):
                    if value.__name__ in self._project:
                        waiting.append(module_globals(value))
                    continue
                found = self._from(value)
                functions |= found[0]
                classes |= found[1]
        return functions, classes

    def classes_with(self, name: str) -> set[str]:
        """Return the names of the project's classes that share instances with the one `name`."""
        if self._mros is None:
            self._mros = {}
            for namespace in self._namespaces.values():
                for value in list(namespace.values()):
                    if is_a(value, type) and value.__module__ in self._project:
                        bases = [base for base in value.__mro__ if base.__module__ in self._project]
                        names = {base.__name__ for base in bases}
                        for each in names:
                            self._mros.setdefault(each, set()).update(names)
        return self._mros.get(name, set())

    def _from(self, value: object) -> tuple[set[int], set[str]]:
        known = self._known.get(identity(value))
        if known is None:
            known = self._known[identity(value)] = self._walk(value)
        return known

    def _walk(self, value: object) -> tuple[set[int], set[str]]:
        functions: set[int] = set()
        classes: set[str] = set()
        waiting, seen = deque([value]), set[int]()
        while waiting and len(seen) < _MOST:
            current = waiting.popleft()
            if identity(current) in seen or is_a(current, _LEADING_NOWHERE):
                continue
            seen.add(identity(current))
            if is_a(current, FunctionType):
                functions |= self._units_of(current.__code__)
                waiting.extend(vars(current).values())
                waiting.extend(_in_cells(current))
            elif is_a(current, type):
                classes |= self._called_by(current)
            elif is_a(current, _CONTAINERS):
                held: Any = current
                if type(current) is dict:
                    held = current.values()
                elif type(current) not in _CONTAINERS:
                    # To iterate over one of a class of its own may run anything.
                    held = gc.get_referents(current)
                waiting.extend(held)
            else:
                kind = type(current)
                classes |= self._called_by(kind)
                if kind.__module__ in self._project:
                    waiting.extend(attributes(current).values())
                elif callable(current):
                    waiting.extend(gc.get_referents(current))
        return functions, classes

    def _called_by(self, owner: type) -> set[str]:
        """Return the names of classes whose special methods run where one and its like are used."""
        bases = [*owner.__mro__, *type.mro(type(owner))]
        found = {base.__name__ for base in bases}
        for base in bases:
            if base.__module__ in self._project:
                # Descriptors are asked where an attribute is.
                kinds = {type(value) for value in vars(base).values()}
                found.update(
                    each.__name__
                    for kind in kinds
                    if kind.__module__ in self._project
                    for each in kind.__mro__
                )
        return found

    def _units_of(self, code: CodeType) -> set[int]:
        outermost = code.co_qualname.partition(".<locals>")[0]
        return self._by_code.get((code.co_filename, outermost), set())


def _in_cells(function: FunctionType) -> list[object]:
    found: list[object] = []
    for cell in function.__closure__ or ():
        try:
            found.append(cell.cell_contents)
        except ValueError:  # empty
            continue
    return found
