"""A part of a backend's keys as a backend of its own, values signed where there is a key."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ..errors import StorageError
from .backend import Backend, BackendSize, NotesUses, Replacement, count_up, tag_of
from .seal import SIGNED, Seal


class ScopedBackend:
    """What lies below `scope`."""

    def __init__(
        self,
        backend: Backend,
        scope: str = "",
        seal: Seal | None = None,
        *,
        is_strict: bool = True,
    ) -> None:
        """Put all keys below `scope`.

        Args:
            backend: holds the values.
            scope: what all keys start with there.
            seal: signs values.
            is_strict: whether a value that may not be trusted is an error, so that none is lost;
                otherwise it counts as if it were not there.
        """
        self._backend, self._scope, self._seal = backend, scope, seal
        self._is_strict = is_strict

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
        opened = {key[start:]: self._opened(key, value) for key, value in found.items()}
        return {key: value for key, value in opened.items() if value is not None}

    def set_many(self, items: Mapping[str, bytes], ttl: float | None = None) -> None:
        """See `Backend.set_many`."""
        names = {self._scope + key: value for key, value in items.items()}
        self._backend.set_many({name: self._sealed(name, names[name]) for name in names}, ttl)

    def replace_many(self, items: Mapping[str, Replacement]) -> dict[str, bytes | None]:
        """See `Backend.replace_many`; what may not be trusted is replaced as if it were nothing."""
        start = len(self._scope)
        names = {self._scope + key: item for key, item in items.items()}
        held = self._backend.get_many(names) if self._seal is not None else {}
        others: dict[str, bytes | None] = {}
        for name, (tag, value) in list(names.items()) if self._seal is not None else ():
            # Whoever asks knows the content, and the backend what is signed.
            content = self._opened(name, held[name]) if name in held else None
            if tag != (None if content is None else tag_of(content)):
                others[name[start:]] = content
                del names[name]
                continue
            signed = None if value is None else self._sealed(name, value)
            names[name] = (tag_of(held[name]) if name in held else None, signed)
        for name, changed in self._backend.replace_many(names).items():
            others[name[start:]] = None if changed is None else self._opened(name, changed)
        return others

    def incr(self, key: str, delta: int, ttl: float | None = None) -> int:
        """See `Backend.incr`; where values are signed, `ttl` has no meaning."""
        if self._seal is None:
            return self._backend.incr(self._scope + key, delta, ttl)
        held = self.get_many([key]).get(key)
        while True:
            result = count_up(held, delta)
            tag = None if held is None else tag_of(held)
            changed = self.replace_many({key: (tag, b"%d" % result)})
            if not changed:
                return result
            held = changed[key]

    def clear(self, prefix: str = "") -> int:
        """See `Backend.clear`."""
        return self._backend.clear(self._scope + prefix)

    def tallies(self) -> dict[str, int]:
        """See `Backend.tallies`."""
        return self._backend.tallies()

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

    def _sealed(self, name: str, value: bytes) -> bytes:
        return value if self._seal is None else self._seal.sign(name, value)

    def _opened(self, name: str, value: bytes) -> bytes | None:
        content = None if value.startswith(SIGNED) else value
        if self._seal is not None:
            content = self._seal.verified(name, value)
        elif not self._is_strict:
            # Whoever reads a record sees that it is signed, and leaves it alone.
            content = value
        if content is None and self._is_strict:
            raise StorageError(
                f"The cache in {self._backend.url} holds what this key did not sign: set "
                "CACHEKIT_SIGNING_KEY as in the runs that filled it, or delete the cache."
            )
        return content
