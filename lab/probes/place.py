"""A probe's project on disk: written, changed, and run with and without the cache."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .probe import Probe

_TIMEOUT = 120
_FOREIGN_VARIABLES = re.compile("PYTHON|CACHEKIT|PYTEST")
# What `prepare` and `act` can use.
_PRELUDE = """
import dbm.dumb, os, py_compile, shutil, signal, sqlite3, subprocess, sys, tempfile, zipfile
from pathlib import Path
"""


Start = Callable[[list[str], Path, dict[str, str]], subprocess.CompletedProcess[str]]


@dataclass
class Run:
    """What one run of pytest came to."""

    status: int
    outcomes: dict[str, str]
    """JUnit's name of each test to "passed", "skipped", "failure" or "error"."""
    verdicts: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Node id of each test to the cache's verdict and reason; none in a plain run."""
    text: str = ""

    @property
    def red(self) -> set[str]:
        """The tests that failed."""
        return {name for name, word in self.outcomes.items() if word in ("failure", "error")}


class Place:
    """The directory of one probe's project, and how to run pytest there."""

    def __init__(
        self, probe: Probe, root: Path, words: Sequence[str] = (), start: Start | None = None
    ) -> None:
        """Write the project of a probe.

        Args:
            probe: whose.
            root: the directory below which it lies.
            words: more arguments for pytest.
            start: runs a command in a directory, with an environment; by default as a process.
        """
        self._probe = probe
        self._start = start or start_process
        self.root = root / "project"
        self._words = words
        self._changed = False
        self._runs = 0
        # Well in the past, and apart: Python trusts a time stamp and a size.
        self._now = time.time() - 1_000
        self.root.mkdir(parents=True)
        self._write({"pytest.ini": "[pytest]\n"} if probe.folder == "." else {})
        self._write(
            {path: text for name, text in probe.files.items() for path in expand(name)}
        )  # fmt: skip
        self._execute(probe.prepare)

    def change(self) -> None:
        """Make the probe's change."""
        probe = self._probe
        self._changed = True
        self._now += 500
        for name, (old, new) in probe.replace.items():
            text = (self.root / name).read_text(encoding="utf-8")
            if text.count(old) != 1:
                raise ValueError(f"{probe.title}: {old!r} stands {text.count(old)} times in {name}")
            self._write({name: text.replace(old, new)})
        self._write(probe.write)
        for name in probe.remove:
            (self.root / name).unlink()
        self._execute(probe.act)
        if probe.move:
            elsewhere = self.root.parent / "elsewhere" / "project"
            shutil.copytree(self.root, elsewhere, symlinks=True)
            self.root = elsewhere

    def twin(self) -> Place:
        """Return a copy, without a cache, of what is there now."""
        twin = object.__new__(Place)
        twin.__dict__.update(self.__dict__)
        twin.root = self.root.parent / "twin" / "project"
        shutil.copytree(
            self.root, twin.root, symlinks=True, ignore=shutil.ignore_patterns(".cachekit")
        )
        return twin

    def run(self, *, cached: bool) -> Run:
        """Run pytest, with the cache or plain."""
        results = self.root.parent / "results.json"
        return self._run(
            sys.executable,
            ["--cachekit", f"--cachekit-report={results}"] if cached else ["-p", "no:cachekit"],
            results,
        )

    def run_testmon(self, python: str) -> Run:
        """Run pytest of the interpreter `python` with pytest-testmon."""
        return self._run(python, ["--testmon"])

    def _run(self, python: str, words: Sequence[str], results: Path | None = None) -> Run:
        probe = self._probe
        self._runs += 1
        xml = self.root.parent / f"run{self._runs}.xml"
        command = [
            python, *self._side(probe.python.before, probe.python.after), "-m", "pytest", "-q",
            "-p", "no:cacheprovider", "-p", "no:randomly", f"--junitxml={xml}",
            *words, *self._words, *self._side(probe.arguments.before, probe.arguments.after),
        ]  # fmt: skip
        variables = probe.environment
        after = self._changed and variables.after is not None
        done = self._start(
            command,
            self.root / probe.folder,
            _environment(variables.after or {} if after else variables.before),
        )
        verdicts = {}
        if results is not None and results.exists():
            data = json.loads(results.read_text(encoding="utf-8"))
            verdicts = {test["nodeid"]: (test["verdict"], test["reason"]) for test in data["tests"]}
            results.unlink()
        return Run(done.returncode, _outcomes(xml), verdicts, done.stdout + done.stderr)

    def _side(self, before: list[str], after: list[str] | None) -> list[str]:
        return before if not self._changed or after is None else after

    def _write(self, files: Mapping[str, str]) -> None:
        for name, text in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            os.utime(path, (self._now, self._now))

    def _execute(self, code: str) -> None:
        if code:
            subprocess.run([sys.executable, "-c", _PRELUDE + code], cwd=self.root, check=True,
                           env=_environment({}), timeout=_TIMEOUT)  # fmt: skip


def start_process(
    command: list[str], directory: Path, environment: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run a command without input."""
    return subprocess.run(
        command, cwd=directory, env=environment, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=_TIMEOUT, check=False,
    )  # fmt: skip


def expand(name: str) -> list[str]:
    """Return the names that `name` stands for, where it has alternatives in braces."""
    head, brace, rest = name.partition("{")
    if not brace:
        return [name]
    words, _, tail = rest.partition("}")
    return [head + word + tail for word in words.split(",")]


def _environment(more: Mapping[str, str]) -> dict[str, str]:
    inherited = {
        name: value for name, value in os.environ.items() if not _FOREIGN_VARIABLES.match(name)
    }
    return {**inherited, **more}


def _outcomes(xml: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    if xml.exists():
        for case in ET.parse(xml).iter("testcase"):
            tags = {child.tag for child in case} & {"error", "failure", "skipped"}
            # A failing subtest is a case of its own, with its test's name.
            name = f"{case.get('classname')}::{case.get('name')}"
            found[name] = min([*tags, found.get(name, "passed")])
    return found
