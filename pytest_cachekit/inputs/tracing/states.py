"""What modules held when their imports ended, and what of it has changed since."""

from __future__ import annotations

import builtins
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from types import FunctionType, ModuleType
from typing import Any

from ..own_kind import is_a
from .action import Action
from .addresses import identity
from .changes import Change, Changes
from .leaves import Leaves, Place, collect_leaves, differing
from .looks import FirstSeen, Look
from .named_modules import module_globals
from .unchanged import is_as_it_was

_DEPTH = 4
_DEPTH_OF_OTHERS = 2


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
        self._passed = Changes()
        """What had changed when somebody glanced at it; it may be as it was by now."""
        self._passing: dict[str, set[str]] = {}
        """The names of that, each with the files of the modules that lead there."""
        self._first: FirstSeen | None = None
        self._passed_elsewhere: set[tuple[str, Place]] = set()
        self._count = 0
        """How many names there were elsewhere when somebody glanced at them."""
        self._modules: dict[int, tuple[Mapping[str, Any], frozenset[str]]] = {}
        """Namespaces of modules that project modules name, and the names in them by then."""

    def remember(self, module: ModuleType) -> None:
        """Remember the state of `module`, whose import has just ended."""
        self._before.append((module, _leaves(module)))
        present: object = sys.modules.get(module.__name__)
        if present is not None and not is_a(present, ModuleType):
            # It left another object in its place, which no name of its own has to lead to.
            place = ModuleType(module.__name__)
            vars(place)[module.__name__.rpartition(".")[2]] = present
            self._before.append((place, _leaves(place)))
        for value in list(vars(module).values()):
            if is_a(value, ModuleType) and identity(value) not in self._modules:
                # One that is to be loaded when it is first asked for stays as it is.
                names = module_globals(value)
                self._modules[identity(value)] = names, frozenset(names)

    def remember_attributes(self, owner: object) -> None:
        """Remember the state of an object of others, to which the project may add attributes."""
        self._others.append((vars(owner), collect_leaves(vars(owner), _DEPTH_OF_OTHERS)))

    def found(self, name: str, place: Place) -> None:
        """Note a name whose value changed in an object that isn't a module's."""
        self._found.setdefault(name, set()).add(place)

    @property
    def count(self) -> int:
        """How many modules are remembered."""
        return len(self._before)

    def remembered(self, number: int) -> tuple[ModuleType, Leaves]:
        """Return the module that was remembered after `number` others, and what it led to."""
        return self._before[number]

    def snapshot(self, path: str) -> Snapshot | None:
        """Return what the module in the file at `path` leads to now; None if there is none yet."""
        for module, _ in self._before:
            if path and file_of(module) == path:
                return Snapshot(module, path)
        return None

    def namespaces(self) -> dict[str, Mapping[str, Any]]:
        """Return the globals of each module, by the absolute path of its file."""
        return {path: vars(module) for module, _ in self._before if (path := file_of(module))}

    def changed(self) -> dict[str, Change]:
        """Return the names whose values have changed since, each with how."""
        changes = self._passed.copy()
        names = changes.names
        for name, places in self._found.items():
            found = names.setdefault(name, Change())
            for place in places:
                found.enter(place)
            found.is_foreign = found.is_looked_up = False
        now = changes.take(self._looks(range(self.count)), self._first_seen(), is_last=True)
        for name, files in self._passing.items():
            names[name].has_passed = not files <= now.get(name, set())
        for name, place in {*self._changed_elsewhere(), *self._passed_elsewhere}:
            change = names.setdefault(name, Change(is_foreign=True))
            change.enter(place)
            change.homes.add("")
            change.containers.add(name)
            change.roots.clear()
        for name in self._found:
            names[name].roots.clear()
            names[name].homes.add("")
            names[name].containers.add(name)
        return names

    def glance(self, numbers: Iterable[int], *, have_changed: bool = False) -> None:
        """Note how modules differ now from what they held when their imports ended.

        Args:
            numbers: the modules, by the order in which they were remembered.
            have_changed: whether that is known of all of them, so that none is asked first.
        """
        taken = self._passed.take(self._looks(numbers, have_changed), self._first_seen())
        for name, files in taken.items():
            self._passing.setdefault(name, set()).update(files)

    def glance_elsewhere(self) -> None:
        """Note names that came to what isn't the project's, and may go again."""
        count = sum(map(len, self._elsewhere()))
        if count != self._count:
            self._count = count
            self._passed_elsewhere.update(self._came_to_modules())
            for names, before in self._others:
                for name in names.keys() - {path[0] for path in before if len(path) == 1}:
                    self._passed_elsewhere.add((name, (name, frozenset())))

    def _elsewhere(self) -> Iterator[Mapping[str, Any]]:
        yield from (names for names, _ in self._modules.values())
        yield from (names for names, _ in self._others)

    def _looks(self, numbers: Iterable[int], have_changed: bool = False) -> Iterator[Look]:
        """Iterate over those of some modules that have changed."""
        for number in numbers:
            module, before = self._before[number]
            if have_changed or not is_as_it_was(vars(module), before, module.__name__):
                yield Look(number, file_of(module), before, _leaves(module))

    def _first_seen(self) -> FirstSeen:
        if self._first is None or self._first.count != len(self._before):
            self._first = FirstSeen([before for _, before in self._before])
        return self._first

    def _changed_elsewhere(self) -> Iterator[tuple[str, Place]]:
        """Iterate over the attributes of what isn't the project's that changed, or came."""
        for names, before in self._others:
            for _, leaf in differing(before, collect_leaves(names, _DEPTH_OF_OTHERS)):
                yield leaf.name, leaf.place
        yield from self._came_to_modules()

    def _came_to_modules(self) -> Iterator[tuple[str, Place]]:
        """Iterate over the names that came to modules which aren't the project's."""
        own = {identity(each) for each, _ in self._before}
        for module, (names, known) in self._modules.items():
            if module in own:
                # Its import had not ended when another one's did.
                continue
            for name in names.keys() - known:
                if not self._came_by_itself(names, names.get(name)):
                    yield name, (name, frozenset())

    def _came_by_itself(self, names: Mapping[str, Any], value: object) -> bool:
        """Return whether no code of the project need have put `value` into a module's `names`."""
        if is_a(value, ModuleType):
            # That a package leads to a module which was imported is told by imports.
            return True
        # One that makes its names when they are asked for keeps what is its own.
        is_made = "__getattr__" in names and is_a(value, (type, FunctionType))
        return is_made and value.__module__ not in {module.__name__ for module, _ in self._before}


def file_of(module: ModuleType) -> str:
    """Return the absolute path of the file of a module; "" if it has none."""
    path = getattr(module, "__file__", None)
    return os.path.abspath(path) if path else ""


def _leaves(module: ModuleType) -> Leaves:
    """Return what can hold state in a module."""
    depth = 1 if module is builtins else _DEPTH
    return collect_leaves(vars(module), depth, module.__name__)
