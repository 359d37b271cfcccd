"""Functions as the tracer knows them: outermost functions of project files.

A unit is a function or method with everything nested in it. Code outside of
units (module and class bodies, their lambdas and comprehensions) is
import-time code.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import CodeType

Watch = Callable[[CodeType, int], Callable[[], object] | None]
"""Returns, for a function of a unit, what to call when one begins; None if it isn't watched."""

_CO_OPTIMIZED = 1  # inspect.CO_OPTIMIZED


@dataclass(frozen=True, slots=True, eq=False)
class Unit:
    """An outermost function of a project file."""

    path: str
    code: CodeType

    @property
    def line(self) -> int:
        """Its first line, that of its first decorator where it has any."""
        return self.code.co_firstlineno

    @property
    def name(self) -> str:
        """Its own name."""
        return self.code.co_name

    @property
    def owner(self) -> str:
        """The name of the class that it is a method of; "" where it is none."""
        return self.code.co_qualname.rpartition(".")[0].rpartition(".")[2]


def is_function(code: CodeType) -> bool:
    """Return whether `code` is a function's: not a module's, a class's or a comprehension's."""
    return bool(code.co_flags & _CO_OPTIMIZED) and not code.co_name.startswith("<")


def nested(code: CodeType) -> list[tuple[int, CodeType]]:
    """Return the code objects among the constants of `code`, with their indices."""
    return [(index, each) for index, each in enumerate(code.co_consts) if type(each) is CodeType]


def whole(code: CodeType) -> list[CodeType]:
    """Return `code` and all that is nested in it."""
    found = [code]
    for _, inner in nested(code):
        found += whole(inner)
    return found


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


def watch_none(_code: CodeType, _unit: int) -> None:
    """Watch no function."""
