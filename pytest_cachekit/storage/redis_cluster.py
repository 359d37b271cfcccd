"""The Redis backend over a cluster, whose keys are spread over several servers.

A command may only name keys of one of a cluster's 16,384 slots. So a batch is one command for each
key, which redis-py sends in one pipeline for each server.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..errors import StorageError
from .redis import RedisBackend, milliseconds, raise_if_no_counter
from .redis_link import Command, RedisLink, is_awaited, reply
from .redis_topology import ClusterMaker

# A counter and its time to live, in one step; as text, since Lua's numbers have 53 bits.
_COUNT = (
    "redis.call('SET', KEYS[1], 0, 'PX', ARGV[2], 'NX') redis.call('INCRBY', KEYS[1], ARGV[1]) "
    "return redis.call('GET', KEYS[1])"
)


class ClusterLink(RedisLink):
    """Asks a cluster; where it was rearranged, it is asked again who has what."""

    _make_client: ClusterMaker

    @property
    def _passing(self) -> tuple[type[Exception], ...]:
        return (self._redis.ConnectionError, self._redis.exceptions.MovedError)

    async def names(self, pattern: bytes) -> list[bytes]:
        """Return the names of all keys, on all servers, that match.

        Raises:
            StorageError: one of them can't be reached, or refuses.
        """

        async def walk() -> list[bytes]:
            with _told_plainly(self._redis):
                client = self._connected()
                if is_awaited(client):
                    await client.initialize()
                    return [name async for name in client.scan_iter(match=pattern, count=1000)]
                return list(client.scan_iter(match=pattern, count=1000))

        found: list[bytes] = await self.guarded(walk)
        return found

    async def _exchange(self, commands: list[Command], repeatable: bool) -> list[Any]:
        with _told_plainly(self._redis):
            if len(commands) == 1:
                return await super()._exchange(commands, repeatable)
            client = self._connected()
            pipeline = client.pipeline()
            if is_awaited(client):
                for command in commands:
                    pipeline.execute_command(*command)
                replies = await pipeline.execute(raise_on_error=False, allow_redirections=False)
            else:
                # Redirections, and servers that are gone, would be followed command by command.
                stack = [
                    self._redis.cluster.PipelineCommand(command, {}, position)
                    for position, command in enumerate(commands)
                ]
                replies = pipeline.send_cluster_commands(
                    stack, raise_on_error=False, allow_redirections=False
                )
            return [
                await self._settled(client, command, answer)
                for command, answer in zip(commands, replies, strict=True)
            ]

    async def _settled(self, client: Any, command: Command, answer: Any) -> Any:
        errors = self._redis.exceptions
        if isinstance(answer, errors.AskError) and not isinstance(answer, errors.MovedError):
            # The key's slot is moving to another server just now.
            answer = await reply(client.execute_command(*command))
        if isinstance(answer, Exception):
            raise answer
        self._check(command, answer)
        return answer

    async def _start_afresh(self) -> None:
        if self._client is not None and is_awaited(self._client):
            await self.close()
        # Other threads may be using it: their answers are as good as ever.
        self._client = None

    async def _give_up(self) -> None:
        await self._start_afresh()

    def _connected(self) -> Any:
        with _told_plainly(self._redis):
            return super()._connected()

    def _pools(self) -> list[Any]:
        client = self._client
        # While it is made, redis-py asks those that the URL names who belongs to the cluster.
        nodes = self._make_client.asked if client is None else client.get_nodes()
        return [node.redis_connection.connection_pool for node in nodes if node.redis_connection]


class ClusterBackend(RedisBackend):
    """Keeps values in a cluster."""

    link: ClusterLink
    link_type = ClusterLink
    most_keys = 1

    async def incr(self, key: str, delta: int, ttl: float | None = None) -> int:
        """See `Backend.incr`."""
        if ttl is None:
            return await super().incr(key, delta)
        try:
            counted = await self.link.run(
                "EVAL", _COUNT, 1, self._full(key), delta, milliseconds(ttl), repeatable=False
            )
        except StorageError as error:
            raise_if_no_counter(error)
            raise
        return int(counted)

    async def _scan(self, prefix: str) -> list[bytes]:
        # While slots move, a key may be found on two servers.
        return list(dict.fromkeys(await self.link.names(self._pattern(prefix))))


@contextmanager
def _told_plainly(redis: Any) -> Iterator[None]:
    """Raise what happened with the servers, rather than that nothing is left to try.

    Raises:
        RedisError: what redis-py raised first.
    """
    try:
        yield
    except redis.exceptions.RedisClusterException as error:
        if isinstance(error.__cause__, redis.RedisError):
            raise error.__cause__ from None
        raise
