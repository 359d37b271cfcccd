"""What modules held when their imports ended, and what of it has changed since."""

from __future__ import annotations

import builtins
import os
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from types import CodeType, FunctionType, ModuleType
from typing import Any

from .action import Action
from .held_values import functions_kept
from .leaves import Inside, Leaf, Leaves, Path, Place, collect_leaves, differing, insides
from .named_modules import module_globals
from .unchanged import is_as_it_was

_DEPTH = 4
_DEPTH_OF_OTHERS = 2
# What these make is the same each time, and as good as nothing.
_EMPTY = frozenset({dict, list, set, tuple, str})


@dataclass(slots=True)
class Change:
    """How the value of a name changed."""

    places: set[Place] = field(default_factory=set)
    """Where in it."""
    makers: set[str] | None = None
    """Names of functions that make what it is asked for and lacks; None where it makes nothing."""
    called: set[str] = field(default_factory=set)
    """Names of functions that run where it, or what has it, is called."""
    roots: list[object] = field(default_factory=list)
    """What the name stands for, now and before; empty where that isn't known."""
    twins: set[str] = field(default_factory=set)
    """Names that lead to the same changed objects."""
    homes: set[str] = field(default_factory=set)
    """Files of the modules that lead to it; "" stands for anything else."""
    is_filled: bool = False
    """Whether a container changed, and not just what attributes of objects stand for."""
    is_foreign: bool = False
    """Whether it is an attribute of something that isn't the project's, or of a class that came."""
    is_looked_up: bool = False
    """Whether it is a dictionary that makes what it lacks, and only empty values were added."""


class Snapshot:
    """What a module led to at some time."""

    def __init__(self, module: ModuleType, path: str) -> None:
        """Look at `module`, which came from `path`."""
        self.path = path
        self._module = module
        self._before = _leaves(module)
        self._changed: set[str] | None = None
        self._is_whole = True

    def is_as_it_was(self, name: str) -> bool:
        """Return whether a name surely leads to what it led to then."""
        if self._changed is None:
            now = _leaves(self._module)
            self._changed = {leaf.name for _, leaf in differing(self._before, now)}
            self._is_whole = not (self._before.is_cut or now.is_cut)
        return self._is_whole and name not in self._changed


