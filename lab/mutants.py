"""Break real projects at random places; a warm cache must see every failure that a plain run sees.

    python lab/mutants.py click sqlparse --count 20 --seed 1

For each project (prepared as by benchmarks/suites.py), records the suite once,
and compares the plain run with the recorded and the replayed one by their JUnit
files. Then, for each mutant: change one place of the source, run plain, run with
the recorded cache (read-only, so that mutants don't see each other), compare,
and put the source back. Prints each difference and a line of sums per project;
exits with 1 where there was any.
"""

from __future__ import annotations

import argparse
import ast
import json
import random
import re
import shutil
import sys
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "benchmarks"))

from suites import HERE, Project, prepare, run

Outcomes = dict[str, list[str]]


@dataclass
class Mutant:
    """One change of one file."""

    path: Path
    line: int
    kind: str
    text: str


class Mutator(ast.NodeTransformer):
    """Counts the places where a tree can be broken, or breaks one of them."""

    def __init__(self, wanted: int = -1) -> None:
        self.wanted = wanted
        self.count = -1
        self.kind = ""
        self.line = 0

    def _chosen(self, node: ast.AST, kind: str) -> bool:
        self.count += 1
        if self.count == self.wanted:
            self.kind, self.line = kind, getattr(node, "lineno", 0)
            return True
        return False

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        """Make the function raise, or turn one of its defaults around."""
        self.generic_visit(node)
        if self._chosen(node, "raise"):
            docstring = ast.get_docstring(node) is not None
            node.body.insert(int(docstring), ast.parse("raise AssertionError('mutant')").body[0])
        for index, default in enumerate(node.args.defaults):
            if isinstance(default, ast.Constant) and self._chosen(node, "default"):
                node.args.defaults[index] = _other(default)
        return node

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        """Change a number, a word or a truth value."""
        if isinstance(node.value, (bool, int, str)) and self._chosen(node, "constant"):
            return _other(node)
        return node

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        """Negate a comparison."""
        self.generic_visit(node)
        if self._chosen(node, "negate"):
            return ast.UnaryOp(ast.Not(), node)
        return node

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        """Drop a statement."""
        self.generic_visit(node)
        if self._chosen(node, "drop"):
            return ast.Pass()
        return node

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        """Leave the parts of f-strings alone; they must stay what they are."""
        return node


def _other(node: ast.Constant) -> ast.Constant:
    value = node.value
    if isinstance(value, bool) or value is None:
        return ast.Constant(not value)
    if isinstance(value, int):
        return ast.Constant(value + 1)
    if isinstance(value, str):
        return ast.Constant(value + "x")
    return ast.Constant(None)


def choose(files: list[Path], rng: random.Random) -> Mutant:
    """Return a random mutant of one of `files`, each place as likely as any other in its file."""
    while True:
        path = rng.choice(files)
        source = path.read_text(encoding="utf-8")
        counter = Mutator()
        counter.visit(ast.parse(source))
        if counter.count < 0:
            continue
        mutator = Mutator(rng.randint(0, counter.count))
        tree = mutator.visit(ast.parse(source))
        try:
            text = ast.unparse(ast.fix_missing_locations(tree))
            compile(text, str(path), "exec")
        except (ValueError, SyntaxError):
            continue
        return Mutant(path, mutator.line, mutator.kind, text)


def outcomes(project: Project, *words: str) -> tuple[int, Outcomes]:
    """Run the suite; return its exit status and each test case's outcome."""
    xml = project.root / ".mutants.xml"
    xml.unlink(missing_ok=True)
    command: list[str | Path] = [project.python, "-m", "pytest", "-q", f"--junitxml={xml}"]
    command += ["-p", "no:cacheprovider", "-p", "no:randomly", *project.arguments, *words]
    result = run(command, project.root)
    found: Outcomes = {}
    if xml.exists():
        for case in ET.parse(xml).iter("testcase"):
            tags = sorted(child.tag for child in case)
            word = " ".join(tag for tag in tags if tag in ("failure", "error", "skipped"))
            found.setdefault(f"{case.get('classname')}::{case.get('name')}", []).append(
                word or "passed"
            )
    return result.returncode, found


def _shape(name: str) -> str:
    return re.sub(r"\d+", "#", name)


