"""What every cache does, written once: both faces differ only in how they wait."""

from __future__ import annotations

import inspect
import time
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable, Mapping
from typing import Any, TypeVar

from ..errors import CacheUsageError, CounterError, StorageError
from ..storage import AsyncBackend, BackendSize
from ..storage.memory import ENCODED, Entry, MemoryBackend
from ..storage.waiting import Awaited, run_now
from .codec import Codec, UndecodableError
from .flights import Flights, Lease, Waiting, wait_for_turn
from .lifetime import TTL, seconds
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
    ) -> None:
        """See `Cache`."""
        if on_error not in _ERROR_POLICIES:
            raise CacheUsageError(f"on_error={on_error!r}: write {' or '.join(_ERROR_POLICIES)}.")
        self.namespace = namespace
        self.codec = codec or Codec()
        self._prefix = f"{namespace}:" if namespace else ""
        self._backend = backend
        self._waiting = waiting
        self._raises = on_error == "raise"
        self._lease = lease
        self._ttl = seconds(ttl, None)
        self._counts = Counts()
        self._flights = Flights()
        self._encode, self._decode = self.codec.encode, self.codec.decode
        self._plain = self.codec.unchanged
        plain = backend.backend if isinstance(backend, Awaited) else None
        self._limits: dict[str, Any] = {
            name: getattr(plain, name, None) for name in ("max_size", "max_bytes")
        }
        self.memory = plain if isinstance(plain, MemoryBackend) else None
        self._lookup: Callable[[str], Entry | None] | None = None
        if self.memory is not None:
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
        lookup = self._lookup
        if lookup is None:
            return run_now(self._get(key, default))
        # The hot path of memory, without a lock: a call saved is a tenth of it.
        try:
            name = self._prefix + key
            entry = lookup(name)
            if entry is not None:
                stored, deadline, value = entry
                if deadline is None or deadline > self._now():
                    self._use(name)
                    if value is ENCODED:
                        return self._told([name], {name: stored}).get(name, default)
                    self._counts.hits += 1
                    return value
        except (KeyError, TypeError):
            # Somebody removed it just now; or it is no key, which is told below.
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
        if self._lookup is None or type(key) is not str or not key.isascii():
            run_now(self._set_many({key: value}, ttl))
            return
        name = self._prefix + key
        life = self._ttl if ttl is None else seconds(ttl, None)
        plain = value if type(value) in self._plain else ENCODED
        self._store(name, self._encode(name, value), life, plain)
        self._counts.sets += 1

    async def _get(self, key: str, default: Any) -> Any:
        name = self._name(key)
        found = await self._guarded(self._backend.get_many([name]), {})
        return self._told([name], found).get(name, default)

    async def _get_many(self, keys: Iterable[str]) -> dict[str, Any]:
        names = {self._name(key): key for key in keys}
        found = await self._guarded(self._backend.get_many(names), {})
        return {names[name]: value for name, value in self._told(names, found).items()}

    async def _set_many(self, items: Mapping[str, Any], ttl: TTL) -> None:
        life = seconds(ttl, self._ttl)
        named = {self._name(key): value for key, value in items.items()}
        encoded = {name: self._encode(name, value) for name, value in named.items()}
        await self._write(encoded, life)

    async def _write(self, encoded: Mapping[str, bytes], life: float | None) -> None:
        if await self._guarded(_done(self._backend.set_many(encoded, life)), False):
            self._counts.sets += len(encoded)

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
        names = dict.fromkeys(map(self._name, keys))
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
        name, who = self._name(key), self._waiting.who()
        if self._flights.is_flown_by(name, who):
            return self._decode(name, await self._stored(name, factory, life))
        while True:
            flight, is_ours = self._flights.board(name, who)
            stored: bytes | None = None
            if is_ours:
                try:
                    stored = await self._computed(name, factory, life)
                finally:
                    self._flights.land(name, flight, stored)
            else:
                stored = await self._waiting.result(flight)
            if stored is not None:
                return self._decode(name, stored)

    async def _computed(
        self, name: str, factory: Callable[[], Any], life: float | None
    ) -> bytes | None:
        """Return what is stored under `name`, computing it unless somebody did meanwhile."""
        lease = Lease(self._backend, _LEASE + name, self._lease)
        stored: bytes | None = None

        async def look() -> bool:
            nonlocal stored
            stored = (await self._backend.get_many([name])).get(name)
            return stored is not None and bool(self._readable({name: stored}))

        if self._backend.shared:
            taking = wait_for_turn(lease, self._waiting, look, self._lease)
            if not await self._guarded(taking, True):
                return stored
        try:
            if await self._guarded(look(), False):
                return stored
            return await self._stored(name, factory, life)
        finally:
            await self._guarded(lease.give_back(), None)

    async def _stored(self, name: str, factory: Callable[[], Any], life: float | None) -> bytes:
        value = factory()
        if inspect.isawaitable(value):
            value = await value
        stored = self._encode(name, value)
        await self._write({name: stored}, life)
        return stored

    async def _stats(self) -> CacheStats:
        counts = self._counts.as_dict()
        size = await self._guarded(self._backend.size(self._prefix), BackendSize(0, 0))
        for name, count in self._backend.tallies().items():
            counts[name] += count
        return CacheStats(
            **counts,
            size=size.entries,
            bytes=size.bytes,
            **self._limits,
            ttl=self._ttl,
            timestamp=time.time(),
        )

    async def _problem(self) -> str | None:
        try:
            await self._backend.get_many([self._name("health")])
        except StorageError as error:
            return str(error)
        return None

    def _name(self, key: str) -> str:
        """Return the full name of `key`."""
        if not isinstance(key, str):
            raise CacheUsageError(f"Keys are text, and {key!r} is none: make a str of it.")
        if not key.isascii():
            try:
                key.encode()
            except UnicodeEncodeError as error:
                raise CacheUsageError(f"The key {key!r} is no valid text: {error}.") from error
        return self._prefix + key

    def _told(self, names: Collection[str], found: Mapping[str, bytes]) -> dict[str, Any]:
        """Return the values of those `names` that were found; what is torn wasn't. Count them."""
        values = self._readable(found)
        self._counts.hits += len(values)
        self._counts.misses += len(names) - len(values)
        return values

    def _readable(self, found: Mapping[str, bytes]) -> dict[str, Any]:
        values = {}
        for name, stored in found.items():
            try:
                values[name] = self._decode(name, stored)
            except UndecodableError:
                self._counts.errors += 1
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


async def _done(awaitable: Awaitable[None]) -> bool:
    await awaitable
    return True
