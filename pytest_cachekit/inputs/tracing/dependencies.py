"""What an action rests on directly: other actions, and what is installed.

A module's body runs once, on behalf of whoever imports it first. Later imports
are noted by name; and where code names a module without importing it, as a
string or as an attribute of its package, that counts as well.
"""

from __future__ import annotations

import os
import sys
from collections import defaultdict
from collections.abc import Iterable
from inspect import getattr_static
from types import CodeType, ModuleType

from ..computed import Computed
from ..layout import Region
from ..own_kind import is_a
from ..reading import Input
from .action import Action
from .memos import state_actions
from .module_paths import ModulePaths
from .names import (
    code_constants,
    code_names,
    import_time_parts,
    looks_into_others,
    names_by_strings,
)
from .recorder import Recorder
from .seen_lines import SeenLines
from .shared_values import rest_on_users
from .state_users import Behind, Node, StateActions
from .units import Unit

# Whoever asks these sees classes and objects of modules that it never names.
_SEES_EVERYTHING = frozenset({"__subclasses__", "get_objects", "get_referrers"})
# Whoever asks these can notice the order in which things are defined.
_SEES_ORDER = frozenset(
    {
        "vars", "dir", "globals", "__dict__", "getmembers", "getmembers_static",
        "__subclasses__", "__prepare__", "__set_name__", "__init_subclass__",
    }
)  # fmt: skip
_ASKS_FOR_LOGGERS = frozenset(
    {
        "getLogger", "getChild", "loggerDict", "basicConfig", "hasHandlers", "isEnabledFor",
        "getEffectiveLevel",
    }
)  # fmt: skip
# Whoever uses these at import time may look into the module that is just being made.
_OWN_MODULE = frozenset({"getattr", "modules"})


