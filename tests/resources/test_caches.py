"""All caches in one place: one budget, one set of numbers, one look at their health."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_cachekit.errors import CacheConflictError, CacheUsageError
from pytest_cachekit.resources.caches import CacheManager
from tests.resources.conftest import Clock


def count_lines(content: bytes) -> int:
    return content.count(b"\n")


def fill(caches: CacheManager) -> None:
    (caches.root / "a.py").write_text("x = 1\n")
    for _ in range(2):
        caches.executions.run_command(["cat", "a.py"], inputs=["a.py"])
        caches.analyses.analyse(count_lines, ["a.py"])
        caches.artifacts.get("model", {"n": 1})
        caches.artifacts.put("model", {"n": 1}, {"weights": b"w" * 1000})
        caches.plans.match("Do it")
        caches.plans.put("Do {what}", ["step"])
        cache = caches.get_cache("pages", ttl=60)
        cache.get("front")
        cache.set("front", "text")


@pytest.mark.usefixtures("one_thread")
def test_one_set_of_numbers(caches: CacheManager) -> None:
    fill(caches)
    stats = caches.stats()

    assert {name: (each.hits, each.misses) for name, each in stats.by_cache.items()} == {
        "tests": (0, 0), "executions": (1, 1), "analyses": (1, 1), "plans": (1, 1),
        "artifacts": (1, 1), "pages": (1, 1),
    }  # fmt: skip
    assert stats.hit_rate == 0.5
    assert stats.total.hits == 5
    assert all(stats.by_part[name].keys for name in ("executions", "analyses", "plans"))
    assert stats.by_part["artifacts"].bytes > 1000
    assert stats.entries == len(list(caches.backend.keys()))
    assert stats.bytes == caches.backend.size().bytes
    assert stats.max_bytes == 1_000_000


@pytest.mark.usefixtures("one_thread")
def test_what_lies_there_is_there_for_the_next(caches: CacheManager, clock: Clock) -> None:
    fill(caches)
    with CacheManager(root=caches.root, clock=clock) as other:
        assert other.artifacts.get("model", {"n": 1}) is not None
        assert other.get_cache("pages").get("front") == "text"
        assert other.plans.templates() == ["Do {what}"]
        assert other.executions.run_command(["cat", "a.py"], inputs=["a.py"]).cached
        assert other.analyses.analyse(count_lines, ["a.py"]).reused == ("a.py",)


@pytest.mark.usefixtures("one_thread")
def test_clearing_and_expiring(caches: CacheManager, clock: Clock) -> None:
    fill(caches)
    caches.backend.set_many({"tests:of somebody": b"else"})
    clock.now += 3600
    assert caches.remove_expired().entries == 4
    fill(caches)
    assert caches.clear_all() == {
        "executions": 1, "analyses": 1, "plans": 1, "artifacts": 1, "values": 1,
    }  # fmt: skip
    assert "tests:of somebody" in set(caches.backend.keys())


def test_names_are_apart_from_all_else(caches: CacheManager) -> None:
    caches.plans.put("Do {what}", [])
    plans = caches.get_cache("plans")
    assert plans.clear() == 0
    assert caches.plans.templates() == ["Do {what}"]
    with pytest.raises(CacheConflictError):
        caches.get_cache("plans", ttl=1)
    with pytest.raises(CacheUsageError):
        caches.get_cache("")


def test_what_was_used_least_goes_first_whatever_it_is(tmp_path: Path, clock: Clock) -> None:
    with CacheManager(root=tmp_path, max_bytes=60_000, clock=clock) as caches:
        for number in range(20):
            clock.now += 1
            caches.artifacts.put("model", {"n": number}, {"weights": os.urandom(1000)})
        for number in range(200):
            clock.now += 1
            for used in (3, 5):
                artifact = caches.artifacts.get("model", {"n": used})
                assert artifact is not None
                assert caches.artifacts.read(artifact, "weights") is not None
            caches.get_cache("pages").set(str(number), os.urandom(1000))
        assert caches.stats().bytes <= 60_000
        assert caches.stats().bytes >= 50_000
        # Of artifacts one of whose files is gone nothing is shown.
        assert sorted(each.metadata["n"] for each in caches.artifacts.find()) == [3, 5]
        assert caches.artifacts.get("model", {"n": 4}) is None


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 1), st.integers(0, 9), st.integers(0, 50_000), st.booleans()),
        max_size=40,
    )
)
def test_the_budget_holds_whoever_writes(
    tmp_path_factory: pytest.TempPathFactory, writes: list[tuple[int, int, int, bool]]
) -> None:
    place = tmp_path_factory.mktemp("budget")
    clock = Clock()
    with (
        CacheManager(place, max_bytes=100_000, clock=clock) as one,
        CacheManager(place, max_bytes=100_000, clock=clock) as other,
    ):
        for who, key, size, is_deleted in writes:
            clock.now += 1
            backend = (one, other)[who].backend
            if is_deleted:
                backend.delete_many([str(key)])
            else:
                backend.set_many({str(key): bytes(size)})
                assert backend.get_many([str(key)]) == {str(key): bytes(size)}
            assert backend.size().bytes <= 100_000
        if any(not is_deleted for *_, is_deleted in writes):
            with sqlite3.connect(place / "cache.db") as connection:
                held = connection.execute("SELECT entries, bytes FROM CachekitHeld").fetchone()
            assert held == one.backend.size()


def test_reads_are_noted_for_others(tmp_path: Path, clock: Clock) -> None:
    with CacheManager(tmp_path, max_bytes=10_000, clock=clock) as writer:
        for number in range(9):
            clock.now += 1
            writer.backend.set_many({str(number): bytes(1000)})
        with CacheManager(tmp_path, max_bytes=10_000, clock=clock) as reader:
            clock.now += 1
            reader.backend.get_many(["0"])
        for number in range(5):
            clock.now += 1
            writer.backend.set_many({f"new{number}": bytes(1000)})
        left = set(writer.backend.keys())

    assert "0" in left
    assert "1" not in left


def test_health_says_what_is_wrong_and_what_to_do(caches: CacheManager) -> None:
    assert caches.health() == ("ok", ())
    fill(caches)
    assert caches.health().status == "ok"
    (key,) = caches.backend.keys("plans:")
    caches.backend.set_many({key: b"torn"})
    for number in range(120):
        caches.get_cache("pages", ttl=60).get(str(number))
    health = caches.health()

    assert health.status == "warning"
    assert [issue.what for issue in health.issues] == [
        "1 records of plans can't be read", "pages: 1 of 122 hit",
    ]  # fmt: skip
    assert all(issue.todo for issue in health.issues)


def test_health_of_a_place_that_is_broken(tmp_path: Path) -> None:
    with CacheManager(tmp_path) as caches:
        caches.get_cache("a").set("key", 1)
        (tmp_path / "cache.db").unlink()
        (tmp_path / "cache.db").write_bytes(b"nonsense " * 1000)
        health = caches.health()

    assert health.status == "error"
    assert "delete the directory" in health.issues[0].todo


def test_a_budget_that_is_spent_is_told(tmp_path: Path) -> None:
    with CacheManager(tmp_path, max_bytes=5000) as caches:
        for number in range(20):
            caches.get_cache("a").set(str(number), bytes(450))
        (issue,) = caches.health().issues
    assert "budget of 5,000 bytes is spent" in issue.what


def test_bad_options(tmp_path: Path) -> None:
    with pytest.raises(CacheUsageError, match="maxmemory"):
        CacheManager("redis://localhost", max_bytes=1000)
    for options in ({"max_bytes": 0}, {"ttl": -1}):
        with pytest.raises(CacheUsageError, match="keeps nothing"):
            CacheManager(tmp_path, **options)  # type: ignore[arg-type]
    with CacheManager("memory:", max_bytes=1000) as caches:
        caches.get_cache("a").set("key", bytes(500))
        assert caches.directory is None
        assert caches.health().status == "ok"
