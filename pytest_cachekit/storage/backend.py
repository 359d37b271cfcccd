"""What every backend offers: bytes under string keys, one by one and in batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple, Protocol


class BackendSize(NamedTuple):
    """How much a backend holds."""

    entries: int
    bytes: int


class Backend(Protocol):
    """A store of bytes under keys.

    Values come back exactly as they were handed in; a backend never interprets
    them. Every method may raise `StorageError`, whose message says what to do.
    """

    @property
    def url(self) -> str:
        """The URL under which this backend can be opened again."""
        ...

    def get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        """Return the values of those `keys` that are stored, in one batch."""
        ...

    def set_many(self, items: Mapping[str, bytes]) -> None:
        """Store all `items` in one batch, replacing what was there."""
        ...

    def delete(self, key: str) -> bool:
        """Remove `key`; return whether it was there."""
        ...

    def keys(self, prefix: str = "") -> Iterator[str]:
        """Iterate over the stored keys that start with `prefix`."""
        ...

    def size(self) -> BackendSize:
        """Return the number of entries and the bytes that they take."""
        ...

    def close(self) -> None:
        """Release what the backend holds open; it can't be used afterwards."""
        ...
