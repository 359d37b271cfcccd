"""A project whose program remembers results, and is edited between its runs."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_cachekit.actions.execution import ExecutionCache
from tests.forkserver import inherited_environment, run_module

_PROGRAM = """
import sys
from pytest_cachekit.actions.execution import ExecutionCache
import shop

cache = ExecutionCache(root=".")
price = cache.memoize(shop.price)
verdict = price.explain("tea")
value = price("tea")
print(verdict.kind, value)
print(verdict.reason)
print(*cache.why_not_stored().values())
cache.close()
"""


@pytest.fixture(autouse=True)
def seen_whole(request: pytest.FixtureRequest) -> None:
    """Skip what remembers calls in this process where these can't be seen whole."""
    if "cache" in request.fixturenames:
        request.getfixturevalue("one_thread")


class Program:
    """A program that asks for the price of tea, and what a run of it says."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._writes = 0
        self.write("main.py", _PROGRAM)

    def write(self, path: str, text: str) -> Program:
        """Write a file."""
        place = self.folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(textwrap.dedent(text), encoding="utf-8")
        # Python takes a file of the same size and second for the one that it compiled.
        self._writes += 1
        os.utime(place, (self._writes, self._writes))
        return self

    def run(self, **variables: str) -> list[str]:
        """Run the program; return verdict and price, the reason, and why nothing was stored."""
        done = run_module(
            "main", directory=self.folder, environment={**inherited_environment(), **variables}
        )
        assert done.returncode == 0, done.stderr
        return [line.strip() for line in done.stdout.splitlines()]

    def says(self, **variables: str) -> str:
        """Run the program; return verdict and price."""
        return self.run(**variables)[0]


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path)


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cache(tmp_path: Path, clock: Clock) -> Iterator[ExecutionCache]:
    with ExecutionCache(root=tmp_path, ttl=3600, max_size=100, clock=clock) as cache:
        yield cache
