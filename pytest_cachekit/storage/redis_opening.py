"""From the URL of a server, of a cluster or of Sentinels to a backend."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .breaker import Breaker
from .redis import RedisBackend
from .redis_client import single_maker, without_password
from .redis_cluster import ClusterBackend
from .redis_topology import names_a_cluster, names_several, topology_maker


def open_redis(url: str, *, asynchronous: bool, **options: Any) -> RedisBackend:
    """Open the backend that `url` names; it connects on the first call.

    Args:
        url: as `client_maker` takes it.
        asynchronous: whether it suspends where an event loop runs.
        options: those of `RedisBackend`, `clock` of its breaker, and those of `client_maker`.

    Raises:
        StorageError: the URL or an option can't be used.
    """
    own = {name: options.pop(name) for name in ("prefix", "breaker", "deadline") if name in options}
    if "clock" in options:
        own.setdefault("breaker", Breaker(clock=options.pop("clock")))
    make_client = client_maker(url, asynchronous=asynchronous, **options)
    return backend_type(url)(make_client, url=without_password(url), **own)


def client_maker(url: str, *, asynchronous: bool, **options: Any) -> Callable[[], Any]:
    """Return what makes clients for `url`: see `single_maker` and `topology_maker`.

    Raises:
        StorageError: the URL or an option can't be used.
    """
    if names_several(url):
        return topology_maker(url, asynchronous=asynchronous, options=options)
    return single_maker(url, asynchronous=asynchronous, **options)


def backend_type(url: str) -> type[RedisBackend]:
    """Return what keeps values on the servers that `url` names."""
    return ClusterBackend if names_a_cluster(url) else RedisBackend
