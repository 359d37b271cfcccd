"""Flags that woven probes raise, in banks, which are asked all at once."""

from __future__ import annotations

from gc import get_referents
from itertools import compress
from typing import Any, Generic, TypeVar

from ..values import WOVEN

_Meaning = TypeVar("_Meaning")
_WIDTH = 64
# In order also as words, which is that in which objects hold their slots.
_SLOTS = tuple(f"{WOVEN}{position:02}__" for position in range(_WIDTH))


class Flags:
    """Which of some units, or of some banks of them, have run since somebody asked last.

    They stand among the constants of code, which must be hashable; storing into a slot is the
    cheapest store that bytecode has, and the garbage collector tells of all slots at once.
    """

    __slots__ = _SLOTS

    def __reduce__(self) -> tuple[Any, ...]:
        """Make new flags: a function pickled by value takes no notes where it is unpickled."""
        return Flags, ()


Flag = tuple[Flags, str]
"""One of them, by its name."""


class Bank(Generic[_Meaning]):
    """Flags, each with what it stands for."""

    def __init__(self) -> None:
        self._flags = Flags()
        self._known: list[tuple[_Meaning, str]] = []

    @property
    def is_full(self) -> bool:
        """Whether there is no room for one more."""
        return len(self._known) == _WIDTH

    def add(self, meaning: _Meaning) -> Flag:
        """Return one more flag, which stands for `meaning`."""
        name = _SLOTS[len(self._known)]
        setattr(self._flags, name, False)
        self._known.append((meaning, name))
        return self._flags, name

    def take(self) -> list[_Meaning]:
        """Lower all flags; return what those stood for that were raised.

        What an object with slots refers to is, first, what these hold, in their order.
        """
        raised = list(compress(self._known, get_referents(self._flags)))
        for _, name in raised:
            setattr(self._flags, name, False)
        return [meaning for meaning, _ in raised]
