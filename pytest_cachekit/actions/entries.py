"""Entries as clients of the store see them: outcomes with tags and an age."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import msgspec

from ..inputs.fingerprint import Fingerprints
from ..inputs.layout import Layout
from ..inputs.reading import Reading

_NO_PATHS = ("environment", "module", "distribution", "state", "unbound", "loaded")


class Outcome(msgspec.Struct, frozen=True, array_like=True):
    """What an action produced."""

    stored: float
    """When, in seconds since 1970."""
    duration: float
    """Seconds that it took."""
    kind: str
    content: bytes
    """Encoded as its client likes."""
    tags: list[str] = []


class Stored(NamedTuple):
    """One entry, as it is shown and chosen for removal."""

    group: str
    name: str
    outcome: Outcome
    reading: Callable[[], Reading]
    """What it rests on."""
    size: int
    """Bytes of its outcome."""

    def rests_on(self, name: str, layout: Layout) -> bool:
        """Return whether the path `name` is among its inputs, or something below it is."""
        reading = self.reading()
        below = "" if name == "." else f"{name}/"
        paths = {source[0] for source in reading.sources}
        paths.update(function[0] for function in reading.functions)
        for kind, item, _ in reading.inputs:
            if kind == "declared":
                found = Fingerprints(layout, umask="").declared_files(item)
                paths.update(map(layout.name, found))
            elif kind not in _NO_PATHS:
                paths.add(item)
        return any(path == name or path.startswith(below) for path in paths)


class Removed(NamedTuple):
    """What was removed."""

    entries: int
    bytes: int
    """Of outcomes."""


_decoder = msgspec.msgpack.Decoder(Outcome)


def decode_outcome(content: msgspec.Raw) -> Outcome | None:
    """Return the outcome stored as `content`; None where it is none."""
    try:
        return _decoder.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
