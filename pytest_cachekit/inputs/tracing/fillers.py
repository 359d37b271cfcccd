"""Which functions may fill what outlives them, told by their instructions before they run.

What this misses is found by names when a run is over, as is what it takes in
for nothing: it only says which calls are worth watching.
"""

from __future__ import annotations

import dis
from collections.abc import Iterator
from inspect import (
    CO_ASYNC_GENERATOR,
    CO_COROUTINE,
    CO_GENERATOR,
    CO_VARARGS,
    CO_VARKEYWORDS,
)
from itertools import pairwise
from types import CodeType

from .instructions import (
    ATTRIBUTES,
    GLOBALS,
    LOCALS,
    PUTS,
    Instructions,
    instructions,
    named,
    opcodes,
)
from .names import MUTATORS, cell_name
from .units import nested

ASKED_FOR_MORE = frozenset({"__getattr__", "__missing__"})
"""Functions that the language asks for what isn't there."""
_REMEMBERING = frozenset({"cache", "cached_property", "lru_cache", "memoize", "memoized"})
_SUSPENDED = CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR
_BINDS_GLOBAL = opcodes("STORE_GLOBAL", "DELETE_GLOBAL")
_BINDS_CELL = opcodes("STORE_DEREF")
_BINDS_ATTRIBUTE = opcodes("STORE_ATTR", "DELETE_ATTR")
_SHARED = opcodes("LOAD_DEREF")
_TWO_LOCALS = opcodes(
    "LOAD_FAST_LOAD_FAST", "LOAD_FAST_BORROW_LOAD_FAST_BORROW", "STORE_FAST_LOAD_FAST"
)
_CALLS = opcodes("CALL", "PRECALL")
_ENDS = opcodes("STORE_NAME", "STORE_FAST", "STORE_GLOBAL", "STORE_DEREF", "RETURN_VALUE")
_ASKS_FOR_NONE = frozenset(
    opcode for name, opcode in dis.opmap.items() if "JUMP" in name and name.endswith("NONE")
)
_TELLING = _BINDS_GLOBAL | _BINDS_CELL | _BINDS_ATTRIBUTE | PUTS
_LOADS_CONSTANT = opcodes("LOAD_CONST")
_LOADS_KEY = LOCALS | GLOBALS | _LOADS_CONSTANT
_RETURNS = opcodes("RETURN_VALUE")
_RAISES = opcodes("RAISE_VARARGS")
_MORE = CO_VARARGS | CO_VARKEYWORDS
# So many instructions load a key, and the container before it.
_KEY = 4
Place = tuple[int, str]
"""The first line and the name of a function in a file."""


def place(code: CodeType) -> Place:
    """Return what tells a function of a file from the others."""
    return code.co_firstlineno, code.co_qualname


def remembered(code: CodeType) -> Iterator[Place]:
    """Iterate over functions in a module's `code` whose decorators remember what they return."""
    if not _REMEMBERING.isdisjoint(code.co_names):
        every = instructions(code)
        for index, (opcode, argument) in enumerate(every):
            constant = code.co_consts[argument] if opcode in _LOADS_CONSTANT else None
            if isinstance(constant, CodeType):
                for following, _ in every[index + 1 :]:
                    if following in _CALLS:
                        yield place(constant)
                        break
                    if following in _ENDS:
                        break
    for _, inner in nested(code):
        yield from remembered(inner)


def may_fill(code: CodeType) -> bool:
    """Return whether a function may change a global, a class, or what a closure shares.

    Functions in it are left out. A method that binds an attribute of its own object counts where
    it asks first whether that is None.
    """
    if code.co_flags & _SUSPENDED:
        return False
    if code.co_name in ASKED_FOR_MORE or "setattr" in code.co_names:
        return True
    if _TELLING.isdisjoint(code.co_code[::2]) and MUTATORS.isdisjoint(code.co_names):
        return False
    return _changes_others(code, instructions(code))


def _changes_others(code: CodeType, every: Instructions) -> bool:
    shared = [index for index, each in enumerate(every) if _is_shared(code, each)]
    asked = {
        named(code, *each)
        for each, (then, _) in pairwise(every)
        if each[0] in ATTRIBUTES and then in _ASKS_FOR_NONE
    }
    for index, (opcode, argument) in enumerate(every):
        if opcode in _BINDS_GLOBAL:
            return True
        if opcode in _BINDS_CELL:
            if cell_name(code, argument) in code.co_freevars:
                return True
        elif opcode in _BINDS_ATTRIBUTE:
            if index and _is_others(code, every[index - 1]):
                return True
            if code.co_names[argument] in asked and code.co_name != "__init__":
                return True
        elif opcode in PUTS or (opcode in ATTRIBUTES and named(code, *every[index]) in MUTATORS):
            # A container stands before the key, and what has it before its method.
            near = _KEY if opcode in PUTS else 2
            if any(index - near <= each < index for each in shared):
                return True
    return False


def _is_shared(code: CodeType, instruction: tuple[int, int]) -> bool:
    """Return whether an instruction loads a global, or what a closure shares."""
    opcode, argument = instruction
    if opcode in _SHARED:
        return cell_name(code, argument) in code.co_freevars
    return opcode in GLOBALS or _is_others(code, instruction)


def _is_others(code: CodeType, instruction: tuple[int, int]) -> bool:
    """Return whether an instruction loads what is neither local nor the method's own object."""
    opcode, argument = instruction
    if opcode in GLOBALS or opcode in _CALLS:
        return True
    if opcode in _SHARED:
        return cell_name(code, argument) in code.co_freevars
    if opcode in ATTRIBUTES:
        return named(code, opcode, argument) == "__class__"
    if opcode in _TWO_LOCALS:
        argument &= 15
    elif opcode not in LOCALS:
        return False
    # The class of a class method, or of a metaclass's.
    is_first = argument == 0 and code.co_argcount > 0 and "." in code.co_qualname
    return is_first and code.co_varnames[0] != "self"
