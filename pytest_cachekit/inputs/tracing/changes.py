"""How the values of names changed, put together from one look at them after the other."""

from __future__ import annotations

import weakref
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from types import CodeType, FunctionType
from typing import Any

from ..own_kind import is_a
from .addresses import identity
from .contents import ATOMS
from .held_values import cell_of, functions_kept
from .leaves import Leaf, Leaves, Path, Place, differing
from .looks import FirstSeen, Look, classes_among, leading_to_what_came

# What these make is the same each time, and as good as nothing.
_EMPTY = frozenset({dict, list, set, tuple, str})


@dataclass(slots=True)
class Change:
    """How the value of a name changed."""

    places: set[Place] = field(default_factory=set)
    """Where in it."""
    entered: set[Place] = field(default_factory=set)
    """Those of them that lie in what was there before."""
    behind: dict[Place, set[str]] = field(default_factory=dict)
    """Those that lie in what came, each with the names that lead to what came."""
    makers: set[str] | None = None
    """Names of functions that make what it is asked for and lacks; None where it makes nothing."""
    called: set[str] = field(default_factory=set)
    """Names of functions that run where it, or what has it, is called."""
    roots: list[object] = field(default_factory=list)
    """What the name stands for, now and before; empty where that isn't known."""
    twins: set[str] = field(default_factory=set)
    """Names that lead to the same changed objects."""
    holders: dict[int, object] = field(default_factory=dict)
    """What was there before and holds what has changed, modules left out, by its identity."""
    homes: set[str] = field(default_factory=set)
    """Files of the modules that lead to it; "" stands for anything else."""
    containers: set[str] = field(default_factory=set)
    """Names and attributes that stand for containers which changed."""
    is_foreign: bool = False
    """Whether it is an attribute of something that isn't the project's, or of a class that came."""
    is_looked_up: bool = False
    """Whether it is a dictionary that makes what it lacks, and only empty values were added."""
    has_passed: bool = False
    """Whether something of it changed that is now what it was."""

    def copy(self) -> Change:
        """Return the same, to which more may be added."""
        return replace(
            self,
            places=set(self.places),
            entered=set(self.entered),
            behind={place: set(names) for place, names in self.behind.items()},
            makers=None if self.makers is None else set(self.makers),
            called=set(self.called),
            roots=list(self.roots),
            holders=dict(self.holders),
            twins=set(self.twins),
            homes=set(self.homes),
            containers=set(self.containers),
        )

    def enter(self, place: Place) -> None:
        """Note where something changed in what was there before, or may have been."""
        self.places.add(place)
        self.entered.add(place)

    def leading_to(self, place: Place) -> frozenset[str]:
        """Return the names one of which leads whoever comes to `place`; none if none has to."""
        return frozenset(() if place in self.entered else self.behind.get(place, ()))

    def add_root(self, value: object) -> None:
        """Note what the name stands for."""
        if not any(value is each for each in self.roots):
            self.roots.append(value)

    def add_holders(self, path: Path, before: Leaves) -> None:
        """Note what held something that has changed, or may itself have changed, `before`."""
        for count in range(1, len(path) + 1):
            leaf = before.get(path[:count])
            if leaf is not None and not is_a(leaf.value, ATOMS):
                self.holders[identity(leaf.value)] = leaf.value


class Changes:
    """The names whose values have changed, each with how; it keeps no value that came alive."""

    def __init__(self) -> None:
        self.names: dict[str, Change] = {}
        self._roots: dict[str, list[weakref.ref[Any]]] = {}
        """Classes and functions that names stood for meanwhile."""

    def copy(self) -> Changes:
        """Return the same, to which others may be added."""
        other = Changes()
        other.names = {name: change.copy() for name, change in self.names.items()}
        for name, roots in self._roots.items():
            other.names[name].roots += [root for each in roots if (root := each()) is not None]
        return other

    def take(
        self, looks: Iterable[Look], first: FirstSeen, *, is_last: bool = False
    ) -> dict[str, set[str]]:
        """Take in what has changed.

        Args:
            looks: modules that something leads to which may have changed.
            first: what was known when imports ended.
            is_last: whether what names stand for now may be kept alive.

        Returns:
            The names that were taken in, each with the files of the modules that lead there.
        """
        taken: dict[str, set[str]] = {}
        twins_of: dict[int, set[str]] = {}
        for look in looks:
            called: dict[int, set[str]] = {}
            known = partial(first.until, look.number)
            for path, leaf in _with_shared(differing(look.before, look.after, known), look.after):
                # A class that came may still be as it was made.
                came = not all(map(first.is_known, classes_among(look.after, path)))
                change = self._take(look, path, leaf, came=came, is_last=is_last)
                leading = leading_to_what_came(path, look, first)
                if leading is None:
                    change.enter(leaf.place)
                    change.add_holders(path, look.before)
                else:
                    change.behind.setdefault(leaf.place, set()).add(leading)
                taken.setdefault(leaf.name, set()).add(look.path)
                if leaf.contents:
                    twins_of.setdefault(identity(leaf.value), set()).add(leaf.name)
                change.called |= _called(path, look.after, called)
        for twins in twins_of.values():
            for name in twins:
                self.names[name].twins |= twins - {name}
        return taken

    def _take(self, look: Look, path: Path, leaf: Leaf, *, came: bool, is_last: bool) -> Change:
        is_looked_up = _is_looked_up(path, look.before, look.after)
        fresh = Change(is_looked_up=is_looked_up, is_foreign=came)
        change = self.names.setdefault(leaf.name, fresh)
        change.is_foreign &= came
        change.is_looked_up &= is_looked_up
        change.places.add(leaf.place)
        change.homes.add(look.path)
        if leaf.contents or path[-1].startswith("["):
            change.containers.add(leaf.place[0])
        root = path[: path.index(leaf.name) + 1]
        if root in look.before:
            change.add_root(look.before[root].value)
        if root in look.after:
            value = look.after[root].value
            if is_last:
                change.add_root(value)
            elif is_a(value, (type, FunctionType)):
                self._roots.setdefault(leaf.name, []).append(weakref.ref(value))
        holder = look.after.get(path[:-1])
        for each in (leaf.value, None if holder is None else holder.value):
            makers = _makers(each)
            if makers is not None:
                change.makers = makers | (change.makers or set())
        return change


