"""Tests of others, as their authors publish them: fetched once, kept outside of the repository.

    python -m tests.conformance.suites

asks pip for the source distributions and unpacks them into `.suites`, or where the environment
variable CACHEKIT_SUITES says. Tests that need one are skipped where it isn't.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import pytest

SUITES = {"cachelib": "0.17.0", "django": "5.2.19"}
_ROOT = Path(__file__).parents[2]


def place() -> Path:
    """Return where the suites are kept."""
    return Path(os.environ.get("CACHEKIT_SUITES", _ROOT / ".suites"))


def suite(name: str) -> Path:
    """Return the unpacked source distribution `name`; skip the test where it is missing."""
    directory = place() / f"{name}-{SUITES[name]}"
    if not directory.is_dir():
        pytest.skip(f"{name}'s tests are missing: python -m tests.conformance.suites fetches them")
    return directory


def fetch() -> None:
    """Fetch all suites that are missing."""
    for name, version in SUITES.items():
        directory = place() / f"{name}-{version}"
        if directory.is_dir():
            continue
        with tempfile.TemporaryDirectory() as scratch:
            subprocess.run(
                [
                    *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"),
                    *("--no-binary", ":all:", "--dest", scratch, f"{name}=={version}"),
                ],
                check=True,
            )
            (archive,) = Path(scratch).glob("*.tar.gz")
            with tarfile.open(archive) as unpacked:
                unpacked.extractall(place(), filter="data")
        assert directory.is_dir(), f"{archive.name} holds no {directory.name}"


if __name__ == "__main__":
    fetch()
