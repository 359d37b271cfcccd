"""Whether code gives what a name stands for to others, read from its instructions."""

from __future__ import annotations

import dis
from itertools import pairwise
from types import CodeType

from .instructions import (
    ATTRIBUTES,
    BINDS,
    CONSTANTS,
    GLOBALS,
    LOCALS,
    NULLS,
    PUTS,
    SHIFTED,
    TWO_LOCALS,
    Instructions,
    instructions,
    named,
    opcodes,
    uses,
)
from .names import MUTATORS
from .units import nested, whole

_BINDS_IN_CLASS = opcodes("STORE_NAME")
_BINDS_LOCAL_AND_MORE = opcodes("STORE_FAST_LOAD_FAST", "STORE_FAST_STORE_FAST")
_BINDS_LOCAL = opcodes("STORE_FAST") | _BINDS_LOCAL_AND_MORE
_CALLS = opcodes("CALL", "PRECALL")
_METHODS = opcodes("LOAD_METHOD")
# Functions that look at what they are given, or copy it; pytest puts the last two into assertions.
_OF_CLASSES = frozenset({"isinstance", "issubclass"})
_ASKING = frozenset(
    {"all", "any", "bool", "dict", "enumerate", "frozenset", "hash", "id", "iter", "len", "list",
     "max", "min", "repr", "reversed", "set", "sorted", "str", "sum", "tuple", "type"}
)  # fmt: skip
SHOWS_FOR_PYTEST = frozenset({"_saferepr", "_should_repr_global_name"})
# It is called with operators, results, texts, and the values that were compared.
_COMPARES_FOR_PYTEST = "_call_reprcompare"
_COMPARED_BY = 4
_TUPLES = opcodes("BUILD_TUPLE")
ASKS = opcodes("GET_ITER", "TO_BOOL", "UNARY_NOT") | frozenset(
    opcode for name, opcode in dis.opmap.items() if name.startswith("POP_JUMP_")
)
_CHANGING = MUTATORS | {
    "__delitem__", "__setitem__", "difference_update", "extendleft", "intersection_update",
    "move_to_end", "popleft", "reverse", "rotate", "sort", "subtract",
    "symmetric_difference_update",
}  # fmt: skip
_CHANGING_CALLS = frozenset(
    {"delitem", "heapify", "heappop", "heappush", "heappushpop", "heapreplace", "insort",
     "insort_left", "insort_right", "setitem", "shuffle"}
)  # fmt: skip
_PUTS = PUTS | opcodes("STORE_SLICE")
_OPERATIONS = opcodes("BINARY_OP")
_IN_PLACE = 13
# The first of the operations that change their left operand, if it can be.
_COMPARES = opcodes("CONTAINS_OP", "COMPARE_OP", "IS_OP")
_STAYS = ATTRIBUTES | BINDS | ASKS | _COMPARES | opcodes("POP_TOP")
_LOADS = LOCALS | GLOBALS | CONSTANTS | NULLS | TWO_LOCALS | opcodes("LOAD_DEREF")
# How many values these take from the stack, and below how many of them the container stands.
_TAKES = {
    dis.opmap[name]: count
    for name, count in (
        ("BINARY_SUBSCR", 2), ("BINARY_OP", 2), ("BINARY_SLICE", 3), ("COMPARE_OP", 2),
        ("CONTAINS_OP", 2), ("DELETE_SUBSCR", 2), ("IS_OP", 2), ("STORE_SUBSCR", 3),
    )
    if name in dis.opmap
}  # fmt: skip
_LOOKS_BELOW = {(opcode, 1) for opcode in opcodes("BINARY_SUBSCR") | PUTS} | {
    (opcode, 2) for opcode in opcodes("BINARY_SLICE")
}
# Python 3.11 takes the values of a call in two steps.
_TAKES_ALL = frozenset[int]() if "PRECALL" in dis.opmap else opcodes("CALL")


