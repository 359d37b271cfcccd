"""Fixtures that every story starts from."""

from __future__ import annotations

import sys
import threading
from pathlib import Path

import pytest

from .forkserver import stop_servers
from .harness import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """An empty project in a directory of its own."""
    return Project(tmp_path / "project")


@pytest.fixture
def one_thread() -> None:
    """Skip where Python 3.11 can't show what a call runs: plugins and other tests have threads."""
    if sys.version_info < (3, 12) and threading.active_count() > 1:
        pytest.skip("Python 3.11 shows which functions run to one thread only, and others run here")


def pytest_unconfigure() -> None:
    """End what runs were forked from."""
    stop_servers()
