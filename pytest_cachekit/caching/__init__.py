"""Floor `caching`: values under keys, a library of its own."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .async_cache import AsyncCache as AsyncCache
    from .cache import Cache as Cache
    from .codec import Codec as Codec
    from .decorator import cached as cached
    from .manager import CacheManager as CacheManager
    from .manager import get_cache as get_cache
    from .mapping import CacheMapping as CacheMapping
    from .opening import open_async_cache as open_async_cache
    from .opening import open_cache as open_cache
    from .stats import CacheStats as CacheStats

_HOMES = {
    "AsyncCache": "async_cache",
    "Cache": "cache",
    "CacheManager": "manager",
    "CacheMapping": "mapping",
    "CacheStats": "stats",
    "Codec": "codec",
    "cached": "decorator",
    "get_cache": "manager",
    "open_async_cache": "opening",
    "open_cache": "opening",
}
__all__ = [
    "AsyncCache",
    "Cache",
    "CacheManager",
    "CacheMapping",
    "CacheStats",
    "Codec",
    "cached",
    "get_cache",
    "open_async_cache",
    "open_cache",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
