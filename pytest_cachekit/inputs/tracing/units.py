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


@dataclass(frozen=True, slots=True)
class ImportStatement:
    """An import as it stands in the code."""

    name: str
    level: int
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unit:
    """An outermost function of a project file."""

    path: str
    line: int
    name: str
    package: str
    """The package that relative imports in it start from."""
    imports: tuple[ImportStatement, ...]


def is_function(code: CodeType) -> bool:
    """Return whether `code` is a function's, as against a module's, a class's or a comprehension's."""
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
    level, names = 0, ()
    before: list[object] = [0, None]
    for instruction in dis.get_instructions(code):
        if instruction.opcode == _IMPORT_NAME:
            level = before[-2] if isinstance(before[-2], int) else 0
            names = before[-1] if isinstance(before[-1], tuple) else ()
            yield ImportStatement(str(instruction.argval), level, names)
        elif instruction.opname != "EXTENDED_ARG":
            before = [before[-1], instruction.argval]
