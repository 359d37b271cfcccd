"""Fixtures that every story starts from."""

from __future__ import annotations

import os
import re
import sys
import threading
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from .forkserver import stop_servers
from .harness import After, Beginning, Project

# What this machine's Python, user or plugins don't have. Anything else that is skipped where CI
# says that it is CI has lost what it needs, and fails the run.
_EXPECTED_SKIPS = re.compile(
    r"Python 3\.1\d|sys\.monitoring|bytecode of|root can write anywhere|is not installed"
    r"|server's own clock can't be moved back|needs Chromium|there is no python|not here"
)
_unexpected: dict[str, str] = {}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """An empty project in a directory of its own."""
    return Project(tmp_path / "project")


@pytest.fixture(scope="session")
def after(tmp_path_factory: pytest.TempPathFactory) -> After:
    """Return a project as a function made, ran and left it; tests that begin alike run it once."""

    @cache
    def run_once(beginning: Beginning) -> Callable[[], Project]:
        place = tmp_path_factory.mktemp("kept")
        return beginning(Project(place / "project")).keep(place / "as-it-was")

    return lambda beginning: run_once(beginning)()


@pytest.fixture
def one_thread() -> None:
    """Skip where Python 3.11 can't show what a call runs: plugins and other tests have threads."""
    if sys.version_info < (3, 12) and threading.active_count() > 1:
        pytest.skip("Python 3.11 shows which functions run to one thread only, and others run here")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note what CI skips without a good reason."""
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("CI"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if not _EXPECTED_SKIPS.search(reason):
            _unexpected[report.nodeid] = reason


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell what was skipped that shouldn't be."""
    for nodeid, reason in _unexpected.items():
        terminalreporter.write_line(f"unexpectedly skipped: {nodeid}: {reason}", red=True)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail where something was skipped that shouldn't be."""
    if _unexpected and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_unconfigure() -> None:
    """End what runs were forked from."""
    stop_servers()
