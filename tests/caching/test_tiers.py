"""Tiers: which one answers, what is promoted, and that none serves what another has replaced."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from pytest_cachekit.caching import Cache, open_cache
from pytest_cachekit.errors import StorageError
from pytest_cachekit.plugin.caches import CacheFactory, SteppedClock
from pytest_cachekit.storage import stack
from pytest_cachekit.storage.memory import MemoryBackend


class Moody(MemoryBackend):
    """A lower tier that can be gone, and that lets others act in the middle of a call."""

    def __init__(self, clock: SteppedClock) -> None:
        super().__init__(clock=clock)
        self.gone = False
        self.meanwhile: Callable[[], object] | None = None

    def get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        if self.gone:
            raise StorageError("gone")
        found = super().get_many(keys)
        if self.meanwhile is not None:
            act, self.meanwhile = self.meanwhile, None
            act()
        return found

    def delete_many(self, keys: Iterable[str]) -> int:
        if self.gone:
            raise StorageError("gone")
        return super().delete_many(keys)

    def set_many(self, items: Any, ttl: float | None = None) -> None:
        if self.gone:
            raise StorageError("gone")
        super().set_many(items, ttl)

    def clear(self, prefix: str = "") -> int:
        if self.gone:
            raise StorageError("gone")
        return super().clear(prefix)


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock()


@pytest.fixture
def near(clock: SteppedClock) -> MemoryBackend:
    return MemoryBackend(clock=clock)


@pytest.fixture
def far(clock: SteppedClock) -> Moody:
    return Moody(clock)


@pytest.fixture
def cache(near: MemoryBackend, far: Moody) -> Cache:
    return Cache(stack([near, far]))


def test_what_only_a_lower_tier_knows_is_promoted_for_the_time_it_has_left(
    cache: Cache, near: MemoryBackend, far: Moody, clock: SteppedClock
) -> None:
    Cache(far).set_many({"a": 1, "b": 2}, ttl=10)
    Cache(far).set("c", 3)
    clock.advance(4)
    assert cache.get_many(["a", "b", "c", "x"]) == {"a": 1, "b": 2, "c": 3}

    assert near.remaining(["a", "b", "c", "x"]) == {"a": 6, "b": 6, "c": None}
    stats = cache.stats()
    assert (stats.hits, stats.misses, stats.promotions) == (3, 1, 3)
    far.clear()
    assert cache.get("a") == 1
    clock.advance(7)
    assert cache.get_many(["a", "b", "c"]) == {"c": 3}


def test_each_tier_has_its_statistics(cache: Cache, near: MemoryBackend, far: Moody) -> None:
    cache.set_many({"a": 1, "b": 2})
    near.clear()
    cache.get("a")
    cache.get_many(["a", "b", "x"])
    cache.delete("b")
    first, second = cache.stats_by_tier()

    assert (first.hits, first.misses, first.sets, first.deletes) == (1, 3, 2, 1)
    assert (second.hits, second.misses, second.sets, second.deletes) == (2, 1, 2, 1)
    assert (first.promotions, second.promotions, first.size, second.size) == (2, 0, 1, 1)
    far.gone = True
    cache.get("y")
    assert [tier.errors for tier in cache.stats_by_tier()] == [0, 1]
    assert cache.stats().errors == 1


def test_a_cache_without_tiers_is_its_own_and_only_one() -> None:
    cache = open_cache("alone", max_size=5)
    cache.set("a", 1)
    (only,) = cache.stats_by_tier()

    assert (only.sets, only.size, only.max_size) == (1, 1, 5)


CHANGES: dict[str, tuple[Callable[[Cache], object], object]] = {
    "set": (lambda cache: cache.set("key", "new"), "new"),
    "set_many": (lambda cache: cache.set_many({"key": "new"}), "new"),
    "delete": (lambda cache: cache.delete("key"), None),
    "clear": (lambda cache: cache.clear(), None),
    "incr": (lambda cache: cache.incr("number"), 8),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_reader_promotes_nothing_that_was_changed_meanwhile(
    cache: Cache, far: Moody, change: str
) -> None:
    act, expected = CHANGES[change]
    Cache(far).set_many({"key": "old", "number": 7})
    far.meanwhile = lambda: act(cache)
    cache.get_many(["key", "number"])

    assert cache.get("number" if change == "incr" else "key") == expected


def test_what_the_lowest_tier_lost_and_got_anew_is_not_served_by_the_others(
    cache: Cache, far: Moody
) -> None:
    cache.set_many({"key": "old", "number": 7})
    far.clear()
    assert cache.add("key", "new")
    assert cache.incr("number") == 1

    assert cache.get_many(["key", "number"]) == {"key": "new", "number": 1}


def test_a_touch_meanwhile_decides_how_long_it_lives(
    cache: Cache, far: Moody, clock: SteppedClock
) -> None:
    Cache(far).set("key", "value", ttl=100)
    far.meanwhile = lambda: cache.touch("key", 5)
    cache.get("key")
    clock.advance(6)

    assert cache.get("key") is None


@pytest.mark.parametrize("change", ["set", "set_many", "delete", "clear"])
def test_a_tier_that_comes_back_serves_nothing_old(
    cache: Cache, near: MemoryBackend, far: Moody, change: str
) -> None:
    act, expected = CHANGES[change]
    cache.set_many({"key": "old", "kept": 1})
    far.gone = True
    act(cache)
    assert cache.get("key") == expected
    far.gone = False
    near.clear()

    assert cache.get("key") is None
    assert cache.get("kept") == (None if change == "clear" else 1)


def test_more_changes_than_can_be_remembered_clear_the_tier(
    cache: Cache, near: MemoryBackend, far: Moody
) -> None:
    cache.set("old", 1)
    far.gone = True
    cache.set_many({str(number): number for number in range(10_001)})
    far.gone = False
    near.clear()

    assert cache.get_many(["old", "5"]) == {}
    assert far.size() == (0, 0)


def test_only_if_no_tier_is_left_does_a_call_fail(clock: SteppedClock) -> None:
    tiers = [Moody(clock), Moody(clock)]
    cache = Cache(stack(tiers))
    cache.set("key", 1)
    for tier in tiers:
        tier.gone = True
    for call in (
        lambda: cache.get("key"), lambda: cache.set("key", 2), lambda: cache.delete("key"),
        lambda: cache.clear(),
    ):  # fmt: skip
        with pytest.raises(StorageError, match="No tier"):
            call()


def test_a_small_tier_above_a_large_one_gives_room_and_loses_nothing(
    tmp_path: Path, cachekit_factory: CacheFactory
) -> None:
    tiers = [{"backend": "in_memory", "max_bytes": 100}, f"file:{tmp_path / 'cache'}"]
    cache = cachekit_factory("tiered", tiers=tiers)
    items = {str(number): "x" * 60 for number in range(5)}
    cache.set_many(items)
    cache.set("large", "x" * 1000)

    assert cache.get("large") == "x" * 1000
    assert cache.get_many(items) == items
    first, second = cache.stats_by_tier()
    assert (first.size, first.max_bytes, second.size) == (1, 100, 6)