class Dependencies:
    """Answers, once a run is over, what its actions rest on."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._states = StateActions(recorder.units, lambda _unit, _state: True)
        self._paths = ModulePaths(recorder)
        self._installed: dict[str, Input | None] = {}
        self._uses: Computed[int, frozenset[tuple[Action, Behind]]] = Computed(self._used_by)
        self._units: Computed[int, frozenset[Action]] = Computed(self._unit)
        self._early_units: Computed[int, frozenset[Action]] = Computed(self._early_unit)
        self._unit_names: Computed[int, frozenset[str]] = Computed(self._names_of)
        self._sees_order: frozenset[int] = frozenset()
        self.lines = SeenLines(recorder.units, (), {})
        """Who sees lines."""
        self._actions: dict[Action, tuple[set[Action], set[Input]]] = {}
        self._submodules: dict[str, set[Action]] = {}
        for name, paths in recorder.modules.names.items():
            if "." in name:
                actions = self._submodules.setdefault(name.rpartition(".")[2], set())
                actions.update(recorder.modules.actions[path] for path in paths)

    def prepare(self, actions: Iterable[Action]) -> None:
        """Find the state that `actions`, all of the run in their order, left to each other."""
        actions = list(actions)
        rest_on_users(self._recorder.states.filled, actions)
        ran: frozenset[int] = frozenset().union(*(action.functions for action in actions))
        self._sees_order = frozenset(filter(self._is_told_order, ran))
        self.lines = SeenLines(self._recorder.units, ran, self._unit_names)
        states = self._recorder.states
        self._states = state_actions(
            states.changed(),
            self._recorder.units,
            actions,
            states.namespaces(),
            {
                self._recorder.modules.actions[path]: codes
                for path, codes in self._recorder.modules.codes.items()
            },
            self._recorder.extents,
            self._recorder.passing.changed_by,
        )

    def direct(self, action: Action) -> tuple[set[Action], set[Input]]:
        """Return the actions that `action` rests on directly, and the inputs that it imports."""
        known = self._actions.get(action)
        if known is None:
            known = self._actions[action] = self._find(action)
        return known

    def sees_order(self, action: Action) -> bool:
        """Return whether functions that `action` ran can notice the order of definitions."""
        return not self._sees_order.isdisjoint(action.functions)

    def is_state(self, action: Action) -> bool:
        """Return whether `action` stands for what others left: its functions may have run."""
        return self._states.has(action)

    def ways_to_states(self, action: Action) -> dict[Action, set[Behind]]:
        """Return the states that `action` rests on directly, each with what leads it there."""
        ways: dict[Action, set[Behind]] = defaultdict(set)
        for unit in action.functions:
            for state, behind in self._uses[unit]:
                ways[state].add(behind)
        return ways

    def node(self, action: Action) -> Node | None:
        """Return the state that `action` stands for; None where it doesn't."""
        return self._states.node(action)

    def named(self, state: str) -> Node | None:
        """Return the state that is led to by a name."""
        return self._states.named(state)

    def homes(self, node: Node) -> set[Action]:
        """Return the imports of which whoever uses a state rests on one; none if it needs none."""
        actions = self._recorder.modules.actions
        return {actions[path] for path in node.homes if path in actions}

    def own_code_sees_order(self, action: Action) -> bool:
        """Return whether the import-time code that `action` is can notice its own order."""
        telling = _SEES_ORDER | {"locals"}
        return any(
            not telling.isdisjoint(part.co_names) or _OWN_MODULE.issubset(part.co_names)
            for code in self._codes(action)
            for part in import_time_parts(code)
        )

    def _is_told_order(self, identifier: int) -> bool:
        names = self._unit_names[identifier] & _SEES_ORDER
        if names != {"__dict__"}:
            return bool(names)
        # What an instance holds is in the order in which it was put there.
        unit = self._recorder.units[identifier]
        return looks_into_others(unit.code) or not self._is_of_instances(unit)

    def _is_of_instances(self, unit: Unit) -> bool:
        """Return whether a function stands in a class whose instances are no classes."""
        classes = unit.code.co_qualname.split(".")[:-1]
        for name, paths in self._recorder.modules.names.items():
            found: object = sys.modules.get(name) if unit.path in paths else None
            for each in classes:
                inner = vars(found) if is_a(found, (ModuleType, type)) else {}
                found = inner.get(each)
            if is_a(found, type):
                return not issubclass(found, type)
        return False

    def _names_of(self, identifier: int) -> frozenset[str]:
        return code_names(self._recorder.units[identifier].code)

    def _codes(self, action: Action) -> list[CodeType]:
        if action.source is None:
            return []
        path = self._recorder.layout.path(action.source[0])
        return self._recorder.modules.codes.get(path, [])

    def _find(self, action: Action) -> tuple[set[Action], set[Input]]:
        actions = set(action.parents)
        inputs: set[Input] = set()
        units = self._early_units if action.ended_early else self._units
        # Functions of one module mostly rest on the same.
        actions.update(*set(map(units.__getitem__, action.functions)))
        for name in action.imports:
            self._imported(name, actions, inputs)
        for name in self._paths.in_inputs(action):
            self._imported(name, actions, set())
        for code in self._codes(action):
            for part in import_time_parts(code):
                self._named(part.co_names, part.co_consts, actions)
        if action.source is not None:
            path = self._recorder.layout.path(action.source[0])
            actions.update(self._states.kept_for(path))
            for name, paths in self._recorder.modules.names.items():
                if path in paths:
                    # Importing a module runs the packages that it lies in.
                    self._imported(name.rpartition(".")[0], actions, inputs)
        actions.discard(action)
        return actions, inputs

    def _unit(self, identifier: int) -> frozenset[Action]:
        return self._code_of(identifier).union(state for state, _ in self._uses[identifier])

    def _used_by(self, identifier: int) -> frozenset[tuple[Action, Behind]]:
        names = self._names_and_strings_of(identifier)
        return frozenset(self._states.used_by(identifier, names))

    def _early_unit(self, identifier: int) -> frozenset[Action]:
        """Return what a function rests on that ran while a module was imported before all tests."""
        names = self._names_and_strings_of(identifier)
        return self._code_of(identifier).union(self._states.used_early_by(identifier, names))

    def _names_and_strings_of(self, identifier: int) -> frozenset[str]:
        unit = self._recorder.units[identifier]
        return self._unit_names[identifier] | names_by_strings(unit.code)

    def _code_of(self, identifier: int) -> frozenset[Action]:
        """Return what a function's code rests on, the state that it uses left out."""
        unit = self._recorder.units[identifier]
        actions = {self._recorder.modules.actions[unit.path]}
        self._named(self._unit_names[identifier], code_constants(unit.code), actions)
        if not _ASKS_FOR_LOGGERS.isdisjoint(self._unit_names[identifier]):
            actions.add(self._recorder.loggers)
        return frozenset(actions)

    def _named(
        self, names: Iterable[str], constants: Iterable[object], actions: set[Action]
    ) -> None:
        """Add the modules that code names without importing them."""
        recorder = self._recorder
        for name in names:
            actions |= self._submodules.get(name, set())
            if name in _SEES_EVERYTHING:
                actions.update(recorder.modules.actions.values())
        for name in self._paths.in_constants(constants):
            self._imported(name, actions, set())

    def _imported(self, name: str, actions: set[Action], inputs: set[Input]) -> None:
        """Add what importing the dotted `name` runs or finds: itself and its packages."""
        recorder = self._recorder
        if not name:
            return
        found = False
        current = name
        while current:
            for path in recorder.modules.names.get(current, ()):
                actions.add(recorder.modules.actions[path])
                if path.endswith("/conftest.py"):
                    # The last one that pytest loaded, if there are several.
                    inputs.add(("module", current, recorder.layout.name(path)))
                found = True
            current = current.rpartition(".")[0]
        if name in recorder.modules.made:
            actions.add(recorder.modules.made[name])
        if not found:
            top = name.partition(".")[0]
            inputs.add(("module", top, recorder.fingerprints.now("module", top)))
            if top not in sys.stdlib_module_names:
                if name not in self._installed:
                    self._installed[name] = self._installed_input(name)
                item = self._installed[name]
                if item is not None:
                    inputs.add(item)

    def _installed_input(self, package: str) -> Input | None:
        """Return the distribution that `package` came from, or its file where none owns it."""
        module = sys.modules.get(package) or sys.modules.get(package.partition(".")[0])
        origin = getattr_static(module, "__file__", None)
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
