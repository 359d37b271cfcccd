"""Which names any code of the project may let stand for something else while tests run."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cached_property
from itertools import pairwise
from types import CodeType

from .handing import SHOWS_FOR_PYTEST
from .instructions import (
    ATTRIBUTES,
    BINDS,
    CONSTANTS,
    GLOBALS,
    IMPORTS,
    IMPORTS_FROM,
    NULLS,
    PUTS,
    instructions,
    named,
)
from .names import flat
from .units import is_function, whole

# A name, or a path to what it stands for, as patches are given.
_PATH = re.compile(r"[^\W\d]\w*(?:[.:][^\W\d]\w*)*")
_OF_PYTEST = "@pytest_ar"
_BETWEEN = re.compile("[.:]")


class ReplacedNames:
    """Names that fakes, and whoever binds attributes and globals, may give another meaning."""

    def __init__(self, codes: Iterable[CodeType]) -> None:
        """Tell of all code of the project: that of its modules, with what is nested in it."""
        self._codes = codes

    def has(self, name: str) -> bool:
        """Return whether code spells `name` in a string, or binds an attribute or a global so."""
        return name in self._replaced_and_handed_on[0]

    def has_some_of(self, module: Iterable[str]) -> bool:
        """Return whether code has a module for more than its attributes, to patch any of them.

        Args:
            module: names by which it is known.
        """
        return not self._replaced_and_handed_on[1].isdisjoint(module)

    @cached_property
    def _replaced_and_handed_on(self) -> tuple[set[str], set[str]]:
        found = [replaced_and_handed_on(code) for code in self._codes]
        return set().union(*(each[0] for each in found)), set().union(*(each[1] for each in found))


def replaced_and_handed_on(code: CodeType) -> tuple[set[str], set[str]]:
    """Return what `code`, and what is nested in it, may replace, and may replace something of.

    Returns:
        The names that it spells, or binds as attributes or globals; and those that it has, or
        spells, for more than to get an attribute of what they stand for.
    """
    found: tuple[set[str], set[str]] = set(), set()
    for part in whole(code):
        _look_at(part, *found)
    return found


def _look_at(code: CodeType, replaced: set[str], handed_on: set[str]) -> None:
    replacing_nothing, others = set[int](), set[int]()
    # Where pytest rewrote an assertion, it shows each part of it, and the name for it.
    shown = frozenset(code.co_names if _OF_PYTEST in code.co_names else ())
    loaded = ""
    every = [each for each in instructions(code) if each[0] not in NULLS]
    for (opcode, argument), (then, following) in pairwise([*every, (0, 0)]):
        if opcode in CONSTANTS:
            # It says what to import, or stands for what an annotation is of.
            is_harmless = then in IMPORTS or (loaded == "__annotations__" and then in PUTS)
            (replacing_nothing if is_harmless else others).add(argument)
        before, loaded = loaded, ""
        if opcode in BINDS:
            replaced.add(code.co_names[argument])
        elif opcode in GLOBALS or opcode in ATTRIBUTES:
            loaded = named(code, opcode, argument)
            is_value = then not in ATTRIBUTES or named(code, then, following).startswith("__")
            if is_value and before not in SHOWS_FOR_PYTEST:
                handed_on.add(loaded)
        elif is_function(code) and opcode in IMPORTS | IMPORTS_FROM:
            # It has a local name then.
            handed_on.update(code.co_names[argument].split("."))
    for index, constant in enumerate(code.co_consts):
        if index not in replacing_nothing - others:
            for each in flat(constant):
                if isinstance(each, str) and each not in shown and _PATH.fullmatch(each):
                    replaced.add(last_name(each))
                    handed_on.update(_BETWEEN.split(each))


def last_name(path: str) -> str:
    """Return the last name in a dotted path, as patches are given."""
    return _BETWEEN.split(path)[-1]
