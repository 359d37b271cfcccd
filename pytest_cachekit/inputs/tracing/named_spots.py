"""What may change in a project, by the names that lead there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from types import FunctionType, ModuleType
from typing import Any

from ..computed import Computed
from .addresses import identity
from .held_values import is_walked
from .leaves import Leaves, Path
from .spots import Held, Spot
from .states import file_of

_OF_DEFAULTS = frozenset({"__defaults__", "__kwdefaults__"})
# Their instances change where the project's own code changes them.
_PLAIN = frozenset({"abc", "builtins", "collections.abc", "enum", "types", "typing"})


class NamedSpots:
    """Modules and what they lead to, taken in as their imports end."""

    def __init__(self) -> None:
        self._spots: dict[int, Spot] = {}
        self.containers: dict[str, set[Spot]] = defaultdict(set)
        """Those that have contents."""
        self.holders: dict[str, set[Spot]] = defaultdict(set)
        """Those to which somebody may give new attributes."""
        self.by_key: dict[str, list[Held]] = defaultdict(list)
        """What they hold under names, by what somebody names who binds that."""
        self.by_user: dict[str, list[Held]] = defaultdict(list)
        """What objects of libraries hold under names, and others, by what their users name."""
        self.of_class: dict[str, set[Spot]] = defaultdict(set)
        """Instances, by the names of their classes."""
        self.roots: dict[str, set[Spot]] = defaultdict(set)
        """Modules, by the paths of their files."""
        self._globals: dict[str, dict[str, Any]] = {}
        """Those of modules, by the paths of their files."""
        self._modules: set[str] = set()
        self.heft: Computed[str, int] = Computed(self._find_heft)
        """How much each name leads to."""

    def named_otherwise(self, path: str, names: Iterable[str]) -> set[Spot]:
        """Return what globals of the module in the file at `path` stand for under other names."""
        known = self._globals.get(path, {})
        values = ((name, known[name]) for name in known.keys() & set(names))
        spots = ((name, self._spots.get(identity(value))) for name, value in values)
        return {each for name, each in spots if each is not None and name not in each.known}

    def take_in(self, number: int, module: ModuleType, before: Leaves) -> None:
        """Take in what a module led to when its import ended, the one after `number` others."""
        self.heft.clear()
        names: dict[Path, dict[str, object]] = defaultdict(dict)
        for way, leaf in before.items():
            names[way[:-1]][way[-1]] = leaf.value
        path = file_of(module)
        self._globals[path] = vars(module)
        root = self._spot(module, (), module, number)
        self._enter(root, names[()])
        name = module.__name__.rpartition(".")[2]
        self.holders[name].add(root)
        root.known.add(name)
        self.roots[path].add(root)
        self._modules.add(module.__name__)
        users: dict[Path, set[str]] = {}
        entered = {way for way, _ in before.entered}
        for way, leaf in before.items():
            if way[:-1] in users:
                users[way] = users[way[:-1]]
            elif self._is_foreign(leaf.value):
                users[way] = {leaf.name, leaf.place[0]}
            if isinstance(leaf.value, type) and not is_walked(leaf.value, module.__name__):
                continue
            is_class = isinstance(leaf.value, type)
            if not leaf.contents and way not in entered:
                continue
            spot = self._spot(leaf.value, leaf.contents, module, number)
            spot.states.update(() if is_class else (leaf.name,))
            known = {leaf.place[0], *users.get(way, ())}
            holder = before.get(way[:-1])
            if holder is not None and isinstance(holder.value, FunctionType):
                # Defaults have no names.
                known.add(leaf.name)
            for name in known:
                if leaf.contents:
                    self.containers[name].add(spot)
                self.holders[name].add(spot)
                spot.known.add(name)
            if way in entered and not spot.names:
                self._enter(spot, names[way])
                for kind in () if is_class else type(leaf.value).__mro__[:-1]:
                    self.of_class[kind.__name__].add(spot)
            new = users.get(way, set()) - spot.users
            for held in spot.named.values():
                self._used_by(new, held)
            spot.users |= new

    def _enter(self, spot: Spot, names: dict[str, object]) -> None:
        spot.look_into(names)
        for name, held in spot.named.items():
            if _is_default(spot.value, name):
                self._used_by(_OF_DEFAULTS, held)
                spot.users |= _OF_DEFAULTS
            else:
                self.by_key[name].append(held)
                spot.keys.add(name)

    def _used_by(self, users: Iterable[str], held: Held) -> None:
        for user in users:
            self.by_user[user].append(held)

    def _is_foreign(self, value: object) -> bool:
        """Return whether methods that aren't the project's change what an object holds."""
        kind = type(value)
        return not issubclass(kind, (ModuleType, type, FunctionType)) and any(
            base.__module__ not in self._modules and base.__module__ not in _PLAIN
            for base in kind.__mro__
        )

    def _spot(
        self, value: object, contents: tuple[object, ...], module: ModuleType, number: int
    ) -> Spot:
        spot = self._spots.get(identity(value))
        if spot is None:
            spot = self._spots[identity(value)] = Spot(value, contents, module.__name__)
        spot.numbers.add(number)
        return spot

    def _find_heft(self, name: str) -> int:
        return sum(len(spot.contents) + 1 for spot in self.containers[name])


def _is_default(value: object, name: str) -> bool:
    """Return whether a name stands for an argument of a function, whose default has no name."""
    return isinstance(value, FunctionType) and not (
        name in value.__dict__ or name in value.__code__.co_freevars
    )
