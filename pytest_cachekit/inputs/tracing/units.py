"""Functions as the tracer knows them: outermost functions of project files.

A unit is a function or method with everything nested in it. Code outside of
units (module and class bodies, their lambdas and comprehensions) is
import-time code.
"""

from __future__ import annotations

import dis
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import CodeType

_IMPORT_NAME = dis.opmap["IMPORT_NAME"]
_EXTENDED_ARG = dis.opmap["EXTENDED_ARG"]
# Later versions load some constants by instructions of their own.
_LOAD_CONSTANT = frozenset(
    dis.opmap[name] for name in ("LOAD_CONST", "LOAD_CONST_IMMORTAL") if name in dis.opmap
)
_LOAD_SMALL_INT = dis.opmap.get("LOAD_SMALL_INT", -1)


@dataclass(frozen=True, slots=True)
class ImportStatement:
    """An import as it stands in the code."""

    name: str
    level: int
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Unit:
    """An outermost function of a project file."""

    path: str
    package: str
    """The package that relative imports in it start from."""
    code: CodeType

    @property
    def line(self) -> int:
        """Its first line, that of its first decorator where it has any."""
        return self.code.co_firstlineno


def is_function(code: CodeType) -> bool:
    """Return whether `code` is a function's: not a module's, a class's or a comprehension's."""
    return bool(code.co_flags & inspect.CO_OPTIMIZED) and not code.co_name.startswith("<")


def nested(code: CodeType) -> Iterator[tuple[int, CodeType]]:
    """Iterate over the code objects among the constants of `code`, with their indices."""
    for index, constant in enumerate(code.co_consts):
        if isinstance(constant, CodeType):
            yield index, constant


def map_functions(
    code: CodeType, enter: Callable[[CodeType], int], change: Callable[[CodeType, int], CodeType]
) -> CodeType:
    """Return `code` with `change` applied to every function in it.

    Args:
        code: a module's code.
        enter: called with each outermost function; returns the identifier of its unit.
        change: called with a function, whose nested ones are changed already, and its unit.
    """

    def visit(current: CodeType, unit: int | None) -> CodeType:
        if unit is None and is_function(current):
            unit = enter(current)
        constants = list(current.co_consts)
        replaced = False
        for index, inner in nested(current):
            changed = visit(inner, unit)
            replaced |= changed is not inner
            constants[index] = changed
        if replaced:
            current = current.replace(co_consts=tuple(constants))
        if unit is not None and is_function(current):
            return change(current, unit)
        return current

    return visit(code, None)


def import_statements(code: CodeType, *, whole: bool) -> tuple[ImportStatement, ...]:
    """Return the imports in `code`: with all that is nested in it, or outside of functions only."""
    found: list[ImportStatement] = []
    if _IMPORT_NAME in code.co_code[::2]:
        found.extend(_own_imports(code))
    for _, inner in nested(code):
        if whole or not is_function(inner):
            found.extend(import_statements(inner, whole=whole))
    return tuple(found)


def _own_imports(code: CodeType) -> Iterator[ImportStatement]:
    """Read level and names from the two constants that are loaded before each import."""
    raw, names, constants = code.co_code, code.co_names, code.co_consts
    loaded: tuple[object, object] = (0, None)
    extended = 0
    for offset in range(0, len(raw), 2):
        opcode, argument = raw[offset], raw[offset + 1] | extended << 8
        extended = 0
        if opcode == _EXTENDED_ARG:
            extended = argument
        elif opcode in _LOAD_CONSTANT:
            loaded = (loaded[1], constants[argument])
        elif opcode == _LOAD_SMALL_INT:
            loaded = (loaded[1], argument)
        elif opcode == _IMPORT_NAME:
            level, wanted = loaded
            yield ImportStatement(
                names[argument],
                level if isinstance(level, int) else 0,
                wanted if isinstance(wanted, tuple) else (),
            )
