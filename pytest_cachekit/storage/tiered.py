"""Several backends as one: near ones answer first, far ones hold everything."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ..errors import CacheUsageError, StorageError
from .backend import AsyncBackend, BackendSize, Replacement

T = TypeVar("T")
# As many keys are remembered of what a tier missed while it was gone; more, and it is cleared.
_MOST_MISSED = 10_000
# What a call counts once, however many tiers it goes through; and what each tier adds.
_CALLS = ("hits", "misses", "sets", "deletes")
_COUNTS = (*_CALLS, "errors", "promotions")


@dataclass
class Tier:
    """One backend at its level, and what happened there."""

    backend: AsyncBackend
    hits: int = 0
    misses: int = 0
    sets: int = 0
    deletes: int = 0
    errors: int = 0
    promotions: int = 0
    missed: set[str] = field(default_factory=set)
    """Keys written or deleted while it was gone: what it holds there is out of date."""
    missed_all: bool = False

    def tallies(self) -> dict[str, int]:
        """Return what happened here, named as in `CacheStats`."""
        return {**self.backend.tallies(), **{name: getattr(self, name) for name in _COUNTS}}

    async def ask(self, coroutine: Coroutine[Any, Any, T], otherwise: T) -> T:
        """Return what the tier answers, `otherwise` if it doesn't."""
        try:
            await self.catch_up()
            return await coroutine
        except StorageError:
            self.errors += 1
            return otherwise
        finally:
            coroutine.close()

    async def catch_up(self) -> None:
        """Remove what is out of date since the tier was gone."""
        if self.missed_all:
            await self.backend.clear()
            self.missed_all = False
        elif self.missed:
            # Others may miss more meanwhile.
            missed = set(self.missed)
            await self.backend.delete_many(missed)
            self.missed -= missed

    def missed_writes(self, keys: Iterable[str] | None) -> None:
        """Note that the tier did not learn of a change of `keys`, None for any."""
        self.missed.update(keys or ())
        if keys is None or len(self.missed) > _MOST_MISSED:
            self.missed.clear()
            self.missed_all = True


