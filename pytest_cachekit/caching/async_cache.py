"""The cache, awaitable."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping
from types import TracebackType
from typing import Any, Self

from ..errors import StorageError
from ..storage import AsyncBackend, Backend
from ..storage.waiting import awaited
from .codec import Codec
from .core import CacheCore
from .flights import Flight
from .lifetime import TTL
from .stats import CacheStats


class AsyncWait:
    """Waits in the running event loop."""

    async def pause(self, seconds: float) -> None:
        """See `Waiting.pause`."""
        await asyncio.sleep(seconds)

    async def result(self, flight: Flight) -> bytes | None:
        """See `Waiting.result`."""
        # Shielded: one waiter that is cancelled must not cancel it for all.
        return await asyncio.shield(asyncio.wrap_future(flight.result))

    async def settled(self, value: Any) -> Any:
        """See `Waiting.settled`."""
        return await value if inspect.isawaitable(value) else value


class AsyncCache(CacheCore):
    """`Cache` with methods to await: servers over asyncio, files in threads, memory at once."""

    def __init__(
        self,
        backend: Backend | AsyncBackend,
        *,
        namespace: str = "",
        ttl: TTL = None,
        codec: Codec | None = None,
        on_error: str = "raise",
        lease: float = 30.0,
        is_alone: bool = False,
    ) -> None:
        """See `Cache`."""
        super().__init__(
            awaited(backend, threads=True),
            AsyncWait(),
            namespace=namespace,
            ttl=ttl,
            codec=codec,
            on_error=on_error,
            lease=lease,
            is_alone=is_alone,
        )

    async def get(self, key: str, default: Any = None) -> Any:
        """See `Cache.get`."""
        if self._is_direct:
            return self._get_here(key, default)
        return await self._get(key, default)

    async def set(self, key: str, value: Any, ttl: TTL = None) -> None:
        """See `Cache.set`."""
        if self._is_direct:
            self._set_here(key, value, ttl)
        else:
            await self._set_many({key: value}, ttl)

    async def add(self, key: str, value: Any, ttl: TTL = None) -> bool:
        """See `Cache.add`."""
        return await self._add(key, value, ttl)

    async def delete(self, key: str) -> bool:
        """See `Cache.delete`."""
        return await self._delete_many([key]) > 0

    async def has(self, key: str) -> bool:
        """See `Cache.has`."""
        return await self._has(key)

    async def clear(self) -> int:
        """See `Cache.clear`."""
        return await self._clear()

    async def get_many(self, keys: Iterable[str]) -> dict[str, Any]:
        """See `Cache.get_many`."""
        return await self._get_many(keys)

    async def set_many(self, items: Mapping[str, Any], ttl: TTL = None) -> None:
        """See `Cache.set_many`."""
        await self._set_many(items, ttl)

    async def delete_many(self, keys: Iterable[str]) -> int:
        """See `Cache.delete_many`."""
        return await self._delete_many(keys)

    async def get_or_set(
        self, key: str, factory: Callable[[], Any | Awaitable[Any]], ttl: TTL = None
    ) -> Any:
        """See `Cache.get_or_set`; `factory` may return an awaitable."""
        return await self._get_or_set(key, factory, ttl)

    async def touch(self, key: str, ttl: TTL = None) -> bool:
        """See `Cache.touch`."""
        return await self._touch(key, ttl)

    async def incr(self, key: str, delta: int = 1, ttl: TTL = None) -> int:
        """See `Cache.incr`."""
        return await self._incr(key, delta, ttl)

    async def keys(self, prefix: str = "") -> list[str]:
        """See `Cache.keys`."""
        return await self._keys(prefix)

    async def stats(self) -> CacheStats:
        """See `Cache.stats`."""
        return await self._stats()

    async def stats_by_tier(self) -> list[CacheStats]:
        """See `Cache.stats_by_tier`."""
        return await self._stats_by_tier()

    async def problem(self) -> str | None:
        """See `Cache.problem`."""
        return await self._problem()

    async def connect(self) -> Self:
        """Ask the backend something now, so that what is wrong shows at the start.

        Raises:
            StorageError: it can't be used.
        """
        problem = await self._problem()
        if problem is not None:
            raise StorageError(problem)
        return self

    async def disconnect(self) -> None:
        """Release what the backend holds open."""
        await self._backend.close()

    async def __aenter__(self) -> Self:
        return await self.connect()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.disconnect()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.namespace!r} in {self.backend_url}>"