class States:
    """Remembers the state of modules as their imports left it."""

    def __init__(self) -> None:
        self._before: list[tuple[ModuleType, Leaves]] = []
        self.filled: set[Action] = set()
        """Actions whose values others have changed, where no name tells what in them."""
        self._found: dict[str, set[Place]] = {}
        self._others: list[tuple[Mapping[str, Any], Leaves]] = []
        self._modules: dict[int, tuple[Mapping[str, Any], frozenset[str]]] = {}
        """Namespaces of modules that project modules name, and the names in them by then."""

    def remember(self, module: ModuleType) -> None:
        """Remember the state of `module`, whose import has just ended."""
        self._before.append((module, _leaves(module)))
        present: object = sys.modules.get(module.__name__)
        if present is not None and not isinstance(present, ModuleType):
            # It left another object in its place, which no name of its own has to lead to.
            place = ModuleType(module.__name__)
            vars(place)[module.__name__.rpartition(".")[2]] = present
            self._before.append((place, _leaves(place)))
        for value in list(vars(module).values()):
            if isinstance(value, ModuleType) and id(value) not in self._modules:
                # One that is to be loaded when it is first asked for stays as it is.
                names = module_globals(value)
                self._modules[id(value)] = names, frozenset(names)

    def remember_attributes(self, owner: object) -> None:
        """Remember the state of an object of others, to which the project may add attributes."""
        self._others.append((vars(owner), collect_leaves(vars(owner), _DEPTH_OF_OTHERS)))

    def found(self, name: str, place: Place) -> None:
        """Note a name whose value changed in an object that isn't a module's."""
        self._found.setdefault(name, set()).add(place)

    def snapshot(self, path: str) -> Snapshot | None:
        """Return what the module in the file at `path` leads to now; None if there is none yet."""
        for module, _ in self._before:
            if path and _file(module) == path:
                return Snapshot(module, path)
        return None

    def namespaces(self) -> dict[str, Mapping[str, Any]]:
        """Return the globals of each module, by the absolute path of its file."""
        return {path: vars(module) for module, _ in self._before if (path := _file(module))}

    def changed(self) -> dict[str, Change]:
        """Return the names whose values have changed since, each with how."""
        names = {name: Change(set(places)) for name, places in self._found.items()}
        leading: dict[int, set[str]] = {}
        first_seen = _FirstSeen([before for _, before in self._before])
        classes = {id(kind) for _, before in self._before for kind in _classes(before)}
        for number, (module, before) in enumerate(self._before):
            if is_as_it_was(module, before):
                continue
            after = _leaves(module)
            called: dict[int, set[str]] = {}
            for path, leaf in differing(before, after, partial(first_seen.until, number)):
                # A class that came may still be as it was made.
                came = any(id(kind) not in classes for kind in _classes(after, path))
                is_looked_up = _is_looked_up(path, before, after)
                fresh = Change(is_looked_up=is_looked_up, is_foreign=came)
                change = names.setdefault(leaf.name, fresh)
                change.is_foreign &= came
                change.is_looked_up &= is_looked_up
                change.places.add(leaf.place)
                change.homes.add(_file(module))
                change.is_filled |= bool(leaf.contents) or path[-1].startswith("[")
                root = path[: path.index(leaf.name) + 1]
                change.roots += [each[root].value for each in (before, after) if root in each]
                holder = after.get(path[:-1])
                for value in (leaf.value, None if holder is None else holder.value):
                    makers = _makers(value)
                    if makers is not None:
                        change.makers = makers | (change.makers or set())
                if leaf.contents:
                    leading.setdefault(id(leaf.value), set()).add(leaf.name)
                change.called |= _called(path, after, called)
        for twins in leading.values():
            for name in twins:
                names[name].twins |= twins - {name}
        for name, place in self._changed_elsewhere():
            change = names.setdefault(name, Change(is_foreign=True))
            change.places.add(place)
            change.homes.add("")
            change.is_filled = True
            change.roots.clear()
        for name in self._found:
            names[name].roots.clear()
            names[name].homes.add("")
            names[name].is_filled = True
        return names

    def _changed_elsewhere(self) -> Iterator[tuple[str, Place]]:
        """Iterate over the attributes of what isn't the project's that changed, or came."""
        for names, before in self._others:
            for _, leaf in differing(before, collect_leaves(names, _DEPTH_OF_OTHERS)):
                yield leaf.name, leaf.place
        own = {id(module) for module, _ in self._before}
        for identity, (names, known) in self._modules.items():
            if identity in own:
                # Its import had not ended when another one's did.
                continue
            for name in names.keys() - known:
                if not self._came_by_itself(names, names.get(name)):
                    yield name, (name, frozenset())

    def _came_by_itself(self, names: Mapping[str, Any], value: object) -> bool:
        """Return whether no code of the project need have put `value` into a module's `names`."""
        if isinstance(value, ModuleType):
            # That a package leads to a module which was imported is told by imports.
            return True
        # One that makes its names when they are asked for keeps what is its own.
        is_made = "__getattr__" in names and isinstance(value, (type, FunctionType))
        return is_made and value.__module__ not in {module.__name__ for module, _ in self._before}


class _FirstSeen:
    """What objects held when the import ended after which a name first led to them."""

    def __init__(self, before: list[Leaves]) -> None:
        self._before = before
        self._found: dict[Inside, tuple[int, Leaf]] = {}

    def until(self, number: int, inside: Inside) -> Leaf | None:
        """Return what stood `inside` an object; None if found only after import `number`."""
        if not self._found:
            for each, leaves in enumerate(self._before):
                for key, leaf in insides(leaves):
                    self._found.setdefault(key, (each, leaf))
        found = self._found.get(inside)
        return None if found is None or found[0] > number else found[1]


def _file(module: ModuleType) -> str:
    """Return the absolute path of the file of a module; "" if it has none."""
    path = getattr(module, "__file__", None)
    return os.path.abspath(path) if path else ""


def _leaves(module: ModuleType) -> Leaves:
    """Return what can hold state in a module."""
    depth = 1 if module is builtins else _DEPTH
    return collect_leaves(vars(module), depth, module.__name__)


def _classes(leaves: Leaves, path: Path | None = None) -> Iterator[type]:
    """Iterate over the classes among `leaves`, only those on the way to `path` if one is given."""
    ways = leaves if path is None else [path[:count] for count in range(1, len(path))]
    for way in ways:
        leaf = leaves.get(way)
        if leaf is not None and isinstance(leaf.value, type):
            yield leaf.value


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
        if holder is None or isinstance(holder.value, type):
            break
        names = known.get(id(holder.value))
        if names is None:
            functions = functions_kept(holder.value)
            names = set().union(*(_names_of(function.__code__) for function in functions))
            known[id(holder.value)] = names
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
    made, kept, added = value.default_factory, old.contents[1:], new.contents[1:]
    # Of large ones only the number is known.
    if made not in _EMPTY or len(value) != len(added) or len(kept) > len(added):
        return False
    new_ones = added[len(kept) :]
    return (
        all(one is two for one, two in zip(kept, added, strict=False))
        and not any(new_ones)
        and {type(each) for each in new_ones} <= {made}
    )
