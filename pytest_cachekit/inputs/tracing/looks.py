"""What modules led to at some time, beside what they led to when their imports ended."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ..own_kind import is_a
from .addresses import identity
from .leaves import Inside, Leaf, Leaves, Path, insides


class Look(NamedTuple):
    """What a module leads to now, and led to when its import ended."""

    number: int
    """Of the module, in the order in which imports ended."""
    path: str
    """The file of the module; "" if it has none."""
    before: Leaves
    after: Leaves


class FirstSeen:
    """What objects held when the import ended after which a name first led to them."""

    def __init__(self, before: list[Leaves]) -> None:
        """Know what modules led to when their imports ended, in that order."""
        self.count = len(before)
        self._before = before
        self._found: dict[Inside, tuple[int, Leaf]] = {}
        self._classes = {identity(kind) for leaves in before for kind in classes_among(leaves)}
        self._values = {identity(leaf.value) for leaves in before for leaf in leaves.values()}

    def until(self, number: int, inside: Inside) -> Leaf | None:
        """Return what stood `inside` an object; None if found only after import `number`."""
        if not self._found:
            for each, leaves in enumerate(self._before):
                for key, leaf in insides(leaves):
                    self._found.setdefault(key, (each, leaf))
        found = self._found.get(inside)
        return None if found is None or found[0] > number else found[1]

    def is_known(self, kind: type) -> bool:
        """Return whether a class was known then."""
        return identity(kind) in self._classes

    def has(self, value: object) -> bool:
        """Return whether something led to `value` then."""
        return identity(value) in self._values


def leading_to_what_came(path: Path, look: Look, first: FirstSeen) -> str | None:
    """Return the name by which code comes to the first value on `path` that wasn't there before.

    None where all that holds what has changed was there, or may have been.
    """
    for count in range(1, len(path)):
        old, new = look.before.get(path[:count]), look.after.get(path[:count])
        if new is None:
            return None
        if old is None or old.value is not new.value:
            return None if first.has(new.value) else new.name
    return None


def classes_among(leaves: Leaves, path: Path | None = None) -> Iterator[type]:
    """Iterate over the classes among `leaves`, only those on the way to `path` if one is given."""
    ways = leaves if path is None else [path[:count] for count in range(1, len(path))]
    for way in ways:
        leaf = leaves.get(way)
        if leaf is not None and is_a(leaf.value, type):
            yield leaf.value
