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

import ast
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from .bindings import Difference, cut, difference, is_reordered
from .words import FUNCTIONS


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
    bindings: Difference | None = field(default=None, compare=False)
    """The parts of import-time code that differ; None where none do, or that can't be told."""


def parse(source: bytes) -> ast.Module | None:
    """Return the syntax tree of `source`; None where it isn't valid Python."""
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return None


def compare(old: bytes, new: bytes) -> SourceChange:
    """Return how `new` differs from `old`."""
    before, after = parse(old), parse(new)
    functions = {} if before is None else _functions(before)
    lines = frozenset(line for line, _ in functions.values())
    if before is None or after is None:
        return SourceChange(
            "it isn't valid Python",
            True,
            lines,
            {line: name for name, (line, _) in functions.items()},
        )
    bodies = {name: ast.dump(node) for name, (_, node) in _functions(after).items()}
    changed = {
        line: name for name, (line, node) in functions.items() if bodies.get(name) != ast.dump(node)
    }
    parts = cut(before), cut(after)
    bindings = difference(*parts)
    label = _label(bindings)
    return SourceChange(
        label, is_reordered(*parts), lines, changed, None if label is None else bindings
    )


def functions_of(
    tree: ast.AST, prefix: str = ""
) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Iterate over functions and methods, by dotted names, not over those inside of others."""
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, FUNCTIONS):
            yield prefix + child.name, child
        else:
            inner = f"{prefix}{child.name}." if isinstance(child, ast.ClassDef) else prefix
            yield from functions_of(child, inner)


def first_line(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the line on which `function` begins, that of its decorators if it has any."""
    return min([function.lineno, *(node.lineno for node in function.decorator_list)])


def _functions(tree: ast.AST) -> dict[str, tuple[int, ast.AST]]:
    """Return, by unique dotted name, where each function begins, and its tree."""
    found: dict[str, tuple[int, ast.AST]] = {}
    counts: Counter[str] = Counter()
    for name, node in functions_of(tree):
        counts[name] += 1
        unique = name if counts[name] == 1 else f"{name}#{counts[name]}"
        found[unique] = (first_line(node), node)
    return found


def _label(bindings: Difference) -> str | None:
    for part in (*bindings.came, *bindings.gone):
        return part.label
    return "the order of its statements" if bindings.reordered else None
