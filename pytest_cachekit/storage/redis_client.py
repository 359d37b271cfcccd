"""Clients of redis-py as the Redis backend wants them: impatient."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from ..errors import StorageError


def single_maker(url: str, *, asynchronous: bool, **options: Any) -> Callable[[], Any]:
    """Return what makes a client of one server, with short timeouts and no retries.

    Args:
        url: `redis://`, `rediss://`, `unix://`, `valkey://` or `valkeys://`, with user, password
            and database as redis-py takes them.
        asynchronous: whether its replies are awaited.
        options: of redis-py's connection pool; `pool_size` is its `max_connections`, `timeout`
            the seconds for connecting and, again, for each reply.

    Raises:
        StorageError: redis-py isn't installed, or the URL is none that it understands.
    """
    redis: Any = import_redis()
    from redis.backoff import NoBackoff

    face: Any
    retry: Any

    scheme, _, rest = url.partition("://")
    url = f"{plain_scheme(scheme)}://{rest}"
    timeout = options.pop("timeout", 0.4)
    pool_size = options.pop("pool_size", None)
    if pool_size is not None:
        options["max_connections"] = pool_size
    if asynchronous:
        from redis import asyncio as face
        from redis.asyncio import retry
    else:
        face, retry = redis, redis.retry
    options = {**impatient(timeout), "retry": retry.Retry(NoBackoff(), 0), **options}
    pool = face.BlockingConnectionPool if pool_size is not None else face.ConnectionPool
    if pool_size is not None:
        options["timeout"] = timeout

    def make() -> Any:
        return face.Redis(connection_pool=pool.from_url(url, **options))

    try:
        tried = pool.from_url(url, **options)
        # Made and dropped: what a connection does not take is told now, not with the first call.
        tried.connection_class(**tried.connection_kwargs)
    except (ValueError, TypeError) as error:
        raise StorageError(
            f"The URL {without_password(url)} with these options can't be used ({error}): mend it."
        ) from error
    return make


def impatient(timeout: float) -> dict[str, Any]:
    """Return redis-py's options that give up after `timeout` seconds."""
    return {"socket_timeout": timeout, "socket_connect_timeout": timeout}


def plain_scheme(scheme: str) -> str:
    """Return redis-py's word for the scheme of a URL."""
    return {"valkey": "redis", "valkeys": "rediss"}.get(scheme, scheme)


def import_redis() -> Any:
    """Return redis-py.

    Raises:
        StorageError: it isn't installed.
    """
    try:
        import redis
    except ImportError as error:
        raise StorageError(
            "Redis needs the extra packages of pytest-cachekit[redis]: install them with pip."
        ) from error
    return redis


def without_password(url: str) -> str:
    """Return `url` as it may be shown: user, password and query left out."""
    return re.sub(r"\?.*", "", re.sub(r"//[^/@]*@", "//", url))
