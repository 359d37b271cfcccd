"""What states come from: who wrote them, and what these read, called and were given."""

from __future__ import annotations

from collections.abc import Iterable
from types import CodeType

from ..computed import Computed
from .action import OWN, UNCACHEABLE, UNSEEN, Action
from .calls import Calls
from .extents import Watched
from .fills import Fills
from .frames import frame_keys
from .surroundings import Surroundings
from .writers import Writers


class Origins:
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

    def writing(self, writers: set[int]) -> set[Action]:
        """Return the actions that ran one of `writers`."""
        return {each for each in self._actions if not writers.isdisjoint(each.functions)}

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
        return found | self.writing(unwatched) if unwatched else found

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
        inherit_reads(node, [self._calls.code(watched.unit)], watched.calling)


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
    inherit_reads(node, [calls.code(writer) for writer in writers], users)


def _inherit_imports(node: Action, users: Iterable[Action], calls: Calls) -> None:
    """Let `node` rest on what `users` imported that its functions may import."""
    names = set[str]().union(*map(calls.imported_by.__getitem__, node.functions))
    imported = set[str]().union(*(user.imports for user in users))
    if not any(map(calls.finds_any.__getitem__, node.functions)):
        imported = {each for each in imported if not names.isdisjoint(calls.ends_of[each])}
    node.imports.update(imported)


def inherit_reads(node: Action, writers: Iterable[CodeType], users: Iterable[Action]) -> None:
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
