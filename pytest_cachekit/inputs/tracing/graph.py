"""From what each action read itself to all that it depends on."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property

from ..computed import Computed
from ..reading import Function, Input, Reading, Source, bits
from .action import Action
from .components import components
from .dependencies import Dependencies
from .reach import Reach
from .recorder import Recorder
from .seen_lines import has_nameless_code


class Graph:
    """The actions of one finished run, and what each depends on."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._dependencies = Dependencies(recorder)
        self._reach = Reach(self._dependencies)
        self._index: dict[Action, int] = {}
        self._nodes: list[Action] = []
        self._edges: list[set[int]] = []
        self._closures: list[int] | None = None
        """For each node, the mask of all that it reaches, itself included."""
        self._components: list[list[int]] = []
        """The nodes that reach each other; each component after those that it reaches."""
        self._component: list[int] = []
        """For each node, its component."""
        self._contents: list[Reading] = []
        """What the first components rest on, as far as these were asked for."""
        self._refusing = self._writing = self._seeing_order = self._seeing_lines = 0
        self._bases: dict[int, Reading] = {}
        self._functions: Computed[int, Function] = Computed(self._function)
        self._readings: dict[Action, Reading] = {}
        self._refusals: dict[tuple[Action, bool], str | None] = {}

    def prepare(self, actions: Iterable[Action]) -> None:
        """Take in what `actions` rest on, before the first of them is asked for.

        Args:
            actions: those that will be asked for, in the order in which they ran.
        """
        asked = list(actions)
        recorder = self._recorder
        everything = [
            recorder.session,
            recorder.loggers,
            *recorder.modules.actions.values(),
            *asked,
        ]
        known = set(everything)
        for action in everything:
            everything.extend(parent for parent in action.parents if parent not in known)
            known.update(action.parents)
        self._dependencies.prepare(everything)
        self._reach.ask_for(asked)
        for action in everything:
            for root in self._reach.direct(action):
                self._add(root)
        while found := self._reach.extend(self._mask, self._index):
            for action, state in found:
                index = self._add(state)
                if action in self._index:
                    self._edges[self._index[action]].add(index)
            self._closures = None
        self._close()

    def reading(self, action: Action) -> Reading:
        """Return what `action` depends on; the same object where it is asked for again."""
        reading = self._readings.get(action)
        if reading is None:
            base = self._base(action)
            inputs = frozenset(_inputs(action)) | self._dependencies.direct(action)[1]
            functions = frozenset(map(self._functions.__getitem__, action.functions))
            sources: frozenset[Source] = frozenset()
            ordered: frozenset[Source] = frozenset()
            placed: frozenset[Function] = frozenset()
            for child in action.readings:
                sources |= child.sources
                ordered |= child.ordered
                functions |= child.functions
                placed |= child.placed
            if self._dependencies.sees_order(action):
                ordered |= base.sources
            if self._dependencies.lines.any_of(action):
                inputs |= self._files(action, base.sources)
                placed |= functions | base.functions
            reading = Reading(sources, ordered, functions, inputs, placed, base)
            self._readings[action] = reading
        return reading

    def apart_from(self, action: Action, known: Iterable[Action]) -> list[Action]:
        """Return the shared actions that `action` rests on, and none of `known` does."""
        mask = self._mask(action)
        for other in known:
            mask &= ~self._mask(other)
        return [node for index, node in enumerate(self._nodes) if mask >> index & 1]

    def rests_on_any(self, action: Action, others: Container[Action]) -> bool:
        """Return whether one of `others` is `action` or something that it rests on."""
        return action in others or any(
            self._nodes[index] in others for index in bits(self._mask(action))
        )

    def has_written(self, action: Action) -> bool:
        """Return whether `action`, or something that it rests on, wrote what others may read."""
        return bool(action.writes or self._mask(action) & self._writing)

    def written(self, action: Action) -> Iterator[str]:
        """Iterate over the paths that `action`, and what it rests on but the session, wrote."""
        shared = (self._nodes[index] for index in bits(self._mask(action) & self._writing))
        for node in (action, *shared):
            if node is not self._recorder.session:
                yield from node.writes

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
        mask = self._mask(action) & self._refusing
        shared = (self._nodes[index] for index in bits(mask))
        for node in (action, *shared):
            reason = node.uncacheable or (None if declared else node.unseen)
            if reason is not None:
                return reason if node is action else f"{node.label} {reason}"
        return None

    def _mask(self, action: Action) -> int:
        closures = self._close()
        mask = 0
        for root in self._roots(action):
            mask |= closures[root]
        return mask

    def _roots(self, action: Action) -> list[int]:
        roots = [self._index[root] for root in self._reach.direct(action)]
        if action in self._index:
            # An action that others rest on is itself one of the shared parts.
            roots.append(self._index[action])
        return roots

    def _base(self, action: Action) -> Reading:
        mask = self._mask(action)
        base = self._bases.get(mask)
        if base is None:
            base = _union([self._content(index) for index in self._spanning(self._roots(action))])
            ordered, inputs, placed = base.ordered, base.inputs, base.placed
            if mask & self._seeing_order:
                ordered |= base.sources
            for index in bits(mask & self._seeing_lines):
                node = self._nodes[index]
                lines = self._dependencies.lines
                if self._dependencies.is_state(node) and not lines.all_of(node):
                    near = lines.near(node.functions)
                    placed |= frozenset(map(self._functions.__getitem__, near))
                else:
                    inputs |= self._files(node, base.sources)
                    placed |= self._content(self._component[index]).functions
            base = Reading(base.sources, ordered, base.functions, inputs, placed)
            self._bases[mask] = base
        return base

    def _spanning(self, nodes: Iterable[int]) -> Iterator[int]:
        """Iterate over few components that reach all that `nodes` do."""
        closures = self._close()
        covered = 0
        for node in sorted(nodes, key=lambda node: closures[node].bit_count(), reverse=True):
            if closures[node] & ~covered:
                covered |= closures[node]
                yield self._component[node]

    def _content(self, component: int) -> Reading:
        """Return what a component rests on; those before it are known once it is."""
        while len(self._contents) <= component:
            nodes = self._components[len(self._contents)]
            below = {edge for node in nodes for edge in self._edges[node]}.difference(nodes)
            parts = [self._contents[index] for index in self._spanning(below)]
            parts += [self._own(self._nodes[node]) for node in nodes]
            self._contents.append(_union(parts))
        return self._contents[component]

    def _own(self, node: Action) -> Reading:
        """Return what a node read itself."""
        source = frozenset([node.source] if node.source is not None else [])
        is_ordered = source and self._dependencies.own_code_sees_order(node)
        own = Reading(
            source,
            source if is_ordered else frozenset(),
            frozenset(map(self._functions.__getitem__, node.functions)),
            frozenset(_inputs(node)) | self._dependencies.direct(node)[1],
        )
        return _union([own, *(replace(child, inputs=frozenset()) for child in node.readings)])

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
            for parent in self._reach.direct(current):
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
        closures = self._closures
        if closures is None:
            self._contents.clear()
            self._components = components(self._edges)
            self._component = [0] * len(self._nodes)
            self._closures = closures = [0] * len(self._nodes)
            for number, nodes in enumerate(self._components):
                mask = 0
                for node in nodes:
                    self._component[node] = number
                    mask |= 1 << node
                    for edge in self._edges[node]:
                        mask |= closures[edge]
                for node in nodes:
                    closures[node] = mask
            for index, action in enumerate(self._nodes):
                self._note(action, 1 << index)
        return closures

    def _note(self, node: Action, bit: int) -> None:
        if node.uncacheable is not None or node.unseen is not None:
            self._refusing |= bit
        if node.writes:
            self._writing |= bit
        if node.functions and self._dependencies.sees_order(node):
            self._seeing_order |= bit
        if node.functions and self._dependencies.lines.any_of(node):
            self._seeing_lines |= bit

    def _files(self, action: Action, sources: Iterable[Source]) -> set[Input]:
        """Return those of `sources` all lines of which `action`, which sees some, may see."""
        is_all = self._dependencies.lines.all_of(action)
        return {("file", *source) for source in sources if is_all or source in self._run_late}

    @cached_property
    def _run_late(self) -> frozenset[Source]:
        """The modules of which import-time code may have run while tests did."""
        modules = self._recorder.modules
        return frozenset(
            action.source
            for path, action in modules.actions.items()
            if action.source is not None
            and (not action.began_early or any(map(has_nameless_code, modules.codes.get(path, ()))))
        )

    def _function(self, identifier: int) -> Function:
        unit = self._recorder.units[identifier]
        module = self._recorder.modules.actions[unit.path]
        assert module.source is not None
        return (*module.source, unit.line)


def _inputs(action: Action) -> Iterator[Input]:
    return ((kind, name, fingerprint) for (kind, name), fingerprint in action.inputs.items())


def _union(parts: Sequence[Reading]) -> Reading:
    if len(parts) == 1:
        return parts[0]
    return Reading(
        frozenset().union(*(part.sources for part in parts)),
        frozenset().union(*(part.ordered for part in parts)),
        frozenset().union(*(part.functions for part in parts)),
        frozenset().union(*(part.inputs for part in parts)),
        frozenset().union(*(part.placed for part in parts)),
    )
