"""What a function may bind or change, of its own objects and of others, read from its code."""

from __future__ import annotations

from types import CodeType

from .handing import hands_on
from .instructions import instructions, opcodes
from .names import (
    UsedNames,
    cell_name,
    code_names,
    names_by_strings,
    sets_by_strings,
    spelled,
    used_names,
)
from .surroundings import set_for_others
from .units import Unit, whole

_BINDS_CELL = opcodes("STORE_DEREF")
_BINDS = opcodes("STORE_ATTR", "DELETE_ATTR")
_MAKING = frozenset({"__init__", "__new__", "__post_init__", "__set_name__"})


class BoundNames:
    """How a function uses names."""

    def __init__(self, unit: Unit) -> None:
        code = self._code = unit.code
        self._used: UsedNames | None = None
        names = code_names(code) | names_by_strings(code) | {unit.name}
        self.reflects = sets_by_strings(code)
        """Whether it may bind something under a name that it computes."""
        self.bound = set_for_others(code, of_given=True) | _bound_cells(code)
        """What it binds that isn't its own object's."""
        own = (_bound_attributes(part) for part in whole(code))
        self.bound_own = frozenset[str]() if unit.name in _MAKING else frozenset().union(*own)
        """Attributes that it may bind of its own object."""
        self.binds = bool(self.bound or self.bound_own or self.reflects)
        if self.binds:
            strings = (each for each in spelled(code) if isinstance(each, str))
            parts = (each.replace(":", ".").split(".") for each in strings)
            names = names.union(*parts)
        self.names = names

    def may_change(self, name: str) -> bool:
        """Return whether it does more with what a name stands for than to look something up."""
        if self._used is None:
            self._used = used_names(self._code, {}, frozenset())
        return (
            self.reflects
            or self._used.changes_unnamed
            or name in self._used.changed
            or hands_on(self._code, name)
        )


def _bound_attributes(code: CodeType) -> set[str]:
    every = instructions(code) if not _BINDS.isdisjoint(code.co_code[::2]) else ()
    return {code.co_names[argument] for opcode, argument in every if opcode in _BINDS}


def _bound_cells(code: CodeType) -> frozenset[str]:
    """Return the variables of closures that functions in `code` bind which don't own them."""
    return frozenset(
        cell_name(part, argument)
        for part in whole(code)
        if part.co_freevars and not _BINDS_CELL.isdisjoint(part.co_code[::2])
        for opcode, argument in instructions(part)
        if opcode in _BINDS_CELL and cell_name(part, argument) in part.co_freevars
    )
