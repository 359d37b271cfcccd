"""What changed between two versions of a Python file, as a test could notice it.

A file is cut into *functions*, each with all that is nested in it, and its
*import-time code*: everything else, with the bodies of functions cut out.
Positions, comments and blank lines are in neither. What can be read of a
function without running it (its name, signature, decorators, docstring and
whether it is a generator) belongs to the import-time code as well.

Nothing is parsed while a run is recorded: a manifest holds a file's digest and
the first lines of the functions that ran, and the file's text is kept in the
cache. Both versions are parsed when, and only when, they differ.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from .bindings import Difference, difference, is_reordered
from .version import Version


@dataclass(frozen=True)
class SourceChange:
    """How the version of a file that was recorded differs from the one that is there now."""

    import_time: str | None = None
    """The first import-time statement that differs, in words; None where none does."""
    order: bool = False
    """Whether definitions or statements stand in another order, which reflection could notice."""
    lines: frozenset[int] = field(default=frozenset(), compare=False)
    """The first lines of all functions of the recorded version."""
    functions: dict[int, str] = field(default_factory=dict)
    """The functions that changed or went: first line in the recorded version, to dotted name."""
    moved: dict[int, str] = field(default_factory=dict, compare=False)
    """The functions that are the same but stand on other lines, as `functions` has those that
    aren't."""
    bindings: Difference | None = field(default=None, compare=False)
    """The parts of import-time code that differ; None where none do, or that can't be told."""


def compare(old: Version, new: Version) -> SourceChange:
    """Return how `new` differs from `old`."""
    lines = frozenset(line for line, _ in old.functions.values())
    if old.tree is None or new.tree is None:
        return SourceChange(
            "it isn't valid Python",
            True,
            lines,
            {line: name for name, (line, _) in old.functions.items()},
        )
    changed: dict[int, str] = {}
    moved: dict[int, str] = {}
    for name, (line, node) in old.functions.items():
        _, other = new.functions.get(name, (0, None))
        if other is None or not old.has_alike(node, new, other):
            changed[line] = name
        elif not old.stands_like(node, new, other):
            moved[line] = name
    bindings = difference(old.parts, new.parts)
    label = _label(bindings)
    return SourceChange(
        label,
        is_reordered(old.parts, new.parts),
        lines,
        changed,
        moved,
        None if label is None else bindings,
    )


def _label(bindings: Difference) -> str | None:
    for part in (*bindings.came, *bindings.gone):
        return part.label
    return "the order of its statements" if bindings.reordered else None
