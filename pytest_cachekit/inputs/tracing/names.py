"""Which names code uses, and how: read from its instructions, without running it."""

from __future__ import annotations

import dis
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import CodeType, ModuleType
from typing import Any

from .units import is_function, nested

_EXTENDED_ARG = dis.opmap["EXTENDED_ARG"]


def _opcodes(*names: str) -> frozenset[int]:
    return frozenset(dis.opmap[name] for name in names if name in dis.opmap)


_BINDS = _opcodes("STORE_GLOBAL", "DELETE_GLOBAL", "STORE_ATTR", "DELETE_ATTR")
_BINDS_CELL = _opcodes("STORE_DEREF")
_PUTS = _opcodes("STORE_SUBSCR", "DELETE_SUBSCR")
_GLOBALS = _opcodes("LOAD_GLOBAL", "LOAD_NAME")
_ATTRIBUTES = _opcodes("LOAD_ATTR", "LOAD_METHOD", "LOAD_SUPER_ATTR")
_LOCALS = _opcodes("LOAD_FAST", "LOAD_FAST_CHECK", "LOAD_FAST_BORROW")
_TWO_LOCALS = _opcodes("LOAD_FAST_LOAD_FAST", "LOAD_FAST_BORROW_LOAD_FAST_BORROW")
_CACHE = _opcodes("CACHE")
_NAMES = frozenset(dis.hasname)
_BINDS_IN_CLASS = _opcodes("STORE_NAME")
_BINDS_ATTRIBUTE = _opcodes("STORE_ATTR")
_LOADS_NAMED = _opcodes("LOAD_GLOBAL", "LOAD_ATTR")
_LOADS_KEY = _opcodes("LOAD_GLOBAL", "LOAD_CONST", "LOAD_FAST", "LOAD_FAST_CHECK", "LOAD_DEREF")
_SUBSCRIPTS = _opcodes("BINARY_SUBSCR")
_LOOKS = _SUBSCRIPTS | _PUTS | _opcodes("CONTAINS_OP", "COMPARE_OP", "IS_OP")
_BINDS_LOCAL_AND_MORE = _opcodes("STORE_FAST_LOAD_FAST", "STORE_FAST_STORE_FAST")
_BINDS_LOCAL = _opcodes("STORE_FAST") | _BINDS_LOCAL_AND_MORE
_CALLS = _opcodes("CALL", "PRECALL")
_METHODS = _opcodes("LOAD_METHOD")
_NULLS = _opcodes("PUSH_NULL")
# Functions that look at what they are given; pytest puts the latter into assertions.
_OF_CLASSES = frozenset({"isinstance", "issubclass"})
_ASKING = frozenset({"len"})
_ASKING_OF_PYTEST = frozenset({"_saferepr", "_should_repr_global_name"})
_ASKS = _opcodes("GET_ITER", "TO_BOOL", "UNARY_NOT") | frozenset(
    opcode for name, opcode in dis.opmap.items() if name.startswith("POP_JUMP_")
)
_STAYS = _ATTRIBUTES | _BINDS | _ASKS | _opcodes("CONTAINS_OP", "COMPARE_OP", "IS_OP", "POP_TOP")
# These hold the index of the name above one or two bits that say how it is called.
_SHIFTED: dict[int, int] = {}
if dis.opmap.get("LOAD_SUPER_ATTR") is not None:
    _SHIFTED[dis.opmap["LOAD_SUPER_ATTR"]] = 2
if "LOAD_METHOD" not in dis.opmap or dis.opmap["LOAD_METHOD"] > 255:
    _SHIFTED[dis.opmap["LOAD_ATTR"]] = 1
_SHIFTED[dis.opmap["LOAD_GLOBAL"]] = 1

_MUTATORS = frozenset(
    {
        "add", "append", "appendleft", "clear", "discard", "extend", "insert", "pop", "popitem",
        "remove", "setdefault", "update",
    }
)  # fmt: skip
# A name is changed if it is loaded this close before the instruction that changes what it holds.
_NEAR = 6


