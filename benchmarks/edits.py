"""Measure what an edit costs: of a function that few tests call, and of one that most do.

    python -m benchmarks.edits sqlparse tomlkit --rounds 3

For each project (prepared as `suites.py` does), records its suite, then puts a `pass` into
one function of the project and runs again, from the same cache each time; likewise, unless told
otherwise, with pytest-testmon. The functions are chosen by what was recorded: the one that the
fewest tests ran, but at least one, and the one that most did. Prints tests rerun, and medians of
time as ratios to plain runs. Ends with status 1 where a test was replayed that had run it.
"""

from __future__ import annotations

import argparse
import ast
import platform
import shutil
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.suites import HERE, prepare
from lab.suite import Result, Suite
from pytest_cachekit.inputs.manifest import decode_record, reading_of
from pytest_cachekit.storage import open_backend

Place = tuple[str, int]
"""A file and the line on which a function in it begins."""


@dataclass
class Cost:
    """What one edit came to."""

    place: str
    ran: int
    """Tests that had run the function."""
    rerun: int
    ratio: float
    missed: int
    testmon_rerun: int | None = None
    testmon_ratio: float | None = None


def users_of_functions(cache: Path) -> dict[Place, set[str]]:
    """Return, by function of the project, the tests that ran it."""
    found: dict[Place, set[str]] = {}
    backend = open_backend(f"file:{cache}")
    groups: set[str] = set()
    for key in list(backend.keys("tests:")):
        record = decode_record(backend.get_many([key])[key])
        group = key.split(":", 3)[3]
        groups.add(group)
        if record is None:
            continue
        for name, entries in record.entries.items():
            for file, _, line in reading_of(record, entries[0].manifest).functions:
                found.setdefault((file, line), set()).add(f"{group}::{name}")
    backend.close()
    return {
        place: users
        for place, users in found.items()
        if place[0] not in groups and not place[0].endswith("conftest.py")
    }


def with_pass(text: str, line: int) -> str | None:
    """Return `text` with a `pass` in the function that begins on `line`; None where none fits."""
    lines = text.splitlines(keepends=True)
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        if min([node.lineno, *(item.lineno for item in node.decorator_list)]) != line:
            continue
        body = node.body[1:] if ast.get_docstring(node) is not None else node.body
        if not body or body[0].lineno == node.lineno:
            return None
        first = min([body[0].lineno, *(d.lineno for d in getattr(body[0], "decorator_list", ()))])
        return "".join(
            [*lines[: first - 1], f"{' ' * body[0].col_offset}pass\n", *lines[first - 1 :]]
        )
    return None


def timed(run: Callable[[], Result]) -> tuple[Result, float]:
    """Return what a run came to, and its seconds."""
    begin = time.perf_counter()
    result = run()
    return result, time.perf_counter() - begin


class Bench:
    """One project's copy, its cache as first recorded, and what testmon knows."""

    def __init__(self, name: str, options: argparse.Namespace) -> None:
        project = prepare(name, options)
        self.rounds: int = options.rounds
        folder = options.work.resolve() / "edits" / name
        shutil.rmtree(folder, ignore_errors=True)
        self.suite = Suite.copy(project, folder / "project")
        self.recorded, self.cache = folder / "recorded", folder / "cache"
        self.suite.plain()
        self.plain = statistics.median(timed(self.suite.plain)[1] for _ in range(self.rounds))
        self.tests = len(self.suite.cached(f"--cachekit-url=file:{self.recorded}").verdicts)
        self.users = users_of_functions(self.recorded)
        self.monitored: Suite | None = None
        if project.testmon_python is not None:
            # It needs pytest's own cache, and breaks without.
            self.monitored = Suite(
                name, self.suite.root, project.testmon_python, project.arguments,
                without=("randomly",),
            )  # fmt: skip
            self.monitored.plain("--testmon")
            self.known = (self.suite.root / ".testmondata").read_bytes()

    def edit(self, *, most: bool) -> Cost:
        """Edit the function that most tests ran, or the fewest, and measure what it costs."""
        order = sorted(self.users.items(), key=lambda item: (len(item[1]), item[0]))
        for (name, line), users in reversed(order) if most else order:
            path = self.suite.root / name
            text = path.read_text(encoding="utf-8")
            edited = with_pass(text, line)
            if edited is not None:
                path.write_text(edited, encoding="utf-8")
                try:
                    return self._measure(f"{name}:{line}", users)
                finally:
                    path.write_text(text, encoding="utf-8")
        sys.exit(f"{self.suite.name}: no function fits")

    def _measure(self, place: str, users: set[str]) -> Cost:
        times: list[float] = []
        for _ in range(self.rounds):
            shutil.rmtree(self.cache, ignore_errors=True)
            shutil.copytree(self.recorded, self.cache)
            result, seconds = timed(lambda: self.suite.cached(f"--cachekit-url=file:{self.cache}"))
            times.append(seconds / self.plain)
        missed = users.intersection(result.hits)
        rerun = len(result.verdicts) - len(result.hits)
        cost = Cost(place, len(users), rerun, statistics.median(times), len(missed))
        if self.monitored is not None:
            times.clear()
            for _ in range(self.rounds):
                for leftover in self.suite.root.glob(".testmondata*"):
                    leftover.unlink()
                (self.suite.root / ".testmondata").write_bytes(self.known)
                result, seconds = timed(lambda: self._monitor("--testmon"))
                times.append(seconds / self.plain)
            cost.testmon_rerun = len(result.outcomes)
            cost.testmon_ratio = statistics.median(times)
        return cost

    def _monitor(self, word: str) -> Result:
        assert self.monitored is not None
        return self.monitored.plain(word)


def cells(cost: Cost) -> list[str]:
    """Return a cost's part of a line of the table."""
    monitored = [
        "-" if cost.testmon_rerun is None else str(cost.testmon_rerun),
        "-" if cost.testmon_ratio is None else f"{cost.testmon_ratio:.2f}",
    ]
    return [f"`{cost.place}`", str(cost.ran), str(cost.rerun), f"{cost.ratio:.2f}", *monitored]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure the projects that the command line names; return the exit status."""
    assert __doc__ is not None
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.edits",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("projects", nargs="+", metavar="PROJECT")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--work", type=Path, default=HERE / "work")
    parser.add_argument("--needs", nargs="*", default=[], help="more packages that tests need")
    parser.add_argument("--arguments", nargs="*", default=[], help="more arguments for pytest")
    parser.add_argument("--no-testmon", action="store_true")
    options = parser.parse_args(arguments)
    print(f"CPython {platform.python_version()}, {options.rounds} rounds\n")
    columns = ("project", "tests", "edited", "had run it", "rerun", "time", "testmon", "its time")
    print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
    missed: Counter[str] = Counter()
    for name in options.projects:
        bench = Bench(name, options)
        for most in (False, True):
            cost = bench.edit(most=most)
            missed[name] += cost.missed
            print(f"| {name} | {bench.tests} | {' | '.join(cells(cost))} |", flush=True)
    for name in +missed:
        print(f"{name}: {missed[name]} tests were replayed that had run what was edited")
    return int(bool(+missed))


if __name__ == "__main__":
    sys.exit(main())
