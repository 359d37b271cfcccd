"""A filled cache, and the command in this process."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from benchmarks.huge import fill
from pytest_cachekit.cli.command import cli

Command = Callable[..., Result]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project's directory, which is the working directory, with no cache yet."""
    for name in ("CACHEKIT", "CACHEKIT_URL", "CACHEKIT_MODE", "PYTEST_ADDOPTS"):
        monkeypatch.delenv(name, raising=False)
    root = tmp_path / "project"
    root.mkdir()
    (root / "pytest.ini").write_text("[pytest]\n")
    monkeypatch.chdir(root)
    return root


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("filled") / ".cachekit"
    fill(place, 100)
    return place


@pytest.fixture
def cache(here: Path, filled: Path) -> Path:
    """A cache of 100 tests in four files, two of them skipped."""
    return Path(shutil.copytree(filled, here / ".cachekit"))


@pytest.fixture
def command(here: Path) -> Command:
    """Runs the command; an error that isn't told in a sentence fails the test."""

    def run(*words: str, answer: str | None = None) -> Result:
        return CliRunner().invoke(cli, list(words), input=answer, catch_exceptions=False)

    return run