@dataclass
class UsedNames:
    """The names that a function and all that is nested in it use."""

    loaded: set[str] = field(default_factory=set)
    """Globals, and attributes of anything but modules of others: what it may call."""
    changed: set[str] = field(default_factory=set)
    """Globals and attributes that it binds, or whose contents it changes."""
    changes_unnamed: bool = False
    """Whether it changes the contents of something that it has by another name."""


def used_names(code: CodeType, namespace: Mapping[str, Any], project: frozenset[str]) -> UsedNames:
    """Return the names that `code` uses.

    Args:
        code: a function's code.
        namespace: the globals of its module.
        project: dotted names of the project's modules.
    """
    used = UsedNames()
    _scan(code, namespace, project, used)
    return used


def _scan(
    code: CodeType,
    namespace: Mapping[str, Any],
    project: frozenset[str],
    used: UsedNames,
    *,
    whole: bool = True,
) -> None:
    recent: list[str | None] = []
    foreign = False
    for opcode, argument in _instructions(code.co_code):
        if opcode in _GLOBALS:
            name = code.co_names[argument >> _SHIFTED.get(opcode, 0)]
            value = namespace.get(name)
            foreign = isinstance(value, ModuleType) and value.__name__ not in project
            used.loaded.add(name)
            recent.append(name)
        elif opcode in _ATTRIBUTES:
            name = code.co_names[argument >> _SHIFTED.get(opcode, 0)]
            if not foreign:
                used.loaded.add(name)
            if name in _MUTATORS:
                _changes(used, recent[-1:])
            recent.append(name)
        elif opcode in _BINDS:
            used.changed.add(code.co_names[argument])
            foreign = False
            recent.append(None)
        elif opcode in _BINDS_CELL:
            used.changed.add(_cell_name(code, argument))
            foreign = False
            recent.append(None)
        elif opcode in _PUTS:
            _changes(used, recent[-_NEAR:])
            foreign = False
            recent.append(None)
        else:
            foreign = False
            recent.append(None)
    if not whole:
        return
    for _, inner in nested(code):
        _scan(inner, namespace, project, used)


def _changes(used: UsedNames, recent: list[str | None]) -> None:
    named = {name for name in recent if name is not None}
    used.changed |= named
    if not named:
        used.changes_unnamed = True


def _cell_name(code: CodeType, index: int) -> str:
    """Return the name of a variable that a closure shares, by its place among all variables."""
    cells = [name for name in code.co_cellvars if name not in code.co_varnames]
    return (*code.co_varnames, *cells, *code.co_freevars)[index]


def changed_at_import(code: CodeType) -> set[str]:
    """Return the names that a module's import-time `code` binds or changes, classes included."""
    used = UsedNames()
    for part in import_time_parts(code):
        _scan(part, {}, frozenset(), used, whole=False)
    return used.changed


def import_time_parts(code: CodeType) -> Iterator[CodeType]:
    """Iterate over a module's code and that of its classes and comprehensions."""
    yield code
    for _, inner in nested(code):
        if not is_function(inner):
            yield from import_time_parts(inner)


def _instructions(raw: bytes) -> Iterator[tuple[int, int]]:
    extended = 0
    for offset in range(0, len(raw), 2):
        opcode, argument = raw[offset], raw[offset + 1] | extended << 8
        if opcode == _EXTENDED_ARG:
            extended = argument
        else:
            extended = 0
            if opcode not in _CACHE:
                yield opcode, argument


def code_names(code: CodeType) -> frozenset[str]:
    """Return all names in `code` and what is nested in it, but for local ones.

    These are globals, attributes, methods, and what nested functions share.
    """
    names = {*code.co_names, *code.co_cellvars}
    for _, inner in nested(code):
        names |= code_names(inner)
    return frozenset(names)


def only_binds(code: CodeType, name: str) -> bool:
    """Return whether `code`, nested code left out, uses `name` for nothing but to bind it."""
    return name not in code.co_cellvars and all(
        opcode in _BINDS_IN_CLASS for _, opcode in _uses(code, name)
    )


