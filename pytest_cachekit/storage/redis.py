"""The Redis backend: keys below a prefix of a Redis or Valkey server, over redis-py."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from ..errors import CounterError, StorageError
from .backend import AsyncBackend, BackendSize, Replacement
from .breaker import Breaker
from .redis_link import REPLACE, Command, RedisLink

_MOST_BYTES = 1_000_000
# All the values at once, with one time to live, where a server lacks MSETEX.
_SCRIPT = (
    "for i = 1, #KEYS do redis.call('SET', KEYS[i], ARGV[i + 1], 'PX', ARGV[1]) end return #KEYS"
)


class RedisBackend(AsyncBackend):
    """Keeps values on a server, under keys that start with `prefix`.

    With a plain client no method suspends; with redis-py's asyncio client each does. What the
    server evicts or expires can't be told apart by prefix, and isn't counted.
    """

    link_type = RedisLink
    most_keys = 1000
    """How many keys a command may name."""

    def __init__(
        self,
        make_client: Callable[[], Any],
        *,
        url: str,
        prefix: str = "cachekit:",
        breaker: Breaker | None = None,
        deadline: float | None = None,
    ) -> None:
        """Connect on the first call.

        Args:
            make_client: makes a client; called anew in each event loop.
            url: shown to users, without password.
            prefix: what all keys of this backend start with on the server.
            breaker: answers for a server that failed.
            deadline: most seconds that a call may take, however much it transfers; None for no
                such limit, as with clients that are awaited.
        """
        self.link = self.link_type(make_client, url, breaker or Breaker(), deadline)
        self._run, self._pipeline = self.link.run, self.link.pipeline
        self.prefix = prefix.encode()
        # The ways to set many with a time to live, best first; those a server lacks are dropped.
        several = [self._with_msetex, self._with_script] if self.most_keys > 1 else []
        self._ways = [*several, self._one_by_one]

    @property
    def shared(self) -> bool:
        """See `Backend.shared`."""
        return True

    @property
    def url(self) -> str:
        """See `Backend.url`."""
        return self.link.url

    async def get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        """See `Backend.get_many`."""
        wanted = list(keys)
        values = zip(wanted, await self.get_list(wanted), strict=True)
        return {key: value for key, value in values if value is not None}

    async def get_list(self, keys: list[str]) -> list[bytes | None]:
        """See `AsyncBackend.get_list`."""
        # As text: hiredis encodes it in passing. Sent at once: the server works while we read.
        start = self.prefix.decode()
        asked = [("MGET", *[start + key for key in chunk]) for chunk in self._chunks(keys)]
        return list(itertools.chain.from_iterable(await self._pipeline(asked)))

    async def set_many(self, items: Mapping[str, bytes], ttl: float | None = None) -> None:
        """See `Backend.set_many`."""
        pairs = [(self._full(key), value) for key, value in items.items()]
        if not pairs:
            return
        if ttl is None:
            await self._pipeline([("MSET", *_flat(chunk)) for chunk in self._chunks(pairs)])
            return
        if len(pairs) == 1:
            await self._run("SET", *pairs[0], "PX", milliseconds(ttl))
            return
        *better, last = self._ways
        for way in better:
            try:
                await self._pipeline(way(pairs, milliseconds(ttl)))
                return
            except StorageError as error:
                if not _is_about_the_command(error.__cause__):
                    raise
                self._ways = [other for other in self._ways if other is not way]
        await self._pipeline(last(pairs, milliseconds(ttl)))

    async def replace_many(self, items: Mapping[str, Replacement]) -> dict[str, bytes | None]:
        """See `Backend.replace_many`; needs the server's scripts."""
        chunks = list(
            _portions(
                (
                    (key, tag or "", b"-" if value is None else b"+" + value)
                    for key, (tag, value) in items.items()
                ),
                self.most_keys,
            )
        )
        replies = await self._pipeline([self._replacing(chunk) for chunk in chunks])
        return {
            chunk[index - 1][0]: held
            for chunk, reply in zip(chunks, replies, strict=True)
            for index, held in zip(reply[::2], reply[1::2], strict=True)
        }

    async def add(self, key: str, value: bytes, ttl: float | None = None) -> bool:
        """See `Backend.add`."""
        life = () if ttl is None else ("PX", milliseconds(ttl))
        command = ("SET", self._full(key), value, *life, "NX")
        return await self._run(*command, repeatable=False) is not None

    async def delete_many(self, keys: Iterable[str]) -> int:
        """See `Backend.delete_many`."""
        chunks = self._chunks([self._full(key) for key in keys])
        return sum(await self._pipeline([("UNLINK", *chunk) for chunk in chunks]))

    async def touch(self, key: str, ttl: float | None) -> bool:
        """See `Backend.touch`."""
        name = self._full(key)
        if ttl is not None:
            return bool(await self._run("PEXPIRE", name, milliseconds(ttl)))
        return bool((await self._pipeline([("EXISTS", name), ("PERSIST", name)]))[0])

    async def incr(self, key: str, delta: int, ttl: float | None = None) -> int:
        """See `Backend.incr`."""
        name = self._full(key)
        try:
            if ttl is None:
                return int(await self._run("INCRBY", name, delta, repeatable=False))
            start = ("SET", name, 0, "PX", milliseconds(ttl), "NX")
            return int(
                (await self._pipeline([start, ("INCRBY", name, delta)], repeatable=False))[1]
            )
        except StorageError as error:
            raise_if_no_counter(error)
            raise

    async def remaining(self, keys: Iterable[str]) -> dict[str, float | None]:
        """See `Backend.remaining`."""
        wanted = list(keys)
        left = await self._pipeline([("PTTL", self._full(key)) for key in wanted])
        return {
            key: None if rest == -1 else rest / 1000
            for key, rest in zip(wanted, left, strict=True)
            if rest != -2
        }

    async def keys(self, prefix: str = "") -> Iterator[str]:
        """See `Backend.keys`."""
        start = len(self.prefix)
        found = [name[start:].decode(errors="replace") for name in await self._scan(prefix)]
        return iter(found)

    async def clear(self, prefix: str = "") -> int:
        """See `Backend.clear`; only own keys are looked for, and the database is never flushed."""
        chunks = self._chunks(await self._scan(prefix))
        return sum(await self._pipeline([("UNLINK", *chunk) for chunk in chunks]))

    async def size(self, prefix: str = "") -> BackendSize:
        """See `Backend.size`; walks over all keys of the server."""
        lengths = await self._pipeline([("STRLEN", name) for name in await self._scan(prefix)])
        return BackendSize(len(lengths), sum(lengths))

    def tallies(self) -> dict[str, int]:
        """See `Backend.tallies`."""
        return {}

    async def close(self) -> None:
        """See `Backend.close`."""
        await self.link.close()

    def _full(self, key: str) -> bytes:
        return self.prefix + key.encode()

    def _pattern(self, prefix: str) -> bytes:
        return re.sub(rb"([\\*?\[\]])", rb"\\\1", self._full(prefix)) + b"*"

    async def _scan(self, prefix: str) -> list[bytes]:
        pattern = self._pattern(prefix)
        names: dict[bytes, None] = {}
        cursor: Any = 0
        while True:
            cursor, found = await self._run("SCAN", cursor, "MATCH", pattern, "COUNT", 1000)
            names.update(dict.fromkeys(found))
            if int(cursor) == 0:
                return list(names)

    def _chunks(self, items: list[Any]) -> list[list[Any]]:
        most = self.most_keys
        return [items[start : start + most] for start in range(0, len(items), most)]

    def _replacing(self, chunk: list[tuple[str, str, bytes]]) -> Command:
        names = [self._full(key) for key, _, _ in chunk]
        return ("EVAL", REPLACE, len(chunk), *names, *(part for item in chunk for part in item[1:]))

    def _with_msetex(self, pairs: list[tuple[bytes, bytes]], life: int) -> list[Command]:
        return [("MSETEX", len(chunk), *_flat(chunk), "PX", life) for chunk in self._chunks(pairs)]

    def _with_script(self, pairs: list[tuple[bytes, bytes]], life: int) -> list[Command]:
        return [
            ("EVAL", _SCRIPT, len(chunk), *(k for k, _ in chunk), life, *(v for _, v in chunk))
            for chunk in self._chunks(pairs)
        ]

    def _one_by_one(self, pairs: list[tuple[bytes, bytes]], life: int) -> list[Command]:
        return [("SET", name, value, "PX", life) for name, value in pairs]


