"""A part of a backend's keys as a backend of its own, values signed where there is a key."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ..errors import StorageError
from .backend import Backend, BackendSize, NotesUses
from .seal import SIGNED, Seal


class ScopedBackend:
    """What lies below `scope`; a value that may not be trusted is an error: so none is lost."""

    def __init__(self, backend: Backend, scope: str = "", seal: Seal | None = None) -> None:
        self._backend, self._scope, self._seal = backend, scope, seal

    @property
    def url(self) -> str:
        """See `Backend.url`."""
        return self._backend.url

    def close(self) -> None:
        """See `Backend.close`."""
        self._backend.close()

    def get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        """See `Backend.get_many`.

        Raises:
            StorageError: the backend can't be read, or a value is signed by another key or by none.
        """
        start = len(self._scope)
        found = self._backend.get_many(self._scope + key for key in keys)
        return {key[start:]: self._opened(key, value) for key, value in found.items()}

    def set_many(self, items: Mapping[str, bytes], ttl: float | None = None) -> None:
        """See `Backend.set_many`."""
        names = {self._scope + key: value for key, value in items.items()}
        if self._seal is not None:
            names = {name: self._seal.sign(name, value) for name, value in names.items()}
        self._backend.set_many(names, ttl)

    def delete_many(self, keys: Iterable[str]) -> int:
        """See `Backend.delete_many`."""
        return self._backend.delete_many(self._scope + key for key in keys)

    def remaining(self, keys: Iterable[str]) -> dict[str, float | None]:
        """See `Backend.remaining`."""
        found = self._backend.remaining(self._scope + key for key in keys)
        return {key[len(self._scope) :]: left for key, left in found.items()}

    def last_uses(self, keys: Iterable[str]) -> dict[str, float]:
        """Return when `keys` were used last, in seconds since 1970, where the backend notes that.

        Raises:
            StorageError: the backend can't be read.
        """
        if not isinstance(self._backend, NotesUses):
            return {}
        found = self._backend.last_uses(self._scope + key for key in keys)
        return {key[len(self._scope) :]: when for key, when in found.items()}

    def note_uses(self, keys: Iterable[str]) -> None:
        """See `NotesUses.note_uses`; nothing where the backend doesn't."""
        if isinstance(self._backend, NotesUses):
            self._backend.note_uses(self._scope + key for key in keys)

    def keys(self, prefix: str = "") -> Iterator[str]:
        """See `Backend.keys`."""
        start = len(self._scope)
        return (key[start:] for key in self._backend.keys(self._scope + prefix))

    def size(self, prefix: str = "") -> BackendSize:
        """See `Backend.size`."""
        return self._backend.size(self._scope + prefix)

    def _opened(self, name: str, value: bytes) -> bytes:
        content = None if value.startswith(SIGNED) else value
        if self._seal is not None:
            content = self._seal.verified(name, value)
        if content is None:
            raise StorageError(
                f"The cache in {self._backend.url} holds what this key did not sign: set "
                "CACHEKIT_SIGNING_KEY as in the runs that filled it, or delete the cache."
            )
        return content