def only_looks_up(code: CodeType, name: str) -> bool:
    """Return whether a function that uses `name` can't tell an empty value in it from none.

    It looks up what stands there for a key, and asks whether that is true, or iterates over it.
    """
    instructions = list(_instructions(code.co_code))
    for index, opcode in _uses(code, name):
        key, subscript, then = (
            each for each, _ in (*instructions[index + 1 : index + 4], (0, 0), (0, 0), (0, 0))[:3]
        )
        looks_up = opcode in _LOADS_NAMED and key in _LOADS_KEY and subscript in _SUBSCRIPTS
        if not (looks_up and then in _ASKS) and opcode not in _BINDS_IN_CLASS | _BINDS_ATTRIBUTE:
            return False
    return name not in code.co_cellvars and all(
        only_looks_up(inner, name) for _, inner in nested(code)
    )


def hands_on(code: CodeType, name: str) -> bool:
    """Return whether `code` gives what `name` stands for to others, or another name."""
    instructions = [*_instructions(code.co_code), (0, 0), (0, 0)]
    for index, opcode in _uses(code, name):
        (then, argument), (second, _) = instructions[index + 1 : index + 3]
        is_called = (opcode in _SHIFTED and instructions[index][1] & 1) or opcode in _METHODS
        if is_called or opcode in _BINDS or opcode in _BINDS_IN_CLASS or then in _STAYS:
            continue
        if then in _LOADS_KEY and second in _LOOKS:
            continue
        # Where pytest rewrote an assertion, it holds each part of it under a name.
        held = argument >> 4 if then in _BINDS_LOCAL_AND_MORE else argument
        if then in _BINDS_LOCAL and code.co_varnames[held].startswith("@py_"):
            continue
        before = instructions[: index - (opcode in _ATTRIBUTES)]
        if then in _CALLS and _only_asks(code, before, argument):
            continue
        return True
    return any(hands_on(inner, name) for _, inner in nested(code))


def _only_asks(code: CodeType, before: list[tuple[int, int]], count: int) -> bool:
    """Return whether what is called with a value, the last of `count`, keeps it as it is."""
    names = _ASKING if count == 1 else _OF_CLASSES
    if count == 2 and before and before[-1][0] in _LOCALS:
        del before[-1]
    elif count != 1:
        return False
    while before and before[-1][0] in _NULLS:
        del before[-1]
    opcode, argument = before[-1] if before else (0, 0)
    if opcode in _ATTRIBUTES:
        # A method may be called as a builtin is.
        names = _ASKING_OF_PYTEST
    elif opcode not in _GLOBALS:
        return False
    return code.co_names[argument >> _SHIFTED.get(opcode, 0)] in names


def _uses(code: CodeType, name: str) -> Iterator[tuple[int, int]]:
    """Iterate over the instructions of `code` that have `name`: number and operation."""
    if name in code.co_names:
        for index, (opcode, argument) in enumerate(_instructions(code.co_code)):
            shift = _SHIFTED.get(opcode, 0)
            if opcode in _NAMES and code.co_names[argument >> shift] == name:
                yield index, opcode


def code_constants(code: CodeType) -> frozenset[object]:
    """Return the constants of `code` and of what is nested in it that are or may hold strings."""
    found: set[object] = {
        constant for constant in code.co_consts if isinstance(constant, (str, tuple, frozenset))
    }
    for _, inner in nested(code):
        found |= code_constants(inner)
    return frozenset(found)


def spelled(code: CodeType) -> set[object]:
    """Return the strings in `code` and what is nested in it, and what its tuples hold."""
    found: set[object] = set()
    for constant in code_constants(code):
        found.update((constant,) if isinstance(constant, str) else _flat(constant))
    return found


def _flat(constant: object) -> Iterator[object]:
    for each in constant if isinstance(constant, (tuple, frozenset)) else (constant,):
        yield from (each,) if not isinstance(each, (tuple, frozenset)) else _flat(each)


def looks_into_others(code: CodeType) -> bool:
    """Return whether `code`, or what is nested in it, asks for a namespace that isn't `self`'s."""
    before: int | None = None
    for opcode, argument in _instructions(code.co_code):
        if opcode in _ATTRIBUTES:
            name = code.co_names[argument >> _SHIFTED.get(opcode, 0)]
            if name == "__dict__" and (
                before is None or code.co_varnames[before : before + 1] != ("self",)
            ):
                return True
        before = argument if opcode in _LOCALS else None
        if opcode in _TWO_LOCALS:
            before = argument & 15
    return any(looks_into_others(inner) for _, inner in nested(code))
