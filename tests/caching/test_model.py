"""Each cache against a model that a page can hold: times, order of use, bytes, counts, tiers."""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter, OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from pytest_cachekit.plugin.caches import CacheFactory, SteppedClock
from pytest_cachekit.storage import AsyncBackend
from pytest_cachekit.storage.waiting import run_now

from .driven import Driven

KEYS = st.sampled_from(["a", "b", "c", "d", "e", "a:b"])
VALUES = st.sampled_from([None, 0, 7, -12, "x", "y" * 9, [1, "z"], {"k": None}])
TTLS = st.sampled_from([None, 5, 20])
MOST = 4
MOST_BYTES = 16


def size_of(value: Any) -> int:
    return len(str(value)) if type(value) is int else len(msgspec.msgpack.encode(value))


@dataclass
class Model:
    """A namespace: values with deadlines, least recently used first."""

    most: int = 10**9
    most_bytes: int = 10**9
    held: OrderedDict[str, tuple[Any, float | None]] = field(default_factory=OrderedDict)
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def bytes(self) -> int:
        return sum(size_of(value) for value, _ in self.held.values())

    def expire(self, now: float) -> None:
        for key, (_, deadline) in list(self.held.items()):
            if deadline is not None and deadline <= now:
                del self.held[key]
                self.counts["expirations"] += 1

    def read(self, key: str, default: Any = None) -> Any:
        if key not in self.held:
            self.counts["misses"] += 1
            return default
        self.counts["hits"] += 1
        self.held.move_to_end(key)
        return self.held[key][0]

    def write(self, key: str, value: Any, deadline: float | None) -> None:
        self.counts["sets"] += 1
        self.held[key] = value, deadline
        self.held.move_to_end(key)
        if size_of(value) > self.most_bytes:
            del self.held[key]
            self.counts["evictions"] += 1
        while len(self.held) > self.most or self.bytes > self.most_bytes:
            self.held.popitem(last=False)
            self.counts["evictions"] += 1


