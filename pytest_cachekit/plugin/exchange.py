"""Nodes that stood for others become these."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from _pytest.mark.structures import NodeKeywords

from .stand_ins import StandInMark

# What plugins may have added to stays.
_KEPT = frozenset(
    {
        "own_markers", "keywords", "extra_keyword_matches", "stash", "user_properties",
        "_report_sections",
    }
)  # fmt: skip


@dataclass
class Difference:
    """In what the tests of a file differ from those that were recorded."""

    gone: list[Any] = field(default_factory=list)
    """Nodes that stand for nothing."""
    new: list[Any] = field(default_factory=list)
    """Nodes that nothing stood for."""


def exchange(module: Any) -> Difference:
    """Have the nodes of `module` become real, by importing it now; return where that can't be."""
    state = vars(module)
    children, recorded = state.pop("stand_ins"), state.pop("recorded_marks")
    state.pop("import_file")
    added = [mark for mark in module.own_markers if not any(mark is one for one in recorded)]
    extra = _added_keywords(module)
    module.__class__ = pytest.Module
    module.own_markers.clear()
    module.keywords = NodeKeywords(module)
    # Whoever has its object has its marks.
    _ = module.obj
    _resolve(recorded, module.own_markers)
    module.own_markers.extend(added)
    module.keywords.update(extra)
    difference = Difference()
    _exchange(children, list(module.collect()), difference)
    return difference


def _exchange(nodes: Iterable[Any], found: Sequence[Any], difference: Difference) -> None:
    by_name = {node.name: node for node in found}
    for node in nodes:
        real = by_name.get(node.name)
        if real is None or not _become(node, real):
            difference.gone.append(node)
            continue
        del by_name[node.name]
        children = vars(node).pop("stand_ins", None)
        if children is not None:
            _exchange(children, list(node.collect()), difference)
    difference.new.extend(by_name.values())


def _become(node: Any, real: Any) -> bool:
    """Have `node` become what `real` is; return whether it stood for that."""
    state = vars(node)
    recorded = state.pop("recorded_marks")
    # Classes get their marks with their objects.
    _ = real.obj
    if not _resolve(recorded, real.own_markers):
        return False
    by_identity = {id(mark): own for mark, own in zip(recorded, real.own_markers, strict=True)}
    node.own_markers[:] = [by_identity.get(id(mark), mark) for mark in node.own_markers]
    extra = _added_keywords(node)
    for name in ("attributes", "parameters", "recorded_nodes"):
        state.pop(name, None)
    node.__class__ = type(real)
    state.update({name: value for name, value in vars(real).items() if name not in _KEPT})
    node.keywords = NodeKeywords(node)
    node.keywords.update(real.keywords._markers)
    node.keywords.update(extra)
    if isinstance(node, pytest.Function):
        node._initrequest()
    return True


def _resolve(recorded: Sequence[pytest.Mark], real: Sequence[pytest.Mark]) -> bool:
    """Tell `recorded` marks which `real` ones they stand for; return whether they do."""
    if [mark.name for mark in recorded] != [mark.name for mark in real]:
        return False
    for mark, own in zip(recorded, real, strict=True):
        if isinstance(mark, StandInMark):
            object.__setattr__(mark, "_real", own)
    return True


def _added_keywords(node: Any) -> dict[str, Any]:
    known = vars(node).pop("recorded_keywords")
    return {key: value for key, value in node.keywords._markers.items() if key not in known}
