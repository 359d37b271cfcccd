"""Which functions ran, by probes woven into their bytecode.

Each function of the project gets a few instructions at its start that set two
flags, its own and that of its bank of functions: a few nanoseconds a call, and nothing to
re-arm between tests. The source, line numbers, docstrings and cached bytecode files are
left alone; weaving works on the code object of a module just before it runs,
whoever compiled it, so pytest's assertion rewriting needs no special care.

CPython's bytecode is not a stable interface, so weaving is done only on
versions it is known for; `functions.py` chooses.
"""

from __future__ import annotations

import dis
import sys
from collections.abc import Callable
from inspect import CO_ASYNC_GENERATOR, CO_COROUTINE, CO_GENERATOR
from types import CodeType

from .flags import Bank, Flag, take
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
# Location table: "no location" for n code units is one byte, 0b1_1111_(n-1).
_NO_LOCATION = 0b1_1111_000


class Probes:
    """Weaves probes and reads them."""

    def __init__(self) -> None:
        self._banks: list[Bank[Bank[int]]] = []
        """Banks whose flags stand for banks of units."""

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
        flags: dict[int, tuple[Flag, Flag]] = {}
        banks: list[tuple[Bank[int], Flag]] = []

        def weave(function: CodeType, unit: int) -> CodeType:
            if unit not in flags:
                if not banks or banks[-1][0].is_full:
                    banks.append(self._new_bank())
                bank, of_bank = banks[-1]
                flags[unit] = bank.add(unit), of_bank
            woven = _weave(function, *flags[unit])
            begin = watch(function, unit)
            return woven if begin is None else _guard(woven, begin)

        return map_functions(code, enter, weave)

    def _new_bank(self) -> tuple[Bank[int], Flag]:
        if not self._banks or self._banks[-1].is_full:
            self._banks.append(Bank())
        bank = Bank[int]()
        return bank, self._banks[-1].add(bank)

    def drain(self) -> list[int]:
        """Return the units that ran since the last call."""
        # Banks are lowered first: what a thread raises now is seen the next time.
        return take(take(self._banks))

    def close(self) -> None:
        """Stop; what was woven stays in the functions, and is ignored."""
        self._banks.clear()


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


def _weave(code: CodeType, unit: Flag, bank: Flag) -> CodeType:
    """Return `code` that first raises two flags.

    The bank's comes last, so that a raised one always shows a raised unit.
    """
    raw = code.co_code
    start = _after_resume(raw)
    if start is None:
        return code
    constant, slot = len(code.co_consts), len(code.co_names)
    probe = b"".join(
        _instruction(_LOAD_CONST, constant)
        + _instruction(_LOAD_CONST, constant + 1 + position)
        + _instruction(_STORE_ATTR, slot + position)
        + _CACHES
        for position in range(2)
    )
    return code.replace(
        co_code=raw[:start] + probe + raw[start:],
        co_consts=(*code.co_consts, True, unit[0], bank[0]),
        co_names=(*code.co_names, unit[1], bank[1]),
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