class CacheMachine(RuleBasedStateMachine):
    """Two namespaces of one backend, moved at random."""

    kinds: tuple[str, ...] = ("memory",)
    limits: Mapping[str, int] = {}
    counted: tuple[str, ...] = ()
    awaited = False
    url = ""

    @initialize()
    def open(self) -> None:
        self.place = tempfile.TemporaryDirectory()
        self.clock = SteppedClock()
        self.loop = asyncio.new_event_loop()
        self.factory = CacheFactory(Path(self.place.name), self.clock, self.url)
        self.caches = [self.make(name) for name in ("one", "two")]
        # What the nearest tier lets go the lowest still has.
        alone = self.limits if len(self.kinds) == 1 else {}
        self.models = [
            Model(alone.get("max_size", 10**9), alone.get("max_bytes", 10**9)) for _ in "12"
        ]

    def make(self, name: str) -> Any:
        options: dict[str, Any] = {"name": name}
        kind = self.kinds[0]
        if len(self.kinds) > 1:
            kind = "tiered"
            options["tiers"] = self.factory.tiers(self.kinds, awaited=self.awaited)
            options["tiers"][0].update(self.limits)
        else:
            options.update(self.limits)
        if not self.awaited:
            return self.factory(kind, **options)
        return Driven(self.factory.awaited(kind, **options), self.loop)

    def teardown(self) -> None:
        if hasattr(self, "factory"):
            if self.awaited:
                for cache in self.caches:
                    cache.disconnect()
            self.factory.close()
            self.loop.close()
            self.place.cleanup()

    def deadline(self, ttl: float | None) -> float | None:
        return None if ttl is None else self.clock.now + ttl

    which = st.integers(0, 1)

    @rule(which=which, key=KEYS, value=VALUES, ttl=TTLS)
    def set(self, which: int, key: str, value: Any, ttl: float | None) -> None:
        self.caches[which].set(key, value, ttl=ttl)
        self.models[which].write(key, value, self.deadline(ttl))

    @rule(which=which, items=st.dictionaries(KEYS, VALUES, max_size=3), ttl=TTLS)
    def set_many(self, which: int, items: dict[str, Any], ttl: float | None) -> None:
        self.caches[which].set_many(items, ttl=ttl)
        for key, value in items.items():
            self.models[which].write(key, value, self.deadline(ttl))

    @rule(which=which, key=KEYS)
    def get(self, which: int, key: str) -> None:
        assert self.caches[which].get(key, "none") == self.models[which].read(key, "none")

    @rule(which=which, keys=st.lists(KEYS, unique=True))
    def get_many(self, which: int, keys: list[str]) -> None:
        model = self.models[which]
        expected = {key: model.read(key) for key in keys if key in model.held or model.read(key)}
        assert self.caches[which].get_many(keys) == expected

    @rule(which=which, key=KEYS, value=VALUES)
    def get_or_set(self, which: int, key: str, value: Any) -> None:
        model = self.models[which]
        expected = model.read(key, default=model)
        if expected is model:
            expected = value
            model.write(key, value, None)
        assert self.caches[which].get_or_set(key, lambda: value) == expected

    @rule(which=which, key=KEYS, value=VALUES, ttl=TTLS)
    def add(self, which: int, key: str, value: Any, ttl: float | None) -> None:
        added = self.caches[which].add(key, value, ttl)
        assert added == (key not in self.models[which].held)
        if added:
            self.models[which].write(key, value, self.deadline(ttl))

    @rule(which=which, key=KEYS, delta=st.integers(-5, 5), ttl=TTLS)
    def incr(self, which: int, key: str, delta: int, ttl: float | None) -> None:
        model = self.models[which]
        value, deadline = model.held.get(key, (0, self.deadline(ttl)))
        if type(value) is int:
            assert self.caches[which].incr(key, delta, ttl) == value + delta
            model.write(key, value + delta, deadline)

    @rule(which=which, key=KEYS, ttl=st.sampled_from([3, 30]))
    def touch(self, which: int, key: str, ttl: float) -> None:
        model = self.models[which]
        assert self.caches[which].touch(key, ttl) == (key in model.held)
        if key in model.held:
            # A new time is no use: the order stays.
            model.held[key] = model.held[key][0], self.deadline(ttl)

    @rule(which=which, keys=st.lists(KEYS, max_size=3))
    def delete_many(self, which: int, keys: list[str]) -> None:
        gone = {key for key in keys if self.models[which].held.pop(key, None) is not None}
        self.models[which].counts["deletes"] += len(gone)
        assert self.caches[which].delete_many(keys) == len(gone)

    @rule(which=which)
    def clear(self, which: int) -> None:
        model = self.models[which]
        assert self.caches[which].clear() == len(model.held)
        model.counts["deletes"] += len(model.held)
        model.held.clear()

    @rule(seconds=st.sampled_from([1, 4, 10, 100]))
    def time_passes(self, seconds: float) -> None:
        self.clock.advance(seconds)
        for model in self.models:
            model.expire(self.clock.now)

    @precondition(lambda self: len(self.kinds) > 1)
    @rule(which=which)
    def the_nearest_tier_forgets(self, which: int) -> None:
        run_now(self.tiers(which)[0].clear())

    @invariant()
    def agrees_with_the_model(self) -> None:
        for cache, model in zip(
            getattr(self, "caches", ()), getattr(self, "models", ()), strict=True
        ):
            stats = cache.stats()
            assert {name: getattr(stats, name) for name in self.counted} == {
                name: model.counts[name] for name in self.counted
            }
            assert sorted(cache.keys()) == sorted(model.held)
            assert sorted(cache.keys("a")) == sorted(key for key in model.held if key[0] == "a")
            assert (stats.size, stats.bytes) == (len(model.held), model.bytes)
            assert stats.errors == 0
            assert all(cache.has(key) == (key in model.held) for key in "abcde")

    @invariant()
    def no_tier_contradicts_the_lowest(self) -> None:
        for which in range(len(getattr(self, "caches", ()))):
            *above, lowest = self.tiers(which)
            for tier in above:
                keys = list(self.drive(tier.keys()))
                held = self.drive(tier.get_many(keys))
                assert held == self.drive(lowest.get_many(keys))
                left = self.drive(lowest.remaining(keys))
                for key, seconds in self.drive(tier.remaining(keys)).items():
                    # A server's own time goes on between two looks.
                    assert (seconds or 0) == pytest.approx(left[key] or 0, abs=1)

    def tiers(self, which: int) -> list[AsyncBackend]:
        cache = self.caches[which]
        backend = (cache.cache if self.awaited else cache)._backend
        return [tier.backend for tier in getattr(backend, "tiers", ())] or [backend]

    def drive(self, coroutine: Any) -> Any:
        return self.loop.run_until_complete(coroutine) if self.awaited else run_now(coroutine)


CALLS = ("hits", "misses", "sets", "deletes")
MEMORY = (*CALLS, "evictions", "expirations")
MACHINES: dict[str, dict[str, Any]] = {
    "memory": {"kinds": ("memory",), "counted": MEMORY},
    "memory awaited": {"kinds": ("memory",), "counted": MEMORY},
    "memory, few": {"kinds": ("memory",), "counted": MEMORY, "limits": {"max_size": MOST}},
    "memory, small": {"kinds": ("memory",), "counted": MEMORY, "limits": {"max_bytes": MOST_BYTES}},
    "file": {"kinds": ("file",)},
    "file awaited": {"kinds": ("file",)},
    "fakeredis": {"kinds": ("redis",)},
    "fakeredis awaited": {"kinds": ("redis",)},
    "server": {"kinds": ("redis",)},
    "memory over file": {"kinds": ("memory", "file")},
    "memory, few, over file": {"kinds": ("memory", "file"), "limits": {"max_size": 2}},
    "memory over fakeredis": {"kinds": ("memory", "redis")},
    "memory over fakeredis awaited": {"kinds": ("memory", "redis")},
    "memory over server": {"kinds": ("memory", "redis")},
    "memory over file over fakeredis": {"kinds": ("memory", "file", "redis")},
}


@pytest.mark.parametrize("name", MACHINES)
def test_a_cache_does_what_its_model_does(name: str, request: pytest.FixtureRequest) -> None:
    options = {"counted": CALLS, **MACHINES[name], "awaited": "awaited" in name}
    if "server" in name:
        options["url"] = request.getfixturevalue("server").url
    machine: Any = type("Machine", (CacheMachine,), options)
    machine.TestCase.settings = settings(
        max_examples=40 if options["kinds"] == ("memory",) else 10,
        stateful_step_count=25,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    machine.TestCase("runTest").runTest()
