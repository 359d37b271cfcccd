"""State that outlives the action that computed it: memos, singletons, lazily filled caches.

What `lru_cache`, a lazily bound global, a class attribute or a table in a
module holds may have been computed while another test ran; whoever reads it
later runs none of the code that it came from. So each project module's state is
looked at when its import ends and again when the run ends. A name whose value
changed in between is a *state*: every function that names it rests on the
functions that may have computed it, which are those that change it and, by
name, what they call, as far as these ran in any action that ran one of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from types import CodeType
from typing import Any

from .action import UNCACHEABLE, UNSEEN, Action
from .calls import Calls
from .frames import frame_keys
from .name_uses import is_annotated, only_binds
from .names import changed_at_import, import_time_parts, spelled
from .ran_functions import RanFunctions
from .replaced_names import ReplacedNames
from .state_users import StateActions
from .states import Change
from .units import Unit
from .writers import Writers

# What these return for a class or a value is kept by abstract classes and enums, where no name
# leads to.
_ASKED_ONCE = frozenset({"__subclasshook__", "_missing_"})


def state_actions(
    states: Mapping[str, Change],
    units: list[Unit],
    actions: Iterable[Action],
    namespaces: Mapping[str, Mapping[str, Any]],
    codes: Mapping[Action, list[CodeType]],
) -> StateActions:
    """Return, for each name in `states`, an action that read what its value may come from.

    Args:
        states: names whose values changed while the actions ran, and how.
        units: all functions of the run.
        actions: all actions of the run, in the order in which they began.
        namespaces: path of each project module to its globals.
        codes: action of each project module's import to the code that ran.
    """
    ordered = list(actions)
    ran: frozenset[int] = frozenset().union(*(action.functions for action in ordered))
    functions = RanFunctions(units, ran, namespaces)
    calls = Calls(functions)
    replaced = ReplacedNames([code for own in codes.values() for code in own])
    writers = Writers(functions, calls, states, replaced)
    found = StateActions(units, writers.means)
    checks = [identifier for identifier in ran if units[identifier].name in _ASKED_ONCE]
    if not states and not checks:
        return found
    imports = _Imports(codes)
    known: dict[tuple[frozenset[int], frozenset[Action]], tuple[Action, Action]] = {}
    for state, change in sorted(states.items()):
        if change.is_looked_up and writers.only_look_up(state) and imports.only_bind(state):
            # Nobody could tell an empty value from none.
            continue
        if change.is_foreign and not writers.may_set(state):
            continue
        # Who changes an object changes it for all names that lead to it.
        names = sorted({state, *change.twins})
        writing = set().union(*(writers.of(name, states[name]) for name in names))
        changing = list(imports.changing(state))
        key = frozenset(writing), frozenset(changing)
        if key not in known:
            late, early = Action(""), Action("", ended_early=True)
            _rest_on_writers(late, writing, ordered, changing, calls)
            _rest_on_writers(
                early,
                writing,
                [action for action in ordered if action.began_early],
                [action for action in changing if action.began_early],
                calls,
            )
            known[key] = late, early
        node, early = (
            replace(each, label=f"state {state}{when}")
            for each, when in zip(known[key], ("", ", before the first test"), strict=True)
        )
        is_touched = early.functions or early.parents
        finding = writers.finding(state, change)
        found.add(state, change.places, node, early if is_touched else None, finding)
    for check in checks:
        users = [action for action in ordered if check in action.functions]
        node = Action(f"{units[check].owner}.{units[check].name}")
        node.functions = frozenset(
            calls.reach({check}, frozenset().union(*(action.functions for action in users)))
        )
        _inherit_reads(node, [units[check].code], users)
        found.add_check(units[check].path, node)
    return found


def _rest_on_writers(
    node: Action,
    writers: set[int],
    actions: list[Action],
    changing: Iterable[Action],
    calls: Calls,
) -> None:
    """Let `node` rest on what `writers` may have computed while one of `actions` ran them.

    Args:
        node: stands for a state.
        writers: functions that change it.
        actions: those that may have done so, in the order in which they began.
        changing: imports whose own code changes it.
        calls: who may call whom.
    """
    users = [action for action in actions if not writers.isdisjoint(action.functions)]
    universe: frozenset[int] = frozenset().union(*(action.functions for action in users))
    writers = writers & universe
    reached = calls.reach(writers, universe)
    computed = reached - writers
    # Where most of those who ask compute it themselves, it is no memo.
    fillers = [action for action in users if not computed.isdisjoint(action.functions)]
    node.functions = frozenset(reached)
    # Modules that register something when they are imported.
    node.parents.update(action for action in users if action.source is not None)
    node.parents.update(changing)
    if 2 * len(fillers) <= len(users) or len(users) == 1:
        for filler in (*users[:1], *fillers):
            node.inputs.update(filler.inputs)
            node.imports.update(filler.imports)
    _inherit_imports(node, users, calls)
    _inherit_reads(node, [calls.code(writer) for writer in writers], users)


def _inherit_imports(node: Action, users: Iterable[Action], calls: Calls) -> None:
    """Let `node` rest on what `users` imported that its functions may import."""
    names = set[str]().union(*map(calls.imported_by.__getitem__, node.functions))
    imported = set[str]().union(*(user.imports for user in users))
    if not any(map(calls.finds_any.__getitem__, node.functions)):
        imported = {each for each in imported if not names.isdisjoint(calls.ends_of[each])}
    node.imports.update(imported)


def _inherit_reads(node: Action, writers: Iterable[CodeType], users: Iterable[Action]) -> None:
    """Let `node` rest on what `users` read while one of `writers` was running."""
    keys = {key for code in writers for key in frame_keys(code)}
    for user in users:
        for key in user.reads_below.keys() & keys:
            for kind, name in user.reads_below[key]:
                if kind == UNCACHEABLE:
                    node.refuse(name)
                elif kind == UNSEEN:
                    node.refuse_unless_declared(name)
                elif (kind, name) in user.inputs:
                    node.inputs[kind, name] = user.inputs[kind, name]


class _Imports:
    """What the import-time code of each module binds or changes."""

    def __init__(self, codes: Mapping[Action, list[CodeType]]) -> None:
        self._codes = codes
        self._changed: dict[Action, set[str]] = {}
        self._naming: dict[str, list[Action]] = {}
        for action, own in codes.items():
            parts = (part for code in own for part in import_time_parts(code))
            for name in set().union(*(part.co_names for part in parts)):
                self._naming.setdefault(name, []).append(action)

    def changing(self, name: str) -> Iterator[Action]:
        """Iterate over the imports that bind or change `name`."""
        for action in self._naming.get(name, ()):
            if action not in self._changed:
                changed = map(changed_at_import, self._codes[action])
                self._changed[action] = set().union(*changed)
            if name in self._changed[action]:
                yield action

    def only_bind(self, name: str) -> bool:
        """Return whether import-time code just binds `name`, and no code spells it in a string."""
        parts = (
            part
            for action in self._naming.get(name, ())
            for code in self._codes[action]
            for part in import_time_parts(code)
        )
        return all(only_binds(part, name) for part in parts) and not any(
            name in spelled(code) and not is_annotated(code, name)
            for codes in self._codes.values()
            for code in codes
        )
