"""Walk through the commits of real projects: what reruns after each, how long, what goes stale.

    python -m benchmarks.history sqlparse tomlkit --commits 30 --repositories ~/clones

For each project (prepared as `suites.py` does, from its last release), checks out one
commit after another in the same place, those that change nothing but documents left out, and
runs the suite plain, with a cache that is kept, and, unless told otherwise, with pytest-testmon.
Beside them stands what a tool would rerun that knows all files that each test depends on, and
nothing smaller. A test is stale where it isn't run and would end otherwise. `--repositories` holds
a git repository per project, DIR/NAME. Prints, per commit, a line and what most tests ran for,
and a table of means. Ends with status 1 where the cache was stale.
"""

from __future__ import annotations

import argparse
import io
import shutil
import statistics
import subprocess
import sys
import tarfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.suites import HERE, prepare
from lab.suite import Result, Suite
from pytest_cachekit.inputs.manifest import FileRecord, Manifest, decode_record, reading_of
from pytest_cachekit.storage import open_backend

_RAN = (0, 1)
_TOLD = 4
_DOCUMENTS = (".md", ".rst", ".txt", ".yml", ".yaml", ".lock", "LICENSE", "AUTHORS", "CHANGELOG")


@dataclass
class Step:
    """What one commit came to: shares of tests, seconds, tests with a stale outcome."""

    tests: int
    rerun: int
    by_files: int
    plain: float
    cached: float
    stale: int
    testmon_rerun: int | None = None
    testmon: float | None = None
    testmon_stale: int | None = None


@dataclass
class Walk:
    """One project's commits, its copy, and what its tools remember."""

    suite: Suite
    monitored: Suite | None
    cache: Path
    known: dict[str, str] = field(default_factory=dict)
    """How each test ended when testmon ran it last."""
    steps: list[Step] = field(default_factory=list)
    left_out: int = 0


def git(repository: Path, *words: str) -> bytes:
    """Return what git prints."""
    return subprocess.run(
        ["git", "--git-dir", str(repository), *words], check=True, capture_output=True
    ).stdout


def commits(repository: Path, count: int) -> list[str]:
    """Return the last `count` commits of the main line that change more than documents."""
    found: list[str] = []
    listing = git(repository, "log", "--first-parent", "--format=%x00%H", "--name-only", "HEAD")
    for block in listing.decode(errors="replace").split("\0")[1:]:
        commit, *names = block.split()
        if any(not name.endswith(_DOCUMENTS) and "docs/" not in name for name in names):
            found.append(commit)
        if len(found) == count:
            break
    return found[::-1]


def check_out(repository: Path, commit: str, root: Path) -> set[str]:
    """Make what is below `root` that of `commit`; return the names of files that differ."""
    fresh = root.with_name(f"{root.name}-fresh")
    shutil.rmtree(fresh, ignore_errors=True)
    with tarfile.open(fileobj=io.BytesIO(git(repository, "archive", commit))) as tar:
        tar.extractall(fresh, filter="data")
    changed: set[str] = set()
    names = {str(path.relative_to(fresh)) for path in fresh.rglob("*") if path.is_file()}
    for path in [path for path in root.rglob("*") if path.is_file() or path.is_symlink()]:
        name = str(path.relative_to(root))
        if name not in names and "__pycache__" not in name and ".testmondata" not in name:
            path.unlink()
            changed.add(name)
    for name in names:
        target, content = root / name, (fresh / name).read_bytes()
        if not target.is_file() or target.read_bytes() != content:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
            changed.add(name)
    return changed


def files_of_tests(cache: Path) -> dict[str, frozenset[str]]:
    """Return, by node id, the project's files that each test depends on, by its newest entry."""
    found: dict[str, frozenset[str]] = {}
    if not cache.exists():
        return found
    backend = open_backend(f"file:{cache}")
    for key in list(backend.keys("tests:")):
        record = decode_record(backend.get_many([key])[key])
        if record is None:
            continue
        group = key.split(":", 3)[3]
        for name, entries in record.entries.items():
            found[f"{group}::{name}"] = _files(record, entries[0].manifest)
    backend.close()
    return found


def _files(record: FileRecord, manifest: Manifest) -> frozenset[str]:
    reading = reading_of(record, manifest)
    files = {name for name, _ in reading.sources} | {name for name, _, _ in reading.functions}
    return frozenset(files | {name for kind, name, _ in reading.inputs if kind == "file"})


def walk(project: Walk, repository: Path, count: int) -> None:
    """Run each commit in each way; the first fills caches and counts for nothing."""
    for number, commit in enumerate(commits(repository, count + 1)):
        changed = check_out(repository, commit, project.suite.root)
        files = files_of_tests(project.cache)
        begin = time.perf_counter()
        plain = project.suite.plain()
        plain_ended = time.perf_counter()
        if plain.status not in _RAN:
            project.left_out += 1
            print(f"{project.suite.name} {commit[:9]} doesn't run: "
                  f"{plain.text.strip().rpartition(chr(10))[2][:70]}", flush=True)  # fmt: skip
            continue
        cached_begun = time.perf_counter()
        cached = project.suite.cached(f"--cachekit-url=file:{project.cache}")
        cached_ended = time.perf_counter()
        step = Step(
            tests=len(cached.verdicts),
            rerun=len(cached.verdicts) - len(cached.hits),
            by_files=sum(
                name not in files or not files[name].isdisjoint(changed) for name in cached.verdicts
            ),
            plain=plain_ended - begin,
            cached=cached_ended - cached_begun,
            stale=len(_stale(project.suite, plain, cached)),
        )
        if project.monitored is not None:
            _run_testmon(project, project.monitored, plain, step)
        if number:
            project.steps.append(step)
            _tell(project.suite.name, commit, step)
            for reason, times in reasons(cached).most_common(_TOLD):
                print(f"    {times} {reason}")


