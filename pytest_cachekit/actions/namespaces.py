"""What a cache holds of each namespace and epoch."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from ..errors import StorageError
from ..storage import Backend
from .runs import RunLine, read_runs

_SCOPE = re.compile(r"([A-Za-z0-9._-]*/[A-Za-z0-9._-]*):[a-z]+:")


@dataclass(frozen=True)
class NamespaceTotals:
    """What there is of one namespace in one epoch."""

    namespace: str
    epoch: str
    keys: int
    bytes: int
    runs: tuple[RunLine, ...] | None
    """The last ones, newest first; None where another key signed them."""


def namespaces(view: Callable[[str], Backend]) -> list[NamespaceTotals]:
    """Return what a cache holds of each namespace and epoch, by their names.

    Args:
        view: returns the part of the cache whose keys begin with a text, without it.

    Raises:
        StorageError: the cache can't be read.
    """
    whole = view("")
    matches = map(_SCOPE.match, whole.keys())
    scopes = {match[1] for match in matches if match is not None}
    sizes = {scope: whole.size(f"{scope}:") for scope in scopes}
    total = whole.size()
    rest = total.entries - sum(size.entries for size in sizes.values())
    found: list[NamespaceTotals] = []
    if rest:
        others = sum(size.bytes for size in sizes.values())
        found.append(NamespaceTotals("", "", rest, total.bytes - others, _runs(whole)))
    for scope in sorted(scopes):
        namespace, _, epoch = scope.partition("/")
        keys, size = sizes[scope]
        found.append(NamespaceTotals(namespace, epoch, keys, size, _runs(view(f"{scope}:"))))
    return found


def _runs(part: Backend) -> tuple[RunLine, ...] | None:
    try:
        return tuple(read_runs(part))
    except StorageError:
        return None