def _portions(
    items: Iterable[tuple[str, str, bytes]], most: int
) -> Iterator[list[tuple[str, str, bytes]]]:
    """Yield chunks that a server has room for beside what it holds."""
    portion: list[tuple[str, str, bytes]] = []
    size = 0
    for item in items:
        if portion and (size + len(item[2]) > _MOST_BYTES or len(portion) == most):
            yield portion
            portion, size = [], 0
        portion.append(item)
        size += len(item[2])
    if portion:
        yield portion


def _flat(pairs: Iterable[tuple[bytes, bytes]]) -> list[bytes]:
    return [part for pair in pairs for part in pair]


def milliseconds(ttl: float) -> int:
    """Return seconds as servers count them."""
    return max(1, round(ttl * 1000))


def raise_if_no_counter(error: StorageError) -> None:
    """Look at why a server did not count.

    Raises:
        CounterError: what is there can't be counted.
    """
    if re.search("not an integer|overflow|wrong kind", str(error.__cause__)):
        raise CounterError(
            "The stored value is no integer of 64 bits, or would become none: "
            "set a small one before counting."
        ) from error


def _is_about_the_command(error: BaseException | None) -> bool:
    """Return whether a server lacks the command, or does not let this user call it."""
    return bool(re.search("unknown command|no permissions", str(error), re.IGNORECASE))
