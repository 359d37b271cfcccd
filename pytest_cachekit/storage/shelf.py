"""A backend as one run sees it: a part of its keys, values signed, nobody's writes lost."""

from __future__ import annotations

import random
import time
import zlib
from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar, cast

from ..errors import StorageError
from .backend import Backend, BackendSize, tag_of
from .scoped import ScopedBackend
from .seal import SIGNED, Seal

T = TypeVar("T")
# Each time, at least one of those who write the same keys at once is done.
_MOST_ATTEMPTS = 300
# No value is larger; who says that it is wants to fill our memory.
_MOST_UNPACKED = 1 << 28


class Shelf:
    """Keys below a scope of a backend, whose values are read only if they may be trusted."""

    def __init__(
        self,
        backend: Backend,
        *,
        scope: str = "",
        seal: Seal | None = None,
        packed: bool = False,
        read_only: bool = False,
        on_loss: Callable[[StorageError], None] | None = None,
    ) -> None:
        """Put all keys below `scope`.

        Args:
            backend: holds the values.
            scope: what all keys start with there.
            seal: signs values. With it, nothing is read that it doesn't hold for; without it,
                nothing that is signed is read or replaced.
            packed: whether values are compressed there.
            read_only: whether `replace_many` stores nothing.
            on_loss: where given, is told the first failure of the backend; from then on it isn't
                asked, as if it were empty. Otherwise failures are raised.
        """
        self.backend, self.read_only = backend, read_only
        self._scope, self._seal, self._packed, self._on_loss = scope, seal, packed, on_loss
        self._tags: dict[str, str | None] = {}
        self._others: set[str] = set()
        """Keys of signed values that this run has no key for."""
        self.is_lost = False
        self.reads = self.writes = self.batches = self.distrusted = 0

    @property
    def url(self) -> str:
        """The backend's URL, without any password."""
        return self.backend.url

    @property
    def is_writable(self) -> bool:
        """Whether it makes sense to write."""
        return not self.read_only and not self.is_lost

    @property
    def is_signed(self) -> bool:
        """Whether values are signed."""
        return self._seal is not None

    def has_any(self, prefix: str) -> bool:
        """Return whether there is a key that starts with `prefix`."""
        return next(iter(self.backend.keys(self._scope + prefix)), None) is not None

    def get_many(self, keys: Iterable[str], *, to_change: bool = False) -> dict[str, bytes]:
        """Return, in one batch, the values of `keys` that are there and may be trusted.

        Args:
            keys: what to look for.
            to_change: whether `replace_many` is to expect what is there now.
        """
        wanted = list(keys)
        if not wanted:
            return {}
        names = [self._scope + key for key in wanted]
        held: dict[str, bytes] = self._ask(lambda: self.backend.get_many(names), {})
        found: dict[str, bytes] = {}
        for key in wanted:
            value = held.get(self._scope + key)
            content = self._opened(key, value, to_change)
            if content is not None:
                found[key] = content
        self.reads += len(found)
        return found

    def replace_many(self, items: Mapping[str, bytes]) -> dict[str, bytes | None]:
        """Store, in one batch, each of `items` that nobody changed since it was read to be changed.

        What was never read is expected not to be there. Signed values of others stay as they are.

        Returns:
            What those keys hold that others changed, None where it may not be trusted or is gone.
        """
        wanted = {} if self.read_only else {k: v for k, v in items.items() if k not in self._others}
        replacements = {
            self._scope + key: (self._tags.get(key), self._sealed(key, value))
            for key, value in wanted.items()
        }
        if not replacements:
            return {}
        changed = self._ask(lambda: self.backend.replace_many(replacements), None)
        if changed is None:
            return {}
        self.writes += len(replacements) - len(changed)
        start = len(self._scope)
        opened = {
            key[start:]: self._opened(key[start:], value, True) for key, value in changed.items()
        }
        return {key: content for key, content in opened.items() if key not in self._others}

    def change(
        self,
        items: Mapping[str, bytes],
        again: Callable[[Mapping[str, bytes | None]], Mapping[str, bytes]],
    ) -> None:
        """Store `items`, and as long as others were faster, what `again` makes of what they stored.

        Args:
            items: what to store, after what is there was read to be changed.
            again: takes what `replace_many` returns; returns what to store in its place.

        Raises:
            StorageError: others are faster all the time, or the backend fails.
        """
        for attempt in range(_MOST_ATTEMPTS):
            changed = self.replace_many(items)
            if not changed:
                return
            items = again(changed)
            # So that those who write at once don't stay in step.
            time.sleep(random.uniform(0, 0.001 * min(attempt, 20)))  # noqa: S311
        raise StorageError(
            f"Too many others write into the cache in {self.url} at once: run the tests again."
        )

    def view(self, scope: str | None = None) -> Backend:
        """Return the same keys as a backend of their own, for who looks at them without a run.

        Args:
            scope: where given, those below that scope.
        """
        # Leases and counters, which it lacks, are nothing that anybody looks at.
        below = self._scope if scope is None else scope
        return cast("Backend", ScopedBackend(self.backend, below, self._seal))

    def size(self) -> BackendSize:
        """Return how much is stored below the scope."""
        return self.backend.size(self._scope)

    def close(self) -> None:
        """Close the backend."""
        self.backend.close()

    def _opened(self, key: str, value: bytes | None, to_change: bool) -> bytes | None:
        if to_change:
            self._tags[key] = None if value is None else tag_of(value)
        if value is None:
            return None
        content: bytes | None = value
        if self._seal is not None:
            content = self._seal.verified(self._scope + key, value)
        elif value.startswith(SIGNED):
            self._others.add(key)
            content = None
        self.distrusted += content is None
        return _unpacked(content) if self._packed and content is not None else content

    def _sealed(self, key: str, value: bytes) -> bytes:
        if self._packed:
            value = zlib.compress(value, 1)
        return value if self._seal is None else self._seal.sign(self._scope + key, value)

    def _ask(self, call: Callable[[], T], otherwise: T) -> T:
        if self.is_lost:
            return otherwise
        self.batches += 1
        try:
            return call()
        except StorageError as error:
            if self._on_loss is None:
                raise
            self.is_lost = True
            self._on_loss(error)
            return otherwise


def _unpacked(content: bytes) -> bytes | None:
    """Return what was compressed; None if it is torn or too large."""
    unpacking = zlib.decompressobj()
    try:
        unpacked = unpacking.decompress(content, _MOST_UNPACKED)
    except zlib.error:
        return None
    return unpacked if unpacking.eof else None
