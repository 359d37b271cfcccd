"""How long entries live, in every cache: one contract, plain and awaited."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from pytest_cachekit.errors import CacheUsageError

from .conftest import Makers


def test_entries_expire(cache: Any, make: Makers) -> None:
    cache.set("short", 1, ttl=10)
    cache.set("long", 2, ttl=timedelta(minutes=1))
    cache.set("for ever", 3)
    make.clock.advance(5)
    assert sorted(cache.keys()) == ["for ever", "long", "short"]

    make.clock.advance(10)
    assert cache.get("short") is None
    assert "short" not in cache
    assert not cache.touch("short", 5)
    assert not cache.delete("short")
    assert cache.get_many(["short", "long", "for ever"]) == {"long": 2, "for ever": 3}
    assert cache.stats().size == 2

    make.clock.advance(60)
    assert cache.keys() == ["for ever"]


def test_the_last_writer_sets_the_time(cache: Any, make: Makers) -> None:
    cache.set("key", 1, ttl=10)
    cache.set("key", 2)
    cache.set_many({"other": 1})
    cache.set_many({"other": 2}, ttl=10)
    make.clock.advance(100)

    assert cache.get("key") == 2
    assert cache.get("other") is None


def test_touch_gives_more_time_or_less(cache: Any, make: Makers) -> None:
    cache.set_many({"longer": 1, "shorter": 2, "for ever": 3}, ttl=60)
    assert cache.touch("longer", 600)
    assert cache.touch("shorter", timedelta(seconds=5))
    assert cache.touch("for ever", math.inf)
    assert not cache.touch("nothing", 5)
    make.clock.advance(61)

    assert sorted(cache.keys()) == ["for ever", "longer"]
    make.clock.advance(6000)
    assert cache.keys() == ["for ever"]


def test_a_default_time_to_live(make: Makers) -> None:
    cache = make(ttl=30)
    cache.set("default", 1)
    cache.set("own", 2, ttl=300)
    cache.set("for ever", 3, ttl=math.inf)
    cache.incr("counter")
    make.clock.advance(31)

    assert sorted(cache.keys()) == ["for ever", "own"]
    assert cache.stats().ttl == 30


def test_a_time_that_is_not_positive_is_an_error(cache: Any) -> None:
    cache.set("key", "kept")
    calls: tuple[Callable[[Any], Any], ...] = (
        lambda ttl: cache.set("key", 1, ttl=ttl),
        lambda ttl: cache.set_many({"key": 1}, ttl=ttl),
        lambda ttl: cache.touch("key", ttl),
        lambda ttl: cache.get_or_set("other", lambda: 1, ttl),
        lambda ttl: cache.add("other", 1, ttl),
    )
    for ttl in (0, -1, -0.001, math.nan, timedelta(0), "soon", 10**400):
        for call in calls:
            with pytest.raises(CacheUsageError, match="time to live"):
                call(ttl)

    assert cache.get("key") == "kept"
    assert cache.keys() == ["key"]


def test_a_clock_that_goes_backwards_keeps_entries_longer(cache: Any, make: Makers) -> None:
    if make.keeps_time_by_server:
        pytest.skip("the server's own clock can't be moved back")
    cache.set("key", 1, ttl=10)
    make.clock.advance(-100)
    assert cache.get("key") == 1
    cache.set("other", 2, ttl=10)
    make.clock.advance(11)
    assert cache.get("other") is None
    make.clock.advance(100)
    assert cache.keys() == []


def test_the_shortest_time_is_no_error_and_no_eternity(cache: Any, make: Makers) -> None:
    for ttl in (0.0004, timedelta(microseconds=1)):
        cache.set_many({"a": 1, "b": 2}, ttl=ttl)
        cache.set("c", 3, ttl=ttl)
        make.clock.advance(1)

        assert cache.keys() == []


def test_what_lives_for_centuries_lives_for_ever(cache: Any, make: Makers) -> None:
    cache.set_many({"a": 1}, ttl=1e300)
    cache.set("b", 2, ttl=timedelta.max)
    make.clock.advance(10 * 365 * 86400)

    assert cache.get_many(["a", "b"]) == {"a": 1, "b": 2}
