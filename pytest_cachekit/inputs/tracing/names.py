"""Which names code uses, and how: read from its instructions, without running it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import CodeType, ModuleType
from typing import Any

from ..own_kind import is_a
from .instructions import (
    ATTRIBUTES,
    BINDS,
    CONSTANTS,
    GLOBALS,
    IMPORTS_FROM,
    LOCALS,
    PUTS,
    TWO_LOCALS,
    instructions,
    named,
    opcodes,
)
from .units import is_function, nested, whole

_BINDS_CELL = opcodes("STORE_DEREF")

_RUNS_STRINGS = frozenset({"eval", "exec"})
_SETTING = frozenset({"delattr", "globals", "setattr", "vars"})
_GETTING = _SETTING | {"getattr", "hasattr"}
_SETTING_OF_OBJECTS = frozenset({"__dict__", "__setattr__"})
# What code names that gets or sets attributes or globals by names in strings.

_NAME = re.compile(r"[^\W\d]\w*")

MUTATORS = frozenset(
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
    variables: set[str] = field(default_factory=set)
    """Those that it loads by themselves: globals."""
    attributes: set[str] = field(default_factory=set)
    """Those that it loads of something else."""
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
    if sets_by_strings(code) or runs_strings(code):
        used.changed |= names_by_strings(code)
    return used


def names_by_strings(code: CodeType) -> frozenset[str]:
    """Return what strings in `code` may name, where it gets or sets something by a string."""
    if runs_strings(code):
        strings = (each for part in whole(code) for each in _used_strings(part))
        return frozenset(name for each in strings for name in _NAME.findall(each))
    if not _reflects(code, _GETTING):
        return frozenset()
    strings = (each for each in spelled(code) if isinstance(each, str))
    return frozenset(each for each in strings if each.isidentifier())


def _used_strings(code: CodeType) -> Iterator[str]:
    """Iterate over the strings in `code` that are not its documentation."""
    loaded = {argument for opcode, argument in instructions(code) if opcode in CONSTANTS}
    for index, constant in enumerate(code.co_consts):
        if index or index in loaded:
            yield from (each for each in flat(constant) if isinstance(each, str))


def runs_strings(code: CodeType) -> bool:
    """Return whether `code`, or what is nested in it, runs code that is in no file."""
    return any(not _RUNS_STRINGS.isdisjoint(part.co_names) for part in whole(code))


def sets_by_strings(code: CodeType) -> bool:
    """Return whether `code`, or what is nested in it, may set something by a string."""
    return _reflects(code, _SETTING)


def _reflects(code: CodeType, functions: frozenset[str]) -> bool:
    if not _SETTING_OF_OBJECTS.isdisjoint(code.co_names):
        return True
    # A method may be called as a function is: that of pytest's monkeypatch undoes what it did.
    if not functions.isdisjoint(code.co_names):
        for opcode, argument in instructions(code):
            if opcode in GLOBALS and named(code, opcode, argument) in functions:
                return True
    return any(_reflects(inner, functions) for _, inner in nested(code))


def _scan(
    code: CodeType,
    namespace: Mapping[str, Any],
    project: frozenset[str],
    used: UsedNames,
    *,
    nested_too: bool = True,
) -> None:
    recent: list[str | None] = []
    foreign = False
    for opcode, argument in instructions(code):
        if opcode in GLOBALS:
            name = named(code, opcode, argument)
            value = namespace.get(name)
            foreign = is_a(value, ModuleType) and value.__name__ not in project
            used.loaded.add(name)
            used.variables.add(name)
            recent.append(name)
        elif opcode in ATTRIBUTES:
            name = named(code, opcode, argument)
            if not foreign:
                used.loaded.add(name)
                used.attributes.add(name)
            if name in MUTATORS:
                _changes(used, recent[-1:])
            recent.append(name)
        elif opcode in IMPORTS_FROM:
            # It has a local name then, which may be another one.
            used.loaded.add(code.co_names[argument])
            used.attributes.add(code.co_names[argument])
            recent.append(None)
        elif opcode in BINDS:
            used.changed.add(code.co_names[argument])
            foreign = False
            recent.append(None)
        elif opcode in _BINDS_CELL:
            used.changed.add(cell_name(code, argument))
            foreign = False
            recent.append(None)
        elif opcode in PUTS:
            _changes(used, recent[-_NEAR:])
            foreign = False
            recent.append(None)
        else:
            foreign = False
            recent.append(None)
    if not nested_too:
        return
    for _, inner in nested(code):
        _scan(inner, namespace, project, used)


def _changes(used: UsedNames, recent: list[str | None]) -> None:
    named = {name for name in recent if name is not None}
    used.changed |= named
    if not named:
        used.changes_unnamed = True


def cell_name(code: CodeType, index: int) -> str:
    """Return the name of a variable that a closure shares, by its place among all variables."""
    cells = [name for name in code.co_cellvars if name not in code.co_varnames]
    return (*code.co_varnames, *cells, *code.co_freevars)[index]


def changed_at_import(code: CodeType) -> set[str]:
    """Return the names that a module's import-time `code` binds or changes, classes included."""
    used = UsedNames()
    for part in import_time_parts(code):
        _scan(part, {}, frozenset(), used, nested_too=False)
    return used.changed


def import_time_parts(code: CodeType) -> Iterator[CodeType]:
    """Iterate over a module's code and that of its classes and comprehensions."""
    yield code
    for _, inner in nested(code):
        if not is_function(inner):
            yield from import_time_parts(inner)


def code_names(code: CodeType) -> frozenset[str]:
    """Return all names in `code` and what is nested in it, but for local ones.

    These are globals, attributes, methods, and what nested functions share.
    """
    names = {*code.co_names, *code.co_cellvars}
    for _, inner in nested(code):
        names |= code_names(inner)
    return frozenset(names)


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
        found.update((constant,) if isinstance(constant, str) else flat(constant))
    return found


def flat(constant: object) -> Iterator[object]:
    """Iterate over a constant, or over all that a tuple or a set holds at any depth."""
    for each in constant if isinstance(constant, (tuple, frozenset)) else (constant,):
        yield from (each,) if not isinstance(each, (tuple, frozenset)) else flat(each)


def looks_into_others(code: CodeType) -> bool:
    """Return whether `code`, or what is nested in it, asks for a namespace that isn't `self`'s."""
    before: int | None = None
    for opcode, argument in instructions(code):
        if opcode in ATTRIBUTES:
            name = named(code, opcode, argument)
            if name == "__dict__" and (
                before is None or code.co_varnames[before : before + 1] != ("self",)
            ):
                return True
        before = argument if opcode in LOCALS else None
        if opcode in TWO_LOCALS:
            before = argument & 15
    return any(looks_into_others(inner) for _, inner in nested(code))
