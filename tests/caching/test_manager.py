"""Many named caches: apart, under one budget, told and closed together."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_cachekit.caching import CacheManager, get_cache
from pytest_cachekit.caching.manager import default_manager
from pytest_cachekit.errors import CacheConflictError, CacheUsageError, StorageError


@pytest.fixture
def manager() -> Iterator[CacheManager]:
    with CacheManager() as opened:
        yield opened


def test_a_name_is_one_cache(manager: CacheManager) -> None:
    first = manager.get_cache("responses", ttl=60)
    first.set("key", 1)

    assert manager.get_cache("responses", ttl=60) is first
    assert manager.get_cache("others").get("key") is None
    assert list(manager) == ["responses", "others"]


@pytest.mark.parametrize(
    ("backend", "options"),
    [("in_memory", {}), ("in_memory", {"ttl": 61}), ("memory:", {"ttl": 60}), ("file_based", {})],
)
def test_the_same_name_with_other_options_is_an_error(
    manager: CacheManager, backend: str, options: dict[str, Any]
) -> None:
    manager.get_cache("name", ttl=60)
    with pytest.raises(CacheConflictError, match="use another name"):
        manager.get_cache("name", backend, **options)


def test_a_conflict_tells_no_password(manager: CacheManager) -> None:
    manager.get_cache("name", "redis://user:secret@localhost:1")
    with pytest.raises(CacheConflictError) as raised:
        manager.get_cache("name", "redis://user:hidden@localhost:1")

    assert "secret" not in str(raised.value)
    assert "hidden" not in str(raised.value)


@pytest.mark.parametrize("name", ["", "a:b"])
def test_names_that_are_none(manager: CacheManager, name: str) -> None:
    with pytest.raises(CacheUsageError, match="without a colon"):
        manager.get_cache(name)


@pytest.mark.parametrize(
    ("backend", "options"),
    [
        ("in_memory", {"max_sise": 3}),
        ("file_based", {"colour": "red"}),
        ("redis", {"colour": "red"}),
        ("cassandra", {}),
        ("ftp://host", {}),
        ("tiered", {"tiers": []}),
        ("in_memory", {"on_error": "explode"}),
        ("in_memory", {"codec": "yaml"}),
    ],
)
def test_options_that_are_none(
    manager: CacheManager, backend: str, options: dict[str, Any]
) -> None:
    with pytest.raises((CacheUsageError, StorageError)) as raised:
        manager.get_cache("name", backend, **options)
    assert "\n" not in str(raised.value)


def test_all_backends_by_name(manager: CacheManager, tmp_path: Path) -> None:
    manager.get_cache("memory", "in_memory").set("key", 1)
    manager.get_cache("file", "file_based", directory=tmp_path / "a").set("key", 2)
    manager.get_cache("url", f"file:{tmp_path / 'a'}").set("key", 3)
    tiers = ["in_memory", f"file:{tmp_path / 'b'}"]
    manager.get_cache("tiers", "tiered", tiers=tiers).set("key", 4)
    total = manager.stats()

    assert (total.sets, total.size) == (4, 4)
    assert {name: stats.size for name, stats in manager.stats_by_name().items()} == {
        "memory": 1, "file": 1, "url": 1, "tiers": 1,
    }  # fmt: skip
    assert manager.get_cache("file", "file_based", directory=tmp_path / "a").get("key") == 2
    assert manager.clear_all() == 4
    assert manager.stats().size == 0


def test_health_names_what_is_broken(manager: CacheManager, tmp_path: Path) -> None:
    manager.get_cache("good")
    assert manager.health() == (True, {})
    (tmp_path / "cache.db").write_bytes(b"nonsense " * 1000)
    manager.get_cache("bad", "file_based", directory=tmp_path)
    health = manager.health()

    assert not health.ok
    assert list(health.issues) == ["bad"]
    assert "delete the directory" in health.issues["bad"]


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.integers(0, 20), st.integers(0, 400)), max_size=60
    )
)
def test_one_budget_over_all(writes: list[tuple[str, int, int]]) -> None:
    with CacheManager(max_bytes=1000) as manager:
        for name, key, size in writes:
            cache = manager.get_cache(name)
            cache.set(str(key), bytes(size))
            assert manager.stats().bytes <= 1000
        if writes:
            # What was written last is there: everything else would go first in its cache.
            assert cache.get(str(key)) is not None or manager.stats().bytes + size > 1000


def test_a_value_larger_than_the_budget_drives_nobody_out() -> None:
    with CacheManager(max_bytes=1000) as manager:
        manager.get_cache("a").set_many({"x": 1, "y": 2})
        manager.get_cache("b").set("z", 3)
        manager.get_cache("a").set("y", bytes(2000))

        assert manager.get_cache("a").get_many(["x", "y"]) == {"x": 1}
        assert manager.get_cache("b").get("z") == 3


def test_closing_forgets(manager: CacheManager) -> None:
    manager.get_cache("name", ttl=1).set("key", 1)
    manager.close()

    assert manager.get_cache("name", ttl=2).get("key") is None


def test_defaults_hold_for_all() -> None:
    with CacheManager(ttl=30) as manager:
        assert manager.get_cache("a").stats().ttl == 30
        assert manager.get_cache("b", ttl=5).stats().ttl == 5


def test_one_manager_for_the_process() -> None:
    try:
        cache = get_cache("of the process")
        assert get_cache("of the process") is cache
        assert "of the process" in default_manager()
    finally:
        default_manager().close()