def reasons(result: Result) -> Counter[str]:
    """Count what tests ran for; those that fail in each run are left out."""
    return Counter(
        result.reasons[name]
        for name, verdict in result.verdicts.items()
        if verdict != "hit" and result.outcomes.get(name) != "failed"
    )


def _stale(suite: Suite, plain: Result, cached: Result) -> set[str]:
    found = {
        name for name in cached.hits if plain.outcomes.get(name) != cached.outcomes.get(name)
    }  # fmt: skip
    if found:
        # Some tests end now this way, now that way.
        again = suite.plain()
        found = {name for name in found if again.outcomes.get(name) == plain.outcomes.get(name)}
        print(f"  stale: {sorted(found)[:5]}" if found else "  (unsteady)", flush=True)
    return found


def _run_testmon(project: Walk, suite: Suite, plain: Result, step: Step) -> None:
    begin = time.perf_counter()
    result = suite.plain("--testmon")
    step.testmon = time.perf_counter() - begin
    project.known.update(result.outcomes)
    step.testmon_rerun = len(result.outcomes)
    step.testmon_stale = sum(
        name in project.known and project.known[name] != outcome and name not in result.outcomes
        for name, outcome in plain.outcomes.items()
        if outcome == "failed" or project.known.get(name) == "failed"
    )


def _tell(name: str, commit: str, step: Step) -> None:
    testmon = ""
    if step.testmon is not None:
        testmon = (
            f"; testmon {step.testmon_rerun}, {step.testmon:.1f} s, {step.testmon_stale} stale"
        )
    print(f"{name} {commit[:9]}: {step.tests} tests, {step.rerun} rerun, {step.by_files} by files, "
          f"plain {step.plain:.1f} s, cached {step.cached:.1f} s, {step.stale} stale{testmon}",
          flush=True)  # fmt: skip


def row(name: str, steps: Sequence[Step]) -> str:
    """Return the means of `steps` as a line of the table."""

    def mean(values: Sequence[float]) -> float:
        return statistics.fmean(values) if values else float("nan")

    cells = [
        name,
        str(len(steps)),
        f"{mean([step.rerun / max(1, step.tests) for step in steps]):.1%}",
        f"{mean([step.by_files / max(1, step.tests) for step in steps]):.1%}",
        f"{sum(step.cached for step in steps) / max(1e-9, sum(step.plain for step in steps)):.2f}",
        str(sum(step.stale for step in steps)),
    ]
    watched = [step for step in steps if step.testmon is not None]
    if watched:
        reran = mean([(step.testmon_rerun or 0) / max(1, step.tests) for step in watched])
        took = sum(step.testmon or 0 for step in watched) / sum(step.plain for step in watched)
        cells += [
            f"{reran:.1%}",
            f"{took:.2f}",
            str(sum(step.testmon_stale or 0 for step in watched)),
        ]
    else:
        cells += ["-", "-", "-"]
    return f"| {' | '.join(cells)} |"


def main(arguments: Sequence[str] | None = None) -> int:
    """Walk through the histories that the command line names; return the exit status."""
    assert __doc__ is not None
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.history",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("projects", nargs="+", metavar="PROJECT")
    parser.add_argument("--commits", type=int, default=30)
    parser.add_argument("--repositories", type=Path, required=True, metavar="DIR")
    parser.add_argument("--work", type=Path, default=HERE / "work")
    parser.add_argument("--needs", nargs="*", default=[], help="more packages that tests need")
    parser.add_argument("--arguments", nargs="*", default=[], help="more arguments for pytest")
    parser.add_argument("--no-testmon", action="store_true")
    options = parser.parse_args(arguments)
    walks: list[Walk] = []
    for name in options.projects:
        project = prepare(name, options)
        folder = options.work.resolve() / "history" / name
        shutil.rmtree(folder, ignore_errors=True)
        suite = Suite(name, folder / "project", project.python, project.arguments)
        suite.root.mkdir(parents=True)
        monitored = None
        if project.testmon_python is not None:
            # It needs pytest's own cache, and breaks without.
            monitored = Suite(
                name, suite.root, project.testmon_python, project.arguments, without=("randomly",)
            )
        walks.append(Walk(suite, monitored, folder / "cache"))
        walk(walks[-1], options.repositories / name, options.commits)
    print("\n| project | commits | rerun | by files | time | stale "
          "| testmon reran | its time | its stale |\n|" + "---|" * 9)  # fmt: skip
    for one in walks:
        print(row(one.suite.name, one.steps))
    every = [step for one in walks for step in one.steps]
    print(row("all", every))
    print(f"\n{sum(one.left_out for one in walks)} commits didn't run.")
    return int(any(step.stale for step in every))


if __name__ == "__main__":
    sys.exit(main())
