"""Both sides of an input that differs, for people to read."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import decode_source

from ..inputs.excerpts import function_at, function_named, import_time_code
from ..inputs.fingerprint import Fingerprints
from .verdict import Change


@dataclass(frozen=True)
class Difference:
    """What an input was when it was recorded, and what it is now."""

    old: str
    new: str
    """In a word or by fingerprint; values are not kept."""
    diff: tuple[str, ...] = ()
    """The lines of a unified diff, where both texts are there."""


def find_difference(
    change: Change, fingerprints: Fingerprints, recorded_text: Callable[[str], bytes | None]
) -> Difference:
    """Return both sides of what changed.

    Args:
        change: where to look.
        fingerprints: what inputs are now.
        recorded_text: returns a source text by its digest; None where it isn't kept.
    """
    if change.kind not in ("function", "lines", "import-time code", "order"):
        return Difference(change.recorded, fingerprints.now(change.kind, change.name))
    now = fingerprints.now("file", change.name)
    old = recorded_text(change.recorded)
    new = _content(fingerprints.layout.path(change.name))
    if old is None or new is None:
        return Difference(change.recorded, now)
    before, after = _excerpts(change, old, new)
    diff = difflib.unified_diff(before, after, "recorded", "now", lineterm="")
    return Difference(change.recorded, now, tuple(diff))


def _excerpts(change: Change, old: bytes, new: bytes) -> tuple[list[str], list[str]]:
    if change.kind == "function":
        found = function_at(old, change.line)
        if found is not None:
            return found[1], function_named(new, found[0])
    if change.kind == "lines":
        return decode_source(old).splitlines(), decode_source(new).splitlines()
    return import_time_code(old), import_time_code(new)


def _content(path: str) -> bytes | None:
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except OSError:
        return None
