"""A run in a fork finds what it finds in a process of its own; where it couldn't, it has one."""

from __future__ import annotations

import json
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from pytest_cachekit.inputs.tracing.audit import BEGINNING

from .forkserver import ForkServer, inherited_environment, run_module
from .harness import Project

FRESH = "FRESH_PROCESSES"
FIND = """
import atexit, gc, json, os, signal, sys, threading, time, warnings

def find():
    yield "command", [sys.argv[0], sys.orig_argv[:6], sys.executable, list(sys.flags)]
    yield "main", vars(sys.modules["__main__"])
    yield "modules", sorted(sys.modules)
    yield "search path", [sys.path, sys.path_hooks, sys.meta_path, sorted(sys.path_importer_cache)]
    yield "directory", [os.getcwd(), sorted(os.listdir())]
    yield "environment", dict(sorted(os.environ.items()))
    for stream in sys.__stdin__, sys.__stdout__, sys.__stderr__:
        yield stream.name, [stream.encoding, stream.errors, stream.line_buffering, stream.mode]
        yield f"{stream.name} is", os.fstat(stream.fileno()).st_mode
    yield "open files", len(os.listdir("/proc/self/fd"))
    yield "masks", [os.umask(0), sorted(signal.pthread_sigmask(signal.SIG_BLOCK, ()))]
    yield "signals", [signal.getsignal(number) for number in sorted(signal.valid_signals())]
    yield "threads", [thread.name for thread in threading.enumerate()]
    yield "interpreter", [gc.isenabled(), gc.get_threshold(), sys.getrecursionlimit(), time.tzname]
    yield "warnings", [sys.warnoptions, warnings.filters]

def test_find():
    with open("found.json", "w") as file:
        json.dump(dict(find()), file, default=lambda value: str(value).partition(" at 0x")[0])
    atexit.register(print, "the end", file=sys.__stdout__)
"""
HASH = "def test_it(): open('hash', 'w').write(str(hash('a')))\n"


def found(project: Project) -> dict[str, Any]:
    """What a test of the project finds in its process."""
    run = project.write({"test_find.py": FIND}).run("--cachekit")
    assert run.exit_status == 0, run.stdout
    assert run.stdout.endswith("the end\n")
    return dict(json.loads((project.root / "found.json").read_text()))


def test_a_run_finds_what_it_finds_in_a_process_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(FRESH, raising=False)
    forked = found(Project(tmp_path / "one" / "project"))
    monkeypatch.setenv(FRESH, "1")
    fresh = found(Project(tmp_path / "two" / "project"))
    del fresh["environment"][FRESH]

    as_forked = json.loads(json.dumps(fresh).replace(str(tmp_path / "two"), str(tmp_path / "one")))
    assert forked == as_forked


def test_nothing_is_loaded_beforehand_but_what_runs_have_loaded_when_they_begin_to_watch(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    spying = f"""
        import json, sys
        def spy(event, arguments):
            if event == {BEGINNING!r}:
                with open("loaded.json", "w") as file:
                    json.dump(list(sys.modules), file)
        sys.addaudithook(spy)
        """
    monkeypatch.setenv(FRESH, "1")
    run = project.write({"spying.py": spying}).with_plugins("spying").run("--cachekit")
    server = ForkServer("pytest")
    loaded = server.loaded
    server.stop()

    assert run.exit_status == pytest.ExitCode.NO_TESTS_COLLECTED, run.stderr
    assert loaded - set(json.loads((project.root / "loaded.json").read_text())) == set()


def hash_in_a_run(project: Project) -> str:
    run = project.write({"test_it.py": HASH}).run()
    assert run.exit_status == 0, run.stdout
    return (project.root / "hash").read_text()


def test_runs_in_turn_have_other_hash_seeds(project: Project) -> None:
    assert hash_in_a_run(project) != hash_in_a_run(project)


def test_a_variable_that_python_reads_at_its_start_counts(project: Project) -> None:
    seeded = project.with_environment(PYTHONHASHSEED="1")

    assert hash_in_a_run(seeded) == hash_in_a_run(seeded)


def test_a_module_of_the_project_takes_the_place_of_a_library(project: Project) -> None:
    for taken in ({"fnmatch.py": "raise SystemExit(7)\n"}, {"pluggy/__init__.py": "exit(7)\n"}):
        assert project.write(taken).run().exit_status == 7


def test_who_runs_for_too_long_is_ended(project: Project, tmp_path: Path) -> None:
    endless = project.write({"test_it.py": "import signal\nsignal.pause()\n"})
    root = endless.copy_to(tmp_path / "endless").root

    with pytest.raises(subprocess.TimeoutExpired):
        run_module("pytest", directory=root, environment=inherited_environment(), timeout=0.5)
    assert project.run().exit_status == pytest.ExitCode.NO_TESTS_COLLECTED


def test_runs_side_by_side(project: Project) -> None:
    copies = [project.copy_to(project.root.parent / name) for name in "abc"]
    with ThreadPoolExecutor() as threads:
        statuses = list(threads.map(lambda copy: copy.run().exit_status, copies))

    assert statuses == [pytest.ExitCode.NO_TESTS_COLLECTED] * 3
