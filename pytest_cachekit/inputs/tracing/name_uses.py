"""What code does with one name, read from its instructions, without running it."""

from __future__ import annotations

import builtins
from collections.abc import Collection, Iterable, Mapping
from inspect import CO_VARARGS
from itertools import pairwise
from types import CodeType, FunctionType, ModuleType
from typing import Any

from ..own_kind import is_a
from .handing import ASKS
from .instructions import (
    ATTRIBUTES,
    BINDS,
    CONSTANTS,
    GLOBALS,
    IMPORTS,
    LOCALS,
    NULLS,
    PUTS,
    SHIFTED,
    Instructions,
    instructions,
    named,
    opcodes,
    uses,
)
from .named_modules import module_globals
from .names import code_names, flat, names_by_strings
from .units import nested, whole

_BINDS_IN_CLASS = opcodes("STORE_NAME")
_BINDS_ATTRIBUTE = opcodes("STORE_ATTR")
_LOADS_NAMED = opcodes("LOAD_GLOBAL", "LOAD_ATTR")
_LOADS_KEY = opcodes("LOAD_GLOBAL", "LOAD_CONST", "LOAD_FAST", "LOAD_FAST_CHECK", "LOAD_DEREF")
_SUBSCRIPTS = opcodes("BINARY_SUBSCR")
_CALLS = opcodes("CALL", "PRECALL")
_LOADS_ATTRIBUTE = opcodes("LOAD_ATTR")
_SHARED = opcodes("LOAD_DEREF")
_AND_A_LOCAL = opcodes(
    "LOAD_FAST_LOAD_FAST", "LOAD_FAST_BORROW_LOAD_FAST_BORROW", "STORE_FAST_LOAD_FAST"
)
_GETTERS = frozenset({"attrgetter", "getattr", "methodcaller"})
_NAMESPACES = frozenset({"globals", "vars"})
# What these compute depends on nothing but their arguments.
_PURE_MODULES = frozenset({"functools", "itertools", "math", "operator", "re", "string"})
_PURE_BUILTINS = frozenset(
    {"abs", "all", "any", "chr", "divmod", "format", "isinstance", "len", "max", "min", "ord",
     "pow", "repr", "round", "sorted", "sum"}
)  # fmt: skip
_CONSTANT = frozenset({bool, bytes, complex, float, int, str})


def only_binds(code: CodeType, name: str) -> bool:
    """Return whether `code`, nested code left out, uses `name` for nothing but to bind it."""
    every, having = uses(code, name)
    return name not in code.co_cellvars and all(
        every[index][0] in _BINDS_IN_CLASS for index in having
    )


def only_looks_up(code: CodeType, name: str) -> bool:
    """Return whether a function that uses `name` can't tell an empty value in it from none.

    It looks up what stands there for a key, and asks whether that is true, or iterates over it.
    """
    every, having = uses(code, name)
    for index in having:
        opcode = every[index][0]
        key, subscript, then = (
            each for each, _ in (*every[index + 1 : index + 4], (0, 0), (0, 0), (0, 0))[:3]
        )
        looks_up = opcode in _LOADS_NAMED and key in _LOADS_KEY and subscript in _SUBSCRIPTS
        if not (looks_up and then in ASKS) and opcode not in _BINDS_IN_CLASS | _BINDS_ATTRIBUTE:
            return False
    return name not in code.co_cellvars and all(
        only_looks_up(inner, name) for _, inner in nested(code)
    )


def binds_of_others(code: CodeType, attribute: str) -> bool:
    """Return whether `code` binds an attribute of something that isn't called `self`."""
    every, having = uses(code, attribute)
    for index in having:
        opcode, (owner, argument) = every[index][0], every[index - 1]
        if opcode not in BINDS:
            continue
        local = argument & 15 if owner in _AND_A_LOCAL else argument
        if owner not in LOCALS | _AND_A_LOCAL or code.co_varnames[local] != "self":
            return True
    return attribute in names_by_strings(code) or any(
        binds_of_others(inner, attribute) for _, inner in nested(code)
    )


def means(
    code: CodeType, name: str, namespace: Mapping[str, Any], values: Collection[object]
) -> bool:
    """Return whether `code`, which names `name` or spells it, may mean one of `values`.

    It doesn't where each use finds something else, as a global or as an attribute of a module.

    Args:
        code: a function's code.
        name: a global or an attribute.
        namespace: the globals of its module.
        values: what the name may stand for elsewhere.
    """
    if name not in code_names(code) or name in names_by_strings(code):
        return True
    return not _finds_other(code, name, namespace, values)


