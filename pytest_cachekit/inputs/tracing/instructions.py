"""The instructions of code, as far as they tell which names it uses."""

from __future__ import annotations

import dis
from functools import cache, lru_cache
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
_CACHE = dis.opmap["CACHE"]
_NAMES = frozenset(dis.hasname)
# These hold the index of the name above one or two bits that say how it is called.
SHIFTED: dict[int, int] = {}
if dis.opmap.get("LOAD_SUPER_ATTR") is not None:
    SHIFTED[dis.opmap["LOAD_SUPER_ATTR"]] = 2
if "LOAD_METHOD" not in dis.opmap or dis.opmap["LOAD_METHOD"] > 255:
    SHIFTED[dis.opmap["LOAD_ATTR"]] = 1
SHIFTED[dis.opmap["LOAD_GLOBAL"]] = 1


Instructions = tuple[tuple[int, int], ...]
"""Operations, each with its argument."""


def instructions(code: CodeType) -> Instructions:
    """Return the operations of `code`, nested code left out."""
    return _decoded(code.co_code)


@lru_cache(maxsize=8192)
def _decoded(raw: bytes) -> Instructions:
    # Many ask for the same, and there are few that differ.
    found = [_shared(each) for each in zip(raw[::2], raw[1::2], strict=True) if each[0] != _CACHE]
    if _EXTENDED_ARG not in raw[::2]:
        return tuple(found)
    extended = 0
    whole = list[tuple[int, int]]()
    for opcode, argument in found:
        extended = argument | extended << 8
        if opcode != _EXTENDED_ARG:
            whole.append((opcode, extended))
            extended = 0
    return tuple(whole)


@cache
def _shared(instruction: tuple[int, int]) -> tuple[int, int]:
    return instruction


def named(code: CodeType, opcode: int, argument: int) -> str:
    """Return the name that an operation of `code` has, one of those that have names."""
    return code.co_names[argument >> SHIFTED.get(opcode, 0)]


def uses(code: CodeType, name: str) -> tuple[Instructions, list[int]]:
    """Return the operations of `code`, nested code left out, and which of them have `name`.

    Returns:
        None of either where `code` doesn't name it.
    """
    if name not in code.co_names:
        return (), []
    every = instructions(code)
    return every, [
        index
        for index, (opcode, argument) in enumerate(every)
        if opcode in _NAMES and named(code, opcode, argument) == name
    ]
