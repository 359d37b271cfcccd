"""The in-memory backend: a dictionary that lives as long as the process."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from .backend import BackendSize


class MemoryBackend:
    """Keeps values in a dictionary of this process."""

    url = "memory:"

    def __init__(self) -> None:
        self._values: dict[str, bytes] = {}

    def get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        """See `Backend.get_many`."""
        values = self._values
        return {key: values[key] for key in keys if key in values}

    def set_many(self, items: Mapping[str, bytes]) -> None:
        """See `Backend.set_many`."""
        self._values.update(items)

    def delete(self, key: str) -> bool:
        """See `Backend.delete`."""
        return self._values.pop(key, None) is not None

    def keys(self, prefix: str = "") -> Iterator[str]:
        """See `Backend.keys`."""
        return iter([key for key in self._values if key.startswith(prefix)])

    def size(self) -> BackendSize:
        """See `Backend.size`."""
        return BackendSize(len(self._values), sum(map(len, self._values.values())))

    def close(self) -> None:
        """Forget everything."""
        self._values.clear()
