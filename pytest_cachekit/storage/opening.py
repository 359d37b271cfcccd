"""From a URL to a backend."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ..errors import CacheUsageError, StorageError
from .backend import AsyncBackend, Backend
from .waiting import Immediate, awaited

SCHEMES = (
    *("file:", "memory:", "redis://", "rediss://", "unix://", "valkey://", "valkeys://"),
    *("redis+cluster://", "rediss+cluster://", "valkey+cluster://", "valkeys+cluster://"),
    *("redis+sentinel://", "rediss+sentinel://", "valkey+sentinel://", "valkeys+sentinel://"),
)


def open_backend(url: str, *, relative_to: Path | None = None, **options: Any) -> Backend:
    """Open the backend that `url` names.

    Args:
        url: `file:PATH`, `file://PATH`, `memory:`, or that of a Redis server, of a cluster
            or of Sentinels.
        relative_to: what a relative path starts from; the working directory by default.
        options: of `MemoryBackend`, `FileBackend`, or, for a server, `prefix`, `pool_size`,
            `timeout`, `deadline`, `clock` and what else redis-py's connections take.

    Raises:
        StorageError: the scheme is unknown, or the backend can't be used.
        CacheUsageError: the backend does not take one of the options.
    """
    scheme, separator, rest = url.partition(":")
    if scheme == "memory" and separator:
        from .memory import MemoryBackend

        return _made(MemoryBackend, url, **options)
    if scheme == "file" and separator:
        from .file import FileBackend

        path = Path(_decoded(rest[2:]) if rest.startswith("//") else rest)
        if not rest.strip("/"):
            raise StorageError(f"{url!r} names no directory: write file:PATH.")
        return _made(FileBackend, url, (relative_to or Path.cwd()) / path, **options)
    if f"{scheme}://" in SCHEMES and rest.strip("/"):
        from .redis_opening import open_redis

        return Immediate(open_redis(url, asynchronous=False, **options))
    raise StorageError(
        f"{url!r} is not a cache URL that is known here: write one of {', '.join(SCHEMES)} "
        "and what follows it, as in file:.cachekit."
    )


def _decoded(text: str) -> str:
    from urllib.parse import unquote

    return unquote(text)


def open_async_backend(url: str, **options: Any) -> AsyncBackend:
    """Open the backend that `url` names, to be awaited where an event loop runs.

    Memory is called straight through, a server over asyncio, files in threads.

    Args:
        url: as `open_backend` takes it.
        options: as `open_backend` takes them.

    Raises:
        StorageError: the scheme is unknown, or the backend can't be used.
        CacheUsageError: the backend does not take one of the options.
    """
    if f"{url.partition(':')[0]}://" in SCHEMES[2:]:
        from .redis_opening import open_redis

        return open_redis(url, asynchronous=True, **options)
    return awaited(open_backend(url, **options), threads=True)


def stack(backends: Sequence[Backend | AsyncBackend], *, threads: bool = False) -> AsyncBackend:
    """Stack `backends`, nearest first; `threads` as `awaited` takes it."""
    from .tiered import TieredBackend

    return TieredBackend([awaited(backend, threads=threads) for backend in backends])


def _made(make: Callable[..., Backend], url: str, *arguments: Any, **options: Any) -> Backend:
    try:
        return make(*arguments, **options)
    except TypeError as error:
        raise CacheUsageError(f"{url!r} can't be opened so: {error}.") from error
