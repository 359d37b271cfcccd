"""URLs that name several servers: the nodes of a cluster, or the Sentinels that know a master."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from ..errors import StorageError
from .redis_client import impatient, import_redis, plain_scheme, without_password

_URL = re.compile(
    r"(?P<scheme>\w+)\+(?P<kind>cluster|sentinel)://(?P<user>[^/?]*@)?(?P<hosts>[^/?@]+)"
    r"(?P<path>/[^?]*)?(?P<query>\?.*)?"
)
_HOST = re.compile(r"(?P<host>\[[^\]]+\]|[^:,\[\]]+)(?::(?P<port>\d+))?")
_PORTS = {"cluster": 6379, "sentinel": 26379}
_FOR_SENTINELS = "sentinel_"


@dataclass(frozen=True)
class Topology:
    """What such a URL says."""

    kind: str
    hosts: list[tuple[str, int]]
    service: str
    # As redis-py's connections take them, user, password and TLS included.
    options: dict[str, Any]


def names_several(url: str) -> bool:
    """Return whether `url` is one of several servers."""
    return re.match(r"\w+\+\w+://", url) is not None


def names_a_cluster(url: str) -> bool:
    """Return whether `url` is that of a cluster."""
    return re.match(r"\w+\+cluster://", url) is not None


def parse_topology(url: str) -> Topology:
    """Return what `url` says.

    Args:
        url: `redis+cluster://[USER:PASSWORD@]HOST[:PORT],...[?OPTIONS]` or
            `redis+sentinel://[USER:PASSWORD@]HOST[:PORT],.../SERVICE[/DATABASE][?OPTIONS]`;
            `rediss` for `redis` has TLS to all of them.

    Raises:
        StorageError: it is none of these.
    """
    import_redis()
    parse_url: Any = importlib.import_module("redis.connection").parse_url

    found = _URL.fullmatch(url)
    hosts = [_HOST.fullmatch(word) for word in found["hosts"].split(",")] if found else []
    if found is None or not all(hosts):
        _refuse(url, "it names no servers")
    kind, scheme = found["kind"], plain_scheme(found["scheme"])
    service, database = "", (found["path"] or "").strip("/")
    if kind == "sentinel":
        service, _, database = database.partition("/")
        if not service:
            _refuse(url, "it names no service")
    if not re.fullmatch("0?" if kind == "cluster" else r"\d*", database):
        _refuse(url, f"{database} is no database")
    try:
        options = parse_url(
            f"{scheme}://{found['user'] or ''}host/{database}{found['query'] or ''}"
        )
    except ValueError as error:
        _refuse(url, str(error))
    del options["host"]
    options.pop("connection_class", None)
    if kind == "cluster":
        options.pop("db", None)
    if scheme == "rediss":
        options["ssl"] = True
    places = [
        (host["host"].strip("[]"), int(host["port"] or _PORTS[kind])) for host in hosts if host
    ]
    return Topology(kind, places, service, options)


def topology_maker(
    url: str, *, asynchronous: bool, options: Mapping[str, Any]
) -> Callable[[], Any]:
    """Return what makes redis-py's client of a cluster, or of the master that Sentinels name.

    Connecting to one of those that the URL names may take no longer than to a single server,
    however many are absent. See `single_maker`.

    Raises:
        StorageError: the URL is none, or there is an option that only a single server has.
    """
    told = parse_topology(url)
    if "pool_size" in options:
        _refuse(url, "pool_size is for a single server")
    timeouts = impatient(options.get("timeout", 0.4))
    others = {name: value for name, value in options.items() if name != "timeout"}
    merged = {**timeouts, **others, **told.options}
    merged["socket_connect_timeout"] = merged["socket_connect_timeout"] / len(told.hosts)
    if told.kind == "cluster":
        return ClusterMaker(told, asynchronous, merged)
    return _master_maker(told, asynchronous, merged)


class ClusterMaker:
    """Makes clients of a cluster; plain ones connect when they are made."""

    def __init__(self, told: Topology, asynchronous: bool, options: dict[str, Any]) -> None:
        """Make them with `options` of redis-py."""
        redis = import_redis()
        self._cluster = redis.asyncio.cluster if asynchronous else redis.cluster
        self._told, self._asynchronous, self._options = told, asynchronous, options
        self.asked: list[Any] = []
        """The nodes that the last client asks, or asked, who belongs to the cluster."""

    def __call__(self) -> Any:
        """Return a new client."""
        node = self._cluster.ClusterNode
        self.asked = [node(host, port) for host, port in self._told.hosts]
        return self._cluster.RedisCluster(
            startup_nodes=self.asked, **self._options, **_once(self._asynchronous)
        )


def _master_maker(told: Topology, asynchronous: bool, options: dict[str, Any]) -> Callable[[], Any]:
    redis = import_redis()
    face = redis.asyncio if asynchronous else redis
    own = {name: value for name, value in options.items() if not name.startswith(_FOR_SENTINELS)}
    # A password is the server's: Sentinels have their own, or none.
    shared = {
        name: value
        for name, value in own.items()
        if name.startswith(("socket_", "ssl", "protocol"))
    }
    for_sentinels = {
        name.removeprefix(_FOR_SENTINELS): value
        for name, value in options.items() if name.startswith(_FOR_SENTINELS)
    }  # fmt: skip
    shared["socket_timeout"] = shared["socket_timeout"] / len(told.hosts)

    def make() -> Any:
        asked = {**shared, **for_sentinels, **_once(asynchronous)}
        sentinel = face.sentinel.Sentinel(told.hosts, sentinel_kwargs=asked)
        return sentinel.master_for(told.service, **own, **_once(asynchronous))

    return make


def _once(asynchronous: bool) -> dict[str, Any]:
    """Return the option that has nothing tried again; not to be shared by connections."""
    redis = import_redis()
    from redis.backoff import NoBackoff

    retry = redis.asyncio.retry if asynchronous else redis.retry
    return {"retry": retry.Retry(NoBackoff(), 0)}


def _refuse(url: str, why: str) -> NoReturn:
    raise StorageError(
        f"The URL {without_password(url)} can't be used ({why}): write "
        "redis+cluster://HOST:PORT,HOST:PORT or redis+sentinel://HOST:PORT,HOST:PORT/SERVICE."
    )
