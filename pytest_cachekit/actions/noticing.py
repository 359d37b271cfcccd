"""Which tests could notice that bindings of import-time code changed: those that can name them.

Changed names taint what import-time code binds with them, until nothing more is tainted. A test
notices if code that it ran names something tainted, if data that it read does, or if import-time
code that is more than a binding does. Code that lists what an object holds, or computes
names, names everything. Whatever can't be judged counts as noticed.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..inputs.bindings import Difference
from ..inputs.fingerprint import Fingerprints
from ..inputs.library_names import LibraryNames
from ..inputs.manifest import FileRecord, Manifest
from ..inputs.reading import Source, bits
from ..inputs.reflection import ANNOTATED
from ..inputs.spelling import bindings_in, only
from ..inputs.words import WORD
from .spreading import Spread, UnclearError
from .texts import Texts


@dataclass(frozen=True)
class Reach:
    """What changed bindings reach in one import closure."""

    names: frozenset[str]
    bindings: frozenset[str]
    """Those of them that data and configuration could mean."""
    reason: str | None
    """Why all that rests on the closure notices."""


Reaches = dict[tuple[frozenset[Source], frozenset[Source], frozenset[str], bool], Reach]
"""By import closure, rows that changed, distributions, and whether all annotations count."""

# Each configuration says this, and means what runs the tests.
_EVERYWHERE = frozenset({"pytest"})
_READERS = frozenset(map(only, ANNOTATED))


class Noticing:
    """Judges the manifests of one record."""

    def __init__(
        self,
        record: FileRecord,
        fingerprints: Fingerprints,
        library: LibraryNames,
        texts: Texts,
        reaches: Reaches,
    ) -> None:
        self._record = record
        self._fingerprints = fingerprints
        self._library = library
        self._texts = texts
        self._shared = reaches
        self._reaches: dict[tuple[int, int, frozenset[str], bool], Reach] = {}
        self._naming: dict[frozenset[str], tuple[int, int]] = {}
        self._telling: dict[tuple[int, frozenset[str]], bool] = {}

    def why(self, manifest: Manifest, name: str, changed: Mapping[int, Difference]) -> str | None:
        """Return how the test `name` notices the `changed` rows; None where it can't."""
        told = self._why(manifest, name, changed, annotations=False)
        if told is not None:
            return told
        functions = int.from_bytes(manifest.functions, "little")
        if self._first_naming(functions, _READERS) is None:
            return None
        return self._why(manifest, name, changed, annotations=True)

    def _why(
        self, manifest: Manifest, name: str, changed: Mapping[int, Difference], *, annotations: bool
    ) -> str | None:
        distributions = self._distributions(manifest)
        sources = int.from_bytes(manifest.sources, "little")
        rows = 0
        for index in changed:
            rows |= 1 << index
        key = (sources, rows, distributions, annotations)
        reach = self._reaches.get(key)
        if reach is None:
            reach = self._reach(sources, changed, distributions, annotations)
            self._reaches[key] = reach
        if reach.reason is not None:
            return reach.reason
        functions = int.from_bytes(manifest.functions, "little")
        naming = self._first_naming(functions, reach.names)
        if naming is not None:
            return self._describe(naming, reach.names)
        names = reach.bindings
        if not names.isdisjoint(WORD.findall(name.partition("[")[0])):
            return "the test's id names it"
        if self._texts.is_named_by_configuration(names):
            return "the configuration names it"
        inputs = int.from_bytes(manifest.inputs, "little")
        for index in bits(inputs):
            kind, place, _ = self._record.inputs[index]
            told = self._telling.get((index, names))
            if told is None:
                told = self._texts.is_named_by_input(kind, place, names)
                self._telling[index, names] = told
            if told:
                return f"{place} names it"
        return None

    def _describe(self, index: int, names: frozenset[str]) -> str:
        source, line = self._record.functions[index]
        row = self._record.sources[source]
        text = self._texts.of(row)
        named = set() if text is None else text.words_at(line) & names
        return f"the function on line {line} of {row[0]} names {min(named, default='something')}"

    def _distributions(self, manifest: Manifest) -> frozenset[str]:
        # What runs the tests looks into them in ways that are known.
        runners = self._fingerprints.distributions.of_pytest
        found: set[str] = set()
        for index in bits(int.from_bytes(manifest.inputs, "little")):
            kind, name, _ = self._record.inputs[index]
            if kind == "distribution" and name not in runners:
                found |= self._fingerprints.distributions.with_required(name)
        return frozenset(found)

    def _reach(
        self,
        sources: int,
        changed: Mapping[int, Difference],
        distributions: frozenset[str],
        annotations: bool,
    ) -> Reach:
        closure = frozenset(self._record.sources[index] for index in bits(sources))
        rows = frozenset(self._record.sources[index] for index in changed)
        key = (closure, rows, distributions, annotations)
        if key not in self._shared:
            spread = Spread(
                closure, distributions, self._fingerprints, self._library, self._texts,
                annotations=annotations,
            )  # fmt: skip
            try:
                for index, difference in changed.items():
                    spread.begin(self._record.sources[index], difference)
                names = spread.over_imports()
                bindings = bindings_in(names)
                if self._is_only_imported(closure, changed):
                    bindings -= _EVERYWHERE
                self._shared[key] = Reach(names, bindings, None)
            except UnclearError as error:
                self._shared[key] = Reach(frozenset(), frozenset(), str(error))
        return self._shared[key]

    def _is_only_imported(
        self, closure: Iterable[Source], changed: Mapping[int, Difference]
    ) -> bool:
        """Return whether `pytest` is, and was, nothing but the module that is called so."""
        parts = [part for each in changed.values() for part in (*each.gone, *each.came)]
        for row in closure:
            text = self._texts.of(row)
            if text is None:
                return False
            parts += text.parts
        return all(
            isinstance(part.node, ast.Import)
            and any(alias.name == "pytest" and not alias.asname for alias in part.node.names)
            for part in parts
            if not part.binds.isdisjoint(_EVERYWHERE)
        )

    def _first_naming(self, functions: int, names: frozenset[str]) -> int | None:
        """Return the first of `functions` that names one of `names`; None where none does."""
        judged, naming = self._naming.get(names, (0, 0))
        for index in bits(functions & ~judged):
            source, line = self._record.functions[index]
            text = self._texts.of(self._record.sources[source])
            judged |= 1 << index
            if text is None or text.function_names(line, names):
                naming |= 1 << index
        self._naming[names] = (judged, naming)
        return next(iter(bits(functions & naming)), None)
