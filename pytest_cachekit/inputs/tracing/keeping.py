"""Whether a function keeps something under a name, and what it does besides."""

from __future__ import annotations

import dis
import enum
from collections.abc import Collection
from inspect import CO_VARARGS, CO_VARKEYWORDS
from types import CodeType

from .instructions import (
    ATTRIBUTES,
    BINDS,
    CONSTANTS,
    GLOBALS,
    LOCALS,
    PUTS,
    TWO_LOCALS,
    Instructions,
    instructions,
    named,
    opcodes,
)
from .names import MUTATORS, cell_name, names_by_strings
from .units import is_function, nested

_BINDS_CELL = opcodes("STORE_DEREF")
_CELLS = opcodes("LOAD_DEREF", "STORE_DEREF")
_NAMES = frozenset(dis.hasname)
_KEEPING = MUTATORS | {"push", "put", "put_nowait", "register", "set"}
_SETTING = frozenset({"__dict__", "__setattr__", "delattr", "globals", "setattr", "vars"})
_JUMPS = frozenset(dis.hasjrel) | frozenset(dis.hasjabs)
_BINDS_GLOBAL = opcodes("STORE_GLOBAL", "DELETE_GLOBAL")
_BINDS_ATTRIBUTE = opcodes("STORE_ATTR", "DELETE_ATTR")
_SUBSCRIPTS = opcodes("BINARY_SUBSCR")
_LOOKS_UP = frozenset({"get", "setdefault"})
_SWAPS = opcodes("SWAP")
_RETURNS = opcodes("RETURN_VALUE")
_RAISES = opcodes("RAISE_VARARGS")
_MORE = CO_VARARGS | CO_VARKEYWORDS


class How(enum.Enum):
    """How a function changes what a name leads to."""

    BOUND = 1
    """It binds the name."""
    CHANGED = 2
    """It puts something into what the name stands for, or takes it out, or binds an attribute."""
    DEEP = 3
    """It does that with an attribute of it, or with an element."""


Change = tuple[str, How]


def changes_of(code: CodeType) -> frozenset[Change] | None:
    """Return the globals that a function changes.

    Locals and the attributes of a method's own object are left out. None where it may change
    something that nobody can tell.
    """
    if not (_SETTING - {"__dict__"}).isdisjoint(code.co_names):
        return None
    every = instructions(code)
    found: set[Change] = set()
    for index, instruction in enumerate(every):
        opcode = instruction[0]
        if opcode in _BINDS_CELL:
            if _name(code, instruction) in code.co_freevars:
                return None
            continue
        if opcode in _BINDS_GLOBAL:
            found.add((_name(code, instruction), How.BOUND))
            continue
        if opcode in BINDS:
            holder = every[_expression(every, index) : index]
        elif opcode in PUTS:
            holder = _container(every, index)
        elif opcode in ATTRIBUTES and _name(code, instruction) in MUTATORS:
            holder = every[_expression(every, index) : index]
        else:
            continue
        change = _of_holder(code, holder)
        if change is None:
            return None
        found |= change
    return None if any(True for _ in nested(code)) else frozenset(found)


def _of_holder(code: CodeType, holder: Instructions) -> set[Change] | None:
    """Return what changes where what these instructions load does; None if that isn't known."""
    loaded = [each for each in holder if each[0] in GLOBALS]
    attributes = [_name(code, each) for each in holder if each[0] in ATTRIBUTES]
    if not holder:
        return set()
    if not loaded:
        if holder[0][1] == 0 and code.co_varnames[:1] == ("cls",):
            # It may be another class each time.
            return None
        # A local, or something of its own object.
        simple = LOCALS | TWO_LOCALS | ATTRIBUTES | CONSTANTS | _SUBSCRIPTS
        return set() if all(opcode in simple for opcode, _ in holder) else None
    if len(loaded) > 1 or holder[0] is not loaded[0]:
        return None
    rest = [each for each in attributes if each != "__dict__"]
    if len(holder) == 1 + len(attributes) and len(rest) < 2:
        return {(_name(code, loaded[0]), How.DEEP if rest else How.CHANGED)}
    if rest and set(rest[-1:]) <= _LOOKS_UP and len(rest) < 3:
        return {(_name(code, loaded[0]), How.DEEP)}
    return None


