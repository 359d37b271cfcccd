"""What an action read, free of the record that it is stored in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

Source = tuple[str, str]
"""A project file at the content it had: name and digest."""

Function = tuple[str, str, int]
"""A function that ran: name and digest of its file, first line there."""

Input = tuple[str, str, str]
"""Anything else that was read: kind (see `fingerprint.py`), name and fingerprint."""


@dataclass(frozen=True, eq=False)
class Reading:
    """What one action read; not bound to a record."""

    sources: frozenset[Source] = frozenset()
    """Project files whose import-time code counts."""
    ordered: frozenset[Source] = frozenset()
    """Project files whose order of definitions counts as well."""
    functions: frozenset[Function] = frozenset()
    """Functions that ran."""
    inputs: frozenset[Input] = frozenset()
    """Everything else."""
    placed: frozenset[Function] = frozenset()
    """Functions of which it counts on which lines they stand."""
    base: Reading | None = None
    """What it shares with others, by identity; it counts as read too."""

    def all_sources(self) -> Iterator[str]:
        """Iterate over the names of the project files whose import-time code counts."""
        yield from (name for name, _ in self.sources)
        if self.base is not None:
            yield from self.base.all_sources()


def bits(mask: bytes | int) -> Iterable[int]:
    """Iterate over the indices of the bits set in `mask`, lowest first."""
    digits = f"{int.from_bytes(mask, 'little') if isinstance(mask, bytes) else mask:b}"[::-1]
    index = digits.find("1")
    while index >= 0:
        yield index
        index = digits.find("1", index + 1)


def is_text(name: str) -> bool:
    """Return whether `name` can be stored: undecodable bytes of a path can't."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
