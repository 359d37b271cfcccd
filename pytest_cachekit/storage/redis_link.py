"""The way to a Redis server: connections, patience, and what is told when it fails.

Written once for both of redis-py's clients: replies are awaited where they have to be. No call
waits long: timeouts are short, nothing is tried again, and after a failure the breaker
answers for the server until it had time to recover.
"""

from __future__ import annotations

import inspect
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from ..errors import StorageError
from .breaker import Breaker
from .redis_client import import_redis

Command = tuple[Any, ...]
_COUNTING = frozenset(("UNLINK", "INCRBY", "PTTL", "STRLEN", "EXISTS", "PEXPIRE"))
# Each value, after a `+`, if its key still holds the one whose tag is given; for `-` the key goes.
# Replies with what others hold.
REPLACE = (
    "local held = {} for i = 1, #KEYS do local value = redis.call('GET', KEYS[i]) "
    "if (value and redis.sha1hex(value) or '') ~= ARGV[2 * i - 1] "
    "then held[#held + 1] = i held[#held + 1] = value "
    "elseif ARGV[2 * i] == '-' then redis.call('DEL', KEYS[i]) "
    "else redis.call('SET', KEYS[i], string.sub(ARGV[2 * i], 2)) end end return held"
)


class RedisLink:
    """Asks one server."""

    def __init__(
        self,
        make_client: Callable[[], Any],
        url: str,
        breaker: Breaker,
        deadline: float | None = None,
    ) -> None:
        """Connect on the first call; see `RedisBackend`."""
        self._redis = import_redis()
        self._make_client = make_client
        self._client: Any = None
        self._loop: object = None
        self.url = url
        self.breaker = breaker
        self._deadline = deadline

    async def run(self, *command: Any, repeatable: bool = True) -> Any:
        """Return the reply to one command; see `pipeline`."""
        return (await self.pipeline([command], repeatable=repeatable))[0]

    async def pipeline(self, commands: list[Command], *, repeatable: bool = True) -> list[Any]:
        """Return the replies to `commands`, sent at once.

        Args:
            commands: each a name and its arguments.
            repeatable: whether they may be done twice; if not, they are a transaction.

        Raises:
            StorageError: the server can't be reached, or refuses.
        """
        if not commands:
            return []
        replies: list[Any] = await self.guarded(
            lambda: self._exchange(commands, repeatable), repeatable=repeatable
        )
        return replies

    async def guarded(self, ask: Callable[[], Awaitable[Any]], *, repeatable: bool = True) -> Any:
        """Return what `ask` does, unless the server failed a moment ago.

        Args:
            ask: asks the server.
            repeatable: whether that may be done twice.

        Raises:
            StorageError: the server can't be reached, or refuses.
        """
        if self.breaker.is_open:
            raise StorageError(
                f"The server at {self.url} failed a moment ago and isn't asked again yet: "
                "see that it runs, or try later."
            )
        try:
            with self._hanging_up() as hung_up:
                try:
                    answer = await ask()
                except self._redis.AuthenticationError:
                    raise
                except self._passing:
                    if not repeatable or hung_up():
                        raise
                    await self._start_afresh()
                    answer = await ask()
        except self._redis.ResponseError as error:
            # It answers, if only with a refusal: out of memory, read only, no permission.
            self.breaker.reset()
            advice = "check its state and this user's rights"
            known = self._redis.exceptions
            elsewhere = known.MovedError | known.ClusterCrossSlotError
            if isinstance(error, elsewhere) or str(error).startswith("CROSSSLOT"):
                advice = "it belongs to a cluster, so write redis+cluster:// in the URL"
            raise self._failed(error, advice) from error
        except self._redis.AuthenticationError as error:
            self.breaker.failed()
            raise self._failed(error, "check user and password in the URL") from error
        except Exception as error:
            # The network's, and whatever redis-py makes of an answer that is no server's.
            self.breaker.failed()
            await self._give_up()
            raise self._failed(error, "see that it runs and can be reached") from error
        self.breaker.reset()
        return answer

    def reconnect(self, make_client: Callable[[], Any]) -> None:
        """Go on with clients that `make_client` makes, and forget that others failed."""
        self._make_client, self._client = make_client, None
        self.breaker.reset()

    async def close(self) -> None:
        """Close the connections; the next call opens others."""
        client, self._client = self._client, None
        if client is not None:
            # It may be gone already, or its event loop.
            with suppress(self._redis.RedisError, OSError, RuntimeError):
                await reply(client.aclose() if hasattr(client, "aclose") else client.close())

    @property
    def _passing(self) -> tuple[type[Exception], ...]:
        """The errors after which to start afresh, and ask again."""
        return (self._redis.ConnectionError,)

    async def _start_afresh(self) -> None:
        """Forget what belongs to a server that was restarted, and has closed its connections."""
        await reply(_close_idle(self._connected().connection_pool))

    async def _give_up(self) -> None:
        """Forget what would lead the next call astray as well."""

    async def _exchange(self, commands: list[Command], repeatable: bool) -> list[Any]:
        client = self._connected()
        if len(commands) == 1:
            replies = [await reply(client.execute_command(*commands[0]))]
        else:
            pipeline = client.pipeline(transaction=not repeatable)
            for command in commands:
                pipeline.execute_command(*command)
            replies = await reply(pipeline.execute())
        for command, answer in zip(commands, replies, strict=True):
            self._check(command, answer)
        return replies

    def _check(self, command: Command, answer: Any) -> None:
        if not _makes_sense(command, answer):
            raise ValueError("its answer is none that a server gives")

    @contextmanager
    def _hanging_up(self) -> Iterator[Callable[[], bool]]:
        """Close the connections when the deadline passes; yield a function that tells whether.

        Timeouts are for each piece of a reply: one that trickles would never end.

        Raises:
            TimeoutError: what failed did so after the deadline.
        """
        if self._deadline is None:
            yield lambda: False
            return
        end = time.monotonic() + self._deadline
        done = threading.Event()

        def hang_up() -> None:
            while not done.wait(max(0.05, end - time.monotonic())):
                with suppress(Exception):  # The other thread opens and closes them, too.
                    for pool in self._pools():
                        pool.disconnect()

        watch = threading.Thread(target=hang_up, daemon=True)
        watch.start()
        try:
            self._connected()
            yield lambda: time.monotonic() >= end
        except Exception as error:
            if time.monotonic() < end:
                raise
            raise TimeoutError(f"it took longer than {self._deadline} s") from error
        finally:
            done.set()
            watch.join()

    def _pools(self) -> list[Any]:
        """Return where connections are that may have to be closed while they are used."""
        pool = self._connected().connection_pool
        sentinels = pool.sentinel_manager.sentinels if hasattr(pool, "sentinel_manager") else []
        return [pool, *(sentinel.connection_pool for sentinel in sentinels)]

    def _failed(self, error: Exception, advice: str) -> StorageError:
        reason = str(error) or type(error).__name__
        if type(error).__name__ == "MasterNotFoundError":
            # redis-py describes each connection, down to its buffers.
            reason = "no Sentinel names a master"
            advice = "see that they run and know this service"
        return StorageError(f"The server at {self.url} did not do as asked ({reason}): {advice}.")

    def _connected(self) -> Any:
        """Return the client; asyncio's connections belong to the event loop that opened them."""
        if self._client is None or self._loop is not None:
            loop = _running_loop()
            if self._client is None or loop is not self._loop:
                self._client = self._make_client()
                self._loop = loop if is_awaited(self._client) else None
        return self._client


def is_awaited(client: Any) -> bool:
    """Return whether the client's replies have to be awaited."""
    return inspect.iscoroutinefunction(client.execute_command)


async def reply(answer: Any) -> Any:
    """Return an answer, awaited if it has to be."""
    return await answer if isinstance(answer, Awaitable) else answer


def _makes_sense(command: Command, reply: Any) -> bool:
    name = command[0]
    if name == "MGET":
        return isinstance(reply, list) and len(reply) == len(command) - 1
    if name == "SCAN":
        return isinstance(reply, list | tuple) and len(reply) == 2 and isinstance(reply[1], list)
    if name == "EVAL" and command[1] is REPLACE:
        return isinstance(reply, list) and len(reply) % 2 == 0
    return isinstance(reply, int) or name not in _COUNTING


def _close_idle(pool: Any) -> Any:
    try:
        return pool.disconnect(inuse_connections=False)
    except TypeError:  # Blocking pools before redis-py 8 know no difference.
        return pool.disconnect()


def _running_loop() -> object:
    import asyncio

    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
