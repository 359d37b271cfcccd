"""Long lists of keys and entries, some hundred at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

from .backend import Backend

T = TypeVar("T")
_MOST = 256


def in_batches(items: Iterable[T]) -> Iterator[list[T]]:
    """Iterate over `items` in lists of some hundred."""
    rest = iter(items)
    while batch := list(islice(rest, _MOST)):
        yield batch


def get_each(backend: Backend, keys: Iterable[str]) -> Iterator[tuple[str, bytes | None]]:
    """Iterate over `keys` and their values, read in batches; None where nothing is stored.

    Raises:
        StorageError: the cache can't be read.
    """
    for batch in in_batches(keys):
        found = backend.get_many(batch)
        yield from ((key, found.get(key)) for key in batch)
