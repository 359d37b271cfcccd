"""From the name of a backend, or its URL, and options to what a cache is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..errors import CacheUsageError
from ..storage import AsyncBackend, Backend, open_async_backend, open_backend, stack
from .async_cache import AsyncCache
from .cache import Cache
from .codec import Codec

BACKENDS = ("in_memory", "file_based", "redis", "tiered")
"""Names of backends; a URL does as well."""

DEFAULT_DIRECTORY = ".cachekit-values"
DEFAULT_SERVER = "redis://localhost:6379/0"
# Seconds to wait for another process that writes: who asks a cache is in a hurry.
_PATIENCE = 0.9
_TIERS = ("in_memory", "redis")

BackendName = str | Backend | AsyncBackend
"""A name, a URL, or a backend that is open already."""


def open_cache(name: str, backend: BackendName = "in_memory", **options: Any) -> Cache:
    """Open a cache.

    Args:
        name: its namespace.
        backend: `in_memory`, `file_based` (with `directory=`), `redis` (with `url=`), `tiered`
            (with `tiers=`, a list of backends, nearest first), or a URL.
        options: `ttl`, `on_error` and `lease` of `Cache`; `codec`, `type` and `signing_key` of
            `Codec`; all others are the backend's.

    Raises:
        CacheUsageError: an option is none.
        StorageError: the backend can't be used.
    """
    own, others = _divided(options)
    opened = _opened(backend, open_backend, threads=False, **others)
    return Cache(opened, namespace=name, is_alone=is_in_memory(backend), **own)


def open_async_cache(name: str, backend: BackendName = "in_memory", **options: Any) -> AsyncCache:
    """Open a cache with methods to await; everything else is as `open_cache` says."""
    own, others = _divided(options)
    opened = _opened(backend, open_async_backend, threads=True, **others)
    return AsyncCache(opened, namespace=name, is_alone=is_in_memory(backend), **own)


def is_in_memory(backend: BackendName) -> bool:
    """Return whether `backend` names the memory of this process."""
    return backend in ("in_memory", "memory:")


def _divided(options: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the options of the cache, the codec made, and those of the backend."""
    others = dict(options)
    own: dict[str, Any] = {
        name: others.pop(name) for name in ("ttl", "on_error", "lease") if name in others
    }
    for_codec = {name: others.pop(name) for name in ("type", "signing_key") if name in others}
    codec = others.pop("codec", "msgpack")
    if isinstance(codec, Codec):
        if for_codec:
            raise CacheUsageError(f"{', '.join(for_codec)} belong to the codec: make it with them.")
        own["codec"] = codec
    else:
        own["codec"] = Codec(codec, **for_codec)
    return own, others


def _opened(
    backend: BackendName,
    open_url: Callable[..., Backend | AsyncBackend],
    threads: bool,
    **options: Any,
) -> Backend | AsyncBackend:
    if not isinstance(backend, str):
        if options:
            raise CacheUsageError(
                f"An open backend takes no options, so not {', '.join(options)}: open it with them."
            )
        return backend
    if backend == "tiered":
        tiers: Sequence[Any] = options.pop("tiers", _TIERS)
        parts = [dict(tier) if isinstance(tier, Mapping) else {"backend": tier} for tier in tiers]
        return stack(
            [_opened(open_url=open_url, threads=threads, **{**options, **part}) for part in parts],
            threads=threads,
        )
    if backend == "in_memory":
        url = "memory:"
    elif backend == "file_based":
        url = f"file:{options.pop('directory', DEFAULT_DIRECTORY)}"
    elif backend == "redis":
        url = options.pop("url", DEFAULT_SERVER)
    elif ":" not in backend:
        raise CacheUsageError(f"{backend!r} is no backend: write {', '.join(BACKENDS)}, or a URL.")
    else:
        url = backend
    if url.startswith("file:"):
        options.setdefault("timeout", _PATIENCE)
    return open_url(url, **options)
