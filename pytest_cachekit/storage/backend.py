"""What every backend offers: bytes under string keys, one by one and in batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple, Protocol, runtime_checkable

MOST = 2**63 - 1
"""Counters stay between this and its negative, as Redis keeps them."""


class BackendSize(NamedTuple):
    """How much a backend holds: entries that have not expired, and the bytes of their values."""

    entries: int
    bytes: int


Replacement = tuple[str | None, bytes | None]
"""The tag of the value that is expected under a key, None for none, and what to store there, None
for nothing."""


class Backend(Protocol):
    """A store of bytes under keys.

    Values come back exactly as they were handed in; a backend never interprets
    them, counters excepted, which are decimal digits. Times to live are positive
    seconds, None for ever; a key's last writer sets its time. Every method may raise
    `StorageError`, whose message says what to do.
    """

    @property
    def url(self) -> str:
        """The URL under which this backend can be opened again, without any password."""
        ...

    @property
    def shared(self) -> bool:
        """Whether other processes see the same entries."""
        ...

    def get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        """Return the values of those `keys` that are stored, in one batch."""
        ...

    def set_many(self, items: Mapping[str, bytes], ttl: float | None = None) -> None:
        """Store all `items` in one batch, replacing what was there."""
        ...

    def replace_many(self, items: Mapping[str, Replacement]) -> dict[str, bytes | None]:
        """Store each of `items`, for ever, whose key still holds the value with the given tag.

        All is one step: nobody else's write comes between looking and storing.

        Args:
            items: for each key the `tag_of` the value expected there, None for no value, and
                the new value, None to remove the key.

        Returns:
            What those keys hold that hold something else, None for nothing; they stay as they are.
        """
        ...

    def add(self, key: str, value: bytes, ttl: float | None = None) -> bool:
        """Store `value` unless `key` is there; return whether it was stored."""
        ...

    def delete_many(self, keys: Iterable[str]) -> int:
        """Remove `keys`; return how many were there."""
        ...

    def touch(self, key: str, ttl: float | None) -> bool:
        """Give `key` a new time to live; return whether it was there."""
        ...

    def incr(self, key: str, delta: int, ttl: float | None = None) -> int:
        """Add to the counter at `key` in one step and return it; a new one starts at 0, with `ttl`.

        Raises:
            CounterError: what is there is no counter, or would leave 64 bits.
        """
        ...

    def remaining(self, keys: Iterable[str]) -> dict[str, float | None]:
        """Return the seconds that those `keys` that are stored have left; None for ever."""
        ...

    def keys(self, prefix: str = "") -> Iterator[str]:
        """Iterate over the stored keys that start with `prefix`."""
        ...

    def clear(self, prefix: str = "") -> int:
        """Remove all keys that start with `prefix`; return how many."""
        ...

    def size(self, prefix: str = "") -> BackendSize:
        """Return how much is stored under keys that start with `prefix`."""
        ...

    def tallies(self) -> dict[str, int]:
        """Return what the backend itself counted, named as in `CacheStats`."""
        ...

    def close(self) -> None:
        """Release what the backend holds open; it can't be used afterwards."""
        ...


@runtime_checkable
class NotesUses(Protocol):
    """A backend that knows when what it holds was used."""

    def last_uses(self, keys: Iterable[str]) -> dict[str, float]:
        """Return when `keys` were written or, as far as noted, used last; seconds since 1970."""
        ...

    def note_uses(self, keys: Iterable[str]) -> None:
        """Note, with the next write or when this closes, that `keys` were used now."""
        ...


class AsyncBackend(Protocol):
    """`Backend` with methods to await.

    Where all that they call is ready at once, they never suspend, and `run_now` gets their
    results without an event loop: so what stands above backends is written once.
    """

    @property
    def url(self) -> str:
        """See `Backend.url`."""
        ...

    @property
    def shared(self) -> bool:
        """See `Backend.shared`."""
        ...

    async def get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        """See `Backend.get_many`."""
        ...

    async def get_list(self, keys: list[str]) -> list[bytes | None]:
        """Return what `get_many` does, in the order of `keys`; None where nothing is stored."""
        found = await self.get_many(keys)
        return [found.get(key) for key in keys]

    async def set_many(self, items: Mapping[str, bytes], ttl: float | None = None) -> None:
        """See `Backend.set_many`."""
        ...

    async def replace_many(self, items: Mapping[str, Replacement]) -> dict[str, bytes | None]:
        """See `Backend.replace_many`."""
        ...

    async def add(self, key: str, value: bytes, ttl: float | None = None) -> bool:
        """See `Backend.add`."""
        ...

    async def delete_many(self, keys: Iterable[str]) -> int:
        """See `Backend.delete_many`."""
        ...

    async def touch(self, key: str, ttl: float | None) -> bool:
        """See `Backend.touch`."""
        ...

    async def incr(self, key: str, delta: int, ttl: float | None = None) -> int:
        """See `Backend.incr`."""
        ...

    async def remaining(self, keys: Iterable[str]) -> dict[str, float | None]:
        """See `Backend.remaining`."""
        ...

    async def keys(self, prefix: str = "") -> Iterator[str]:
        """See `Backend.keys`."""
        ...

    async def clear(self, prefix: str = "") -> int:
        """See `Backend.clear`."""
        ...

    async def size(self, prefix: str = "") -> BackendSize:
        """See `Backend.size`."""
        ...

    def tallies(self) -> dict[str, int]:
        """See `Backend.tallies`."""
        ...

    async def close(self) -> None:
        """See `Backend.close`."""
        ...


def tag_of(value: bytes) -> str:
    """Return what `Backend.replace_many` tells values apart by, as servers compute it."""
    import hashlib

    return hashlib.sha1(value, usedforsecurity=False).hexdigest()


def sort_out(
    items: Mapping[str, Replacement], held: Mapping[str, bytes]
) -> tuple[dict[str, bytes], list[str], dict[str, bytes | None]]:
    """Return which of `items` replace what is `held`, which keys go, and what the others hold."""
    tags = {key: tag_of(value) for key, value in held.items()}
    fresh = {key: value for key, (tag, value) in items.items() if tags.get(key) == tag}
    stored = {key: value for key, value in fresh.items() if value is not None}
    gone = [key for key, value in fresh.items() if value is None]
    return stored, gone, {key: held.get(key) for key in items.keys() - fresh.keys()}


def count_up(stored: bytes | None, delta: int) -> int:
    """Return what a counter stored as `stored` is after `delta`.

    Raises:
        CounterError: it is no counter, or would leave 64 bits.
    """
    from ..errors import CounterError

    digits = b"0" if stored is None else stored
    if not digits.removeprefix(b"-").isdigit():
        raise CounterError("The stored value is no integer: set one before counting.")
    result = int(digits) + delta
    if not -MOST <= result <= MOST:
        raise CounterError(f"{result} does not fit into 64 bits: set a smaller value first.")
    return result
