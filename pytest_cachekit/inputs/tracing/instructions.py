"""The instructions of CPython's bytecode: which do what, and those of code, one by one."""

from __future__ import annotations

import dis
from collections.abc import Iterator
from types import CodeType

_EXTENDED_ARG = dis.opmap["EXTENDED_ARG"]


def opcodes(*names: str) -> frozenset[int]:
    """Return the numbers of the operations called `names`, as far as this version has them."""
    return frozenset(dis.opmap[name] for name in names if name in dis.opmap)


BINDS = opcodes("STORE_GLOBAL", "DELETE_GLOBAL", "STORE_ATTR", "DELETE_ATTR")
BINDS_CELL = opcodes("STORE_DEREF")
PUTS = opcodes("STORE_SUBSCR", "DELETE_SUBSCR")
GLOBALS = opcodes("LOAD_GLOBAL", "LOAD_NAME")
ATTRIBUTES = opcodes("LOAD_ATTR", "LOAD_METHOD", "LOAD_SUPER_ATTR")
LOCALS = opcodes("LOAD_FAST", "LOAD_FAST_CHECK", "LOAD_FAST_BORROW")
TWO_LOCALS = opcodes("LOAD_FAST_LOAD_FAST", "LOAD_FAST_BORROW_LOAD_FAST_BORROW")
_CACHE = opcodes("CACHE")
_METHODS = opcodes("LOAD_METHOD")
# These hold the index of the name above one or two bits that say how it is called.
_SHIFTED: dict[int, int] = {}
if dis.opmap.get("LOAD_SUPER_ATTR") is not None:
    _SHIFTED[dis.opmap["LOAD_SUPER_ATTR"]] = 2
if "LOAD_METHOD" not in dis.opmap or dis.opmap["LOAD_METHOD"] > 255:
    _SHIFTED[dis.opmap["LOAD_ATTR"]] = 1
_SHIFTED[dis.opmap["LOAD_GLOBAL"]] = 1


def instructions_of(code: CodeType) -> Iterator[tuple[int, int]]:
    """Iterate over the instructions of `code`, nested code left out: operation and argument."""
    raw = code.co_code
    extended = 0
    for offset in range(0, len(raw), 2):
        opcode, argument = raw[offset], raw[offset + 1] | extended << 8
        if opcode == _EXTENDED_ARG:
            extended = argument
        else:
            extended = 0
            if opcode not in _CACHE:
                yield opcode, argument


def name_in(code: CodeType, opcode: int, argument: int) -> str:
    """Return the global, attribute or name that an instruction has."""
    return code.co_names[argument >> _SHIFTED.get(opcode, 0)]


def is_call(opcode: int, argument: int) -> bool:
    """Return whether an instruction loads something in order to call it."""
    return bool(opcode in _SHIFTED and argument & 1) or opcode in _METHODS
