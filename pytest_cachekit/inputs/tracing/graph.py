"""From what each action read itself to all that it depends on."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator

from ..computed import Computed
from ..reading import Function, Input, Reading, Source, bits
from .action import Action
from .dependencies import Dependencies
from .recorder import Recorder


class Graph:
    """The actions of one finished run, and what each depends on."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._dependencies = Dependencies(recorder)
        self._index: dict[Action, int] = {}
        self._nodes: list[Action] = []
        self._edges: list[set[int]] = []
        self._closures: list[int] | None = None
        self._refusing = 0
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
        everything = [self._recorder.session, *self._recorder.modules.actions.values(), *asked]
        known = set(everything)
        for action in everything:
            everything.extend(parent for parent in action.parents if parent not in known)
            known.update(action.parents)
        self._dependencies.prepare(everything)
        for action in asked:
            for root in self._dependencies.direct(action)[0]:
                self._add(root)
        self._close()
        for index, node in enumerate(self._nodes):
            if node.uncacheable is not None or node.unseen is not None:
                self._refusing |= 1 << index

    def reading(self, action: Action) -> Reading:
        """Return what `action` depends on; the same object where it is asked for again."""
        reading = self._readings.get(action)
        if reading is None:
            base = self._base(self._mask(action))
            inputs = frozenset(_inputs(action)) | self._dependencies.direct(action)[1]
            functions = frozenset(map(self._functions.__getitem__, action.functions))
            sources: frozenset[Source] = frozenset()
            ordered: frozenset[Source] = frozenset()
            for child in action.readings:
                sources |= child.sources
                ordered |= child.ordered
                functions |= child.functions
            if self._dependencies.sees_order(action):
                ordered |= base.sources
            if self._dependencies.sees_lines(action):
                inputs |= {("file", name, digest) for name, digest in base.sources}
            reading = Reading(sources, ordered, functions, inputs, base)
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
        return bool(action.writes) or any(
            self._nodes[index].writes for index in bits(self._mask(action))
        )

    def written(self, action: Action) -> Iterator[str]:
        """Iterate over the paths that `action`, and what it rests on but the session, wrote."""
        shared = (self._nodes[index] for index in bits(self._mask(action)))
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
        roots = self._dependencies.direct(action)[0]
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
        nodes = [self._nodes[index] for index in bits(mask)]
        sources = frozenset(node.source for node in nodes if node.source is not None)
        ordered: set[Source] = set()
        functions: set[Function] = set()
        inputs: set[Input] = set()
        for node in nodes:
            functions.update(map(self._functions.__getitem__, node.functions))
            inputs.update(_inputs(node))
            inputs |= self._dependencies.direct(node)[1]
            for child in node.readings:
                sources |= child.sources
                ordered |= child.ordered
                functions |= child.functions
            if node.source is not None and self._dependencies.own_code_sees_order(node):
                ordered.add(node.source)
            if node.functions and self._dependencies.sees_order(node):
                ordered |= sources
            if node.functions and self._dependencies.sees_lines(node):
                inputs.update(("file", name, digest) for name, digest in sources)
        return Reading(sources, frozenset(ordered), frozenset(functions), frozenset(inputs))

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
            for parent in self._dependencies.direct(current)[0]:
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

    def _function(self, identifier: int) -> Function:
        unit = self._recorder.units[identifier]
        module = self._recorder.modules.actions[unit.path]
        assert module.source is not None
        return (*module.source, unit.line)


def _inputs(action: Action) -> Iterator[Input]:
    return ((kind, name, fingerprint) for (kind, name), fingerprint in action.inputs.items())
