"""Which modules of the project a function imports while it runs, or finds by their names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import CodeType, ModuleType
from typing import Any

from .instructions import IMPORTS, IMPORTS_FROM, instructions
from .units import whole

# Who asks these finds modules whose names it may compute.
_FINDS_ANY = frozenset(
    {"__import__", "exec_module", "import_module", "load", "load_module", "modules",
     "resolve_name", "run_module", "run_path"}
)  # fmt: skip


def finds_any_module(code: CodeType) -> bool:
    """Return whether `code`, or what is nested in it, finds modules by names that it computes."""
    return any(not _FINDS_ANY.isdisjoint(part.co_names) for part in whole(code))


def module_globals(module: ModuleType) -> dict[str, Any]:
    """Return the globals of a module; one that loads itself when it is asked stays as it is."""
    found: dict[str, Any] = object.__getattribute__(module, "__dict__")
    return found


def imported_names(code: CodeType) -> set[str]:
    """Return the names in the import statements of `code`, and of what is nested in it."""
    return {
        part.co_names[argument]
        for part in whole(code)
        for opcode, argument in instructions(part)
        if opcode in IMPORTS | IMPORTS_FROM
    }


def ends(name: str) -> Iterator[str]:
    """Iterate over what import statements may call the module with the dotted `name`."""
    while name:
        yield name
        name = name.partition(".")[2]


class NamedModules:
    """The globals of the project's modules, by the ends of their dotted names."""

    def __init__(self, namespaces: Mapping[str, Mapping[str, Any]]) -> None:
        """Begin with `namespaces`: the globals of each module, by its path."""
        self._all = list(namespaces.values())
        self._by_end: dict[str, list[Mapping[str, Any]]] = {}
        for namespace in self._all:
            for end in ends(str(namespace.get("__name__"))):
                self._by_end.setdefault(end, []).append(namespace)

    def called(self, name: str) -> list[Mapping[str, Any]]:
        """Return the globals of the modules whose dotted names are `name`, or end so."""
        return self._by_end.get(name, [])

    def imported_by(self, code: CodeType) -> list[Mapping[str, Any]]:
        """Return the globals of the modules that a function, and what is nested in it, imports."""
        if finds_any_module(code):
            return self._all
        names = {name for each in imported_names(code) for name in _with_packages(each)}
        return [namespace for name in names for namespace in self.called(name)]


def _with_packages(name: str) -> Iterator[str]:
    while name:
        yield name
        name = name.rpartition(".")[0]
