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
from .action import Action
from .calls import Calls
from .changes import Change
from .extents import Extents
from .fills import WatchedFills
from .homes import Homes
from .name_uses import is_annotated, only_binds
from .names import changed_at_import, import_time_parts, spelled
from .origins import Origins, inherit_reads
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
    origins = Origins(ordered, calls, writers, Surroundings(functions, homes.is_known))
    watched = WatchedFills(extents, functions)
    direct = Computed[str, set[int]](lambda name: writers.direct(name, states[name]))
    for state, change in sorted(states.items()):
        if change.is_looked_up and writers.only_look_up(state) and imports.only_bind(state):
            # Nobody could tell an empty value from none.
            continue
        if change.is_foreign and not writers.may_set(state):
            continue
        # Who changes an object changes it for all names that lead to it.
        names = sorted({state, *change.twins})
        writing = set[int]().union(*map(direct.__getitem__, names))
        changers = set[Action]().union(*(changed_by.get(name, ()) for name in names))
        fills = watched.of(writing, names, states)
        changing = frozenset(imports.changing(state))
        late = origins.late(names, fills, changing)
        early = origins.early(names, writing, changing)
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
            change,
            Node(
                node,
                given,
                frozenset(watched.certain(names)),
                early if is_touched else None,
                homes.alone(names, states),
                frozenset(origins.writing(writing) | changers | changing),
            ),
            writers.finding(state, change),
        )
    for check in checks:
        users = [action for action in ordered if check in action.functions]
        node = Action(f"{units[check].owner}.{units[check].name}")
        node.functions = frozenset(
            calls.reach({check}, frozenset().union(*(action.functions for action in users)))
        )
        inherit_reads(node, [units[check].code], users)
        found.add_check(units[check].path, node)
    return found


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
