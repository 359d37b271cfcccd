"""Compare real suites with and without the cache: outcomes under pytest-xdist, coverage's totals.

    python -m benchmarks.parity sqlparse=sqlparse/lexer.py

For each project and each way to run it, runs its suite plain, then with an empty
cache, again, after an edit, and again, and compares with plain runs what JUnit reports say of each
test, counts, exit status, and, where coverage is measured, each file's lines and branches and the
total. Projects are prepared as `suites.py` does. Prints a table; its last column says
what differed. Ends with status 1 where anything did.
"""

from __future__ import annotations

import argparse
import ast
import json
import re
import shutil
import statistics
import sys
import time
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.suites import HERE, Project, prepare, run

MODES = ("load", "loadscope", "loadfile", "loadgroup", "worksteal")
WORKERS = "4"
STATES = ("first", "warm", "edited", "edited warm")


@dataclass
class Seen:
    """What one run told."""

    seconds: float
    status: int
    summary: str
    cases: Counter[tuple[str, ...]]
    coverage: dict[str, Any] = field(default_factory=dict)
    replayed: int = 0
    run: int = 0
    batches: int = 0
    workers: int = 0


def look(project: Project, words: list[str], under: list[str], before: Sequence[str] = ()) -> Seen:
    """Run the suite once: `before` its Python, `under` a module, with `words` for pytest."""
    junit, report = project.root / ".parity.xml", project.root / ".parity.json"
    coverage = project.root / ".parity-coverage.json"
    for path in (junit, report, coverage):
        path.unlink(missing_ok=True)
    begin = time.perf_counter()
    result = run(
        [*before, project.python, "-m", *under, "pytest", "-p", "no:cacheprovider",
         f"--junitxml={junit}", f"--cachekit-report={report}", *project.arguments, *words],
        project.root,
    )  # fmt: skip
    seconds = time.perf_counter() - begin
    if under:
        run([project.python, "-m", "coverage", "json", "-q", "-o", coverage], project.root)
    if not junit.exists():
        sys.exit(f"{words} failed:\n{result.stdout[-3000:]}{result.stderr[-3000:]}")
    found = re.search(r"(\d+)/\d+ workers?", result.stdout)
    stats = json.loads(report.read_text(encoding="utf-8"))["stats"] if report.exists() else {}
    return Seen(
        seconds,
        result.returncode,
        result.stdout.strip().splitlines()[-1].strip("= ").rpartition(" in ")[0],
        cases(junit),
        covered(coverage),
        stats.get("replayed", 0),
        stats.get("run", 0),
        (stats.get("remote") or {}).get("batches", 0),
        int(found.group(1)) if found else 0,
    )


def cases(path: Path) -> Counter[tuple[str, ...]]:
    """Return what a JUnit report says of each test, times left out."""
    return Counter(
        (
            case.get("classname", ""),
            case.get("name", ""),
            *(f"{part.tag} {sorted(part.items())} {_steady(part.text)}" for part in case),
        )
        for case in ET.parse(path).getroot().iter("testcase")
    )


def _steady(text: str | None) -> str:
    """Leave out what differs from run to run: addresses, and directories of one run."""
    return re.sub(r"0x[0-9a-f]+|/tmp/\S+|\[gw\d+\].*", "", text or "")


def covered(path: Path) -> dict[str, Any]:
    """Return what coverage measured: of each file, and in all."""
    if not path.exists():
        return {}
    report = json.loads(path.read_text(encoding="utf-8"))
    keys = ("executed_lines", "executed_branches", "contexts")
    files = {name: [file.get(key) for key in keys] for name, file in report["files"].items()}
    return {"files": files, "totals": report["totals"]}


def differences(seen: Seen, plain: Seen) -> list[str]:
    """Return in what two runs differ, in words."""
    found = []
    if seen.status != plain.status:
        found.append(f"status {seen.status}, not {plain.status}")
    if seen.summary != plain.summary:
        found.append(f"{seen.summary!r}, not {plain.summary!r}")
    changed = (seen.cases - plain.cases) + (plain.cases - seen.cases)
    if changed:
        found.append(f"{sum(changed.values())} cases, as {next(iter(changed))[:3]}")
    if seen.coverage.get("totals") != plain.coverage.get("totals"):
        found.append("totals of coverage")
    files, others = seen.coverage.get("files", {}), plain.coverage.get("files", {})
    uneven = [name for name in files.keys() | others.keys() if files.get(name) != others.get(name)]
    if uneven:
        found.append(f"coverage of {len(uneven)} files, as {uneven[0]}")
    return found


