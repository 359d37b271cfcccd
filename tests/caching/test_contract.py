"""One contract for every cache: memory, file, Redis and tiers of them, plain and awaited."""

from __future__ import annotations

import math
from typing import Any

import pytest

from pytest_cachekit.errors import CacheError, CacheUsageError, CodecError, CounterError

from .conftest import Makers

VALUES = [
    *(None, True, False, 0, 5, -1, 2**40, 2**63 - 1, 10**30, 1.5, -0.0, math.inf),
    *("", "text", "ünï€ ☃", "12", b"", b"\x00\xff", b"5", "x" * 100_000, bytes(2_000_000)),
    *([], [1, [2, None]], {}, {"a": {"b": [1.5, "c", None, True]}}),
]
TEXTS = [
    *("", "a", "with space", "ünï€ode ☃", "per%_*?[a-c]\\", "a:b:c", "'; --", "\0x", "x\0"),
    *("{tag}:1", "lease", "\n", "n" * 2_000, "N" * 50_000),
]


def test_values_come_back_as_they_were(cache: Any) -> None:
    for value in VALUES:
        cache.set("key", value)

        for _ in range(2):
            returned = cache.get("key", "no value")
            assert returned == value
            assert type(returned) is type(value)
        assert cache.get_many(["key"]) == {"key": value}
        assert cache.delete("key")


def test_none_is_a_value_and_no_miss(cache: Any) -> None:
    cache.set("key", None)

    assert cache.get("key", "default") is None
    assert cache.get("other", "default") == "default"
    assert cache.get("other") is None
    assert "key" in cache
    assert "other" not in cache
    assert (cache.stats().hits, cache.stats().misses) == (1, 2)


def test_what_a_reader_changes_is_its_own(cache: Any) -> None:
    value = {"list": [1]}
    cache.set("key", value)
    value["list"].append(2)
    cache.get("key")["list"].append(3)

    assert cache.get("key") == {"list": [1]}


def test_any_text_is_a_key(cache: Any) -> None:
    for key in TEXTS:
        cache.set_many({key: 1, key + "x": 2})

        assert cache.get(key) == 1
        assert sorted(cache.keys(key)) == sorted([key, key + "x"])
        assert cache.delete(key)
        assert cache.get_many([key, key + "x"]) == {key + "x": 2}
        assert cache.clear() == 1


def test_other_keys_are_refused(cache: Any) -> None:
    for key in (None, 1, b"bytes", ("a",), "\udc80"):
        for call in (cache.get, cache.delete, cache.has, cache.touch, cache.incr):
            with pytest.raises(CacheUsageError):
                call(key)
        with pytest.raises(CacheUsageError):
            cache.set(key, 1)
        with pytest.raises(CacheUsageError):
            cache.get_many(["a", key])


def test_delete_tells_whether_there_was_something(cache: Any) -> None:
    cache.set_many({"a": 1, "b": 2, "c": 3})

    assert cache.delete("a") is True
    assert cache.delete("a") is False
    assert cache.delete_many(["a", "b", "c", "c"]) == 2
    assert cache.delete_many([]) == 0
    assert cache.stats().deletes == 3


def test_batches_of_thousands(cache: Any) -> None:
    items = {f"key{number}": number for number in range(2_500)}
    cache.set_many(items, ttl=60)

    assert cache.get_many(items) == items
    assert cache.get_many(key for key in ["key1", "nothing"]) == {"key1": 1}
    assert cache.stats().size == 2_500
    assert cache.delete_many(items) == 2_500
    cache.set_many({})
    assert cache.get_many([]) == {}


def test_keys_by_prefix(cache: Any) -> None:
    cache.set_many(dict.fromkeys(["a:1", "a:2", "ab", "b:1", "A:3", "a*"], 0))

    assert sorted(cache.keys("a:")) == ["a:1", "a:2"]
    assert sorted(cache.keys("a")) == ["a*", "a:1", "a:2", "ab"]
    assert list(cache.keys("a*")) == ["a*"]
    assert len(cache.keys()) == 6


def test_counters(cache: Any, make: Makers) -> None:
    assert cache.incr("hits") == 1
    assert cache.incr("hits", 41) == 42
    assert cache.incr("hits", -50) == -8
    assert cache.get("hits") == -8
    cache.set("hits", 5)
    assert cache.incr("hits") == 6
    assert cache.incr("brief", ttl=10) == 1
    make.clock.advance(6)
    assert cache.incr("brief", ttl=10) == 2
    make.clock.advance(6)
    assert cache.incr("brief") == 1


def test_what_cannot_be_counted_is_an_error_and_stays(cache: Any) -> None:
    for value in ("5", "x", 1.5, None, [1], 2**63 - 1, {"a": 1}):
        cache.set("key", value)
        with pytest.raises(CounterError):
            cache.incr("key")

        assert cache.get("key") == value


