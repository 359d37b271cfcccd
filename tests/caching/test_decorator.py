"""Functions that remember what they returned."""

from __future__ import annotations

import asyncio
import datetime as dt
import uuid
from decimal import Decimal
from pathlib import Path

import pytest

from pytest_cachekit.caching import AsyncCache, Cache, cached, open_cache
from pytest_cachekit.errors import CacheUsageError
from pytest_cachekit.plugin.caches import SteppedClock
from pytest_cachekit.storage.memory import MemoryBackend


def test_a_function_computes_once_for_its_arguments() -> None:
    calls = []

    @cached()
    def add(a: int, b: int = 1) -> int:
        """Add."""
        calls.append((a, b))
        return a + b

    assert [add(1), add(1), add(1, b=2), add(1, b=2), add(2)] == [2, 2, 3, 3, 3]
    assert calls == [(1, 1), (1, 2), (2, 1)]
    assert (getattr(add, "__name__", ""), add.__doc__) == ("add", "Add.")
    assert (add.cache_info().hits, add.cache_info().misses) == (2, 3)


def test_values_of_other_types_differ() -> None:
    asked: list[object] = []

    @cached()
    def remember(*value: object) -> None:
        asked.append(value)

    same_to_a_careless_eye = [
        *(1, 1.0, True, "1", b"1", None, "None", "", (), [], {}),
        *((1,), [1], ((1,),), [[1]], "a,b", ("a", "b"), {"a": 1}, [("a", 1)], {"a": 1, "b": 2}),
        *(dt.date(2020, 1, 2), "2020-01-02", Decimal(1), uuid.UUID(int=1), uuid.UUID(int=1).hex),
        *(float("nan"), "\udc80"),
    ]
    for _ in range(2):
        for value in same_to_a_careless_eye:
            remember(value)
        remember(1, 2)
        remember((1, 2))

    assert len(asked) == len(same_to_a_careless_eye) + 2


def test_keywords_differ_by_name() -> None:
    @cached()
    def names(**options: object) -> list[str]:
        return sorted(options)

    assert [names(a=1), names(b=1), names(a=1, b=1), names(b=1, a=1)] == [
        ["a"], ["b"], ["a", "b"], ["a", "b"],
    ]  # fmt: skip
    assert names.cache_info().sets == 3


def test_bypass_refresh_forget_and_clear() -> None:
    count = iter(range(100))

    @cached()
    def number() -> int:
        return next(count)

    assert [number(), number(), number.bypass(), number()] == [0, 0, 1, 0]
    assert [number.refresh(), number(), number()] == [2, 2, 2]
    assert number.forget()
    assert not number.forget()
    assert number() == 3
    number.cache_clear()
    assert number() == 4


def test_results_expire() -> None:
    clock = SteppedClock()
    count = iter(range(100))

    @cached(open_cache("results", clock=clock), ttl=10)
    def number() -> int:
        return next(count)

    assert [number(), number()] == [0, 0]
    clock.advance(11)
    assert number() == 1


def test_a_key_of_ones_own_tells_methods_apart() -> None:
    class Shop:
        def __init__(self, name: str) -> None:
            self.name = name
            self.asked = 0

        @cached(key=lambda self, item: f"{self.name}:{item}")
        def price(self, item: str) -> int:
            self.asked += 1
            return len(self.name + item)

    one, other = Shop("one"), Shop("other")
    assert [one.price("tea"), one.price("tea"), other.price("tea")] == [6, 6, 8]
    assert (one.asked, other.asked) == (1, 1)


def test_arguments_that_cannot_be_told_apart_are_an_error() -> None:
    @cached()
    def call(value: object) -> None:
        pass

    for argument in (object(), {1}, [Path("x")], type("Text", (str,), {})()):
        with pytest.raises(CacheUsageError, match="give key="):
            call(argument)


def test_functions_share_a_cache_without_mixing(tmp_path: Path) -> None:
    cache = open_cache("shared", "file_based", directory=tmp_path)

    @cached(cache)
    def one(value: int) -> str:
        return f"one {value}"

    @cached(cache)
    def two(value: int) -> str:
        return f"two {value}"

    assert [one(1), two(1), one(1), two(1)] == ["one 1", "two 1", "one 1", "two 1"]
    assert cache.stats().size == 2


def test_a_function_to_await() -> None:
    count = iter(range(100))

    @cached()
    async def number(start: int) -> int:
        await asyncio.sleep(0)
        return start + next(count)

    async def story() -> None:
        assert await asyncio.gather(*(number(10) for _ in range(20))) == [10] * 20
        assert await number.bypass(10) == 11
        assert await number.refresh(10) == 12
        assert await number(10) == 12
        stats = await number.cache_info()
        assert stats.sets == 2
        assert await number.cache_clear() == 1

    asyncio.run(story())


def test_the_face_of_the_cache_is_that_of_the_function() -> None:
    async def wait() -> None:
        pass

    with pytest.raises(CacheUsageError, match="an AsyncCache"):
        cached(Cache(MemoryBackend()))(wait)
    with pytest.raises(CacheUsageError, match="a Cache"):
        cached(AsyncCache(MemoryBackend()))(lambda: None)