def _finds_other(
    code: CodeType, name: str, namespace: Mapping[str, Any], values: Collection[object]
) -> bool:
    """Return whether each use of `name` in `code` finds a class or function not in `values`."""
    every, having = uses(code, name)
    for index in having:
        opcode = every[index][0]
        holder = namespace
        if opcode in ATTRIBUTES:
            before, argument = every[index - 1] if index else (0, 0)
            module: object = None
            if before in GLOBALS:
                module = namespace.get(named(code, before, argument))
            if not is_a(module, ModuleType):
                return False
            holder = module_globals(module)
        elif opcode not in GLOBALS:
            return False
        found = holder.get(name)
        if not is_a(found, (type, FunctionType)) or any(found is each for each in values):
            return False
    return name not in code.co_cellvars and all(
        _finds_other(inner, name, namespace, values) for _, inner in nested(code)
    )


def is_annotated(code: CodeType, name: str) -> bool:
    """Return whether `code`, and what is nested in it, has the string `name` for annotations alone.

    It is the key under which `__annotations__` keeps one, and stands nowhere else.
    """
    own = [constant for constant in code.co_consts if not isinstance(constant, CodeType)]
    if any(name in flat(constant) for constant in own):
        before = 0, 0
        for (opcode, argument), (then, _) in pairwise([*instructions(code), (0, 0)]):
            if opcode in CONSTANTS and name in flat(code.co_consts[argument]):
                is_key = (
                    code.co_consts[argument] == name
                    and before[0] in GLOBALS
                    and named(code, *before) == "__annotations__"
                    and then in PUTS
                )
                if not is_key:
                    return False
            before = opcode, argument
    return all(is_annotated(inner, name) for _, inner in nested(code))


def calls_arguments(code: CodeType) -> bool:
    """Return whether `code`, or what is nested in it, calls what it was given."""
    arguments = code.co_argcount + code.co_kwonlyargcount + bool(code.co_flags & CO_VARARGS)
    before = (0, 0)
    has_one = not NULLS.isdisjoint(code.co_code[::2])
    for each in instructions(code) if has_one else ():
        # The one stands before the other, or behind it, as the version of Python has it.
        for (opcode, argument), (other, _) in ((before, each), (each, before)):
            loaded = argument & 15 if opcode in _AND_A_LOCAL else argument
            is_given = opcode in LOCALS | _AND_A_LOCAL and loaded < arguments
            if other in NULLS and (is_given or opcode in _SHARED):
                return True
        before = each
    return any(calls_arguments(inner) for _, inner in nested(code))


def gets_by_computed_names(code: CodeType) -> bool:
    """Return whether `code`, or what is nested in it, gets an attribute whose name it computes."""
    has_one = not (_GETTERS | _NAMESPACES).isdisjoint(code.co_names)
    every: Instructions = instructions(code) if has_one else ()
    for index, (opcode, argument) in enumerate(every):
        if opcode not in GLOBALS:
            continue
        name = named(code, opcode, argument)
        if name in _NAMESPACES or (name in _GETTERS and not _is_constant(code, every[index + 1 :])):
            return True
    return any(gets_by_computed_names(inner) for _, inner in nested(code))


def uses_constants_only(
    code: CodeType, namespace: Mapping[str, Any], variables: Iterable[str]
) -> bool:
    """Return whether `code` uses nothing but what is the same for all, whenever they look at it.

    Args:
        code: a function's code.
        namespace: the globals of its module.
        variables: the globals that it uses.
    """
    if any(opcode in IMPORTS for part in whole(code) for opcode, _ in instructions(part)):
        return False
    return all(
        _is_pure(namespace[name])
        if name in namespace
        else name in _PURE_BUILTINS or is_a(getattr(builtins, name, None), type)
        for name in variables
    )


def _is_pure(value: object) -> bool:
    if is_a(value, ModuleType):
        return value.__name__ in _PURE_MODULES
    return all(each is None or type(each) in _CONSTANT for each in flat(value))


def _is_plain_attribute(opcode: int, argument: int) -> bool:
    """Return whether an attribute is loaded for its own sake, and not as a method to be called."""
    is_method = opcode in SHIFTED and argument & 1
    return opcode in _LOADS_ATTRIBUTE and not is_method


def _is_constant(code: CodeType, following: Instructions) -> bool:
    """Return whether the second argument of a call is a string that stands there."""
    loads = LOCALS | GLOBALS | _SHARED
    rest = [each for each in following[:10] if each[0] not in NULLS]
    while len(rest) > 1 and rest[1][0] in ATTRIBUTES:
        del rest[1]
    if len(rest) < 4 or rest[0][0] not in loads or rest[1][0] not in CONSTANTS:
        return False
    while len(rest) > 4 and _is_plain_attribute(*rest[3]):
        del rest[3]
    # Either it is the last one, or a default follows.
    ends = _calls(rest[2], 2) or (_calls(rest[3], 3) and rest[2][0] in loads | CONSTANTS)
    return ends and isinstance(code.co_consts[rest[1][1]], str)


def _calls(instruction: tuple[int, int], count: int) -> bool:
    """Return whether an instruction calls something with `count` arguments."""
    opcode, argument = instruction
    return opcode in _CALLS and argument == count