def own_names(code: CodeType) -> set[str]:
    """Return the names in a function, those of functions in it left out."""
    names = {*code.co_names, *code.co_freevars, *code.co_cellvars}
    for _, inner in nested(code):
        if not is_function(inner):
            names |= own_names(inner)
    return names


def keeps_under(code: CodeType, names: Collection[str]) -> bool:
    """Return whether a function binds one of `names`, or changes what it stands for or holds.

    Functions in it are left out.
    """
    if not names_by_strings(code).isdisjoint(names):
        return True
    if own_names(code).isdisjoint(names):
        return False
    if not _SETTING.isdisjoint(code.co_names):
        # Under which name isn't known.
        return True
    every = instructions(code)
    for index, instruction in enumerate(every):
        opcode = instruction[0]
        if opcode in BINDS or opcode in _BINDS_CELL:
            owner = every[_expression(every, index) : index] if opcode in _BINDS_ATTRIBUTE else ()
            if _names_any(code, (instruction, *owner), names):
                return True
        elif opcode in PUTS:
            if _names_any(code, _container(every, index), names):
                return True
        elif (
            opcode in ATTRIBUTES
            and _name(code, instruction) in _KEEPING
            and _names_any(code, every[_expression(every, index) : index], names)
        ):
            return True
    return any(keeps_under(inner, names) for _, inner in nested(code) if not is_function(inner))


def _container(every: Instructions, end: int) -> Instructions:
    """Return what loads the container into which the instruction at `end` puts something."""
    key = _expression(every, end)
    if not key:
        return every[:end]
    if every[key][0] in TWO_LOCALS:
        # The key, or what it is made of, and the container before it.
        return ()
    return every[_expression(every, key) : key]


def _expression(every: Instructions, end: int) -> int:
    """Return where the instructions begin that load the value which is topmost before `end`.

    Where something else is jumped over, or values change places, as they do for an augmented
    assignment, all before is taken for it.
    """
    if end and every[end - 1][0] in _SWAPS:
        return 0
    depth = 0
    for index in range(end - 1, -1, -1):
        opcode, argument = every[index]
        if opcode in _JUMPS:
            return 0
        depth += dis.stack_effect(opcode, argument if opcode >= dis.HAVE_ARGUMENT else None)
        if depth >= 1:
            return index
    return 0


def _names_any(code: CodeType, every: Instructions, names: Collection[str]) -> bool:
    return any(_name(code, each) in names for each in every)


def _name(code: CodeType, instruction: tuple[int, int]) -> str:
    opcode, argument = instruction
    if opcode in _NAMES:
        return named(code, opcode, argument)
    if opcode in _CELLS:
        return cell_name(code, argument)
    return ""


def takes_arguments(code: CodeType) -> bool:
    """Return whether a function is given anything but its class."""
    given = code.co_argcount + code.co_kwonlyargcount
    return bool(code.co_flags & _MORE) or given > (code.co_varnames[:1] == ("cls",))


def is_given_method(code: CodeType) -> bool:
    """Return whether a method may keep, in its object, what it is given, and is no memo of it."""
    given = code.co_argcount + code.co_kwonlyargcount + bool(code.co_flags & _MORE)
    return code.co_varnames[:1] == ("self",) and given > 1 and not returns_what_it_keeps(code)


def returns_what_it_keeps(code: CodeType) -> bool:
    """Return whether a function looks like one that remembers what it computes.

    It has one argument, which tells what is wanted, it returns something, and complains of nothing.
    """
    given = code.co_argcount + code.co_kwonlyargcount
    given -= code.co_varnames[:1] in (("self",), ("cls",))
    return given == 1 and not code.co_flags & _MORE and returns_more_than_it_is_given(code)


def returns_more_than_it_is_given(code: CodeType) -> bool:
    """Return whether a function returns something that it finds or makes, and never raises."""
    if not _RAISES.isdisjoint(code.co_code[::2]):
        return False
    before = 0, 0
    for instruction in instructions(code):
        if instruction[0] in _RETURNS and before[0] not in CONSTANTS:
            is_argument = before[0] in LOCALS and before[1] < code.co_argcount
            if not is_argument:
                return True
        before = instruction
    return False
