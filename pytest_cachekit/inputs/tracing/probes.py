"""Which functions ran, by probes woven into their bytecode.

Each function of the project gets a few instructions at its start that set two
flags, its own and its module's: a few nanoseconds a call, and nothing to re-arm
between tests. The source, line numbers, docstrings and cached bytecode files are
left alone; weaving works on the code object of a module just before it runs,
whoever compiled it, so pytest's assertion rewriting needs no special care.

CPython's bytecode is not a stable interface, so weaving is done only on
versions it is known for; `functions.py` chooses.
"""

from __future__ import annotations

import dis
import operator
import sys
from collections.abc import Callable
from inspect import CO_ASYNC_GENERATOR, CO_COROUTINE, CO_GENERATOR
from itertools import compress
from types import CodeType
from typing import Any

from .units import Watch, map_functions, watch_none

KNOWN_VERSIONS = ((3, 11), (3, 12), (3, 13))
"""Versions of CPython whose bytecode this module knows."""

_RESUME = dis.opmap["RESUME"]
_LOAD_CONST = dis.opmap["LOAD_CONST"]
_STORE_ATTR = dis.opmap["STORE_ATTR"]
_PUSH_NULL = dis.opmap["PUSH_NULL"]
_CALL = dis.opmap["CALL"]
_EXTENDED_ARG = dis.opmap["EXTENDED_ARG"]
# STORE_ATTR is followed by four inline cache entries in all known versions.
_CACHES = bytes(8)
_CALL_CACHES = bytes(6 if sys.version_info >= (3, 12) else 8)
# What is on the stack of a generator's frame when it is made need not be there when it runs.
_SUSPENDED = CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR
_SLOT = "__cachekit_ran__"
# Location table: "no location" for n code units is one byte, 0b1_1111_(n-1).
_NO_LOCATION = 0b1_1111_000


class Flag:
    """Whether a unit, or any of a module, has run since it was last asked.

    It stands among the constants of code, which must be hashable; and storing
    into a slot is the cheapest store that bytecode has.
    """

    __slots__ = (_SLOT,)
    __cachekit_ran__: bool

    def __init__(self) -> None:
        self.__cachekit_ran__ = False

    def __reduce__(self) -> tuple[Any, ...]:
        """Make a new flag: a function pickled by value takes no notes where it is unpickled."""
        return Flag, ()


_is_raised = operator.attrgetter(_SLOT)


class Probes:
    """Weaves probes and reads them."""

    def __init__(self) -> None:
        self._modules: list[tuple[Flag, list[Flag], list[int]]] = []
        self._flags: list[Flag] = []
        """Those of the modules."""

    def instrument(
        self, code: CodeType, enter: Callable[[CodeType], int], watch: Watch = watch_none
    ) -> CodeType:
        """Return the module's `code` with a probe in each function.

        Args:
            code: a module's.
            enter: numbers the units.
            watch: returns what to call when a function with a code begins; what it returns
                is let go of when the function ends. None for a function that isn't watched.
        """
        module = Flag()
        units: dict[int, Flag] = {}

        def weave(function: CodeType, unit: int) -> CodeType:
            woven = _weave(function, module, units.setdefault(unit, Flag()))
            begin = watch(function, unit)
            return woven if begin is None else _guard(woven, begin)

        woven = map_functions(code, enter, weave)
        if units:
            self._modules.append((module, list(units.values()), list(units)))
            self._flags.append(module)
        return woven

    def drain(self) -> list[int]:
        """Return the units that ran since the last call."""
        ran: list[int] = []
        for module, flags, units in compress(self._modules, map(_is_raised, self._flags)):
            # Lowered first: a thread that raises it now is seen the next time.
            module.__cachekit_ran__ = False
            raised = list(map(_is_raised, flags))
            for flag in compress(flags, raised):
                flag.__cachekit_ran__ = False
            ran += compress(units, raised)
        return ran

    def close(self) -> None:
        """Stop; what was woven stays in the functions, and is ignored."""
        self._modules.clear()
        self._flags.clear()


