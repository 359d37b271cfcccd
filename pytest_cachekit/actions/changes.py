"""Which recorded sources and inputs of a record differ from what is there now."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable
from functools import cached_property
from typing import TYPE_CHECKING

from ..inputs.description import describe
from ..inputs.digest import digest
from ..inputs.fingerprint import ABSENT, Fingerprints
from ..inputs.manifest import FileRecord, Manifest
from ..inputs.reading import bits
from .concealed import Concealed
from .verdict import Change, Stale

# Where nothing changed, what compares sources isn't loaded.
if TYPE_CHECKING:
    from ..inputs.bindings import Difference
    from ..inputs.library_names import LibraryNames
    from ..inputs.source import SourceChange
    from .noticing import Noticing, Reaches
    from .texts import Texts

Fetch = Callable[[list[str]], dict[str, bytes]]


def pack_source(content: bytes) -> bytes:
    """Return a file's text as it is kept in the cache, under its digest."""
    return zlib.compress(content, 1)


def unpack_source(packed: bytes) -> bytes | None:
    """Return what `pack_source` packed; None where `packed` is something else."""
    try:
        return zlib.decompress(packed)
    except zlib.error:
        return None


class Changes:
    """Compares what was recorded with what is there now, each thing once in a run."""

    def __init__(
        self, fingerprints: Fingerprints, fetch: Fetch, concealed: Concealed | None = None
    ) -> None:
        """Compare by `fingerprints`.

        Args:
            fingerprints: what inputs are now.
            fetch: returns packed sources by digest.
            concealed: which fingerprints are stored as others.
        """
        self._concealed = concealed or Concealed(None)
        self._fingerprints = fingerprints
        self._fetch = fetch
        self._reaches: Reaches = {}
        self._inputs: dict[tuple[str, str], str] = {}
        self._packed: dict[str, bytes] = {}
        self._sources: dict[tuple[str, str], SourceChange | None] = {}

    def look_again(self, *, places_only: bool) -> None:
        """Forget what inputs are, or only where modules are found; texts by digest stay known."""
        self._fingerprints.forget_places()
        if places_only:
            for key in [key for key in self._inputs if key[0] == "module"]:
                del self._inputs[key]
            return
        # Other modules are loaded now.
        vars(self).pop("_texts", None)
        self._reaches = {}
        self._inputs.clear()
        self._sources.clear()

    def prepare(self, records: Iterable[FileRecord]) -> None:
        """Fetch, in one batch, the recorded texts of all files that differ now."""
        wanted = {
            digest
            for record in records
            for name, digest in record.sources
            if self._current(name) not in (digest, ABSENT)
        }
        missing = [digest for digest in wanted if digest not in self._packed]
        if missing:
            self._packed.update(self._fetch(missing))

    def differs(self, name: str, recorded: str) -> bool:
        """Return whether the file `name` is another one than that of a recorded digest."""
        return self._current(name) != recorded

    def source(self, name: str, recorded: str) -> SourceChange | None:
        """Return how the file `name` differs from its recorded digest; None where it doesn't."""
        key = (name, recorded)
        if key not in self._sources:
            self._sources[key] = self._compare(name, recorded)
        return self._sources[key]

    def input_changed(self, kind: str, name: str, recorded: str) -> bool:
        """Return whether an input's fingerprint differs from the recorded one."""
        key = (kind, name)
        current = self._inputs.get(key)
        if current is None:
            current = self._inputs[key] = self._concealed.fingerprint(
                kind, self._fingerprints.now(kind, name)
            )
        return current != recorded

    def recorded_text(self, recorded: str) -> bytes | None:
        """Return the text of a file that differs now, by its digest; None where it isn't kept."""
        packed = self._packed.get(recorded)
        text = None if packed is None else unpack_source(packed)
        # A text that is another's would hide what changed.
        return text if text is not None and digest(text) == recorded else None

    def packed(self, recorded: str) -> bytes | None:
        """Return what was fetched for a file's digest."""
        return self._packed.get(recorded)

    @cached_property
    def _texts(self) -> Texts:
        from .texts import Texts

        return Texts(self._fingerprints, self.recorded_text)

    @cached_property
    def _library(self) -> LibraryNames:
        from ..inputs.library_names import LibraryNames

        return LibraryNames(self._fingerprints.distributions)

    def noticing(self, record: FileRecord) -> Noticing:
        """Return what judges which tests of `record` notice that bindings changed."""
        from .noticing import Noticing

        return Noticing(record, self._fingerprints, self._library, self._texts, self._reaches)

    def _current(self, name: str) -> str:
        key = ("file", name)
        current = self._inputs.get(key)
        if current is None:
            current = self._inputs[key] = self._fingerprints.now(*key)
        return current

    def _compare(self, name: str, recorded: str) -> SourceChange | None:
        current = self._current(name)
        if current == recorded:
            return None
        from ..inputs.source import SourceChange, compare

        everything = SourceChange("the file", True, frozenset(), EVERY_FUNCTION)
        text = self.recorded_text(recorded)
        if current == ABSENT or text is None:
            return everything
        try:
            with open(self._fingerprints.layout.path(name), "rb") as stream:
                return compare(text, stream.read())
        except OSError:
            return everything


class _EveryFunction(dict[int, str]):
    """Says of each line that the function there changed."""

    def __contains__(self, line: object) -> bool:
        return True


EVERY_FUNCTION: dict[int, str] = _EveryFunction()


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

    def _judge(self, sources: int, functions: int, inputs: int) -> None:
        rows = sources & self._unjudged
        for source, mask in self._functions_of.items():
            if mask & functions:
                rows |= 1 << source
        for index in bits(rows & self._unjudged):
            self._judge_source(index)
        for index in bits(inputs & ~self._judged_inputs):
            if self._changes.input_changed(*self._record.inputs[index]):
                self._inputs |= 1 << index
        self._judged_inputs |= inputs

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

    @cached_property
    def _noticing(self) -> Noticing:
        return self._changes.noticing(self._record)

    def first(self, manifest: Manifest, name: str | None) -> Stale | None:
        """Return which input of a `manifest` is the first that differs; None where none does.

        Args:
            manifest: what the action read.
            name: the action's name; None for one that notices every changed binding.
        """
        functions = int.from_bytes(manifest.functions, "little")
        sources = int.from_bytes(manifest.sources, "little")
        ordered = int.from_bytes(manifest.ordered, "little")
        inputs = int.from_bytes(manifest.inputs, "little")
        self._judge(sources | ordered, functions, inputs)
        functions &= self._functions
        sources &= self._sources
        ordered &= self._ordered
        inputs &= self._inputs
        if not (functions or sources or ordered or inputs):
            return self._first_binding(manifest, name)
        rows = self._record.inputs
        _, first, change = min(
            [
                *((0, *self._function(index)) for index in bits(functions)),
                *((1, *self._source(index)) for index in bits(sources)),
                *((2, *self._order(index)) for index in bits(ordered)),
                *((3, describe(rows[index]), Change(*rows[index])) for index in bits(inputs)),
            ]
        )
        return Stale(first, change=change)

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

    def _source(self, index: int) -> tuple[str, Change]:
        name, recorded = self._record.sources[index]
        change = self._changes.source(name, recorded)
        assert change is not None
        label = f"import-time code of {name} ({change.import_time})"
        return label, Change("import-time code", name, recorded)

    def _order(self, index: int) -> tuple[str, Change]:
        name, recorded = self._record.sources[index]
        return f"order of definitions in {name}", Change("order", name, recorded)
