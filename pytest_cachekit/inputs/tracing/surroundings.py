"""Who may have set, for the time that a memo was filled, what its fillers look at.

A test that patches a constant and then asks for what is remembered leaves something that it
alone explains, although it puts the constant back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import CodeType

from ..computed import Computed
from .action import Action
from .calls import OF_BUILTINS
from .instructions import (
    ATTRIBUTES,
    BINDS,
    GLOBALS,
    LOCALS,
    TWO_LOCALS,
    Instructions,
    instructions,
    opcodes,
)
from .names import spelled
from .ran_functions import RanFunctions
from .units import whole

_BINDS_GLOBAL = opcodes("STORE_GLOBAL", "DELETE_GLOBAL")
_PATCHES = frozenset(
    {"delattr", "delitem", "dict", "mocker", "monkeypatch", "multiple", "patch", "setattr",
     "setitem", "spy", "stub", "swap"}
)  # fmt: skip


class Surroundings:
    """What functions set for others while they run."""

    def __init__(self, functions: RanFunctions, is_known: Callable[[str], bool]) -> None:
        """Tell of `functions`.

        Args:
            functions: those that ran.
            is_known: returns whether others may use the module in a file; tests mostly aren't used.
        """
        self._setting: dict[str, set[int]] = {}
        for unit in functions.ran:
            path, code = functions.units[unit].path, functions.units[unit].code
            for name in set_for_others(code, of_given=not is_known(path)):
                self._setting.setdefault(name, set()).add(unit)
        self._names: Computed[int, frozenset[str]] = Computed(
            lambda unit: frozenset(functions.used(unit).loaded)
        )

    def setting(self, ran: frozenset[int]) -> set[int]:
        """Return the functions, others than those which `ran`, that set what these look at."""
        names = frozenset[str]().union(*map(self._names.__getitem__, ran))
        found = self._setting.keys() & names
        return set[int]().union(*map(self._setting.__getitem__, found)) - ran

    def setters(self, setting: set[int], actions: Iterable[Action]) -> set[Action]:
        """Return those of `actions` that ran one of the functions `setting` something."""
        return {
            action
            for action in actions
            if setting
            and any(not setting.isdisjoint(each.functions) for each in action.with_fixtures())
        }


def set_for_others(code: CodeType, *, of_given: bool) -> frozenset[str]:
    """Return the globals that a function binds, and the attributes of what globals stand for.

    Where it patches something, these are also the names that it spells.

    Args:
        code: a function's.
        of_given: whether attributes of locals count, too, but for those of `self`.
    """
    found: set[str] = set()
    patches = False
    for part in whole(code):
        patches |= not _PATCHES.isdisjoint((*part.co_names, *part.co_varnames))
        every = instructions(part)
        for index, (opcode, argument) in enumerate(every):
            if opcode in BINDS and (
                opcode in _BINDS_GLOBAL or _is_of_others(part, every[:index], of_given=of_given)
            ):
                found.add(part.co_names[argument])
    if patches:
        for each in spelled(code):
            if isinstance(each, str):
                found.add(each.replace(":", ".").rpartition(".")[2])
    return frozenset(found if of_given else found - OF_BUILTINS)


def _is_of_others(code: CodeType, before: Instructions, *, of_given: bool) -> bool:
    """Return whether what was loaded last is a global, or what one has, or what somebody gave."""
    opcode, argument = before[-1]
    if opcode in LOCALS | TWO_LOCALS:
        index = argument & 15 if opcode in TWO_LOCALS else argument
        return of_given and code.co_varnames[index] != "self"
    while before and before[-1][0] in ATTRIBUTES:
        before = before[:-1]
    return of_given or (bool(before) and before[-1][0] in GLOBALS)
