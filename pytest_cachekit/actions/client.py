"""What all caches of actions do: open a backend, and close what they opened."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

from ..errors import CacheUsageError
from ..storage import Backend, open_backend


class Client:
    """A cache over a backend, which it closes if it opened it."""

    def __init__(
        self,
        backend: str | Backend,
        *,
        relative_to: Path | None = None,
        **limits: float | None,
    ) -> None:
        """Open `backend`.

        Args:
            backend: a URL, or a backend that is open.
            relative_to: what a path in a URL starts from; the working directory by default.
            limits: what is None, or positive.

        Raises:
            StorageError: the backend can't be used.
            CacheUsageError: a limit keeps nothing.
        """
        for name, limit in limits.items():
            if limit is not None and limit <= 0:
                raise CacheUsageError(f"{name}={limit!r} keeps nothing: give more, or None.")
        self._owns = isinstance(backend, str)
        self._backend = (
            open_backend(backend, relative_to=relative_to) if isinstance(backend, str) else backend
        )

    def close(self) -> None:
        """Release the backend, if it was opened here."""
        if self._owns:
            self._backend.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
