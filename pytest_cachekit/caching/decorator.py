"""Functions that remember what they returned."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, Generic, ParamSpec, TypeVar, cast

from ..errors import CacheUsageError
from .arguments import digest_arguments
from .async_cache import AsyncCache
from .cache import Cache
from .lifetime import TTL
from .stats import CacheStats

P = ParamSpec("P")
R = TypeVar("R")


class CachedFunction(Generic[P, R]):
    """A function that asks a cache before it computes.

    Attributes:
        cache: where it keeps what it returned.
        bypass: the function itself, which asks no cache and stores nothing.
    """

    def __init__(
        self,
        function: Callable[P, R],
        cache: Cache | AsyncCache,
        ttl: TTL,
        key: Callable[P, str] | str | None,
    ) -> None:
        functools.update_wrapper(self, function)
        self.bypass = function
        self.cache = cache
        self._ttl = ttl
        self._key = key
        self._name = f"{function.__module__}.{function.__qualname__}"

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Return what the function returned for these arguments, computing it once."""
        key = self.key(*args, **kwargs)
        compute = functools.partial(self.bypass, *args, **kwargs)
        # For a function to await, this is what its cache returns, to be awaited as well.
        return cast("R", self.cache.get_or_set(key, compute, self._ttl))

    def __get__(self, instance: object, owner: type | None = None) -> Callable[..., R]:
        call: Callable[..., R] = self.__call__
        return self if instance is None else functools.partial(call, instance)

    def refresh(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Compute anew and store the result."""
        key = self.key(*args, **kwargs)
        result = self.bypass(*args, **kwargs)
        if isinstance(self.cache, AsyncCache):
            return cast("R", self._stored(key, result))
        self.cache.set(key, result, self._ttl)
        return result

    def forget(self, *args: P.args, **kwargs: P.kwargs) -> Any:
        """Remove what is stored for these arguments; tell whether there was anything."""
        return self.cache.delete(self.key(*args, **kwargs))

    def cache_info(self) -> Any:
        """Return the statistics of the cache, to be awaited if it is."""
        return cast("CacheStats", self.cache.stats())

    def cache_clear(self) -> Any:
        """Forget all results of this function, and whatever else its cache holds."""
        return self.cache.clear()

    def key(self, *args: P.args, **kwargs: P.kwargs) -> str:
        """Return the key for these arguments.

        Raises:
            CacheUsageError: the arguments aren't plain data, and no `key=` says how they differ.
        """
        if self._key is not None:
            return self._key if isinstance(self._key, str) else self._key(*args, **kwargs)
        try:
            return f"{self._name}:{digest_arguments(args, kwargs)}"
        except TypeError as error:
            raise CacheUsageError(
                f"The arguments of {self._name} can't be told apart ({error}): give key=, a "
                "function that makes a text of them."
            ) from error

    async def _stored(self, key: str, result: Any) -> Any:
        if inspect.isawaitable(result):
            result = await result
        await cast("AsyncCache", self.cache).set(key, result, self._ttl)
        return result


def cached(
    cache: Cache | AsyncCache | None = None,
    *,
    ttl: TTL = None,
    key: Callable[..., str] | str | None = None,
) -> Callable[[Callable[P, R]], CachedFunction[P, R]]:
    """Make a function remember what it returned, by its arguments.

    Args:
        cache: where; one in memory for this function alone by default. A function to await takes
            an `AsyncCache`.
        ttl: how long results live.
        key: makes a text of the arguments; by default they have to be plain data, and values of
            different types differ.
    """

    def decorate(function: Callable[P, R]) -> CachedFunction[P, R]:
        is_async = inspect.iscoroutinefunction(function)
        chosen = cache
        if chosen is None:
            from ..storage.memory import MemoryBackend

            chosen = AsyncCache(MemoryBackend()) if is_async else Cache(MemoryBackend())
        if is_async != isinstance(chosen, AsyncCache):
            needed = "an AsyncCache" if is_async else "a Cache"
            raise CacheUsageError(f"{function.__qualname__} needs {needed}: give it one.")
        return CachedFunction(function, chosen, ttl, key)

    return decorate
