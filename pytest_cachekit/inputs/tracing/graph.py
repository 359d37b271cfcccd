"""Who rests on whom: from what each action read itself to all that it depends on.

A module's body runs once, on behalf of whoever imports it first; everybody
else's import of it leaves no trace. So imports are taken from the code as well:
the import statements of the functions that ran and of import-time code lead to
the actions of the modules that they name.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator

from ..layout import Region
from ..manifest import Function, Input, Reading, Source
from .action import Action
from .memos import state_actions
from .names import code_names
from .recorder import Recorder
from .units import ImportStatement, import_statements


class Graph:
    """The actions of one finished run, and what each depends on."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._index: dict[Action, int] = {}
        self._nodes: list[Action] = []
        self._edges: list[set[int]] = []
        self._closures: list[int] | None = None
        self._bases: dict[int, Reading] = {}
        self._functions: dict[int, Function] = {}
        self._installed: dict[str, Input | None] = {}
        self._states: dict[str, Action] = {}
        self._roots: dict[Action, tuple[set[Action], set[str]]] = {}
        self._readings: dict[Action, Reading] = {}
        self._refusals: dict[tuple[Action, bool], str | None] = {}
        self._units: dict[int, tuple[Action, tuple[set[Action], set[str]] | None]] = {}

    def prepare(self, actions: Iterable[Action]) -> None:
        """Take in what `actions` rest on, before the first of them is asked for.

        Args:
            actions: those that will be asked for, in the order in which they ran.
        """
        asked = list(actions)
        recorder = self._recorder
        everything = [recorder.session, *recorder.modules.values(), *asked]
        known = set(everything)
        for action in everything:
            everything.extend(parent for parent in action.parents if parent not in known)
            known.update(action.parents)
        states = recorder.states
        self._states = state_actions(
            states.changed(), recorder.units, everything, states.namespaces()
        )
        for action in asked:
            for root in self._direct(action)[0]:
                self._add(root)
        self._close()

    def reading(self, action: Action) -> Reading:
        """Return what `action` depends on; the same object where it is asked for again."""
        reading = self._readings.get(action)
        if reading is None:
            packages = self._direct(action)[1]
            inputs = frozenset(_inputs(action)).union(self._installed_inputs(packages))
            functions = frozenset(self._function(unit) for unit in action.functions)
            base = self._base(self._mask(action))
            reading = self._readings[action] = Reading(frozenset(), functions, inputs, base)
        return reading

    def refusal(self, action: Action, *, declared: bool) -> str | None:
        """Return why the outcome of `action` must not be stored; None where it may.

        Args:
            action: an action that has ended.
            declared: whether a marker declares the inputs that can't be seen.
        """
        key = (action, declared)
        if key not in self._refusals:
            self._refusals[key] = self._find_refusal(action, declared)
        return self._refusals[key]

    def _find_refusal(self, action: Action, declared: bool) -> str | None:
        mask = self._mask(action)
        shared = (node for index, node in enumerate(self._nodes) if mask >> index & 1)
        for node in (action, *shared):
            reason = node.uncacheable or (None if declared else node.unseen)
            if reason is not None:
                return reason if node is action else f"{node.label} {reason}"
        return None

    def _direct(self, action: Action) -> tuple[set[Action], set[str]]:
        known = self._roots.get(action)
        if known is None:
            known = self._roots[action] = self._rests_on(action)
        return known

    def _mask(self, action: Action) -> int:
        roots = self._direct(action)[0]
        closures = self._close()
        mask = 0
        for root in roots:
            mask |= closures[self._index[root]]
        if action in self._index:
            # An action that others rest on is itself one of the shared parts.
            mask |= closures[self._index[action]]
        return mask

    def _base(self, mask: int) -> Reading:
        base = self._bases.get(mask)
        if base is None:
            base = self._bases[mask] = self._make_base(mask)
        return base

    def _make_base(self, mask: int) -> Reading:
        sources: set[Source] = set()
        functions: set[Function] = set()
        inputs: set[Input] = set()
        for index, node in enumerate(self._nodes):
            if mask >> index & 1:
                if node.source is not None:
                    sources.add(node.source)
                functions.update(self._function(unit) for unit in node.functions)
                inputs.update(_inputs(node))
                inputs.update(self._installed_inputs(self._direct(node)[1]))
        return Reading(frozenset(sources), frozenset(functions), frozenset(inputs))

    def _add(self, action: Action) -> int:
        """Add `action`, and all that it rests on, to the nodes."""
        index = self._index.get(action)
        if index is not None:
            return index
        self._closures = None
        wanted = [action]
        self._new(action)
        while wanted:
            current = wanted.pop()
            edges = self._edges[self._index[current]]
            for parent in self._direct(current)[0]:
                if parent not in self._index:
                    self._new(parent)
                    wanted.append(parent)
                edges.add(self._index[parent])
        return self._index[action]

    def _new(self, action: Action) -> None:
        self._index[action] = len(self._nodes)
        self._nodes.append(action)
        self._edges.append(set())

    def _close(self) -> list[int]:
        """Return, for each node, the mask of all nodes that it reaches, itself included."""
        if self._closures is None:
            closures = [1 << index for index in range(len(self._nodes))]
            changed = True
            while changed:
                changed = False
                for index in range(len(closures) - 1, -1, -1):
                    mask = closures[index]
                    for parent in self._edges[index]:
                        mask |= closures[parent]
                    if mask != closures[index]:
                        closures[index] = mask
                        changed = True
            self._closures = closures
        return self._closures

    def _rests_on(self, action: Action) -> tuple[set[Action], set[str]]:
        """Return the actions that `action` rests on directly, and packages that it imports."""
        recorder = self._recorder
        actions = set(action.parents)
        packages: set[str] = set()
        units = self._units
        for identifier in action.functions:
            unit = units.get(identifier) or self._unit(identifier)
            actions.add(unit[0])
            if unit[1] is not None:
                actions.update(unit[1][0])
                packages.update(unit[1][1])
        for name in action.imports:
            self._named(name, actions, packages)
        if action.source is not None:
            path = recorder.layout.path(action.source[0])
            package, statements = recorder.module_imports.get(path, ("", set()))
            self._statements(package, statements, actions, packages)
            for name in self._own_names(path):
                self._named(name.rpartition(".")[0], actions, packages)
        actions.discard(action)
        return actions, packages

    def _unit(self, identifier: int) -> tuple[Action, tuple[set[Action], set[str]] | None]:
        """Return the import of a unit's module, and what its own import statements lead to."""
        unit = self._recorder.units[identifier]
        imported: tuple[set[Action], set[str]] = (set(), set())
        self._statements(unit.package, import_statements(unit.code, whole=True), *imported)
        for name in self._states.keys() & code_names(unit.code):
            imported[0].add(self._states[name])
        known = self._recorder.modules[unit.path], imported if any(imported) else None
        self._units[identifier] = known
        return known

    def _own_names(self, path: str) -> Iterator[str]:
        for name, paths in self._recorder.module_names.items():
            if path in paths:
                yield name

    def _statements(
        self,
        package: str,
        statements: Iterable[ImportStatement],
        actions: set[Action],
        packages: set[str],
    ) -> None:
        for statement in statements:
            base = _absolute(statement, package)
            if base is None:
                continue
            self._named(base, actions, packages)
            for name in statement.names:
                self._named(f"{base}.{name}", actions, packages)

    def _named(self, name: str, actions: set[Action], packages: set[str]) -> None:
        """Add the modules that importing the dotted `name` runs: itself and its parents."""
        if not name or name.partition(".")[0] in sys.stdlib_module_names:
            return
        names = self._recorder.module_names
        found = False
        current = name
        while current:
            for path in names.get(current, ()):
                actions.add(self._recorder.modules[path])
                found = True
            current = current.rpartition(".")[0]
        if not found:
            packages.add(name)

    def _installed_inputs(self, packages: Iterable[str]) -> Iterator[Input]:
        for package in packages:
            if package not in self._installed:
                self._installed[package] = self._installed_input(package)
            item = self._installed[package]
            if item is not None:
                yield item

    def _installed_input(self, package: str) -> Input | None:
        """Return the distribution that `package` came from, or its file where none owns it."""
        module = sys.modules.get(package) or sys.modules.get(package.partition(".")[0])
        origin = getattr(module, "__file__", None)
        if not isinstance(origin, str):
            return None
        fingerprints = self._recorder.fingerprints
        layout = fingerprints.layout
        path = os.path.abspath(origin)
        if layout.region(path) is not Region.INSTALLED:
            return None
        owner = fingerprints.distributions.owner(path, layout.installed_roots)
        if owner is None:
            return "file", layout.name(path), fingerprints.file(path)
        return "distribution", owner, fingerprints.distributions.fingerprint(owner)

    def _function(self, identifier: int) -> Function:
        function = self._functions.get(identifier)
        if function is None:
            unit = self._recorder.units[identifier]
            module = self._recorder.modules[unit.path]
            assert module.source is not None
            function = self._functions[identifier] = (*module.source, unit.line)
        return function


def _inputs(action: Action) -> Iterator[Input]:
    return ((kind, name, fingerprint) for (kind, name), fingerprint in action.inputs.items())


def _absolute(statement: ImportStatement, package: str) -> str | None:
    if not statement.level:
        return statement.name
    base = package
    for _ in range(statement.level - 1):
        base, dot, _ = base.rpartition(".")
        if not dot:
            return None
    return f"{base}.{statement.name}" if statement.name else base