class TieredBackend(AsyncBackend):
    """Reads from the first tier that knows, writes to all.

    What a lower tier knows is promoted to those above it, for the time that it has left. A tier
    that is gone is passed over; only if none is left does a call fail. When it comes back,
    what changed meanwhile is removed from it before it is asked anything.
    """

    def __init__(self, tiers: Sequence[AsyncBackend]) -> None:
        """Stack `tiers`, nearest first."""
        if not tiers:
            raise CacheUsageError("A tiered cache needs tiers: name at least one.")
        self.tiers = [Tier(backend) for backend in tiers]
        # Counts up before each tier's part of a change.
        self._changes = 0

    @property
    def url(self) -> str:
        """See `Backend.url`."""
        return "tiered:" + ",".join(tier.backend.url for tier in self.tiers)

    @property
    def shared(self) -> bool:
        """See `Backend.shared`."""
        return any(tier.backend.shared for tier in self.tiers)

    async def get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        """See `Backend.get_many`."""
        wanted = list(dict.fromkeys(keys))
        found: dict[str, bytes] = {}
        answered = False
        changes = self._changes
        for level, tier in enumerate(self.tiers):
            if not wanted:
                break
            here = await tier.ask(tier.backend.get_many(wanted), None)
            if here is None:
                continue
            answered = True
            tier.hits += len(here)
            tier.misses += len(wanted) - len(here)
            if here and level:
                await self._promote(level, here, changes)
            found.update(here)
            wanted = [key for key in wanted if key not in here]
        if wanted and not answered:
            raise self._all_gone()
        return found

    async def set_many(self, items: Mapping[str, bytes], ttl: float | None = None) -> None:
        """See `Backend.set_many`."""
        for tier, _ in await self._change(items, lambda b: _stored(b, items, ttl)):
            tier.sets += len(items)

    async def replace_many(self, items: Mapping[str, Replacement]) -> dict[str, bytes | None]:
        """See `Backend.replace_many`; the lowest tier that answers decides."""
        others = await self._decide(list(items), lambda backend: backend.replace_many(items))
        await self._forget_above([key for key in items if key not in others])
        return others

    async def add(self, key: str, value: bytes, ttl: float | None = None) -> bool:
        """See `Backend.add`; the lowest tier that answers decides."""
        added = await self._decide([key], lambda backend: backend.add(key, value, ttl))
        if added:
            await self._forget_above([key])
        return added

    async def delete_many(self, keys: Iterable[str]) -> int:
        """See `Backend.delete_many`; returns the most that any tier had."""
        wanted = list(keys)
        deleted = await self._change(wanted, lambda backend: backend.delete_many(wanted))
        for tier, count in deleted:
            tier.deletes += count
        return max(count for _, count in deleted)

    async def touch(self, key: str, ttl: float | None) -> bool:
        """See `Backend.touch`."""
        touched = await self._change([key], lambda backend: backend.touch(key, ttl))
        return any(was_there for _, was_there in touched)

    async def incr(self, key: str, delta: int, ttl: float | None = None) -> int:
        """See `Backend.incr`; the lowest tier that answers counts."""
        result = await self._decide([key], lambda backend: backend.incr(key, delta, ttl))
        await self._forget_above([key])
        return result

    async def remaining(self, keys: Iterable[str]) -> dict[str, float | None]:
        """See `Backend.remaining`."""
        wanted = list(keys)
        answers = [await tier.ask(tier.backend.remaining(wanted), None) for tier in self.tiers]
        return {
            key: left
            for answer in reversed(self._answered(answers))
            for key, left in answer.items()
        }

    async def keys(self, prefix: str = "") -> Iterator[str]:
        """See `Backend.keys`."""
        answers = [await tier.ask(tier.backend.keys(prefix), None) for tier in self.tiers]
        return iter({key: None for answer in self._answered(answers) for key in answer})

    async def clear(self, prefix: str = "") -> int:
        """See `Backend.clear`; returns the most that any tier had."""
        return max(count for _, count in await self._change(None, lambda b: b.clear(prefix)))

    async def size(self, prefix: str = "") -> BackendSize:
        """See `Backend.size`; that of the lowest tier that answers."""
        for tier in reversed(self.tiers):
            size = await tier.ask(tier.backend.size(prefix), None)
            if size is not None:
                return size
        raise self._all_gone()

    def tallies(self) -> dict[str, int]:
        """See `Backend.tallies`; the sums over all tiers."""
        sums: dict[str, int] = {}
        for tier in self.tiers:
            for name, count in tier.tallies().items():
                if name not in _CALLS:
                    sums[name] = sums.get(name, 0) + count
        return sums

    async def close(self) -> None:
        """See `Backend.close`."""
        for tier in self.tiers:
            await tier.ask(tier.backend.close(), None)

    async def _change(
        self, keys: Iterable[str] | None, act: Callable[[AsyncBackend], Coroutine[Any, Any, T]]
    ) -> list[tuple[Tier, T]]:
        """Act on all tiers; return what those say that answer.

        The lowest goes first. So a reader who found an old value there, and promotes it to where
        it was replaced meanwhile, sees a change when it is done.

        Args:
            keys: those that change; None for any.
            act: what to do.
        """
        answers: list[tuple[Tier, T]] = []
        waiting = list(self.tiers)
        try:
            while waiting:
                self._changes += 1
                answer = await waiting[-1].ask(act(waiting[-1].backend), None)
                tier = waiting.pop()
                if answer is None:
                    tier.missed_writes(keys)
                else:
                    answers.append((tier, answer))
        finally:
            for tier in waiting:  # Somebody lost patience.
                tier.missed_writes(keys)
        if not answers:
            raise self._all_gone()
        return answers

    async def _promote(self, level: int, items: Mapping[str, bytes], changes: int) -> None:
        source, above = self.tiers[level], self.tiers[:level]
        left = await source.ask(source.backend.remaining(items), {})
        groups: dict[float | None, dict[str, bytes]] = {}
        for key, rest in left.items():
            groups.setdefault(rest, {})[key] = items[key]
        for tier in above:
            for rest, group in groups.items():
                if await tier.ask(_stored(tier.backend, group, rest), False):
                    tier.promotions += len(group)
        if self._changes != changes:
            # Perhaps of these keys, and after they were read.
            await self._forget(above, list(left))

    async def _decide(
        self, keys: list[str], act: Callable[[AsyncBackend], Coroutine[Any, Any, T]]
    ) -> T:
        for tier in reversed(self.tiers):
            self._changes += 1
            answer = await tier.ask(act(tier.backend), None)
            if answer is not None:
                return answer
            tier.missed_writes(keys)
        raise self._all_gone()

    async def _forget_above(self, keys: list[str]) -> None:
        self._changes += 1
        await self._forget(self.tiers[:-1], keys)

    async def _forget(self, tiers: Sequence[Tier], keys: list[str]) -> None:
        for tier in tiers:
            if await tier.ask(tier.backend.delete_many(keys), None) is None:
                tier.missed_writes(keys)

    def _answered(self, answers: list[T | None]) -> list[T]:
        given = [answer for answer in answers if answer is not None]
        if not given:
            raise self._all_gone()
        return given

    def _all_gone(self) -> StorageError:
        return StorageError(f"No tier of {self.url} answers: see that one of them can be used.")


async def _stored(backend: AsyncBackend, items: Mapping[str, bytes], ttl: float | None) -> bool:
    await backend.set_many(items, ttl)
    return True
