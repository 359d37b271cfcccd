"""A clock that the test moves, and readings that it makes up."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_cachekit.resources import ResourceReading
from pytest_cachekit.resources.caches import CacheManager


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


class Readings:
    """Reads what it was told to."""

    def __init__(self) -> None:
        self.memory = 100
        self.count = 0

    def read(self) -> ResourceReading:
        self.count += 1
        return ResourceReading(float(self.count), self.memory, 50.0, 10, 2, 500, 1000)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def readings() -> Readings:
    return Readings()


@pytest.fixture
def caches(tmp_path: Path, clock: Clock) -> Iterator[CacheManager]:
    with CacheManager(root=tmp_path, ttl=3600, max_bytes=1_000_000, clock=clock) as manager:
        yield manager
