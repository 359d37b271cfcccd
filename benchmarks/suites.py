"""Measure real test suites: plain, recorded, replayed, and with pytest-testmon.

    python benchmarks/suites.py click jinja2 --rounds 3

For each project, downloads its sdist from PyPI, installs it with what its tests
need into a virtual environment (a second one for testmon), and runs its suite
in turns: plain, first run with an empty cache, second run, and the same two with
testmon. Prints medians and ratios to the plain run, as a Markdown table.
Everything is kept in --work, so that a second call measures at once.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tarfile
import time
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
GROUPS = ("test", "tests", "testing")
TESTMON = "pytest-testmon==2.2.0"
LABELS = (
    "plain", "first", "second", "collect only", "hits", "testmon first", "testmon second",
)  # fmt: skip


@dataclass
class Project:
    """One project, unpacked, with its environments."""

    name: str
    root: Path
    python: Path
    testmon_python: Path | None
    arguments: list[str]
    times: dict[str, list[float]] = field(default_factory=dict)
    collect: list[float] = field(default_factory=list)
    stats: dict[str, float] = field(default_factory=dict)
    summary: str = ""


def run(
    command: list[str | Path], cwd: Path, timeout: float | None = None, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run `command` in `cwd`, quietly.

    Raises:
        subprocess.TimeoutExpired: it took longer than `timeout` seconds, and was killed.
    """
    environment = {
        key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"
    }
    environment.pop("PYTHONPATH", None)
    environment.update(variables)
    return subprocess.run(
        [str(word) for word in command],
        cwd=cwd, env=environment, text=True, capture_output=True, check=False,
        timeout=timeout,
    )  # fmt: skip


def must(result: subprocess.CompletedProcess[str]) -> None:
    """Stop where a preparing command failed."""
    if result.returncode:
        sys.exit(f"{' '.join(result.args)} failed:\n{result.stdout[-2000:]}{result.stderr[-2000:]}")


def unpack(name: str, work: Path) -> Path:
    """Return the unpacked sdist of `name`, downloaded where it isn't there yet."""
    folder = work / "sources" / name
    if not folder.exists():
        downloads = work / "downloads" / name
        downloads.mkdir(parents=True, exist_ok=True)
        must(run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary",
                  name.partition("==")[0], name, "-d", downloads], work))  # fmt: skip
        archive = next(downloads.glob("*.tar.gz"))
        with tarfile.open(archive) as tar:
            tar.extractall(downloads, filter="data")
        unpacked = next(path for path in downloads.iterdir() if path.is_dir())
        folder.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(str(unpacked), folder)
    return folder


def requirements(root: Path) -> list[str]:
    """Return what the project's metadata says that its tests need."""
    description = root / "pyproject.toml"
    if not description.exists():
        return []
    table = tomllib.loads(description.read_text(encoding="utf-8"))
    groups = table.get("dependency-groups", {})
    extras = table.get("project", {}).get("optional-dependencies", {})

    def group(key: str) -> list[str]:
        found: list[str] = []
        for entry in groups.get(key, []):
            found += group(entry["include-group"]) if isinstance(entry, dict) else [entry]
        return found

    found = [entry for key in GROUPS for entry in group(key)]
    found += [entry for key in GROUPS for entry in extras.get(key, [])]
    unwanted = ("pytest-xdist", "pytest-cov", "coverage", "mypy", "pyright", "pytest-mypy")
    return [entry for entry in found if not entry.startswith(unwanted)]


def environment(root: Path, folder: Path, needs: list[str]) -> Path:
    """Return the Python of a virtual environment with the project and `needs` in it."""
    python = folder / "bin" / "python"
    if not (folder / "ready").exists():
        shutil.rmtree(folder, ignore_errors=True)
        must(run([sys.executable, "-m", "venv", folder], root))
        must(run([python, "-m", "pip", "install", "--quiet", "-e", ".", "pytest",
                  *requirements(root), *needs], root))  # fmt: skip
        (folder / "ready").touch()
    return python


def prepare(name: str, options: argparse.Namespace) -> Project:
    """Download and install one project."""
    work = options.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    root = unpack(name, work)
    tag = f"{sys.version_info[0]}.{sys.version_info[1]}"
    python = environment(root, work / f"env-{name}-{tag}", ["-e", str(HERE.parent), *options.needs])
    testmon = None
    if not options.no_testmon:
        testmon = environment(root, work / f"testmon-{name}-{tag}", [TESTMON, *options.needs])
    return Project(name, root, python, testmon, options.arguments)


def timed(
    project: Project, label: str, python: Path, *words: str
) -> subprocess.CompletedProcess[str]:
    """Run the suite once and note how long it took."""
    begin = time.perf_counter()
    result = run([python, "-m", "pytest", "-q", *project.arguments, *words], project.root)
    project.times.setdefault(label, []).append(time.perf_counter() - begin)
    if result.returncode > 1:
        # Some tests of others fail in plain runs too; anything else is no measurement.
        must(result)
    return result


def measure(project: Project, rounds: int) -> None:
    """Run all variants `rounds` times, in turns."""
    cache, report = project.root / ".cachekit", project.root / ".cachekit-report.json"
    for _ in range(rounds):
        shutil.rmtree(project.root / ".pytest_cache", ignore_errors=True)
        plain = timed(project, "plain", project.python)
        project.summary = plain.stdout.strip().splitlines()[-1]
        timed(project, "collect", project.python, "--collect-only")
        shutil.rmtree(cache, ignore_errors=True)
        timed(project, "first", project.python, "--cachekit")
        timed(project, "second", project.python, "--cachekit", f"--cachekit-report={report}")
        project.stats = json.loads(report.read_text(encoding="utf-8"))["stats"]
        report.unlink()
        if project.testmon_python is not None:
            for leftover in project.root.glob(".testmondata*"):
                leftover.unlink()
            timed(project, "testmon first", project.testmon_python, "--testmon")
            timed(project, "testmon second", project.testmon_python, "--testmon")


def row(project: Project) -> str:
    """Return a project's line of the table."""
    medians = {label: statistics.median(times) for label, times in project.times.items()}
    plain = medians["plain"]
    cells = [
        project.name,
        project.summary.strip("= ").rpartition(" in ")[0],
        f"{plain:.1f} s",
        f"{medians['first'] / plain:.2f}",
        f"{medians['second'] / plain:.2f}",
        f"{medians['collect'] / plain:.2f}",
        f"{project.stats['hit_rate']:.1%}",
    ]
    for label in ("testmon first", "testmon second"):
        cells.append(f"{medians[label] / plain:.2f}" if label in medians else "-")
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Measure the projects named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("projects", nargs="+", metavar="PROJECT")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--work", type=Path, default=HERE / "work")
    parser.add_argument("--needs", nargs="*", default=[], help="more packages that tests need")
    parser.add_argument("--arguments", nargs="*", default=[], help="more arguments for pytest")
    parser.add_argument("--no-testmon", action="store_true")
    options = parser.parse_args()
    print(f"{platform.python_implementation()} {platform.python_version()}, "
          f"{os.cpu_count()} cores, {options.rounds} rounds\n")  # fmt: skip
    columns = ("project", "tests", *LABELS)
    print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
    for name in options.projects:
        project = prepare(name, options)
        measure(project, options.rounds)
        print(row(project), flush=True)


if __name__ == "__main__":
    main()
