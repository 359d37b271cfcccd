"""Record in one order, replay in another, choose single tests: outcomes must equal plain ones.

    python -m lab.orders sqlparse marshmallow --rounds 3 --seed 1

For each round and project: shuffles the suite's files and records it, changes one
place of the source, shuffles again, and compares a run with the cache to a plain run
in the same order; then some tests that were replayed are chosen alone. Prints a row
per round; exits with 1 where an outcome differs.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.suites import HERE, Project, prepare

from .mutation import choose_mutation
from .snapshot import Snapshot
from .suite import Result, Suite, shape, unstable_tests

_ALONE = 5


def shuffled(names: Sequence[str], rng: random.Random) -> list[str]:
    """Return node ids with their files in a random order, and in some the tests as well."""
    files: dict[str, list[str]] = {}
    for name in names:
        files.setdefault(name.partition("::")[0], []).append(name)
    order = list(files.values())
    rng.shuffle(order)
    for tests in order:
        if rng.random() < 0.5:
            rng.shuffle(tests)
    return [name for tests in order for name in tests]


class Round:
    """One suite, recorded in one order and compared in another."""

    def __init__(self, suite: Suite, names: Sequence[str], unstable: set[str], seed: str) -> None:
        self._suite = suite
        self._names = names
        self._unstable = unstable
        self._rng = random.Random(seed)
        self._snapshot = Snapshot(suite.root)
        self._cache = suite.root.parent / f"{suite.root.name}-cache-{seed}"

    def compare(self, files: Sequence[Path]) -> tuple[str, list[str]]:
        """Record, change one of `files`, and compare; return cells of a row, and differences."""
        first = shuffled(self._names, self._rng)
        found = [f"recorded: {line}" for line in self._both(first)[1]]
        path = self._rng.choice(files)
        original = path.read_bytes()
        mutation = None
        while mutation is None:
            mutation = choose_mutation(original, self._rng)
        content = mutation.apply(original) + b"\n#" + b"x" * self._rng.randint(1, 500) + b"\n"
        path.write_bytes(content)
        cached, lines = self._both(shuffled(self._names, self._rng), path, content)
        found += [f"changed: {line}" for line in lines]
        hits = cached.hits
        for name in self._rng.sample(hits, min(_ALONE, len(hits))):
            found += [f"alone: {line}" for line in self._both([name], path, content)[1]]
        self._snapshot.restore()
        share = len(hits) / max(1, len(cached.verdicts))
        return f"{mutation.kind} in {path.name} | {share:.1%} | {len(found)}", found

    def _both(
        self, order: list[str], path: Path | None = None, content: bytes = b""
    ) -> tuple[Result, list[str]]:
        """Run in one order, plain and with the cache; return the latter, and what differs."""
        runs: list[Result] = []
        for words in ([], [f"--cachekit-url=file:{self._cache}"]):
            run = self._suite.cached if words else self._suite.plain
            runs.append(run(*words, only=order))
            self._snapshot.restore()
            if path is not None:
                path.write_bytes(content)
        plain, cached = runs
        different = [
            name
            for name in order
            if plain.outcomes.get(name) != cached.outcomes.get(name)
            and shape(name) not in self._unstable
        ]
        replayed = [name for name in different if cached.verdicts.get(name) == "hit"]
        if replayed:
            # What fails only after tests that fail before it is told in docs/limits.md.
            alone = self._suite.plain(only=replayed)
            different = [
                name for name in different
                if name not in replayed or alone.outcomes.get(name) != cached.outcomes.get(name)
            ]  # fmt: skip
        return cached, [
            f"{name}: {plain.outcomes.get(name)} plain, {cached.outcomes.get(name)} cached "
            f"({cached.verdicts.get(name)})"
            for name in different
        ]


def examine(project: Project, options: argparse.Namespace) -> int:
    """Run all rounds of one project; return how many outcomes differ."""
    folder = options.work.resolve() / "orders"
    folder.mkdir(parents=True, exist_ok=True)
    suite = Suite.copy(project, folder / project.name)
    sources = next(part for part in options.packages if (suite.root / part).is_dir())
    files = [
        path
        for path in sorted((suite.root / sources).rglob("*.py"))
        if "test" not in path.relative_to(suite.root).as_posix()
    ]
    unstable = unstable_tests(suite)
    names = list(suite.plain().outcomes)
    different = 0
    for number in range(options.rounds):
        one = Round(suite, names, unstable, f"{options.seed}-{number}")
        cells, found = one.compare(files)
        print(f"| {project.name} {number + 1} | {len(names)} | {cells} |", flush=True)
        for line in found[:5]:
            print(f"  {line}", flush=True)
        different += len(found)
    return different


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare orders of the projects named on the command line; return the exit status."""
    assert __doc__ is not None
    parser = argparse.ArgumentParser(
        prog="python -m lab.orders",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("projects", nargs="+", metavar="PROJECT")
    parser.add_argument("--rounds", type=int, default=3, help="rounds per project (default: 3)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--packages", nargs="*", default=["src", "."], help="where sources lie; the first that is"
    )
    parser.add_argument("--work", type=Path, default=HERE / "work")
    parser.add_argument("--needs", nargs="*", default=[], help="more packages that tests need")
    parser.add_argument("--arguments", nargs="*", default=[], help="more arguments for pytest")
    options = parser.parse_args(arguments)
    options.no_testmon = True
    print("| round | tests | change | replayed | different |\n|---|---|---|---|---|")
    different = sum(examine(prepare(name, options), options) for name in options.projects)
    return int(bool(different))


if __name__ == "__main__":
    sys.exit(main())
