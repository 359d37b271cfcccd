"""Flags that woven probes raise, in banks, which are asked all at once."""

from __future__ import annotations

from collections.abc import Sequence
from gc import get_referents
from itertools import chain, compress
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
        self.flags = Flags()
        self.entries: list[tuple[_Meaning, Flags, str] | None] = [None]
        """What each flag stands for, in their order, and None for what comes after them."""

    @property
    def is_full(self) -> bool:
        """Whether there is no room for one more."""
        return len(self.entries) > _WIDTH

    def add(self, meaning: _Meaning) -> Flag:
        """Return one more flag, which stands for `meaning`."""
        name = _SLOTS[len(self.entries) - 1]
        setattr(self.flags, name, False)
        self.entries.insert(-1, (meaning, self.flags, name))
        return self.flags, name


def take(banks: Sequence[Bank[_Meaning]]) -> list[_Meaning]:
    """Lower all flags of some banks; return what those stood for that were raised.

    What an object with slots refers to is what these hold, in their order, and then its class.
    """
    if not banks:
        return []
    values = get_referents(*(bank.flags for bank in banks))
    every = chain.from_iterable(bank.entries for bank in banks)
    raised = [entry for entry in compress(every, values) if entry is not None]
    for _, flags, name in raised:
        setattr(flags, name, False)
    return [meaning for meaning, _, _ in raised]