def edit(project: Project, source: str) -> tuple[Path, str]:
    """Add a statement to the last function of a file; return the file, and what it held."""
    path = project.root / source
    text = path.read_text(encoding="utf-8")
    functions = [
        node for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef) and node.body[0].col_offset > node.col_offset
    ]  # fmt: skip
    body = max(functions, key=lambda node: node.lineno).body
    lines = text.splitlines(keepends=True)
    first = body[-1]
    lines.insert(first.lineno - 1, f"{' ' * first.col_offset}_parity = 1\n")
    path.write_text("".join(lines), encoding="utf-8")
    return path, text


def ways(options: argparse.Namespace) -> list[tuple[str, list[str], list[str]]]:
    """Return each way to run a suite: its name, arguments, and what it is run under."""
    coverage = ["--cov=.", "--cov-report=json:.parity-coverage.json", "--cov-report="]
    measured = ["coverage", "run", "--source=.", "-m"]
    several = ["-n", WORKERS]
    found: list[tuple[str, list[str], list[str]]] = [("alone", [], [])]
    found += [(mode, [*several, f"--dist={mode}"], []) for mode in MODES]
    found += [
        ("each", ["-n", "2", "--dist=each"], []),
        ("maxprocesses", [*several, "--maxprocesses=2"], []),
        ("lines", coverage, []),
        ("branches", [*coverage, "--cov-branch"], []),
        ("contexts", [*coverage, "--cov-branch", "--cov-context=test"], []),
        ("branches, workers", [*coverage, "--cov-branch", *several], []),
        ("coverage run", [], measured),
    ]
    return [way for way in found if not options.ways or way[0] in options.ways]


def compare(project: Project, name: str, words: list[str], under: list[str], source: str) -> bool:
    """Compare all states of one way to run a suite; print a row; return whether all are equal."""
    shutil.rmtree(project.root / ".cachekit", ignore_errors=True)
    plain = look(project, words, under)
    first = look(project, ["--cachekit", *words], under)
    warm = look(project, ["--cachekit", *words], under)
    path, text = edit(project, source)
    try:
        edited_plain = look(project, words, under)
        edited = look(project, ["--cachekit", *words], under)
        edited_warm = look(project, ["--cachekit", *words], under)
    finally:
        path.write_text(text, encoding="utf-8")
    runs = (first, warm, edited, edited_warm)
    plains = (plain, plain, edited_plain, edited_plain)
    wrong = [
        f"{state}: {difference}"
        for state, seen, other in zip(STATES, runs, plains, strict=True)
        for difference in differences(seen, other)
    ]
    cells = [
        project.name,
        name,
        plain.summary,
        *(f"{seen.replayed} ({seen.seconds:.1f} s, {seen.workers})" for seen in runs),
        f"{plain.seconds:.1f} s",
        "; ".join(wrong) or "equal",
    ]
    print(f"| {' | '.join(cells)} |", flush=True)
    return not wrong


def pace(project: Project, rounds: int) -> None:
    """Print how long a warm run takes with workers, and without, in turns."""
    several = ["-n", WORKERS]
    look(project, ["--cachekit", *several], [])
    look(project, ["--cachekit"], [])
    times: dict[str, list[float]] = {"alone": [], "workers": []}
    for _ in range(rounds):
        times["alone"].append(look(project, ["--cachekit"], []).seconds)
        seen = look(project, ["--cachekit", *several], [])
        times["workers"].append(seen.seconds)
    alone, workers = (statistics.median(each) for each in times.values())
    print(
        f"{project.name}, warm: alone {alone:.2f} s, -n {WORKERS} {workers / alone:.2f} of that "
        f"({seen.run} tests run, {seen.workers} workers started; medians of {rounds} rounds)"
    )


def main() -> None:
    """Compare the projects named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("projects", nargs="+", metavar="PROJECT=FILE_TO_EDIT")
    parser.add_argument("--ways", nargs="*", default=[])
    parser.add_argument("--work", type=Path, default=HERE / "work")
    parser.add_argument("--needs", nargs="*", default=["pytest-xdist", "pytest-cov"])
    parser.add_argument("--pace", type=int, default=0, metavar="ROUNDS", help=pace.__doc__)
    parser.add_argument("--arguments", nargs="*", default=[], help="more arguments for pytest")
    options = parser.parse_args()
    options.no_testmon = True
    columns = ("project", "way", "plain", *STATES, "plain took", "compared with plain")
    print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
    equal = True
    for given in options.projects:
        name, _, source = given.partition("=")
        project = prepare(name, options)
        for way, words, under in ways(options):
            equal &= compare(project, way, words, under, source)
        if options.pace:
            pace(project, options.pace)
    sys.exit(not equal)


if __name__ == "__main__":
    main()
