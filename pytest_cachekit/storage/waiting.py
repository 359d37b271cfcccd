"""Between backends that answer at once and backends that are awaited."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Mapping
from typing import Any, ParamSpec, Protocol, TypeVar, cast

from .backend import AsyncBackend, Backend, BackendSize, Replacement

T = TypeVar("T")
P = ParamSpec("P")


def run_now(coroutine: Coroutine[Any, Any, T]) -> T:
    """Return the result of a coroutine that never suspends.

    Raises:
        RuntimeError: it did suspend, which is a mistake of the caller.
    """
    try:
        coroutine.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    coroutine.close()
    raise RuntimeError("a coroutine that must not suspend did")


class Call(Protocol):
    """How a plain function is called where a result is awaited."""

    def __call__(
        self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> Awaitable[T]:
        """Call `function`; its result is awaited."""
        ...


async def at_once(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Call straight through."""
    return function(*args, **kwargs)


class Awaited(AsyncBackend):
    """A plain backend behind methods to await.

    Memory is called straight through; what may wait for a disk is called in a thread where an
    event loop runs.
    """

    def __init__(self, backend: Backend, call: Call = at_once) -> None:
        self.backend = backend
        self._call = call

    @property
    def url(self) -> str:
        """See `Backend.url`."""
        return self.backend.url

    @property
    def shared(self) -> bool:
        """See `Backend.shared`."""
        return self.backend.shared

    async def get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        """See `Backend.get_many`."""
        return await self._call(self.backend.get_many, keys)

    async def set_many(self, items: Mapping[str, bytes], ttl: float | None = None) -> None:
        """See `Backend.set_many`."""
        await self._call(self.backend.set_many, items, ttl)

    async def replace_many(self, items: Mapping[str, Replacement]) -> dict[str, bytes | None]:
        """See `Backend.replace_many`."""
        return await self._call(self.backend.replace_many, items)

    async def add(self, key: str, value: bytes, ttl: float | None = None) -> bool:
        """See `Backend.add`."""
        return await self._call(self.backend.add, key, value, ttl)

    async def delete_many(self, keys: Iterable[str]) -> int:
        """See `Backend.delete_many`."""
        return await self._call(self.backend.delete_many, keys)

    async def touch(self, key: str, ttl: float | None) -> bool:
        """See `Backend.touch`."""
        return await self._call(self.backend.touch, key, ttl)

    async def incr(self, key: str, delta: int, ttl: float | None = None) -> int:
        """See `Backend.incr`."""
        return await self._call(self.backend.incr, key, delta, ttl)

    async def remaining(self, keys: Iterable[str]) -> dict[str, float | None]:
        """See `Backend.remaining`."""
        return await self._call(self.backend.remaining, keys)

    async def keys(self, prefix: str = "") -> Iterator[str]:
        """See `Backend.keys`."""
        return await self._call(self.backend.keys, prefix)

    async def clear(self, prefix: str = "") -> int:
        """See `Backend.clear`."""
        return await self._call(self.backend.clear, prefix)

    async def size(self, prefix: str = "") -> BackendSize:
        """See `Backend.size`."""
        return await self._call(self.backend.size, prefix)

    def tallies(self) -> dict[str, int]:
        """See `Backend.tallies`."""
        return self.backend.tallies()

    async def close(self) -> None:
        """See `Backend.close`."""
        await self._call(self.backend.close)


class Immediate(Backend):
    """A backend to await that never suspends, behind plain methods."""

    def __init__(self, backend: AsyncBackend) -> None:
        self.backend = backend

    @property
    def url(self) -> str:
        """See `Backend.url`."""
        return self.backend.url

    @property
    def shared(self) -> bool:
        """See `Backend.shared`."""
        return self.backend.shared

    def get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        """See `Backend.get_many`."""
        return run_now(self.backend.get_many(keys))

    def set_many(self, items: Mapping[str, bytes], ttl: float | None = None) -> None:
        """See `Backend.set_many`."""
        run_now(self.backend.set_many(items, ttl))

    def replace_many(self, items: Mapping[str, Replacement]) -> dict[str, bytes | None]:
        """See `Backend.replace_many`."""
        return run_now(self.backend.replace_many(items))

    def add(self, key: str, value: bytes, ttl: float | None = None) -> bool:
        """See `Backend.add`."""
        return run_now(self.backend.add(key, value, ttl))

    def delete_many(self, keys: Iterable[str]) -> int:
        """See `Backend.delete_many`."""
        return run_now(self.backend.delete_many(keys))

    def touch(self, key: str, ttl: float | None) -> bool:
        """See `Backend.touch`."""
        return run_now(self.backend.touch(key, ttl))

    def incr(self, key: str, delta: int, ttl: float | None = None) -> int:
        """See `Backend.incr`."""
        return run_now(self.backend.incr(key, delta, ttl))

    def remaining(self, keys: Iterable[str]) -> dict[str, float | None]:
        """See `Backend.remaining`."""
        return run_now(self.backend.remaining(keys))

    def keys(self, prefix: str = "") -> Iterator[str]:
        """See `Backend.keys`."""
        return run_now(self.backend.keys(prefix))

    def clear(self, prefix: str = "") -> int:
        """See `Backend.clear`."""
        return run_now(self.backend.clear(prefix))

    def size(self, prefix: str = "") -> BackendSize:
        """See `Backend.size`."""
        return run_now(self.backend.size(prefix))

    def tallies(self) -> dict[str, int]:
        """See `Backend.tallies`."""
        return self.backend.tallies()

    def close(self) -> None:
        """See `Backend.close`."""
        run_now(self.backend.close())


def awaited(backend: Backend | AsyncBackend, *, threads: bool) -> AsyncBackend:
    """Return `backend` with methods to await.

    Args:
        backend: a plain one, or one that is awaited already.
        threads: whether what may wait for a disk is called in a thread.
    """
    if isinstance(backend, Immediate):
        return backend.backend
    if inspect.iscoroutinefunction(backend.get_many):
        return cast("AsyncBackend", backend)
    plain = cast("Backend", backend)
    if not threads or not plain.shared:
        return Awaited(plain)
    import asyncio

    return Awaited(plain, asyncio.to_thread)
