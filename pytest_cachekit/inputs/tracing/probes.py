"""Which functions ran, by probes woven into their bytecode.

Each function of the project gets four instructions at its start that store
its unit's identifier into one dictionary: about 15 ns a call, and nothing to
re-arm between tests. The source, line numbers, docstrings and cached bytecode
files are left alone; `Probes.weave` works on the code object of a module just
before it runs, whoever compiled it, so pytest's assertion rewriting needs no
special care.

CPython's bytecode is not a stable interface, so weaving is done only on
versions it is known for; `functions.py` chooses.
"""

from __future__ import annotations

import dis
import sys
from types import CodeType
from typing import Any

from .units import map_functions

KNOWN_VERSIONS = ((3, 11), (3, 12), (3, 13))
"""Versions of CPython whose bytecode this module knows."""

_RESUME = dis.opmap["RESUME"]
_LOAD_CONST = dis.opmap["LOAD_CONST"]
_EXTENDED_ARG = dis.opmap["EXTENDED_ARG"]
# STORE_SUBSCR is followed by one inline cache entry in all known versions.
_STORE_SUBSCR = bytes((dis.opmap["STORE_SUBSCR"], 0, 0, 0))
# Location table: "no location" for n code units is one byte, 0b1_1111_(n-1).
_NO_LOCATION = 0b1_1111_000


class Seen(dict[int, bool]):
    """Identifiers of units that ran; hashable, since constants of hashable code have to be."""

    __slots__ = ()
    __hash__ = object.__hash__  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        return self is other

    def __ne__(self, other: object) -> bool:
        return self is not other

    def __reduce__(self) -> tuple[Any, ...]:
        # A function pickled by value takes no notes where it is unpickled.
        return Seen, ()


class Probes:
    """Weaves probes and reads them."""

    def __init__(self) -> None:
        self._seen = Seen()

    def instrument(self, code: CodeType, enter: Any) -> CodeType:
        """Return the module's `code` with a probe in each function; `enter` numbers the units."""
        return map_functions(code, enter, self._weave)

    def drain(self) -> list[int]:
        """Return the units that ran since the last call."""
        seen = self._seen
        ran = list(seen)
        # Not clear(): another thread may have added one since.
        for unit in ran:
            seen.pop(unit, None)
        return ran

    def close(self) -> None:
        """Stop; what was woven stays in the functions, and is ignored."""
        self._seen.clear()

    def _weave(self, code: CodeType, unit: int) -> CodeType:
        first = len(code.co_consts)
        probe = b"".join(_load_const(first + offset) for offset in range(3)) + _STORE_SUBSCR
        raw = code.co_code
        start = _after_resume(raw)
        if start is None:
            return code
        return code.replace(
            co_code=raw[:start] + probe + raw[start:],
            co_consts=(*code.co_consts, True, self._seen, unit),
            co_stacksize=max(code.co_stacksize, 3),
            co_linetable=_shift_locations(code.co_linetable, start // 2, len(probe) // 2),
            co_exceptiontable=_shift_handlers(
                code.co_exceptiontable, start // 2, len(probe) // 2
            ),
        )


def _load_const(index: int) -> bytes:
    prefix = b""
    if index > 0xFF:
        prefix = bytes((_EXTENDED_ARG, (index >> 8) & 0xFF))
        if index > 0xFFFF:
            prefix = bytes((_EXTENDED_ARG, (index >> 16) & 0xFF)) + prefix
    return prefix + bytes((_LOAD_CONST, index & 0xFF))


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
    """Split one entry of a location table after `length` units; the second starts on the same line."""
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


def _shift_handlers(table: bytes, start: int, count: int) -> bytes:
    """Move the ranges and targets of an exception table by `count` units from unit `start` on."""
    if not table:
        return table
    out = bytearray()
    values = iter(_varints(table))
    for begin, length, target, depth in zip(values, values, values, values, strict=True):
        end = begin + length
        moved = begin + count if begin >= start else begin
        moved_end = end + count if end > start else end
        moved_target = target + count if target >= start else target
        fields = (moved, moved_end - moved, moved_target, depth)
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
