"""Which manifests of one record hold: its rows are compared as masks, each row once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from ..inputs.description import describe
from ..inputs.manifest import FileRecord, Manifest
from ..inputs.reading import bits
from .changes import Changes
from .verdict import Change, Stale

if TYPE_CHECKING:
    from ..inputs.bindings import Difference
    from .noticing import Noticing


class _Masks:
    """The rows of its record that a manifest has."""

    __slots__ = ("functions", "inputs", "ordered", "placed", "sources")

    def __init__(self, manifest: Manifest) -> None:
        self.functions = int.from_bytes(manifest.functions, "little")
        self.sources = int.from_bytes(manifest.sources, "little")
        self.ordered = int.from_bytes(manifest.ordered, "little")
        self.inputs = int.from_bytes(manifest.inputs, "little")
        self.placed = int.from_bytes(manifest.placed, "little")


class RecordChanges:
    """The rows of one record that differ, as masks against which a manifest is one operation.

    Rows are judged when the first manifest that has them is: the newest entries come first, and
    what only older ones read may differ in much.
    """

    def __init__(self, record: FileRecord, changes: Changes) -> None:
        self._record = record
        self._changes = changes
        self._sources = 0
        self._ordered = 0
        self._functions = 0
        self._inputs = 0
        self._placed = 0
        self._bound = 0
        self._bindings: dict[int, Difference] = {}
        self._judged_inputs = 0
        self._unjudged = 0
        for index, row in enumerate(record.sources):
            if changes.differs(*row):
                self._unjudged |= 1 << index
        self._functions_of: dict[int, int] = {}
        if self._unjudged:
            for index, (source, _) in enumerate(record.functions):
                if self._unjudged >> source & 1:
                    self._functions_of[source] = self._functions_of.get(source, 0) | 1 << index

    def _judge(self, masks: _Masks) -> Iterator[None]:
        """Judge what `masks` name, one after the other."""
        for index in self._unjudged_inputs(masks.inputs & ~self._judged_inputs):
            self._judged_inputs |= 1 << index
            if self._changes.input_changed(*self._record.inputs[index]):
                self._inputs |= 1 << index
                yield
        rows = masks.sources | masks.ordered
        for source, functions in self._functions_of.items():
            if functions & (masks.functions | masks.placed):
                rows |= 1 << source
        for index in bits(rows & self._unjudged):
            self._judge_source(index)
            yield

    def _unjudged_inputs(self, wanted: int) -> Iterable[int]:
        """Return those of the `wanted` rows that no other record has settled."""
        rows = self._record.inputs
        if wanted.bit_count() < len(rows):
            return bits(wanted)
        unsettled = self._changes.unsettled(rows)
        found = [index for index, row in enumerate(rows) if row in unsettled] if unsettled else []
        self._judged_inputs |= wanted & ~sum(1 << index for index in found)
        return found

    def _judge_source(self, index: int) -> None:
        self._unjudged &= ~(1 << index)
        change = self._changes.source(*self._record.sources[index])
        if change is None:
            return
        if change.bindings is not None:
            self._bindings[index] = change.bindings
            self._bound |= 1 << index
        elif change.import_time is not None:
            self._sources |= 1 << index
        if change.order:
            self._ordered |= 1 << index
        for function in bits(self._functions_of.get(index, 0)):
            line = self._record.functions[function][1]
            # A line that is no function's there: the text that ran was another.
            if line in change.functions or line not in change.lines:
                self._functions |= 1 << function
            elif line in change.moved:
                self._placed |= 1 << function

    @cached_property
    def _noticing(self) -> Noticing:
        return self._changes.noticing(self._record)

    def first(self, manifest: Manifest, name: str | None) -> Stale | None:
        """Return which input of a `manifest` is the first that differs; None where none does.

        Args:
            manifest: what the action read.
            name: the action's name; None for one that notices every changed binding.
        """
        masks = _Masks(manifest)
        for _ in self._judge(masks):
            pass
        if not self._differs(masks):
            return self._first_binding(manifest, name)
        rows = self._record.inputs
        _, first, change = min(
            [
                *((0, *self._function(index)) for index in bits(masks.functions & self._functions)),
                *((1, *self._source(index)) for index in bits(masks.sources & self._sources)),
                *((2, *self._order(index)) for index in bits(masks.ordered & self._ordered)),
                *(
                    (3, describe(rows[index]), Change(*rows[index]))
                    for index in bits(masks.inputs & self._inputs)
                ),
                *((4, *self._place(index)) for index in bits(masks.placed & self._placed)),
            ]
        )
        return Stale(first, change=change)

    def holds(self, manifest: Manifest, name: str | None) -> bool:
        """Return whether no input of a `manifest` differs; judges no more than it takes to know."""
        masks = _Masks(manifest)
        if self._differs(masks) or any(self._differs(masks) for _ in self._judge(masks)):
            return False
        return self._first_binding(manifest, name) is None

    def release(self) -> None:
        """Let go of how bindings changed: from now on everybody notices that they did."""
        self._sources |= self._bound
        self._bound = 0
        self._bindings.clear()
        vars(self).pop("_noticing", None)

    def _differs(self, masks: _Masks) -> bool:
        return bool(
            masks.functions & self._functions
            or masks.sources & self._sources
            or masks.ordered & self._ordered
            or masks.inputs & self._inputs
            or masks.placed & self._placed
        )

    def _first_binding(self, manifest: Manifest, name: str | None) -> Stale | None:
        bound = int.from_bytes(manifest.sources, "little") & self._bound
        if not bound:
            return None
        changed = {index: self._bindings[index] for index in bits(bound)}
        why: str | None = "it looks at all names"
        if name is not None:
            why = self._noticing.why(manifest, name, changed)
        if why is None:
            return None
        first, change = self._source(min(changed))
        return Stale(first, why, change)

    def _function(self, index: int) -> tuple[str, Change]:
        source, line = self._record.functions[index]
        name, recorded = self._record.sources[source]
        change = self._changes.source(name, recorded)
        assert change is not None
        label = f"function {name}::{change.functions.get(line, f'line {line}')}"
        return label, Change("function", name, recorded, line)

    def _place(self, index: int) -> tuple[str, Change]:
        source, line = self._record.functions[index]
        name, recorded = self._record.sources[source]
        change = self._changes.source(name, recorded)
        assert change is not None
        label = f"the lines of {name}::{change.moved[line]}"
        return label, Change("lines", name, recorded, line)

    def _source(self, index: int) -> tuple[str, Change]:
        name, recorded = self._record.sources[index]
        change = self._changes.source(name, recorded)
        assert change is not None
        label = f"import-time code of {name} ({change.import_time})"
        return label, Change("import-time code", name, recorded)

    def _order(self, index: int) -> tuple[str, Change]:
        name, recorded = self._record.sources[index]
        return f"order of definitions in {name}", Change("order", name, recorded)
