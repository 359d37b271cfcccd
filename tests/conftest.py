"""Fixtures that every story starts from."""

from __future__ import annotations

from pathlib import Path

import pytest

from .forkserver import stop_servers
from .harness import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """An empty project in a directory of its own."""
    return Project(tmp_path / "project")


def pytest_unconfigure() -> None:
    """End what runs were forked from."""
    stop_servers()
