"""The instructions of code, as far as they tell which names it uses."""

from __future__ import annotations

import dis
from collections.abc import Iterator
from functools import lru_cache
from types import CodeType

_EXTENDED_ARG = dis.opmap["EXTENDED_ARG"]


def opcodes(*names: str) -> frozenset[int]:
    """Return the operations with `names`, those that this Python has."""
    return frozenset(dis.opmap[name] for name in names if name in dis.opmap)


BINDS = opcodes("STORE_GLOBAL", "DELETE_GLOBAL", "STORE_ATTR", "DELETE_ATTR")
NULLS = opcodes("PUSH_NULL")
PUTS = opcodes("STORE_SUBSCR", "DELETE_SUBSCR")
GLOBALS = opcodes("LOAD_GLOBAL", "LOAD_NAME")
ATTRIBUTES = opcodes("LOAD_ATTR", "LOAD_METHOD", "LOAD_SUPER_ATTR")
CONSTANTS = opcodes("LOAD_CONST")
IMPORTS = opcodes("IMPORT_NAME")
IMPORTS_FROM = opcodes("IMPORT_FROM")
LOCALS = opcodes("LOAD_FAST", "LOAD_FAST_CHECK", "LOAD_FAST_BORROW")
TWO_LOCALS = opcodes("LOAD_FAST_LOAD_FAST", "LOAD_FAST_BORROW_LOAD_FAST_BORROW")
_CACHE = opcodes("CACHE")
_NAMES = frozenset(dis.hasname)
# These hold the index of the name above one or two bits that say how it is called.
SHIFTED: dict[int, int] = {}
if dis.opmap.get("LOAD_SUPER_ATTR") is not None:
    SHIFTED[dis.opmap["LOAD_SUPER_ATTR"]] = 2
if "LOAD_METHOD" not in dis.opmap or dis.opmap["LOAD_METHOD"] > 255:
    SHIFTED[dis.opmap["LOAD_ATTR"]] = 1
SHIFTED[dis.opmap["LOAD_GLOBAL"]] = 1


def instructions(raw: bytes) -> Iterator[tuple[int, int]]:
    """Iterate over the operations in `raw` code, each with its argument."""
    extended = 0
    for offset in range(0, len(raw), 2):
        opcode, argument = raw[offset], raw[offset + 1] | extended << 8
        if opcode == _EXTENDED_ARG:
            extended = argument
        else:
            extended = 0
            if opcode not in _CACHE:
                yield opcode, argument


@lru_cache(maxsize=4096)
def _all_of(raw: bytes) -> tuple[tuple[int, int], ...]:
    return tuple(instructions(raw))


def uses(code: CodeType, name: str) -> tuple[list[tuple[int, int]], list[int]]:
    """Return the operations of `code`, nested code left out, and which of them have `name`.

    Returns:
        None of either where `code` doesn't name it.
    """
    if name not in code.co_names:
        return [], []
    every = list(_all_of(code.co_code))
    return every, [
        index
        for index, (opcode, argument) in enumerate(every)
        if opcode in _NAMES and code.co_names[argument >> SHIFTED.get(opcode, 0)] == name
    ]