def _guard(code: CodeType, begin: Callable[[], object]) -> CodeType:
    """Return `code` that first calls `begin`, and holds what it returns for as long as it runs.

    That lies below all else on the stack of the frame, which lets go of it on every way out.
    """
    raw = code.co_code
    start = _after_resume(raw)
    if start is None or code.co_flags & _SUSPENDED:
        return code
    load = _instruction(_LOAD_CONST, len(code.co_consts))
    null = _instruction(_PUSH_NULL, 0)
    if sys.version_info >= (3, 13):
        call = load + null
    elif sys.version_info >= (3, 12):
        call = null + load
    else:
        call = null + load + _instruction(dis.opmap["PRECALL"], 0) + bytes(2)
    call += _instruction(_CALL, 0) + _CALL_CACHES
    table = _shift_handlers(code.co_exceptiontable, start // 2, len(call) // 2, deeper=1)
    return code.replace(
        co_code=raw[:start] + call + raw[start:],
        co_consts=(*code.co_consts, begin),
        co_stacksize=max(code.co_stacksize + 1, 2),
        co_linetable=_shift_locations(code.co_linetable, start // 2, len(call) // 2),
        co_exceptiontable=table,
    )


def _weave(code: CodeType, module: Flag, unit: Flag) -> CodeType:
    raw = code.co_code
    start = _after_resume(raw)
    if start is None:
        return code
    first, slot = len(code.co_consts), len(code.co_names)
    store = _instruction(_STORE_ATTR, slot) + _CACHES
    probe = (
        _instruction(_LOAD_CONST, first)
        + _instruction(_LOAD_CONST, first + 1)
        + store
        + _instruction(_LOAD_CONST, first)
        + _instruction(_LOAD_CONST, first + 2)
        + store
    )
    return code.replace(
        co_code=raw[:start] + probe + raw[start:],
        # The unit's before the module's, so that a raised module always shows a raised unit.
        co_consts=(*code.co_consts, True, unit, module),
        co_names=(*code.co_names, _SLOT),
        co_stacksize=max(code.co_stacksize, 2),
        co_linetable=_shift_locations(code.co_linetable, start // 2, len(probe) // 2),
        co_exceptiontable=_shift_handlers(code.co_exceptiontable, start // 2, len(probe) // 2),
    )


def _instruction(opcode: int, argument: int) -> bytes:
    prefix = b""
    for shift in (16, 8):
        if argument >> shift:
            prefix += bytes((_EXTENDED_ARG, argument >> shift & 0xFF))
    return prefix + bytes((opcode, argument & 0xFF))


def _after_resume(raw: bytes) -> int | None:
    for offset in range(0, len(raw), 2):
        if raw[offset] == _RESUME:
            return offset + 2
    return None


def _shift_locations(table: bytes, start: int, count: int) -> bytes:
    """Insert `count` units without a location at unit `start` of a location table (PEP 657)."""
    fresh = b""
    while count > 0:
        step = min(count, 8)
        fresh += bytes((_NO_LOCATION | (step - 1),))
        count -= step
    position = offset = 0
    while offset < len(table) and position < start:
        end = offset + 1
        while end < len(table) and not table[end] & 0x80:
            end += 1
        length = (table[offset] & 7) + 1
        if position + length > start:
            head, tail = _split_location(table[offset:end], start - position)
            return table[:offset] + head + fresh + tail + table[end:]
        position += length
        offset = end
    return table[:offset] + fresh + table[offset:]


def _split_location(entry: bytes, length: int) -> tuple[bytes, bytes]:
    """Split an entry of a location table after `length` units; the rest stays on the same line."""
    code = (entry[0] >> 3) & 15
    rest = (entry[0] & 7) + 1 - length
    payload = entry[1:]
    same_line = payload
    if 10 <= code <= 12:
        code = 10
    elif code in (13, 14):
        # These begin with the line's difference, a varint of six bits a byte.
        skip = 1
        while payload[skip - 1] & 64:
            skip += 1
        same_line = bytes(1) + payload[skip:]
    return (
        bytes((entry[0] & 0xF8 | (length - 1),)) + payload,
        bytes((0x80 | code << 3 | (rest - 1),)) + same_line,
    )


def _shift_handlers(table: bytes, start: int, count: int, deeper: int = 0) -> bytes:
    """Move the ranges and targets of an exception table by `count` units from unit `start` on.

    Handlers find `deeper` more values on the stack.
    """
    if not table:
        return table
    out = bytearray()
    values = iter(_varints(table))
    for begin, length, target, depth in zip(values, values, values, values, strict=True):
        end = begin + length
        moved = begin + count if begin >= start else begin
        moved_end = end + count if end > start else end
        moved_target = target + count if target >= start else target
        # The lowest bit of the depth is a flag.
        fields = (moved, moved_end - moved, moved_target, depth + 2 * deeper)
        for position, value in enumerate(fields):
            out += _varint(value, first=position == 0)
    return bytes(out)


def _varints(table: bytes) -> list[int]:
    values: list[int] = []
    value, continues = 0, False
    for byte in table:
        value = (value << 6 if continues else 0) | (byte & 63)
        continues = bool(byte & 64)
        if not continues:
            values.append(value)
    return values


def _varint(value: int, *, first: bool) -> bytes:
    digits = [value & 63]
    value >>= 6
    while value:
        digits.append((value & 63) | 64)
        value >>= 6
    digits.reverse()
    if first:
        digits[0] |= 128
    return bytes(digits)


def is_known() -> bool:
    """Return whether this interpreter's bytecode is one that can be woven into."""
    return sys.implementation.name == "cpython" and sys.version_info[:2] in KNOWN_VERSIONS
