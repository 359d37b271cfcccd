"""Walk through the releases of real projects with one warm cache; outcomes must equal plain ones.

    python -m lab.releases sqlparse tomlkit --last 12

For each project, unpacks one sdist after another in the same place, oldest first and
then back again, and runs each release's suite plain and with the cache, which is kept.
The number of the release is overwritten in its sources with that of the last one: it would
be a change that concerns all tests. Prints a row per release; exits with 1 where an
outcome differs. A release whose suite this Python or this pytest can't run is left out.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.suites import HERE, Project, must, prepare, run

from .snapshot import Snapshot
from .suite import Result, Suite, shape

_RUNS = (0, 1)


@dataclass
class Sums:
    """What all releases of all projects came to."""

    releases: int = 0
    left_out: int = 0
    tests: int = 0
    hits: int = 0
    different: int = 0


def versions(name: str, python: Path) -> list[str]:
    """Return the final releases of the project `name`, oldest first."""
    done = run([python, "-m", "pip", "index", "versions", name], HERE)
    must(done)
    listed = re.search(r"Available versions: (.*)", done.stdout)
    found = listed[1].split(", ") if listed else []
    return [version for version in reversed(found) if re.fullmatch(r"[0-9.]+", version)]


def fetch(name: str, version: str, project: Project, folder: Path) -> Path | None:
    """Return the unpacked sdist of a release; None where there is none."""
    target = folder / f"{name}-{version}"
    if not target.exists():
        downloads = folder / "downloads" / f"{name}-{version}"
        downloads.mkdir(parents=True, exist_ok=True)
        run([project.python, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", name,
             f"{name}=={version}", "-d", downloads], folder)  # fmt: skip
        archive = next(downloads.glob("*.tar.gz"), None)
        if archive is None:
            return None
        with tarfile.open(archive) as tar:
            tar.extractall(downloads, filter="data")
        shutil.move(str(next(path for path in downloads.iterdir() if path.is_dir())), target)
    return target


def walk(project: Project, folder: Path, last: int, sums: Sums) -> None:
    """Walk through the last releases of one project, and back."""
    names = versions(project.name, project.python)[-last:]
    suite = Suite(project.name, folder / project.name, project.python, project.arguments)
    cache = folder / f"{project.name}-cache"
    shutil.rmtree(cache, ignore_errors=True)
    for version in [*names, *reversed(names[:-1])]:
        source = fetch(project.name, version, project, folder)
        if source is None:
            sums.left_out += 1
            print(f"| {project.name} {version} | no sdist | | | |", flush=True)
            continue
        shutil.rmtree(suite.root, ignore_errors=True)
        shutil.copytree(source, suite.root, symlinks=True)
        for path in suite.root.rglob("*.py"):
            content = path.read_bytes()
            path.write_bytes(content.replace(version.encode(), names[-1].encode()))
        _compare(suite, version, cache, sums)


def _compare(suite: Suite, version: str, cache: Path, sums: Sums) -> None:
    snapshot = Snapshot(suite.root)
    plain = suite.plain()
    if plain.status not in _RUNS:
        sums.left_out += 1
        why = plain.text.strip().rpartition("\n")[2]
        print(f"| {suite.name} {version} | doesn't run: {why[:60]} | | | |", flush=True)
        return
    snapshot.restore()
    cached = suite.cached(f"--cachekit-url=file:{cache}")
    snapshot.restore()
    found = _differences(plain, cached)
    if found:
        # Some tests end now this way, now that way.
        again = suite.plain()
        snapshot.restore()
        found = {name: word for name, word in found.items() if again.outcomes.get(name) == word}
    sums.releases += 1
    sums.tests += len(cached.verdicts)
    sums.hits += len(cached.hits)
    sums.different += len(found)
    share = len(cached.hits) / max(1, len(cached.verdicts))
    print(f"| {suite.name} {version} | {len(plain.outcomes)} | {len(plain.failed)} "
          f"| {share:.1%} | {len(found)} |", flush=True)  # fmt: skip
    for name, word in list(found.items())[:5]:
        print(f"  {name}: {word} plain, {cached.outcomes.get(name)} cached "
              f"({cached.verdicts.get(name)})", flush=True)  # fmt: skip


def _differences(plain: Result, cached: Result) -> dict[str, str | None]:
    """Return the tests that end differently, with how they end plain."""
    names = plain.outcomes.keys() | cached.outcomes.keys()
    unstable = {shape(name) for name in plain.outcomes.keys() ^ cached.outcomes.keys()}
    if len(unstable) < 3:
        # A test that one run lacks is a difference, unless its name holds the time of day.
        unstable = set()
    return {
        name: plain.outcomes.get(name)
        for name in sorted(names)
        if plain.outcomes.get(name) != cached.outcomes.get(name) and shape(name) not in unstable
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Walk through releases of the projects on the command line; return the exit status."""
    assert __doc__ is not None
    parser = argparse.ArgumentParser(
        prog="python -m lab.releases",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("projects", nargs="+", metavar="PROJECT")
    parser.add_argument("--last", type=int, default=10, help="how many releases (default: 10)")
    parser.add_argument("--work", type=Path, default=HERE / "work")
    parser.add_argument("--needs", nargs="*", default=[], help="more packages that tests need")
    parser.add_argument("--arguments", nargs="*", default=[], help="more arguments for pytest")
    options = parser.parse_args(arguments)
    options.no_testmon = True
    sums = Sums()
    print("| release | tests | failing plain | replayed | different |\n|---|---|---|---|---|")
    for name in options.projects:
        project = prepare(name, options)
        folder = options.work.resolve() / "releases"
        folder.mkdir(parents=True, exist_ok=True)
        walk(project, folder, options.last, sums)
    share = sums.hits / max(1, sums.tests)
    print(f"\n{sums.releases} suites run, {sums.left_out} left out; {sums.tests} tests, "
          f"{share:.1%} replayed, {sums.different} with another outcome")  # fmt: skip
    return int(bool(sums.different))


if __name__ == "__main__":
    sys.exit(main())