def test_add_stores_only_what_is_not_there(cache: Any, make: Makers) -> None:
    assert cache.add("key", "first", ttl=10)
    assert not cache.add("key", "second")
    assert cache.get("key") == "first"
    make.clock.advance(11)
    assert cache.add("key", "third")
    assert cache.get("key") == "third"


def test_get_or_set_computes_once(cache: Any, make: Makers) -> None:
    computed = []

    def compute() -> list[int]:
        computed.append(1)
        return [1, 2]

    assert cache.get_or_set("key", compute, ttl=10) == [1, 2]
    assert cache.get_or_set("key", compute, ttl=10) == [1, 2]
    assert len(computed) == 1
    make.clock.advance(11)
    assert cache.get_or_set("key", compute) == [1, 2]
    assert len(computed) == 2


def test_get_or_set_keeps_none_and_passes_errors_on(cache: Any) -> None:
    def fail() -> None:
        raise LookupError("no such thing")

    with pytest.raises(LookupError):
        cache.get_or_set("key", fail)
    assert cache.keys() == []
    assert cache.get_or_set("key", lambda: None) is None
    assert cache.get_or_set("key", fail) is None
    assert cache.keys() == ["key"]


def test_a_value_comes_back_the_same_the_first_time(cache: Any) -> None:
    assert cache.get_or_set("key", lambda: (1, 2)) == cache.get("key") == [1, 2]


def test_what_cannot_be_encoded_is_an_error(cache: Any) -> None:
    cache.set("key", 1)
    for value in (object(), {1j}, [lambda: 0], {"a": object}):
        with pytest.raises(CodecError, match="pickle"):
            cache.set("key", value)
        with pytest.raises(CacheError):
            cache.set_many({"good": 1, "bad": value})
    assert cache.get_many(["key", "good"]) == {"key": 1}


def test_namespaces_are_apart(make: Makers) -> None:
    one, other, longer = make(name="one"), make(name="other"), make(name="one:two")
    one.set("key", 1)
    other.set_many({"key": 2, "more": 3})
    longer.set("key", 4)

    assert one.get("key") == 1
    assert other.get("key") == 2
    assert sorted(other.keys()) == ["key", "more"]
    assert other.clear() == 2
    assert other.stats().size == 0
    assert one.get("key") == 1
    assert longer.get("key") == 4


def test_no_namespace_is_the_beginning_of_another(make: Makers) -> None:
    names = ["a", "a:", "a:b", "a%3A", "a%3Ab", "ab"]
    caches = {name: make(name=name) for name in names}
    for name, cache in caches.items():
        cache.set_many({"b:key": name, "key": name})
    assert sorted(caches["a"].keys()) == ["b:key", "key"]
    assert [cache.get("b:key") for cache in caches.values()] == names
    assert caches["a"].clear() == 2

    assert caches["a"].keys() == []
    assert [cache.get("key") for cache in caches.values()] == [None, *names[1:]]


def test_a_key_is_counted_once_however_often_it_is_asked_for(cache: Any) -> None:
    cache.set("a", 1)

    assert cache.get_many(["a", "x", "a", "x"]) == {"a": 1}
    assert cache.delete_many(["a", "a"]) == 1


def test_a_closed_cache_may_be_used_again(cache: Any) -> None:
    cache.set("key", 1)
    for close in range(2):
        cache.disconnect() if hasattr(cache, "disconnect") else cache.close()
        assert cache.get("other", close) == close
    cache.set("key", 2)

    assert cache.get("key") == 2


def test_what_a_factory_gives_away_is_its_own(cache: Any) -> None:
    given = {"list": [1]}
    returned = cache.get_or_set("key", lambda: given)
    returned["list"].append(2)
    given["list"].append(3)

    assert cache.get("key") == {"list": [1]}


def test_statistics_count(cache: Any) -> None:
    before = cache.stats()
    cache.set("a", "1234")
    cache.set_many({"b": 1, "c": 22})
    cache.get("a")
    cache.get_many(["a", "b", "x", "y"])
    cache.delete("b")
    stats = cache.stats()

    assert (stats.hits, stats.misses, stats.sets, stats.deletes) == (3, 2, 3, 1)
    assert stats.hit_rate == 0.6
    assert (stats.size, stats.bytes) == (2, 5 + 2)
    assert stats.errors == 0
    assert stats.timestamp >= before.timestamp


def test_clear_empties_and_goes_on(cache: Any) -> None:
    cache.set_many({str(number): number for number in range(1_200)})

    assert cache.clear() == 1_200
    assert cache.keys() == []
    assert cache.clear() == 0
    cache.set("key", 1)
    assert cache.get("key") == 1


def test_a_cache_that_works_has_no_problem(cache: Any) -> None:
    assert cache.problem() is None
