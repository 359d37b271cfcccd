"""Who can see on which lines code stands, and of which functions.

Positions are no input of anybody else: a comment that is put above a function changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import CodeType

from .action import Action
from .name_uses import only_binds
from .names import import_time_parts, names_by_strings
from .units import Unit, whole

# Whoever asks these sees where anything stands, whether or not it runs.
_OF_DEFINITIONS = frozenset(
    {"Bytecode", "co_firstlineno", "co_linetable", "co_lines", "co_lnotab",
     "co_positions", "dis", "findlinestarts", "get_instructions", "getsourcelines"}
)  # fmt: skip
# The same, but for class bodies, to all of which Python 3.13 adds that they bind it.
_OF_CLASSES = "__firstlineno__"
# Whoever asks these sees where code stands that runs, or that failed.
_OF_FRAMES = frozenset(
    {"dump_traceback", "f_lineno", "getlineno", "tb_lineno", "walk_stack", "walk_tb"}
)
# What these find has a line number, which code asks for as it does for those of any parser.
_FINDS_FRAMES = frozenset(
    {"LogRecord", "TracebackException", "assertLogs", "assertWarns", "assertWarnsRegex",
     "catch_warnings", "deprecated_call", "emit", "extract_stack", "extract_tb",
     "get_object_traceback", "getframeinfo", "getinnerframes", "getouterframes", "stack",
     "take_snapshot", "trace", "warns"}
)  # fmt: skip
# Local variables are mostly called as the fixtures are that they hold.
_FIXTURES = frozenset({"caplog", "recwarn"})
_NAMELESS = frozenset({"<lambda>", "<genexpr>"})
"""Code that may run long after the import-time code that it is part of."""


def has_nameless_code(code: CodeType) -> bool:
    """Return whether import-time `code` makes a function without a name, which may run later."""
    return any(part.co_name in _NAMELESS for part in import_time_parts(code))


def _is_told_of_definitions(code: CodeType, names: frozenset[str]) -> bool:
    if not _OF_DEFINITIONS.isdisjoint(names):
        return True
    if _OF_CLASSES in names and not all(only_binds(part, _OF_CLASSES) for part in whole(code)):
        return True
    strings = names_by_strings(code)
    return _OF_CLASSES in strings or not _OF_DEFINITIONS.isdisjoint(strings)


class SeenLines:
    """Which of the functions that ran can see lines."""

    def __init__(
        self, units: list[Unit], ran: Iterable[int], names: Mapping[int, frozenset[str]]
    ) -> None:
        """Look at each function once.

        Args:
            units: all functions of the run.
            ran: those that ran.
            names: the names that each of them uses.
        """
        self._units = units
        self._names = names
        ran = frozenset(ran)
        self._of_definitions = frozenset(
            unit for unit in ran if _is_told_of_definitions(units[unit].code, names[unit])
        )
        self._of_frames = frozenset(filter(self._is_told_of_frames, ran))
        self._of_any = self._of_definitions | self._of_frames

    def _is_told_of_frames(self, identifier: int) -> bool:
        names = self._names[identifier]
        if "lineno" not in names:
            return not _OF_FRAMES.isdisjoint(names)
        unit = self._units[identifier]
        return not (
            _FINDS_FRAMES.isdisjoint((unit.name, *names))
            and _FIXTURES.isdisjoint((*names, *unit.code.co_varnames))
        )

    def any_of(self, action: Action) -> bool:
        """Return whether functions that `action` ran can see lines at all."""
        return not self._of_any.isdisjoint(action.functions)

    def all_of(self, action: Action) -> bool:
        """Return whether they can see those of all code there is.

        Import-time code, below which they may run, is no function.
        """
        return not self._of_definitions.isdisjoint(action.functions) or (
            action.source is not None and self.any_of(action)
        )

    def near(self, functions: frozenset[int]) -> frozenset[int]:
        """Return those of `functions` that see lines, and by name their callers and callees.

        What one test leaves to others has the line of such a frame, if it has any.
        """
        near = set(self._of_frames & functions)
        seeing = [(self._name(unit), self._names[unit]) for unit in near]
        for unit in functions - near:
            name, names = self._name(unit), self._names[unit]
            if any(other in names or name in others for other, others in seeing):
                near.add(unit)
        return frozenset(near)

    def _name(self, identifier: int) -> str:
        """Return the name by which others call a function: of an instance's, that of its class."""
        unit = self._units[identifier]
        return unit.owner if unit.name.startswith("__") else unit.name
