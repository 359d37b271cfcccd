"""Statistics: declared once, immutable, and an algebra."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_cachekit.caching import CacheStats, open_cache
from pytest_cachekit.caching.stats import COUNTS

NUMBERS = st.integers(0, 10**9)
STATS = st.builds(
    CacheStats,
    **dict.fromkeys([*COUNTS, "size", "bytes"], NUMBERS),
    max_size=st.none() | NUMBERS,
    max_bytes=st.none() | NUMBERS,
    timestamp=st.floats(0, 10**10),
)
NAMES = {
    "hits", "misses", "hit_rate", "sets", "deletes", "evictions", "expirations", "errors",
    "promotions", "size", "max_size", "bytes", "max_bytes", "ttl", "timestamp",
}  # fmt: skip


def numbers(stats: CacheStats) -> dict[str, Any]:
    return {name: getattr(stats, name) for name in (*COUNTS, "size", "bytes")}


def test_all_are_there_and_explained() -> None:
    assert set(CacheStats().as_dict()) == NAMES
    assert all(each.metadata["help"] for each in dataclasses.fields(CacheStats))
    page = (Path(__file__).parents[2] / "docs" / "caching.md").read_text()
    assert [name for name in NAMES if f"`{name}`" not in page] == []


@given(STATS, STATS, STATS)
def test_snapshots_add_and_subtract(a: CacheStats, b: CacheStats, c: CacheStats) -> None:
    assert a + b == b + a
    assert (a + b) + c == a + (b + c)
    assert numbers((a + b) - b) == numbers(a)
    assert numbers(a - a) == numbers(CacheStats())
    assert 0 <= (a + b).hit_rate <= 1


def test_snapshots_do_not_change() -> None:
    cache = open_cache("stats")
    before = cache.stats()
    cache.set("a", 1)
    cache.get("a")

    assert before.hits == before.sets == before.size == 0
    during = cache.stats() - before
    assert (during.hits, during.sets, during.size, during.bytes) == (1, 1, 1, 1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        before.hits = 3  # type: ignore[misc]


def test_other_things_do_not_add() -> None:
    with pytest.raises(TypeError):
        CacheStats() + 1  # type: ignore[operator]
    with pytest.raises(TypeError):
        CacheStats() - 1  # type: ignore[operator]
