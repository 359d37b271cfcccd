"""A real project's test suite: run plain or with the cache, and compared by outcomes."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.suites import Project, run

_INTERRUPTED = 2
_TIMED_OUT = -1
_TIMEOUT = 300
_PLUGIN = Path(__file__).with_name("inside") / "lab_outcomes.py"


@dataclass
class Result:
    """What one run came to."""

    status: int
    outcomes: dict[str, str]
    """Node id of each test that ran or was replayed to its worst outcome."""
    verdicts: dict[str, str] = field(default_factory=dict)
    """Node id to the cache's verdict; none in a plain run."""
    reasons: dict[str, str] = field(default_factory=dict)
    text: str = ""

    @property
    def hits(self) -> list[str]:
        """The tests that were replayed."""
        return [name for name, verdict in self.verdicts.items() if verdict == "hit"]

    @property
    def failed(self) -> set[str]:
        """The tests that failed."""
        return {name for name, word in self.outcomes.items() if word == "failed"}


@dataclass
class Suite:
    """The suite below `root`, run with the interpreter `python`."""

    name: str
    root: Path
    python: Path
    arguments: Sequence[str] = ()
    without: Sequence[str] = ("cacheprovider", "randomly")
    """Plugins that are not to be loaded."""

    @classmethod
    def copy(cls, project: Project, to: Path) -> Suite:
        """Return a copy of a prepared project's suite at `to`, where it can be changed."""
        shutil.rmtree(to, ignore_errors=True)
        ignored = shutil.ignore_patterns("__pycache__", ".cachekit", ".pytest_cache")
        shutil.copytree(project.root, to, symlinks=True, ignore=ignored)
        return cls(project.name, to, project.python, project.arguments)

    def plain(self, *words: str, only: Iterable[str] | None = None) -> Result:
        """Run without the cache; `only` are node ids, in the order in which they shall run."""
        return self._run(list(words), only)

    def decide(self) -> Result:
        """Look up what would be replayed, and run nothing; the cache stays as it is."""
        return self.cached("--cachekit-mode=read-only", decide_only=True)

    def cached(
        self, *words: str, only: Iterable[str] | None = None, decide_only: bool = False
    ) -> Result:
        """Run with the cache."""
        report = self.root.parent / f"{self.root.name}-report.json"
        report.unlink(missing_ok=True)
        command = ["--cachekit", f"--cachekit-report={report}", *words]
        result = self._run(command, only, DECIDE_ONLY="1" if decide_only else "")
        if report.exists():
            data: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
            for test in data["tests"]:
                result.verdicts[test["nodeid"]] = test["verdict"]
                result.reasons[test["nodeid"]] = test["reason"]
        return result

    def _run(self, words: list[str], only: Iterable[str] | None, **variables: str) -> Result:
        found = self.root.parent / f"{self.root.name}-outcomes.json"
        found.unlink(missing_ok=True)
        chosen = self.root.parent / f"{self.root.name}-chosen.json"
        chosen.unlink(missing_ok=True)
        if only is not None:
            chosen.write_text(json.dumps(list(only)), encoding="utf-8")
        # The copy comes before the original, which is installed in editable mode.
        lies_in = self.root / "src" if (self.root / "src").is_dir() else self.root
        try:
            done = run(
                [self.python, "-m", "pytest", "-q",
                 *(word for name in self.without for word in ("-p", f"no:{name}")),
                 "-p", _PLUGIN.stem, *self.arguments, *words],
                self.root,
                timeout=_TIMEOUT, PYTHONPATH=f"{lies_in}:{_PLUGIN.parent}",
                OUTCOMES=str(found), CHOSEN=str(chosen), **variables,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            # What didn't end didn't pass.
            return Result(_TIMED_OUT, {}, text="timed out")
        outcomes = json.loads(found.read_text(encoding="utf-8")) if found.exists() else {}
        return Result(done.returncode, outcomes, text=done.stdout + done.stderr)


def unstable_tests(suite: Suite) -> set[str]:
    """Return the tests, numbers in their names left out, that two plain runs disagree about."""
    one, other = suite.plain(), suite.plain()
    names = one.outcomes.keys() | other.outcomes.keys()
    return {
        shape(name) for name in names if one.outcomes.get(name) != other.outcomes.get(name)
    }  # fmt: skip


def shape(name: str) -> str:
    """Return a node id without numbers: some suites put the time of day into them."""
    return re.sub(r"\d+", "#", name)


def stale_outcomes(
    suite: Suite, hits: Iterable[str], recorded: Mapping[str, str], unstable: set[str]
) -> dict[str, str]:
    """Return which of the tests that are replayed end otherwise when they run, with how they end.

    Args:
        suite: where they run; nothing else does.
        hits: their node ids.
        recorded: node ids to the outcomes that are replayed.
        unstable: names that `unstable_tests` found.
    """
    chosen = [name for name in hits if shape(name) not in unstable]
    if not chosen:
        return {}
    plain = suite.plain(only=chosen)
    if plain.status == _INTERRUPTED and not plain.outcomes:
        # A file that can't be collected keeps all tests from running, with the cache as well.
        return {}
    return {
        name: plain.outcomes.get(name, "not run")
        for name in chosen
        if plain.outcomes.get(name) != recorded.get(name)
    }