def hands_on(code: CodeType, name: str) -> bool:
    """Return whether `code` gives what `name` stands for to others, or another name."""
    every, having = uses(code, name)
    every = (*every, (0, 0))
    for index in having:
        opcode = every[index][0]
        then, argument = every[index + 1]
        is_called = (opcode in SHIFTED and every[index][1] & 1) or opcode in _METHODS
        if is_called or opcode in BINDS or opcode in _BINDS_IN_CLASS or then in _STAYS:
            continue
        if _is_looked_into(every, index) or _is_shown(code, every, index):
            continue
        # Where pytest rewrote an assertion, it holds each part of it under a name.
        held = argument >> 4 if then in _BINDS_LOCAL_AND_MORE else argument
        if then in _BINDS_LOCAL and code.co_varnames[held].startswith("@py_"):
            continue
        before = index - (opcode in ATTRIBUTES)
        if then in _CALLS and _only_asks(code, every[:before], argument):
            continue
        return True
    return any(hands_on(inner, name) for _, inner in nested(code))


def changes_contents(code: CodeType) -> bool:
    """Return whether `code` may change what a container holds that it has under any name."""
    return any(map(_changes_some, whole(code)))


def _changes_some(code: CodeType) -> bool:
    if not _PUTS.isdisjoint(code.co_code[::2]) or not _CHANGING_CALLS.isdisjoint(code.co_names):
        return True
    before = (0, 0)
    for opcode, argument in instructions(code):
        if opcode in _OPERATIONS and argument >= _IN_PLACE:
            return True
        if opcode in ATTRIBUTES and named(code, opcode, argument) in _CHANGING:
            owner, local = before
            local = local & 15 if owner in _BINDS_LOCAL_AND_MORE | TWO_LOCALS else local
            is_local = owner in LOCALS | _BINDS_LOCAL_AND_MORE | TWO_LOCALS
            # Where pytest rewrote an assertion, it collects what to say of it.
            if not (is_local and code.co_varnames[local].startswith("@py_")):
                return True
        before = (opcode, argument)
    return False


def _only_asks(code: CodeType, before: Instructions, count: int) -> bool:
    """Return whether what is called with a value, the last of `count`, keeps it as it is."""
    names = _ASKING if count == 1 else _OF_CLASSES
    if count == 2 and before and before[-1][0] in LOCALS:
        before = before[:-1]
    elif count != 1:
        return False
    while before and before[-1][0] in NULLS:
        before = before[:-1]
    opcode, argument = before[-1] if before else (0, 0)
    if opcode in ATTRIBUTES:
        # A method may be called as a builtin is.
        names = SHOWS_FOR_PYTEST
    elif opcode not in GLOBALS:
        return False
    return named(code, opcode, argument) in names


def _is_shown(code: CodeType, every: Instructions, index: int) -> bool:
    """Return whether a value is given to pytest, to tell how an assertion that compares failed."""
    if _COMPARES_FOR_PYTEST not in code.co_names:
        return False
    for (opcode, count), (then, argument) in pairwise(every[index + 1 :]):
        if opcode in _TUPLES:
            return count > 1 and then in _CALLS and argument == _COMPARED_BY
        if opcode not in _LOADS:
            return False
    return False


def _is_looked_into(every: Instructions, index: int) -> bool:
    """Return whether the value that instruction `index` loads is just asked for an element.

    It may also be given one, or be compared. What stands between must be plain loads and calls.
    """
    above = 0
    for opcode, argument in every[index + 1 :]:
        takes = argument + 2 if opcode in _TAKES_ALL else _TAKES.get(opcode, 0)
        if takes > above:
            return opcode in _COMPARES or (opcode, above) in _LOOKS_BELOW
        is_plain = takes or opcode in _LOADS or (opcode in ATTRIBUTES and above > 0)
        if not is_plain:
            return False
        above += dis.stack_effect(opcode, argument if opcode >= dis.HAVE_ARGUMENT else None)
    return False
