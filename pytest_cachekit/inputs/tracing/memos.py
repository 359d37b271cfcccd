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

from ..computed import Computed
from .action import OWN, UNCACHEABLE, UNSEEN, Action
from .calls import Calls
from .changes import Change
from .extents import Extents, Watched
from .fills import Fills, WatchedFills
from .frames import frame_keys
from .homes import Homes
from .name_uses import is_annotated, only_binds
from .names import changed_at_import, import_time_parts, spelled
from .ran_functions import RanFunctions
from .replaced_names import ReplacedNames
from .state_users import Node, StateActions
from .surroundings import Surroundings
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
    extents: Extents,
    changed_by: Mapping[str, set[Action]],
) -> StateActions:
    """Return, for each name in `states`, an action that read what its value may come from.

    Args:
        states: names whose values changed while the actions ran, and how.
        units: all functions of the run.
        actions: all actions of the run, in the order in which they began.
        namespaces: path of each project module to its globals.
        codes: action of each project module's import to the code that ran.
        extents: calls that were watched.
        changed_by: names to the actions after which their values were seen to be others.
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
    homes = Homes(functions, imports.named, codes, ordered)
    origins = _Origins(ordered, calls, writers, Surroundings(functions, homes.is_known))
    watched = WatchedFills(extents, functions)
    for state, change in sorted(states.items()):
        if change.is_looked_up and writers.only_look_up(state) and imports.only_bind(state):
            # Nobody could tell an empty value from none.
            continue
        if change.is_foreign and not writers.may_set(state):
            continue
        # Who changes an object changes it for all names that lead to it.
        names = sorted({state, *change.twins})
        writing = set().union(*(writers.direct(name, states[name]) for name in names))
        fills = watched.of(writing, names, states)
        changing = frozenset(imports.changing(state))
        late = origins.late(names, fills, changing)
        early = origins.early(names, writing, changing)
        changers = set[Action]().union(*(changed_by.get(name, ()) for name in names))
        unexplained = {
            each for each in changers if not each.collects and writers.leave_open(names, each)
        }
        node = replace(late, label=f"state {state}", parents=late.parents | unexplained)
        early = replace(early, label=f"{node.label}, before the first test")
        given = Action(node.label, parents={node})
        given.parents |= origins.givers(names, fills.given, fills.unwatched_given)
        is_touched = early.functions or early.parents
        found.add(
            state,
            change.places,
            Node(
                node,
                given,
                frozenset(watched.certain(names)),
                early if is_touched else None,
            ),
            writers.finding(state, change),
        )
    for check in checks:
        users = [action for action in ordered if check in action.functions]
        node = Action(f"{units[check].owner}.{units[check].name}")
        node.functions = frozenset(
            calls.reach({check}, frozenset().union(*(action.functions for action in users)))
        )
        _inherit_reads(node, [units[check].code], users)
        found.add_check(units[check].path, node)
    return found


class _Origins:
    """Actions that rest on what states come from; those that come from the same share one."""

    def __init__(
        self, actions: list[Action], calls: Calls, writers: Writers, surroundings: Surroundings
    ) -> None:
        self._surroundings = surroundings
        self._actions = actions
        self._begun_early = [action for action in actions if action.began_early]
        self._calls = calls
        self._writers = writers
        self._known: dict[object, Action] = {}
        self._setters_for: Computed[int, set[Action]] = Computed(self._find_setters_for)

    def late(self, names: list[str], fills: Fills, changing: frozenset[Action]) -> Action:
        """Return what the value of `names` may come from."""
        others = self._with_callers(fills.others, names)
        kept = frozenset(fills.keeping), frozenset(fills.unwatched_keeping)
        own = tuple(names) if fills.watched or fills.keeping else ()
        key = others, frozenset(fills.watched), kept, changing, own
        if key not in self._known:
            node = self._known[key] = Action("")
            if others:
                _rest_on_writers(node, others, self._actions, changing, self._calls)
            node.parents.update(changing)
            for watched in fills.watched:
                self._rest_on_watched(node, watched)
            node.parents |= self.givers(names, fills.keeping, fills.unwatched_keeping)
            node.parents |= self._setters(names, others, fills.watched)
        return self._known[key]

    def _setters(
        self, names: list[str], others: frozenset[int], watched: Iterable[Watched]
    ) -> set[Action]:
        """Return the actions that may have set what was looked at while they computed a value."""
        found = set[Action]().union(*map(self._setters_for.__getitem__, others))
        for each in watched:
            setting = self._surroundings.setting(frozenset(each.ran))
            found |= self._surroundings.setters(setting, each.filling(names))
        return found

    def _find_setters_for(self, writer: int) -> set[Action]:
        reached = frozenset(self._calls.reached_from(writer, self._actions))
        setting = self._surroundings.setting(reached)
        users = (action for action in self._actions if writer in action.functions)
        return self._surroundings.setters(setting, users) if setting else set()

    def givers(
        self, names: list[str], watched: Iterable[Watched], unwatched: set[int]
    ) -> set[Action]:
        """Return the actions that may have given functions what these keep."""
        found = set[Action]().union(*(each.filling(names) for each in watched))
        if unwatched:
            found.update(
                action for action in self._actions if not unwatched.isdisjoint(action.functions)
            )
        return found

    def early(self, names: list[str], writing: set[int], changing: frozenset[Action]) -> Action:
        """Return what the value of `names` may come from before the first test."""
        others = self._with_callers(writing, names)
        first = frozenset(action for action in changing if action.began_early)
        key = others, first
        if key not in self._known:
            node = self._known[key] = Action("", ended_early=True)
            _rest_on_writers(node, others, self._begun_early, first, self._calls)
        return self._known[key]

    def _with_callers(self, writing: set[int], names: list[str]) -> frozenset[int]:
        return frozenset(writing.union(*(self._writers.calling(writing, name) for name in names)))

    def _rest_on_watched(self, node: Action, watched: Watched) -> None:
        """Let `node` rest on what ran, and was read, during watched calls."""
        node.functions |= watched.ran
        # Modules that register something when they are imported.
        node.parents.update(action for action in watched.calling if action.source is not None)
        _inherit_imports(node, watched.calling, self._calls)
        _inherit_reads(node, [self._calls.code(watched.unit)], watched.calling)


def _rest_on_writers(
    node: Action,
    writers: frozenset[int],
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
    reached = set().union(*(calls.reached_from(writer, actions) for writer in writers))
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
                elif kind == OWN:
                    node.parents.add(user)
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

    @property
    def named(self) -> Mapping[str, list[Action]]:
        """All names in import-time code, each with the imports that run it."""
        return self._naming

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
