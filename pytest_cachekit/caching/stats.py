"""The statistics of caches: declared once, counted by whoever does the thing, told as snapshots."""

from __future__ import annotations

import dataclasses
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any


def _count(what: str) -> Any:
    """Declare a number of events, which only grows."""
    return field(default=0, metadata={"kind": "count", "help": what})


def _level(what: str) -> Any:
    """Declare a number of things there at the moment."""
    return field(default=0, metadata={"kind": "level", "help": what})


def _limit(what: str) -> Any:
    """Declare a limit; None where there is none."""
    return field(default=None, metadata={"kind": "limit", "help": what})


@dataclass(frozen=True, slots=True)
class CacheStats:
    """What a cache did and holds, at one moment; this class is the only place that says so.

    Snapshots add up over caches, and `after - before` is what happened in between: counts and
    levels are added and subtracted; limits add up where all are limited.
    """

    hits: int = _count("reads that found a value")
    misses: int = _count("reads that found none")
    sets: int = _count("values stored")
    deletes: int = _count("values removed by hand")
    evictions: int = _count("values removed for space, as far as this process did it")
    expirations: int = _count("values removed for age, as far as this process did it")
    errors: int = _count("calls that a backend failed, and values that could not be decoded")
    promotions: int = _count("values that a lower tier knew, copied to a higher one")
    size: int = _level("values held")
    bytes: int = _level("bytes of the encoded values held")
    max_size: int | None = _limit("most values held")
    max_bytes: int | None = _limit("most bytes held")
    ttl: float | None = field(
        default=None, metadata={"kind": "setting", "help": "seconds that values live by default"}
    )
    timestamp: float = field(
        default_factory=time.time,
        metadata={"kind": "time", "help": "when this was true, in seconds of Unix time"},
    )

    @property
    def hit_rate(self) -> float:
        """Share of the reads that found a value; 0 where there were none."""
        reads = self.hits + self.misses
        return self.hits / reads if reads else 0.0

    def __add__(self, other: CacheStats) -> CacheStats:
        """Return both together."""
        if not isinstance(other, CacheStats):
            return NotImplemented
        return CacheStats(
            **self._numbers(other, 1),
            max_size=_sum(self.max_size, other.max_size),
            max_bytes=_sum(self.max_bytes, other.max_bytes),
            ttl=self.ttl if self.ttl == other.ttl else None,
            timestamp=max(self.timestamp, other.timestamp),
        )

    def __sub__(self, earlier: CacheStats) -> CacheStats:
        """Return what happened since `earlier`, with the limits and the time of this one."""
        if not isinstance(earlier, CacheStats):
            return NotImplemented
        return dataclasses.replace(self, **self._numbers(earlier, -1))

    def as_dict(self) -> dict[str, Any]:
        """Return all by name, `hit_rate` included."""
        return {**dataclasses.asdict(self), "hit_rate": self.hit_rate}

    def _numbers(self, other: CacheStats, sign: int) -> dict[str, int]:
        return {
            each.name: getattr(self, each.name) + sign * getattr(other, each.name)
            for each in dataclasses.fields(self)
            if each.metadata["kind"] in ("count", "level")
        }


COUNTS = tuple(
    each.name for each in dataclasses.fields(CacheStats) if each.metadata["kind"] == "count"
)


class Counts:
    """The counts of one cache, as they grow.

    Adding one to an attribute is a single step of the interpreter between two looks at other
    threads, so readers count without a lock.
    """

    __slots__ = COUNTS

    def __init__(self) -> None:
        for name in COUNTS:
            setattr(self, name, 0)

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> int: ...
        def __setattr__(self, name: str, value: int) -> None: ...

    def as_dict(self) -> dict[str, int]:
        """Return all by name."""
        return {name: getattr(self, name) for name in COUNTS}


def _sum(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one + other