def _with_shared(
    changed: Iterable[tuple[Path, Leaf]], leaves: Leaves
) -> Iterator[tuple[Path, Leaf]]:
    """Iterate over what has changed, variables of closures by the names of all that share them."""
    for path, leaf in changed:
        yield path, leaf
        holder = leaves.get(path[:-1])
        variable, classes = leaf.place
        if holder is None or classes or not is_a(holder.value, FunctionType):
            continue
        shared = cell_of(holder.value, variable)
        for way, other in leaves.items():
            function = other.value
            if (
                shared is not None
                and other is not holder
                and is_a(function, FunctionType)
                and cell_of(function, variable) is shared
            ):
                yield (*way, variable), Leaf(leaf.value, leaf.contents, other.name, leaf.place)


def _makers(value: object) -> set[str] | None:
    """Return the names of functions that make what `value` lacks; None where it makes nothing."""
    kind = type(value)
    if kind is Counter or not hasattr(kind, "__missing__"):
        return None
    factory: object = getattr(value, "default_factory", None)
    names = {"__missing__", getattr(factory, "__name__", "")}
    return names | {name for name in (kind.__name__,) if kind is not defaultdict}


def _called(path: Path, leaves: Leaves, known: dict[int, set[str]]) -> set[str]:
    """Return the names of functions that run where what leads to `path` is called.

    Args:
        path: leads to one of `leaves`.
        leaves: all that there are.
        known: what is found out about each value, by its identity.
    """
    found: set[str] = set()
    for count in range(len(path), 0, -1):
        holder = leaves.get(path[:count])
        if holder is None or is_a(holder.value, type):
            break
        names = known.get(identity(holder.value))
        if names is None:
            functions = functions_kept(holder.value)
            names = set().union(*(_names_of(function.__code__) for function in functions))
            known[identity(holder.value)] = names
        found |= names
    return found


def _names_of(code: CodeType) -> set[str]:
    """Return the names by which the function is known in which `code` stands."""
    path = code.co_qualname.partition(".<locals>")[0].split(".")
    if path[-1] == "<lambda>":
        return set(code.co_names)
    # A class is named in place of its special methods.
    return {path[-2] if path[-1].startswith("__") and len(path) > 1 else path[-1]}


def _is_looked_up(path: Path, before: Leaves, after: Leaves) -> bool:
    """Return whether look-ups alone explain what has changed at `path`, or in what holds it.

    The path leads to a dictionary that makes the values which it lacks, or to such a value.
    """
    leaf = after.get(path)
    if leaf is not None and path[-1] != leaf.name and path not in before:
        path = path[:-1]
    old, new = before.get(path), after.get(path)
    if old is None or new is None or old.value is not new.value:
        return False
    value: Any = new.value
    if type(value) is not defaultdict or new.place != (path[-1], frozenset()):
        return False
    made, kept, added = value.default_factory, _items(old), _items(new)
    # Of large ones only the number is known.
    if made not in _EMPTY or len(value) != len(added) or len(kept) > len(added):
        return False
    new_ones = [value for _, value in added[len(kept) :]]
    are_kept = (
        key is same and one is two for (key, one), (same, two) in zip(kept, added, strict=False)
    )
    return all(are_kept) and not any(new_ones) and {type(each) for each in new_ones} <= {made}


def _items(leaf: Leaf) -> list[tuple[object, object]]:
    """Return the keys and values of a dictionary, as it was."""
    count = len(leaf.contents) // 2
    return list(zip(leaf.contents[1 + count :], leaf.contents[1 : 1 + count], strict=True))
