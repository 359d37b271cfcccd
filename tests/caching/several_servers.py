"""Several real servers that are one: a cluster, and a master with a replica behind Sentinels."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from .servers import PATIENCE, Server, free_port

_SLOTS = 16_384


class Cluster:
    """Three masters, each with a third of the slots."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.masters = [self._server(f"master{number}") for number in range(3)]
        self._others: list[Server] = []

    @property
    def url(self) -> str:
        places = ",".join(f"127.0.0.1:{server.port}" for server in self.masters)
        return f"redis+cluster://{places}"

    def start(self) -> None:
        for number, server in enumerate(self.masters):
            first, end = (_SLOTS * n // len(self.masters) for n in (number, number + 1))
            client = server.start().client()
            client.execute_command("CLUSTER", "ADDSLOTSRANGE", first, end - 1)
            client.execute_command("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
        for server in self.masters[1:]:
            self._meet(server)
        for server in self.masters:
            eventually(partial(self._is_whole, server), "the cluster did not come together")

    def replica_of(self, master: Server) -> Server:
        """Start a server that holds what `master` holds."""
        replica = self._server("replica").start()
        self._others.append(replica)
        self._meet(replica)
        client, name = replica.client(), node_of(master)
        eventually(lambda: name in _text(client, "CLUSTER", "NODES"), "they did not meet")
        client.execute_command("CLUSTER", "REPLICATE", name)
        _follows(replica)
        return replica

    def take_over(self, replica: Server, master: Server) -> None:
        """Make `replica` the master instead of one that is gone; wait until all others know."""
        replica.client().execute_command("CLUSTER", "FAILOVER", "TAKEOVER")
        left = [replica, *(server for server in self.masters if server is not master)]
        for server in left:
            eventually(partial(self._is_whole, server, master), "the replica did not take over")

    def owner_of(self, name: str) -> Server:
        """Return the master that holds a key."""
        slot = int(self.masters[0].client().execute_command("CLUSTER", "KEYSLOT", name))
        return next(
            server
            for server in self.masters
            for port, first, last in _owners(self.masters[0])
            if first <= slot <= last and server.port == port
        )

    def kill(self) -> None:
        for server in [*self.masters, *self._others]:
            server.kill()

    def _server(self, name: str) -> Server:
        return Server(
            self._directory / name,
            "cluster-enabled yes",
            "cluster-node-timeout 5000",
            "cluster-replica-validity-factor 0",
            "repl-diskless-sync-delay 0",
        )

    def _meet(self, server: Server) -> None:
        self.masters[0].client().execute_command(
            "CLUSTER", "MEET", "127.0.0.1", server.port, server.cluster_port
        )

    def _is_whole(self, server: Server, gone: Server | None = None) -> bool:
        owners = [port for port, _, _ in _owners(server)]
        state = _text(server.client(), "CLUSTER", "INFO")
        return (
            "cluster_state:ok" in state
            and len(owners) == len(self.masters)
            and (gone is None or gone.port not in owners)
        )


class Sentinels:
    """A master called `main`, its replica, and a Sentinel that watches both."""

    def __init__(self, directory: Path) -> None:
        self.master = Server(directory / "master", "repl-diskless-sync-delay 0")
        self.replica = Server(directory / "replica", f"replicaof 127.0.0.1 {self.master.port}")
        self.sentinel = Server(
            directory / "sentinel",
            f"sentinel monitor main 127.0.0.1 {self.master.port} 1",
            # It connects anew once a second: a shorter time would take the next master for dead.
            "sentinel down-after-milliseconds main 1500",
            "sentinel failover-timeout main 1000",
            mode="--sentinel",
        )

    @property
    def url(self) -> str:
        """One Sentinel is absent."""
        return f"redis+sentinel://127.0.0.1:{free_port()},127.0.0.1:{self.sentinel.port}/main"

    def start(self) -> None:
        self.master.start()
        self.replica.start()
        _follows(self.replica)
        self.sentinel.start()

    def fail_over(self) -> None:
        """Kill the master, and wait until its replica is one."""
        # What a master acknowledged, its replica gets a moment later.
        offset = self.master.client().info("replication")["master_repl_offset"]
        eventually(
            lambda: self.replica.client().info("replication")["slave_repl_offset"] >= offset,
            "the replica did not catch up",
        )
        # A Sentinel looks only now and then who follows a master.
        eventually(lambda: "num-slaves,1" in self._state(), "the Sentinel saw no replica")
        self.master.kill()
        eventually(lambda: f"port,{self.replica.port}" in self._state(), "no failover happened")
        eventually(
            lambda: self.replica.client().info("replication")["role"] == "master",
            "the replica was not promoted",
        )

    def kill(self) -> None:
        for server in (self.sentinel, self.replica, self.master):
            server.kill()

    def _state(self) -> str:
        words = self.sentinel.client().execute_command("SENTINEL", "MASTER", "main")
        pairs = (
            words.items() if isinstance(words, dict) else zip(words[::2], words[1::2], strict=True)
        )
        return " ".join(f"{_word(name)},{_word(value)}" for name, value in pairs)


Servers = TypeVar("Servers", Cluster, Sentinels)


@contextmanager
def running(servers: Servers) -> Iterator[Servers]:
    """Start them for the block."""
    try:
        servers.start()
        yield servers
    finally:
        servers.kill()


def node_of(server: Server) -> str:
    """Return what a cluster calls one of its servers."""
    return _word(server.client().execute_command("CLUSTER", "MYID"))


def eventually(holds: Callable[[], bool], otherwise: str) -> None:
    """Wait until something holds: what servers tell each other takes them a while."""
    end = time.monotonic() + 2 * PATIENCE
    while not holds():
        assert time.monotonic() < end, otherwise
        time.sleep(0.02)


def _follows(replica: Server) -> None:
    client = replica.client()
    eventually(
        lambda: client.info("replication").get("master_link_status") == "up",
        "the replica did not follow",
    )


def _owners(server: Server) -> list[tuple[int, int, int]]:
    """Return the port of each master that a server knows, and its first and last slot."""
    spans = server.client().execute_command("CLUSTER", "SLOTS")
    return [(master[1], first, last) for first, last, master, *_ in spans]


def _text(client: Any, *command: str) -> str:
    # In two words, so that redis-py leaves the answer as it is.
    return _word(client.execute_command(*command))


def _word(word: Any) -> str:
    return word.decode() if isinstance(word, bytes) else str(word)
