"""What can hold state: values that names, attributes and containers lead to, and what they hold."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import FunctionType, GeneratorType, ModuleType
from typing import Any

from ..own_kind import is_a
from .addresses import identity
from .contents import ATOMS, are_same, contents
from .held_values import (
    attributes,
    closure,
    elements,
    held_by_function,
    is_ours,
    is_walked,
    kept,
)

_LIMIT = 2_000

Path = tuple[str, ...]
"""What leads from a namespace to a value: names, and numbers of elements in brackets."""
Place = tuple[str, frozenset[str]]
"""An attribute, and the names of the classes of the instance that has it; none for a global,

a variable of a closure, or the function of a generator.
"""


@dataclass(slots=True, eq=False)
class Leaf:
    """A value, and how code reaches it."""

    value: object
    contents: tuple[object, ...]
    """What is another object, or another number, when the value has changed."""
    name: str
    """The global or class attribute that leads there."""
    place: Place

    def differs(self, other: Leaf) -> bool:
        """Return whether `other` is another value, or the same one after a change."""
        return (
            self.value is not other.value
            or len(self.contents) != len(other.contents)
            or not are_same(self.contents, other.contents)
        )


class Leaves(dict[Path, Leaf]):
    """Values by the paths that lead to them."""

    def __init__(self) -> None:
        super().__init__()
        self.entered: list[tuple[Path, Any]] = []
        """Those of which what they hold is among these, too."""
        self.is_cut = False
        """Whether there was more than was looked at."""


Inside = tuple[int, str]
"""The identity of what holds a value, and the last part of the path to the value."""


def insides(leaves: Leaves) -> Iterator[tuple[Inside, Leaf]]:
    """Iterate over what objects among `leaves` hold; these keep the objects alive."""
    for path, leaf in leaves.items():
        holder = leaves.get(path[:-1])
        if holder is not None:
            yield (identity(holder.value), path[-1]), leaf


def differing(
    before: Leaves, after: Leaves, known: Callable[[Inside], Leaf | None] = lambda _inside: None
) -> Iterator[tuple[Path, Leaf]]:
    """Iterate over the values that are others, that changed, that came or went.

    Args:
        before: values as they were.
        after: the same, as they are now.
        known: returns what an object held, whatever led to it. Where another path leads to it
            now, it is that path which has changed, and not what the object holds.
    """
    for path in before.keys() | after.keys():
        old, new = before.get(path), after.get(path)
        if new is None:
            assert old is not None
            yield path, old
        elif old is None or old.differs(new):
            holder = after.get(path[:-1])
            same = None if holder is None else known((identity(holder.value), path[-1]))
            if same is None or same.differs(new):
                yield path, new


def collect_leaves(names: Mapping[str, Any], depth: int, module: str = "") -> Leaves:
    """Return what can hold state in a namespace, classes of others than `module` left out."""
    collection = _Collection(module)
    collection.namespace(names, (), depth)
    collection.walk()
    return collection.found


class _Collection:
    """Walks from a namespace to what it holds, each object once, what is near before the rest."""

    def __init__(self, module: str) -> None:
        self.found = Leaves()
        self._module = module
        self._seen: dict[int, int] = {}
        self._named: deque[_Step] = deque()
        self._elements: deque[_Step] = deque()
        """What is taken in later: a large table must not crowd out what is next to it."""

    def walk(self) -> None:
        """Take in what values lead to that were taken in."""
        while (self._named or self._elements) and len(self.found) <= _LIMIT:
            waiting = self._named or self._elements
            self._enter(*waiting.popleft())
        self.found.is_cut = bool(self._named or self._elements)

    def namespace(
        self, names: Mapping[str, Any], prefix: Path, depth: int, held: str | None = None,
        kinds: frozenset[str] = frozenset(),
    ) -> None:  # fmt: skip
        """Take in `names`, of a module or class, or of an instance that `held` leads to."""
        for name, value in list(names.items()):
            if is_passed_over(name, value):
                continue
            attribute = value.gi_code.co_name if _is_generator(value) and not held else name
            self._value(value, (*prefix, name), depth, held or name, (attribute, kinds))

    def _value(self, value: Any, path: Path, depth: int, name: str, place: Place) -> None:
        self.found[path] = Leaf(value, contents(value), name, place)
        # Who comes to it by a shorter way sees further.
        if depth <= 1 or is_a(value, ATOMS) or self._seen.get(identity(value), 0) >= depth:
            return
        if is_ours(value):
            return
        self._seen[identity(value)] = depth
        waiting = self._elements if path[-1].startswith("[") else self._named
        waiting.append((value, path, depth - 1, name, place))

    def _enter(self, value: Any, path: Path, depth: int, name: str, place: Place) -> None:
        self.found.entered.append((path, value))
        if is_a(value, type):
            if is_walked(value, self._module):
                self.namespace(vars(value), path, depth)
            return
        if is_a(value, FunctionType):
            kinds = frozenset(kind.__name__ for kind in type(value).__mro__)
            self.namespace(held_by_function(value), path, depth, name, kinds)
            self.namespace(closure(value), path, depth, name)
            return
        for index, element in enumerate(elements(value)):
            self._value(element, (*path, f"[{index}]"), depth, name, place)
        names = attributes(value)
        kinds = frozenset(kind.__name__ for kind in type(value).__mro__)
        self.namespace(names, path, depth, name, kinds)
        if any(not each.startswith("__") for each in names):
            return
        for key, each in kept(value).items():
            self._value(each, (*path, key), depth, name, place)


def is_passed_over(name: str, value: object) -> bool:
    """Return whether what `name` leads to in a namespace is left out of leaves."""
    return (
        (name.startswith("__") and name.endswith("__"))
        or is_a(value, ModuleType)
        # What abstract classes were told of subclasses follows from their methods.
        or name == "_abc_impl"
    )


_Step = tuple[Any, Path, int, str, Place]


def _is_generator(value: object) -> bool:
    return is_a(value, GeneratorType)
