"""Templates of tasks: text with parameters, matched exactly, and filled in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ..errors import CacheUsageError

_PARAMETER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_EDGES = ".,;:!?\"'()[]`"
MOST_PARAMETERS = 20


def collapse(text: str) -> str:
    """Return `text` with one blank for each stretch of white space, and none around it."""
    return " ".join(text.split())


def plain_word(word: str) -> str:
    """Return a word as words are compared: in small letters, without punctuation around it."""
    return word.strip(_EDGES).lower() or word


@dataclass(frozen=True)
class Token:
    """One word of a template."""

    word: str
    """As it is compared; of a parameter, what stands around it as well."""
    parameter: str | None = None
    """The name, where nothing but punctuation stands around it: it may be several words."""
    glued: PlanTemplate | None = None
    """Where letters stand around a parameter, as in `test_{name}`: it is part of one word."""

    @property
    def is_literal(self) -> bool:
        """Whether a task has to say the same word."""
        return self.parameter is None and self.glued is None


class PlanTemplate:
    """The text of a task with `{parameters}` in it; other braces are text."""

    def __init__(self, text: str) -> None:
        """Read a template; white space in it doesn't count.

        Raises:
            CacheUsageError: it is empty or nothing but parameters, two of them stand side by side,
                or there are too many.
        """
        self.text = collapse(text)
        parts = _PARAMETER.split(self.text)
        self._literals, names = parts[::2], parts[1::2]
        self.parameters = tuple(dict.fromkeys(names))
        self._names = names
        if not any(character.isalnum() for part in self._literals for character in part):
            raise CacheUsageError(f"{text!r} says nothing but parameters: add words.")
        if any(part == "" for part in self._literals[1:-1]):
            raise CacheUsageError(f"In {text!r} two parameters touch: put something between them.")
        if len(names) > MOST_PARAMETERS:
            raise CacheUsageError(f"{text!r} has more than {MOST_PARAMETERS} parameters.")

    @cached_property
    def tokens(self) -> tuple[Token, ...]:
        """The words, in order."""
        return tuple(map(_token, self.text.split()))

    @cached_property
    def literal_words(self) -> frozenset[str]:
        """The words that a task that matches exactly must have."""
        return literal_words(self.text)

    def match(self, task: str) -> dict[str, str] | None:
        """Return the parameters with which the template is the task; None where there are none.

        Case and white space don't count. Each parameter takes as little as it can, and at least
        one character; all that stand under one name are the same.

        Args:
            task: a text.
        """
        # Each literal part at its first place after the one before, as for any pattern of
        # wildcards; a regular expression could take ages for a text that almost matches.
        task = collapse(task)
        whole, literals = _folded(task), [_folded(part) for part in self._literals]
        if not self._names:
            return {} if whole == literals[0] else None
        first, last = literals[0], literals[-1]
        end = len(whole) - len(last)
        if not whole.startswith(first) or not whole.endswith(last) or end <= len(first):
            return None
        found: dict[str, str] = {}
        position = len(first)
        for name, literal in zip(self._names, [*literals[1:-1], None], strict=True):
            place = end if literal is None else whole.find(literal, position + 1, end)
            if place <= position:
                return None
            value = task[position:place]
            if found.setdefault(name, value) != value:
                return None
            position = place + len(literal or "")
        return found


def literal_words(text: str) -> frozenset[str]:
    """Return the words of a template's text in which no parameter stands, as they are compared."""
    return frozenset(plain_word(word) for word in text.split() if not _PARAMETER.search(word))


def fill(plan: Any, parameters: Mapping[str, Any]) -> Any:
    """Return a plan with `{name}` replaced in all its texts, names of fields included.

    A text that is nothing but one parameter becomes its value, of whatever type. Names that
    `parameters` lacks stay as they are.
    """
    if isinstance(plan, str):
        whole = _PARAMETER.fullmatch(plan)
        if whole is not None:
            return parameters.get(whole[1], plan)
        return _PARAMETER.sub(lambda found: str(parameters.get(found[1], found[0])), plan)
    if isinstance(plan, list):
        return [fill(part, parameters) for part in plan]
    if isinstance(plan, dict):
        return {
            fill(name, parameters) if isinstance(name, str) else name: fill(part, parameters)
            for name, part in plan.items()
        }
    return plan


def _token(word: str) -> Token:
    names = _PARAMETER.findall(word)
    if not names:
        return Token(plain_word(word))
    bare = word.strip(_EDGES)
    if len(names) == 1 and _PARAMETER.fullmatch(bare):
        return Token(bare, parameter=names[0])
    try:
        return Token(word, glued=PlanTemplate(bare))
    except CacheUsageError:
        # Nothing but punctuation between parameters, as in `{a}/{b}`.
        return Token(bare, parameter=names[0])


def _folded(text: str) -> str:
    small = text.lower()
    # Places in both must be the same; a few capital letters become two small ones.
    return small if len(small) == len(text) else text
