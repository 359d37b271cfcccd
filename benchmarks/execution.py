"""Measure remembered calls beside their peers: ratios of the best times, all in one run.

    pip install joblib diskcache
    python benchmarks/execution.py --rounds 7

The function reads 20 files, and ours checks on each hit that all of them are as they were; its
peers look at its arguments only. `run_command` is measured beside ccache, where that is
installed: both replay the compilation of the same file. Prints Markdown tables.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.caching import Race
from pytest_cachekit import ExecutionCache

FILES = 20
CALLS = 200
_SOURCE = "int add(int a, int b) { return a + b; }\n"


def total(folder: str) -> int:
    """Return how much is in the files of `folder`."""
    return sum(
        len(Path(folder, str(number)).read_text(encoding="utf-8")) for number in range(FILES)
    )


def repeat(function: Callable[[str], int], folder: str) -> Callable[[], None]:
    """Return what calls `function` often."""

    def run() -> None:
        for _ in range(CALLS):
            function(folder)

    return run


def functions(place: Path, cache: ExecutionCache) -> Race:
    """Return the race of remembered functions."""
    data = place / "data"
    data.mkdir()
    for number in range(FILES):
        (data / str(number)).write_text("x" * 1000, encoding="utf-8")
    # What was changed in the last two seconds is read anew each time.
    time.sleep(2.1)
    contenders: dict[str, Callable[[], object]] = {
        "memoize, 20 files validated": repeat(cache.memoize(total), str(data)),
        "the function itself": repeat(total, str(data)),
    }
    for name, make in (("joblib.Memory", _joblib), ("diskcache.memoize", _diskcache)):
        try:
            contenders[name] = repeat(make(place / name), str(data))
        except ImportError:
            print(f"{name} is not installed")
    return Race("a hit of a function", CALLS, contenders)


def commands(place: Path, cache: ExecutionCache) -> Race:
    """Return the race of remembered commands."""
    (place / "add.c").write_text(_SOURCE, encoding="utf-8")
    arguments = ["cc", "-c", "add.c", "-o", "add.o"]

    def ours() -> None:
        cache.run_command(arguments, inputs=["add.c"], outputs=["add.o"])

    contenders: dict[str, Callable[[], object]] = {"run_command": ours}
    if shutil.which("ccache"):
        import subprocess

        environment = {**os.environ, "CCACHE_DIR": str(place / "ccache")}
        contenders["ccache"] = lambda: subprocess.run(
            ["ccache", *arguments], cwd=place, env=environment, check=True
        )
    else:
        print("ccache is not installed")
    return Race("a hit of a compilation", 1, contenders)


def _joblib(place: Path) -> Callable[[str], int]:
    from joblib import Memory

    remembered: Any = Memory(place, verbose=0).cache(total)
    return remembered  # type: ignore[no-any-return]


def _diskcache(place: Path) -> Callable[[str], int]:
    from diskcache import Cache

    remembered: Any = Cache(str(place)).memoize()(total)
    return remembered  # type: ignore[no-any-return]


def main() -> None:
    """Run the races and print their tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        checkout = Path(__file__).parents[1]
        with (
            ExecutionCache(f"file:{place}/functions", root=checkout) as calls,
            ExecutionCache(root=place) as runs,
        ):
            for race in (functions(place, calls), commands(place, runs)):
                race.run(arguments.rounds)
                print(*race.rows(), sep="\n")
            print(calls.stats(), calls.why_not_stored())


if __name__ == "__main__":
    main()
