"""Which recorded sources and inputs of a record differ from what is there now."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from ..inputs.digest import digest
from ..inputs.fingerprint import ABSENT, Fingerprints
from ..inputs.manifest import FileRecord
from ..inputs.reading import Input
from .concealed import Concealed

# Where nothing changed, what compares sources isn't loaded.
if TYPE_CHECKING:
    from ..inputs.library_names import LibraryNames
    from ..inputs.source import SourceChange
    from ..inputs.version import Forms, Version
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
        self._settled: set[Input] = set()
        """Inputs that are as recorded."""
        self._packed: dict[str, bytes] = {}
        self._sources: dict[tuple[str, str], SourceChange] = {}
        """By the digest of what was recorded, and of what is there now."""
        self._versions: dict[str, Version] = {}
        self._forms: Forms = {}

    def look_again(self, *, places_only: bool) -> None:
        """Forget what inputs are, or only where modules are found; texts by digest stay known."""
        self._fingerprints.forget_places()
        if places_only:
            for key in [key for key in self._inputs if key[0] == "module"]:
                del self._inputs[key]
            self._settled = {row for row in self._settled if row[0] != "module"}
            return
        # Other modules are loaded now.
        if "_texts" in vars(self):
            self._texts.look_again()
        self._reaches = {}
        self._inputs.clear()
        self._settled.clear()

    def release(self) -> None:
        """Let go of all syntax trees: they make each round of the garbage collector long."""
        vars(self).pop("_texts", None)
        self._versions.clear()
        self._forms.clear()
        self._sources = {
            key: replace(change, bindings=None) for key, change in self._sources.items()
        }

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
        current = self._current(name)
        if current == recorded:
            return None
        key = (recorded, current)
        if key not in self._sources:
            self._sources[key] = self._compare(name, recorded, current)
        return self._sources[key]

    def input_changed(self, kind: str, name: str, recorded: str) -> bool:
        """Return whether an input's fingerprint differs from the recorded one."""
        key = (kind, name)
        current = self._inputs.get(key)
        if current is None:
            current = self._inputs[key] = self._concealed.fingerprint(
                kind, self._fingerprints.now(kind, name)
            )
        if current == recorded:
            self._settled.add((kind, name, recorded))
        return current != recorded

    def unsettled(self, rows: Iterable[Input]) -> set[Input]:
        """Return those of `rows` of which it isn't known yet that they are as recorded."""
        return set(rows) - self._settled

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

        return Texts(self._fingerprints, self._version)

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

    def _compare(self, name: str, recorded: str, current: str) -> SourceChange:
        from ..inputs.source import SourceChange, compare

        old = self._version((name, recorded))
        new = None if current == ABSENT else self._version((name, current))
        if old is None or new is None:
            return SourceChange("the file", True, frozenset(), EVERY_FUNCTION)
        return compare(old, new)

    def _version(self, row: tuple[str, str]) -> Version | None:
        from ..inputs.version import Version

        name, wanted = row
        version = self._versions.get(wanted)
        if version is None:
            is_now = self._current(name) == wanted
            content = self._content(name) if is_now else self.recorded_text(wanted)
            if content is None:
                return None
            version = self._versions[wanted] = Version(content, self._forms)
        return version

    def _content(self, name: str) -> bytes | None:
        try:
            with open(self._fingerprints.layout.path(name), "rb") as stream:
                return stream.read()
        except OSError:
            return None


class _EveryFunction(dict[int, str]):
    """Says of each line that the function there changed."""

    def __contains__(self, line: object) -> bool:
        return True


EVERY_FUNCTION: dict[int, str] = _EveryFunction()