def differences(
    plain: tuple[int, Outcomes], cached: tuple[int, Outcomes], unstable: set[str]
) -> list[str]:
    """Return what differs between two runs, in words."""
    found = []
    if plain[0] != cached[0]:
        found.append(f"exit status {plain[0]} plain, {cached[0]} cached")
    for name in sorted(plain[1].keys() | cached[1].keys()):
        if plain[1].get(name) != cached[1].get(name) and _shape(name) not in unstable:
            found.append(f"{name}: {plain[1].get(name)} plain, {cached[1].get(name)} cached")
    return found


def junit_name(nodeid: str) -> str:
    """Return the name that a JUnit file gives to a test."""
    head, bracket, rest = nodeid.partition("[")
    file, *names = head.split("::")
    module = file.replace("/", ".").removesuffix(".py")
    return f"{'.'.join([module, *names[:-1]])}::{names[-1]}{bracket}{rest}"


def only_polluted(project: Project, hits: list[str], found: list[str]) -> bool:
    """Return whether all that differs was replayed, and does pass when it runs by itself.

    Then it failed in the plain run only because a test that failed before it left
    something behind, as a registry that was not cleaned up.
    """
    names = {line.partition(": ")[0] for line in found}
    nodeids = [nodeid for nodeid in hits if junit_name(nodeid) in names]
    if len(nodeids) != len(found):
        return False
    status, _ = outcomes(project, *nodeids)
    return status == 0


def examine(project: Project, count: int, rng: random.Random, packages: list[str]) -> int:
    """Compare plain and cached runs of one project; return the number of differing runs."""
    shutil.rmtree(project.root / ".cachekit", ignore_errors=True)
    baseline = outcomes(project)
    # Some suites put the time of day into the names of tests.
    again = outcomes(project)
    unstable = {_shape(name) for name in baseline[1].keys() ^ again[1].keys()}
    bad = 0
    for label in ("first", "second"):
        found = differences(baseline, outcomes(project, "--cachekit"), unstable)
        bad += bool(found)
        for line in found[:5]:
            print(f"  {label} run: {line}")
    files = [
        path
        for package in packages
        for path in sorted((project.root / package).rglob("*.py"))
        if "test" not in path.relative_to(project.root).as_posix()
    ]
    report = project.root / ".mutants.json"
    ran = selected = killed = polluted = 0
    for _ in range(count):
        mutant = choose(files, rng)
        original = mutant.path.read_bytes()
        try:
            # A byte more or less: Python trusts time stamp and size of what it compiled.
            filler = "\n#" + "x" * rng.randint(1, 500)
            mutant.path.write_text(mutant.text + filler, encoding="utf-8")
            plain = outcomes(project)
            cached = outcomes(project, "--cachekit", "--cachekit-mode=read-only",
                              f"--cachekit-report={report}")  # fmt: skip
            found = differences(plain, cached, unstable)
            if report.exists():
                data = json.loads(report.read_text(encoding="utf-8"))
                report.unlink()
                ran, selected = ran + data["stats"]["run"], selected + data["stats"]["selected"]
                hits = [test["nodeid"] for test in data["tests"] if test["verdict"] == "hit"]
                if found and only_polluted(project, hits, found):
                    polluted, found = polluted + 1, []
        finally:
            mutant.path.write_bytes(original)
        killed += bool(differences(baseline, plain, unstable))
        if found:
            bad += 1
            where = mutant.path.relative_to(project.root)
            print(f"  {mutant.kind} in {where}:{mutant.line}: {len(found)} differ")
            for line in found[:3]:
                print(f"    {line}")
    share = f"{ran / selected:.1%}" if selected else "-"
    print(f"{project.name}: {count} mutants, {killed} noticed by plain runs, {bad} runs differ "
          f"({polluted} more by tests that an earlier failure broke); "
          f"{share} of tests rerun", flush=True)  # fmt: skip
    return bad


def main() -> None:
    """Examine the projects named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("projects", nargs="+", metavar="PROJECT")
    parser.add_argument("--count", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--packages", nargs="*", default=["src", "."], help="where sources lie")
    parser.add_argument("--work", type=Path, default=HERE / "work")
    parser.add_argument("--needs", nargs="*", default=[])
    parser.add_argument("--arguments", nargs="*", default=[])
    options = parser.parse_args()
    options.no_testmon = True
    bad = 0
    for name in options.projects:
        project = prepare(name, options)
        packages = [part for part in options.packages if (project.root / part).is_dir()][:1]
        bad += examine(project, options.count, random.Random(options.seed), packages)
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
