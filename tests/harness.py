"""Small projects that are run for real, so that tests read as stories.

A `Project` is a value: a set of files and an environment. Changing it makes
another one, and nothing reaches the disk before `run` does, so a story can go
back to an old state by naming it:

    before = Project(path).write({"test_it.py": "def test_it(): assert 1 == 1"})
    before.run("--cachekit")
    after = before.replace("test_it.py", "1 == 1", "2 == 2")
    assert after.run("--cachekit").verdicts == {"test_it.py::test_it": "stale"}
    assert before.run("--cachekit").verdicts == {"test_it.py::test_it": "hit"}

Projects that come from one another share a directory, and the cache in it.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .forkserver import inherited_environment, run_module
from .result import Run

Beginning = Callable[["Project"], "Project"]
"""Makes and runs an empty project."""
After = Callable[[Beginning], "Project"]
"""Returns a project in the state that a beginning led to."""

# Python takes a .pyc for current by the source's size and its time in whole seconds.
_FIRST_TIME = 1_700_000_000
_SECONDS_BETWEEN_WRITES = 10


@dataclass
class _Disk:
    """What one directory holds of the projects that are run in it, and how often it was used."""

    written: dict[str, bytes] = field(default_factory=dict)
    writes: int = 0
    runs: int = 0


@dataclass(frozen=True)
class Project:
    """A project below `root`; but `run`, `command`, `copy_to`, `keep`, methods describe another."""

    root: Path
    files: Mapping[str, bytes] = field(default_factory=lambda: {"pytest.ini": b"[pytest]\n"})
    environment: Mapping[str, str] = field(default_factory=dict)
    plugins: tuple[str, ...] = ("cachekit",)
    _disk: _Disk = field(default_factory=_Disk, repr=False, compare=False)

    def write(self, files: Mapping[str, str | bytes]) -> Project:
        """With these files besides, or instead of, those it has; text is dedented."""
        return dataclasses.replace(
            self, files={**self.files, **{name: _bytes(text) for name, text in files.items()}}
        )

    def edit(self, files: Mapping[str, str | bytes]) -> Project:
        """With new contents for files that it has."""
        missing = files.keys() - self.files.keys()
        assert not missing, f"no such file to edit: {sorted(missing)}"
        return self.write(files)

    def replace(self, name: str, old: str, new: str) -> Project:
        """With `new` for the only occurrence of `old` in a file."""
        text = self.files[name].decode()
        assert text.count(old) == 1, f"{old!r} occurs {text.count(old)} times in {name}"
        return self.write({name: text.replace(old, new).encode()})

    def remove(self, *names: str) -> Project:
        """Without these files."""
        kept = {name: content for name, content in self.files.items() if name not in names}
        assert len(kept) == len(self.files) - len(names), f"not all of {names} exist"
        return dataclasses.replace(self, files=kept)

    def rename(self, old: str, new: str) -> Project:
        """With the file `old` under the name `new`."""
        return self.remove(old).write({new: self.files[old]})

    def ini(self, *lines: str) -> Project:
        """With these lines in its pytest.ini."""
        return self.write({"pytest.ini": "\n".join(("[pytest]", *lines, "")).encode()})

    def with_environment(self, **variables: str) -> Project:
        """With these environment variables besides those it has."""
        return dataclasses.replace(self, environment={**self.environment, **variables})

    def with_plugins(self, *names: str) -> Project:
        """With these pytest plugins; none is loaded by itself, so that stories are hermetic."""
        return dataclasses.replace(self, plugins=(*self.plugins, *names))

    def touch(self) -> Project:
        """The same project; the next run writes all its files anew, at a later time."""
        self._disk.written.clear()
        return self

    def copy_to(self, root: Path) -> Project:
        """Copy the directory as it is, its cache included; return the project there."""
        self._sync()
        shutil.copytree(self.root, root, ignore=shutil.ignore_patterns("__pycache__"))
        copied = _Disk(dict(self._disk.written), self._disk.writes)
        return dataclasses.replace(self, root=root, _disk=copied)

    def keep(self, place: Path) -> Callable[[], Project]:
        """Copy the directory as it is to `place`; return what puts it back as it was."""
        self._sync()
        shutil.copytree(self.root, place, symlinks=True)
        written, writes = dict(self._disk.written), self._disk.writes

        def put_back() -> Project:
            shutil.rmtree(self.root)
            shutil.copytree(place, self.root, symlinks=True)
            self._disk.written, self._disk.writes = dict(written), writes
            return self

        return put_back

    @property
    def cache(self) -> Path:
        """Where results are kept unless an option says otherwise."""
        return self.root / ".cachekit"

    def run(self, *arguments: str, under: tuple[str, ...] = ()) -> Run:
        """Run pytest in the project, `under` another module that runs modules."""
        self._sync()
        self._disk.runs += 1
        results = self.root.parent / f"{self.root.name}-run{self._disk.runs}"
        results.mkdir()
        loaded = [word for name in self.plugins for word in ("-p", name)]
        process = run_module(
            *under, *(["-m"] if under else []), "pytest",
            "-p", "no:randomly", *loaded,
            "-o", "junit_family=xunit1", f"--junitxml={results / 'junit.xml'}",
            f"--cachekit-report={results / 'report.json'}", *arguments,
            directory=self.root, environment=self._environment(),
        )  # fmt: skip
        return Run(process.returncode, process.stdout, process.stderr, results)

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the command `cachekit` in the project."""
        self._sync()
        return run_module(
            "pytest_cachekit", *arguments, directory=self.root, environment=self._environment()
        )

    def _environment(self) -> dict[str, str]:
        return {
            **inherited_environment(),
            # Runs clean up after runs before them, and must not meet those that run beside.
            "PYTEST_DEBUG_TEMPROOT": str(self.root.parent),
            **self.environment,
        }

    def _sync(self) -> None:
        disk = self._disk
        self.root.mkdir(parents=True, exist_ok=True)
        for name in disk.written.keys() - self.files.keys():
            (self.root / name).unlink()
            del disk.written[name]
        for name, content in self.files.items():
            if disk.written.get(name) != content:
                path = self.root / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
                disk.writes += 1
                time = _FIRST_TIME + disk.writes * _SECONDS_BETWEEN_WRITES
                os.utime(path, (time, time))
                disk.written[name] = content


def _bytes(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else textwrap.dedent(text).lstrip("\n").encode()
