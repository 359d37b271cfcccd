"""A backend that tells how much of it was read."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property, wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar, cast

from ..plugin.progress import Progress
from ..storage import Backend

P = ParamSpec("P")
T = TypeVar("T")


class HasProgress(Protocol):
    """Whoever does long work."""

    progress: Progress


S = TypeVar("S", bound=HasProgress)


def is_long(method: Callable[Concatenate[S, P], T]) -> Callable[Concatenate[S, P], T]:
    """Have the owner's `progress` told while `method` works."""

    @wraps(method)
    def work(self: S, /, *arguments: P.args, **options: P.kwargs) -> T:
        with self.progress:
            return method(self, *arguments, **options)

    return work


def counted(backend: Backend, progress: Progress) -> Backend:
    """Return `backend`, with `progress` told of how many of its keys were read."""
    return cast("Backend", _Counted(backend, progress))


class _Counted:
    def __init__(self, backend: Backend, progress: Progress) -> None:
        self._backend = backend
        self._progress = progress
        self._read = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._backend, name)

    def get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        """Return the values of `keys`, and count them."""
        wanted = list(keys)
        self._read += len(wanted)
        if self._progress.is_due:
            total = f" of {self._total:,}" if self._total > self._read else ""
            self._progress.tell(f"{self._read:,}{total} keys read")
        return self._backend.get_many(wanted)

    @cached_property
    def _total(self) -> int:
        return self._backend.size().entries
