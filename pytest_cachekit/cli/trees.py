"""What a test depends on, as a tree of words."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ..inputs.description import describe
from ..inputs.excerpts import names_at
from ..inputs.fingerprint import ABSENT
from ..inputs.reading import Reading


def tree_of(reading: Reading, text_of: Callable[[str], bytes | None]) -> list[str]:
    """Return the lines of a tree: files with the functions that ran, then all else.

    Args:
        reading: what was read.
        text_of: returns a source text by its digest; None where it isn't kept.
    """
    lines: dict[tuple[str, str], set[int]] = {source: set() for source in reading.sources}
    for name, digest, line in reading.functions:
        lines.setdefault((name, digest), set()).add(line)
    branches: list[tuple[str, list[str]]] = []
    for (name, digest), starts in sorted(lines.items()):
        text = text_of(digest) if starts else None
        ran = names_at(text, frozenset(starts)) if text is not None else []
        rest = len(starts) - len(ran)
        names = [f"function {name}" for name in ran]
        if rest:
            names.append(f"{rest} function{'s' if rest > 1 else ''} more")
        imported = [] if (name, digest) in reading.sources else [" (not its import-time code)"]
        branches.append((f"{name}{''.join(imported)}", names))
    found = sorted(
        describe(item).replace(", absent before,", " (absent)")
        for item in reading.inputs
        if item[0] != "module" or item[2] == ABSENT
    )
    branches += [(word, []) for word in found]
    modules = len(reading.inputs) - len(found)
    if modules:
        branches.append((f"the places of {modules} modules", []))
    return list(_drawn(branches))


def _drawn(branches: list[tuple[str, list[str]]]) -> Iterable[str]:
    for number, (name, leaves) in enumerate(branches, 1):
        is_last = number == len(branches)
        yield f"{'└' if is_last else '├'}── {name}"
        stem = "    " if is_last else "│   "
        for count, leaf in enumerate(leaves, 1):
            yield f"{stem}{'└' if count == len(leaves) else '├'}── {leaf}"
