"""What every cache does, written once: both faces differ only in how they wait."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from contextlib import suppress
from typing import Any, TypeVar

from ..errors import CacheUsageError, CounterError, StorageError
from ..storage import AsyncBackend, BackendSize
from ..storage.memory import ENCODED, Entry, MemoryBackend
from ..storage.tiered import TieredBackend
from ..storage.waiting import Awaited, run_now
from .codec import Codec, UndecodableError
from .flights import Flights
from .lease import Lease, Waiting
from .lifetime import TTL, seconds
from .namespace import Namespace
from .stats import CacheStats, Counts

T = TypeVar("T")
MISSING: Any = object()
"""Stands for the value of a key that isn't there; `None` is a value like others."""

_LEASE = "lease\x1f"
_ERROR_POLICIES = ("raise", "miss")


class CacheCore:
    """Keys, values, times and counts of one cache over one backend.

    Where nothing has to be waited for, the coroutines here never suspend.
    """

    def __init__(
        self,
        backend: AsyncBackend,
        waiting: Waiting,
        *,
        namespace: str = "",
        ttl: TTL = None,
        codec: Codec | None = None,
        on_error: str = "raise",
        lease: float = 30.0,
        is_alone: bool = False,
    ) -> None:
        """See `Cache`."""
        if on_error not in _ERROR_POLICIES:
            raise CacheUsageError(f"on_error={on_error!r}: write {' or '.join(_ERROR_POLICIES)}.")
        self.namespace = namespace
        self.codec = codec or Codec()
        names = Namespace(namespace, is_alone=is_alone)
        self._name, self._names, self._prefix = names.name, names.names, names.prefix
        self._backend = backend
        self._waiting = waiting
        self._raises = on_error == "raise"
        self._lease = lease
        self._ttl = seconds(ttl, None)
        self._counts = Counts()
        self._flights = Flights()
        self._encode, self._decode = self.codec.encode, self.codec.decode
        self._plain = self.codec.plain
        plain = backend.backend if isinstance(backend, Awaited) else None
        self.memory = plain if isinstance(plain, MemoryBackend) else None
        self._lookup: Callable[[str], Entry | None] = _no_entry
        self._is_direct = self.memory is not None and not self._prefix
        if self.memory is not None and self._is_direct:
            self._lookup, self._use = self.memory.lookup, self.memory.use
            self._now, self._store = self.memory.clock, self.memory.store

    @property
    def backend_url(self) -> str:
        """Where the values are kept, without any password."""
        return self._backend.url

    def _get_here(self, key: str, default: Any = None) -> Any:
        """Return the value of `key`, or `default` if there is none.

        Raises:
            StorageError: the backend can't be read, and the cache raises errors.
        """
        # The hot path of memory, without a lock: a call saved is a tenth of it.
        try:
            entry = self._lookup(key)
            if entry is not None:
                stored, deadline, value = entry
                if deadline is None or deadline > self._now():
                    self._use(key)
                    if value is ENCODED:
                        value = self._decode(key, stored)
                    self._counts.hits += 1
                    return value
        except (KeyError, TypeError, UndecodableError):
            # Somebody removed it just now; or it is no key, or torn, which is told below.
            pass
        return run_now(self._get(key, default))

    def _set_here(self, key: str, value: Any, ttl: TTL = None) -> None:
        """Store `value` under `key`.

        Args:
            key: any text.
            value: what the codec can encode, None included.
            ttl: how long it lives.

        Raises:
            CodecError: the value can't be encoded.
            CacheUsageError: the time to live isn't positive.
            StorageError: the backend can't be written, and the cache raises errors.
        """
        if not self._is_direct or type(key) is not str or not key.isascii():
            run_now(self._set_many({key: value}, ttl))
            return
        life = self._ttl if ttl is None else seconds(ttl, None)
        encode = self._plain.get(type(value))
        try:
            if encode is None:
                self._store(key, self._encode(key, value), life, ENCODED)
            else:
                self._store(key, encode(value), life, value)
        except ValueError:
            # No valid text, or too many digits: the codec says it better.
            self._encode(key, value)
            raise
        self._counts.sets += 1

    async def _get(self, key: str, default: Any) -> Any:
        return (await self._get_many([key])).get(key, default)

    async def _get_many(self, keys: Iterable[str]) -> dict[str, Any]:
        asked = list(keys)
        names = self._names(asked)
        nothing: list[bytes | None] = [None] * len(names)
        found = await self._guarded(self._backend.get_list(names), nothing)
        return self._told(asked, names, found)

    async def _set_many(self, items: Mapping[str, Any], ttl: TTL) -> None:
        life = seconds(ttl, self._ttl)
        named = zip(self._names(list(items)), items.values(), strict=True)
        encoded = {name: self._encode(name, value) for name, value in named}
        await self._write(encoded, life)

    async def _write(self, encoded: Mapping[str, bytes], life: float | None) -> None:
        if await self._guarded(_done(self._backend.set_many(encoded, life)), False):
            count = len(encoded)
            self._counts.sets += count

    async def _add(self, key: str, value: Any, ttl: TTL) -> bool:
        name, life = self._name(key), seconds(ttl, self._ttl)
        stored = self._encode(name, value)
        added = await self._guarded(self._backend.add(name, stored, life), False)
        self._counts.sets += added
        return added

    async def _has(self, key: str) -> bool:
        name = self._name(key)
        return name in await self._guarded(self._backend.remaining([name]), {})

    async def _delete_many(self, keys: Iterable[str]) -> int:
        names = self._names(list(keys))
        deleted = await self._guarded(self._backend.delete_many(names), 0)
        self._counts.deletes += deleted
        return deleted

    async def _clear(self) -> int:
        cleared = await self._guarded(self._backend.clear(self._prefix), 0)
        self._counts.deletes += cleared
        return cleared

    async def _touch(self, key: str, ttl: TTL) -> bool:
        life = seconds(ttl, self._ttl)
        return await self._guarded(self._backend.touch(self._name(key), life), False)

    async def _incr(self, key: str, delta: int, ttl: TTL) -> int:
        if self.codec.is_signed:
            raise CounterError("Signed values can't be counted: use a cache without signing_key.")
        if type(delta) is not int:
            raise CounterError(f"{delta!r} can't be added to a counter: give an int.")
        life = seconds(ttl, self._ttl)
        counted = await self._guarded(self._backend.incr(self._name(key), delta, life), None)
        if counted is None:
            return delta
        self._counts.sets += 1
        return counted

    async def _keys(self, prefix: str) -> list[str]:
        full = self._prefix + prefix
        names = await self._guarded(self._backend.keys(full), iter(()))
        start = len(self._prefix)
        return [name[start:] for name in names if not name.startswith(_LEASE)]

    async def _get_or_set(self, key: str, factory: Callable[[], Any], ttl: TTL) -> Any:
        life = seconds(ttl, self._ttl)
        value = await self._get(key, MISSING)
        if value is not MISSING:
            return value
        name = self._name(key)
        stored: bytes | None = None
        while stored is None:
            flight, is_ours = self._flights.board(name)
            if flight is None:
                stored = await self._stored(name, factory, life)
            elif is_ours:
                try:
                    stored = await self._computed(name, factory, life)
                finally:
                    self._flights.land(name, flight, stored)
            else:
                stored = await self._waiting.result(flight)
        return self._decode(name, stored)

    async def _computed(self, name: str, factory: Callable[[], Any], life: float | None) -> bytes:
        """Return what is stored under `name`, computing it unless somebody did meanwhile."""
        lease = Lease(self._backend, _LEASE + name, self._lease)

        async def look() -> bytes | None:
            (stored,) = await self._backend.get_list([name])
            return None if self.codec.decode_many([name], [name], [stored])[1] else stored

        try:
            waiting = lease.wait(self._waiting, look) if self._backend.shared else look()
            stored = await self._guarded(waiting, None)
            return await self._stored(name, factory, life) if stored is None else stored
        finally:
            # If this fails it runs out by itself; what was computed, or went wrong, matters more.
            with suppress(StorageError):
                await lease.give_back()

    async def _stored(self, name: str, factory: Callable[[], Any], life: float | None) -> bytes:
        stored = self._encode(name, await self._waiting.settled(factory()))
        await self._write({name: stored}, life)
        return stored

    async def _stats(self) -> CacheStats:
        counts = self._counts.as_dict()
        size = await self._guarded(self._backend.size(self._prefix), BackendSize(0, 0))
        for name, count in self._backend.tallies().items():
            counts[name] += count
        return self._snapshot(counts, size, self._backend)

    async def _stats_by_tier(self) -> list[CacheStats]:
        if not isinstance(self._backend, TieredBackend):
            return [await self._stats()]
        return [
            self._snapshot(
                tier.tallies(),
                await tier.ask(tier.backend.size(self._prefix), BackendSize(0, 0)),
                tier.backend,
            )
            for tier in self._backend.tiers
        ]

    def _snapshot(
        self, counts: Mapping[str, int], size: BackendSize, backend: AsyncBackend
    ) -> CacheStats:
        plain = backend.backend if isinstance(backend, Awaited) else None
        limits: dict[str, Any] = {
            name: getattr(plain, name, None) for name in ("max_size", "max_bytes")
        }
        return CacheStats(
            **counts, **limits, size=size.entries, bytes=size.bytes, ttl=self._ttl,
            timestamp=time.time(),
        )  # fmt: skip

    async def _problem(self) -> str | None:
        try:
            await self._backend.get_many([self._name("health")])
        except StorageError as error:
            return str(error)
        return None

    def _told(self, keys: list[str], names: list[str], found: list[bytes | None]) -> dict[str, Any]:
        """Return the values of `keys` as `found` under `names`; what is torn wasn't. Count them."""
        values, torn = self.codec.decode_many(keys, names, found)
        self._counts.errors += torn
        hits = len(values)  # known before: while it is asked for, another thread may count
        missed = len(set(keys)) - hits if hits < len(keys) else 0
        self._counts.hits += hits
        self._counts.misses += missed
        return values

    async def _guarded(self, coroutine: Coroutine[Any, Any, T], otherwise: T) -> T:
        """Return the result of asking the backend; if it failed, `otherwise`, or raise that."""
        try:
            return await coroutine
        except StorageError:
            self._counts.errors += 1
            if self._raises:
                raise
            return otherwise


def _no_entry(_: str) -> None:
    return None


async def _done(awaitable: Awaitable[None]) -> bool:
    await awaitable
    return True
