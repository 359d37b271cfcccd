"""Import statements, name by name: what each of their names binds."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator

from .bindings import Difference, Part, bound_by
from .loaded import LoadedModule
from .words import words_at_import


def imported_under(part: Part, names: frozenset[str] | set[str]) -> frozenset[str]:
    """Return what `part` binds; of an import statement, only what comes from one of `names`."""
    if not isinstance(part.node, (ast.Import, ast.ImportFrom)):
        return part.binds
    return frozenset(
        bound
        for alias in part.node.names
        if not names.isdisjoint(words_at_import(alias))
        for bound in bound_by(alias)
    )


def imported_alike(difference: Difference, now: list[Part]) -> frozenset[str]:
    """Return the names at the top of a module that are imported before a change as after it.

    Args:
        difference: the statements that changed.
        now: the module as it is; what else binds such a name could come before it, or after.
    """
    bound = Counter(name for part in now if not part.scope for name in part.binds)
    both = {*_imported(difference.gone)} & {*_imported(difference.came)}
    others = Counter(name for part in difference.gone for name in part.binds)
    return frozenset(name for name, *_ in both if bound[name] == others[name] == 1)


def listed(difference: Difference) -> frozenset[str]:
    """Return what went from `__all__` or came to it."""
    sides = [
        {
            word
            for part in side
            if part.binds == {"__all__"} and not part.scope
            for word in words_at_import(part.node)
        }
        for side in (difference.gone, difference.came)
    ]
    return frozenset((sides[0] ^ sides[1]) - {"__all__"})


def imported_otherwise(
    module: LoadedModule, part: Part, difference: Difference, now: list[Part]
) -> frozenset[str]:
    """Return the modules that one of the parts that differ imports, and no other part.

    Args:
        module: the one that has `part`, or had it.
        part: what came or went.
        difference: all that came and went.
        now: the parts of the module as it is.
    """
    other = [
        one for side in (difference.gone, difference.came) for one in (() if part in side else side)
    ]
    came = {one.key for one in difference.came}
    kept = [
        one
        for one in now
        if one.key not in came and isinstance(one.node, (ast.Import, ast.ImportFrom))
    ]
    known = {name for one in (*other, *kept) for name in module.imported(one)}
    return frozenset(module.imported(part)) - known


def _imported(parts: tuple[Part, ...]) -> Iterator[tuple[str, str, str | None, int]]:
    for part in parts:
        node = part.node
        if part.scope or not isinstance(node, (ast.Import, ast.ImportFrom)):
            continue
        source = (node.module, node.level) if isinstance(node, ast.ImportFrom) else (None, 0)
        for alias in node.names:
            for name in bound_by(alias):
                yield name, alias.name, *source
