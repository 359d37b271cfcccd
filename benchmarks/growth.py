"""Run generated suites of growing size: what a test costs must not depend on how many there are.

    python -m benchmarks.growth --tests 1000 10000

Each suite tests a package of a tenth as many modules as tests (but 100 at least, 5,000 at most),
which import each other as a tree, by files of 30 tests. It runs plain, with an empty cache, again,
after an edit of a function that few tests call, and after one of a function that all call. Prints,
for each suite, CPU seconds, ratios to the plain run, the most memory of pytest, and the cache's
size on the disk; then what one test more costs, between each suite and the one before.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

_PER_FILE = 30
_FUNCTIONS = 12
_BESIDE = 4
"""Modules that rest on the same one."""


@dataclass(frozen=True)
class Cost:
    """What one run took."""

    seconds: float
    """CPU, of pytest and whatever it started."""
    megabytes: float
    summary: str


@dataclass
class Suite:
    """A generated project."""

    root: Path
    tests: int
    costs: dict[str, Cost] = field(default_factory=dict)

    @property
    def modules(self) -> int:
        """How many modules the package has."""
        return min(5000, max(100, self.tests // 10))

    def write(self) -> None:
        """Write the package and its tests."""
        package = self.root / "shop"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text("")
        (self.root / "pytest.ini").write_text("[pytest]\npythonpath = .\n")
        (package / "base.py").write_text("def price(value):\n    return value + 1\n")
        for number in range(self.modules):
            below = f"part{number // _BESIDE}" if number else "base"
            lines = [f"from shop import base, {below}", f"RATE = {number}"]
            for index in range(_FUNCTIONS):
                lines += [f"def f{index}(value):", f"    return base.price(value) + {index}"]
            (package / f"part{number}.py").write_text("\n".join(lines) + "\n")
        for number in range(-(-self.tests // _PER_FILE)):
            module = f"part{number % self.modules}"
            lines = [f"from shop import {module}"]
            for index in range(min(_PER_FILE, self.tests - number * _PER_FILE)):
                function = index % _FUNCTIONS
                lines += [
                    f"def test_{index}():",
                    f"    assert {module}.f{function}({index}) == {index + function + 1}",
                ]
            (self.root / f"test_{number}.py").write_text("\n".join(lines) + "\n")

    def edit(self, module: str, line: int) -> None:
        """Change the function whose body stands on `line`, so that tests go on passing."""
        path = self.root / "shop" / f"{module}.py"
        lines = path.read_text().splitlines()
        lines[line - 1] += " + 0"
        path.write_text("\n".join(lines) + "\n")

    def run(self, name: str, *words: str) -> None:
        """Run the suite, and keep what that cost."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        ran = subprocess.run(
            [sys.executable, "-c", _MEASURED, "-q", "-p", "no:cacheprovider", *words],
            cwd=self.root, capture_output=True, text=True, check=False,
            env={**os.environ, "PYTHONHASHSEED": "0"},
        )  # fmt: skip
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if ran.returncode:
            sys.exit(f"{name}: {ran.stdout[-2000:]}{ran.stderr[-2000:]}")
        *_, summary, memory = ran.stdout.strip().splitlines()
        seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        self.costs[name] = Cost(seconds, int(memory) / 1024, summary)


_MEASURED = (
    "import pytest, resource, sys\n"
    "status = pytest.main(sys.argv[1:])\n"
    "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
    "sys.exit(status)"
)


def measure(suite: Suite) -> None:
    """Run a suite in all states."""
    cache = suite.root / ".cachekit"
    cached = ("--cachekit", f"--cachekit-url=file:{cache}")
    states: dict[str, Callable[[], None]] = {
        "first": lambda: None,
        "warm": lambda: None,
        "one function": lambda: suite.edit("part1", 4),
        "what all call": lambda: suite.edit("base", 2),
    }
    suite.run("plain")
    for name, change in states.items():
        change()
        suite.run(name, *cached)
        if name == "first":
            size = sum(path.stat().st_size for path in cache.rglob("*") if path.is_file())
    cells = [f"{suite.tests:,}", f"{suite.modules:,}", f"{suite.costs['plain'].seconds:.1f} s"]
    cells += [f"{suite.costs[n].seconds / suite.costs['plain'].seconds:.2f}" for n in states]
    cells += [f"{suite.costs[name].megabytes:.0f}" for name in ("plain", "first", "warm")]
    print(f"| {' | '.join(cells)} | {size / 1e6:.1f} |", flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure suites, the smallest first."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tests", type=int, nargs="+", default=[1000, 10_000])
    sizes = sorted(parser.parse_args(arguments).tests)
    print("| tests | modules | plain | first | warm | one function edited | one that all call "
          "| plain, MB | first, MB | warm, MB | cache, MB |")  # fmt: skip
    print(f"|{'---|' * 11}")
    done: list[Suite] = []
    for tests in sizes:
        folder = Path(tempfile.mkdtemp(prefix="growth-"))
        try:
            suite = Suite(folder / "project", tests)
            suite.write()
            measure(suite)
            done.append(suite)
        finally:
            shutil.rmtree(folder)
    for smaller, larger in pairwise(done):
        more = larger.tests - smaller.tests
        each = {
            name: 1000 * (cost.seconds - smaller.costs[name].seconds) / more
            for name, cost in larger.costs.items()
        }
        words = ", ".join(f"{name} {value:.2f} ms" for name, value in each.items())
        print(f"each test beyond {smaller.tests:,}, up to {larger.tests:,}: {words}")


if __name__ == "__main__":
    main()
