"""Break real projects at random places: what was replayed must end as it does when it runs.

    python -m lab.mutants click sqlparse --count 200 --seed 1

For each project (prepared as by benchmarks/suites.py), records its suite once, in
copies that are broken side by side. For each mutant: one place of the source changes,
the recorded cache decides what it would replay, that runs plain, and the source is put
back. For every tenth, the whole suite runs too, which tells how many mutants tests
notice at all. Prints each difference, and a row of sums per project; exits with 1
where there was a difference.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import repeat
from pathlib import Path

from benchmarks.suites import HERE, Project, prepare

from .mutation import choose_mutation
from .snapshot import Snapshot
from .suite import Suite, stale_outcomes, unstable_tests


@dataclass
class Sums:
    """What all mutants of a project came to."""

    mutants: int = 0
    run_whole: int = 0
    """Mutants for which the whole suite was run as well, to see whether a test fails."""
    noticed: int = 0
    """Those of them that made a test fail."""
    stale: int = 0
    """Mutants for which a test is replayed that ends otherwise when it runs."""
    polluted: int = 0
    """The same, where a test fails only after others that the mutant breaks."""
    hits: int = 0
    tests: int = 0
    kinds: Counter[str] = field(default_factory=Counter)

    def add(self, other: Sums) -> None:
        """Add the sums of `other`."""
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)

    def row(self, name: str) -> str:
        """Return the project's line of the table."""
        replayed = f"{self.hits / self.tests:.1%}" if self.tests else "-"
        noticed = f"{self.noticed} of {self.run_whole}"
        cells = (name, self.mutants, noticed, self.stale, self.polluted, replayed)
        return f"| {' | '.join(map(str, cells))} |"


class Worker:
    """One copy of a project, broken and put back again and again."""

    def __init__(self, project: Project, to: Path, sources: str) -> None:
        """Copy `project` and record its suite; `sources` is the folder that may be broken."""
        self._suite = Suite.copy(project, to)
        self._files = [
            path
            for path in sorted((to / sources).rglob("*.py"))
            if "test" not in path.relative_to(to).as_posix()
        ]
        self._unstable = unstable_tests(self._suite)
        recorded = self._suite.cached()
        if not recorded.verdicts or recorded.status not in (0, 1):
            sys.exit(f"{project.name}: its suite can't be recorded:\n{recorded.text[-2000:]}")
        again = self._suite.cached("--cachekit-mode=read-only")
        self.hits, self.selected = len(again.hits), len(again.verdicts)
        reasons = Counter(
            again.reasons[name] for name, verdict in again.verdicts.items() if verdict != "hit"
        )
        self.reasons = reasons.most_common(5)
        self._snapshot = Snapshot(to)
        # What fails plain as well runs each time.
        self._recorded = again.outcomes
        self._broken = {name for name, word in again.outcomes.items() if word == "failed"}

    def examine(self, count: int, seed: str) -> Sums:
        """Try `count` mutants."""
        rng = random.Random(seed)
        sums = Sums()
        while sums.mutants < count:
            path = rng.choice(self._files)
            original = path.read_bytes()
            mutation = choose_mutation(original, rng)
            if mutation is None:
                continue
            # Python trusts a time stamp and a size: a mutant has a size of its own.
            filler = b"\n#" + b"x" * rng.randint(1, 500) + b"\n"
            try:
                one = self._try(
                    path, mutation.apply(original) + filler, run_all=sums.mutants % 10 == 0
                )
            finally:
                self._snapshot.restore()
            sums.kinds[mutation.kind] += 1
            sums.add(one[0])
            for line in one[1]:
                where = path.relative_to(self._suite.root)
                print(f"  {self._suite.name} {mutation.kind} in {where}:{mutation.line} "
                      f"(seed {seed}, mutant {sums.mutants}): {line}", flush=True)  # fmt: skip
        return sums

    def _try(self, path: Path, mutant: bytes, *, run_all: bool) -> tuple[Sums, list[str]]:
        sums = Sums(1)
        path.write_bytes(mutant)
        if run_all:
            result = self._suite.plain()
            self._put_back(path, mutant)
            sums.run_whole = 1
            sums.noticed = int(bool(result.status not in (0, 1) or result.failed - self._broken))
        decided = self._suite.decide()
        self._put_back(path, mutant)
        sums.tests, sums.hits = len(decided.verdicts), len(decided.hits)
        stale = stale_outcomes(self._suite, decided.hits, self._recorded, self._unstable)
        if not stale:
            return sums, []
        self._put_back(path, mutant)
        alone = self._suite.plain(only=stale)
        if all(alone.outcomes.get(name) == self._recorded.get(name) for name in stale):
            sums.polluted = 1
            return sums, []
        sums.stale = 1
        return sums, [f"{name} is replayed, and {word}" for name, word in stale.items()][:3]

    def _put_back(self, path: Path, mutant: bytes) -> None:
        """Undo what the last run did to other files."""
        self._snapshot.restore()
        path.write_bytes(mutant)


def examine(project: Project, options: argparse.Namespace) -> Sums:
    """Try mutants of one project in as many copies as there are jobs; return the sums."""
    folder = options.work.resolve() / "mutants"
    folder.mkdir(parents=True, exist_ok=True)
    sources = next(part for part in options.packages if (project.root / part).is_dir())
    jobs = range(options.jobs)
    with ThreadPoolExecutor(options.jobs) as executor:
        places = [folder / f"{project.name}-{job}" for job in jobs]
        workers = list(executor.map(Worker, repeat(project), places, repeat(sources)))
        first = workers[0]
        print(f"  {project.name}: {first.hits} of {first.selected} tests replayed; "
              f"else {first.reasons}", flush=True)  # fmt: skip
        count = -(-options.count // options.jobs)
        seeds = [f"{options.seed}-{job}" for job in jobs]
        sums = Sums()
        for part in executor.map(Worker.examine, workers, repeat(count), seeds):
            sums.add(part)
    return sums


def main(arguments: Sequence[str] | None = None) -> int:
    """Examine the projects named on the command line; return the exit status."""
    assert __doc__ is not None
    parser = argparse.ArgumentParser(
        prog="python -m lab.mutants",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("projects", nargs="+", metavar="PROJECT")
    parser.add_argument("--count", type=int, default=20, help="mutants per project (default: 20)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2, help="copies broken side by side")
    parser.add_argument(
        "--packages", nargs="*", default=["src", "."], help="where sources lie; the first that is"
    )
    parser.add_argument("--work", type=Path, default=HERE / "work")
    parser.add_argument("--needs", nargs="*", default=[], help="more packages that tests need")
    parser.add_argument("--arguments", nargs="*", default=[], help="more arguments for pytest")
    options = parser.parse_args(arguments)
    options.no_testmon = True
    rows, total = [], Sums()
    for name in options.projects:
        sums = examine(prepare(name, options), options)
        rows.append(sums.row(name))
        total.add(sums)
    header = ("project", "mutants", "noticed", "stale", "polluted", "tests replayed")
    print(f"\n| {' | '.join(header)} |\n|{'---|' * len(header)}")
    print("\n".join([*rows, total.row("all")]))
    print(f"\nkinds: {dict(total.kinds.most_common())}")
    return int(bool(total.stale))


if __name__ == "__main__":
    sys.exit(main())
