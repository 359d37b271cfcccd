"""Artifacts are found by what they were made from, or by any part of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_cachekit.actions.artifacts import ArtifactCache
from pytest_cachekit.errors import CacheUsageError
from tests.execution.conftest import Clock

MODEL = {"dataset": "d1", "config": {"layers": 2}, "name": "small"}


@pytest.fixture
def cache(tmp_path: Path, clock: Clock) -> Iterator[ArtifactCache]:
    with ArtifactCache(f"file:{tmp_path}/cache", max_entries=4, ttl=3600, clock=clock) as cache:
        yield cache


def test_an_artifact_keeps_its_files_and_its_metadata(cache: ArtifactCache, tmp_path: Path) -> None:
    (tmp_path / "weights").write_bytes(b"w" * 1000)
    assert cache.get("model", MODEL) is None

    put = cache.put("model", MODEL, {"weights": tmp_path / "weights", "log": b"fine"})
    found = cache.get("model", dict(reversed(MODEL.items())))
    assert found == put
    assert found.metadata == MODEL
    assert found.size == 1004
    assert cache.read(found, "weights") == b"w" * 1000
    assert cache.read(found, "log") == b"fine"
    assert cache.get("dataset", MODEL) is None


def test_what_is_put_again_takes_the_place(cache: ArtifactCache, clock: Clock) -> None:
    cache.put("model", MODEL, {"weights": b"old"})
    clock.now += 1
    put = cache.put("model", MODEL, {"weights": b"new"})

    assert cache.find() == [put]
    assert cache.read(put, "weights") == b"new"


def test_artifacts_are_found_by_field_and_date(cache: ArtifactCache, clock: Clock) -> None:
    first = cache.put("eval", {"model": "a", "task": 1}, {"log": b"1"})
    clock.now += 60
    second = cache.put("eval", {"model": "b", "task": 1}, {"log": b"2"})
    third = cache.put("dataset", {"model": "b"}, {})

    assert set(map(str, cache.find())) == set(map(str, [first, second, third]))
    assert cache.find("eval") == [second, first]
    assert cache.find("eval", model="a") == [first]
    assert cache.find(task=1, model="b") == [second]
    assert cache.find(task=None) == []
    noon = second.stored - dt.timedelta(seconds=30)
    assert cache.find(until=noon) == [first]
    assert cache.find("eval", since=noon) == [second]
    assert cache.sizes() == {"eval": (2, 2), "dataset": (1, 0)}


def test_files_go_with_the_last_entry_that_needs_them(cache: ArtifactCache) -> None:
    cache.put("model", {"n": 1}, {"weights": b"same", "log": b"one"})
    kept = cache.put("model", {"n": 2}, {"weights": b"same"})

    assert cache.remove("model", n=1).entries == 1
    assert len(list(cache._backend.keys("artifact-file:"))) == 1
    assert cache.read(kept, "weights") == b"same"
    assert cache.remove().entries == 1
    assert list(cache._backend.keys("")) == []


def test_no_more_are_kept_than_allowed_nor_for_longer(cache: ArtifactCache, clock: Clock) -> None:
    for number in range(6):
        clock.now += 1
        cache.put("model", {"n": number}, {"weights": b"%d" % number})
    assert [each.metadata["n"] for each in cache.find()] == [5, 4, 3, 2]
    assert len(list(cache._backend.keys("artifact-file:"))) == 4

    clock.now += 3600
    assert cache.find() == []
    assert cache.get("model", {"n": 5}) is None
    assert cache.remove_expired().entries == 4
    assert list(cache._backend.keys("")) == []


def test_a_torn_file_is_none(cache: ArtifactCache) -> None:
    put = cache.put("model", MODEL, {"weights": b"fine"})
    cache._backend.set_many({f"artifact-file:{put.files['weights']}": b"torn"})

    assert cache.read(put, "weights") is None


@pytest.mark.parametrize("metadata", [{"a": object()}, {"a": (1, 2)}, {"a": {1}}])
def test_metadata_is_plain_data(cache: ArtifactCache, metadata: dict[str, object]) -> None:
    with pytest.raises(CacheUsageError, match="Metadata"):
        cache.put("model", metadata, {})
