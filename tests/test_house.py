"""The house can be moved: what is built installs into a bare environment, and works there.

python -m pytest -m slow tests/test_house.py
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from .harness import Project

ROOT = Path(__file__).parents[1]
# What `pip install pytest-cachekit` may bring along.
EARNED = {
    "pytest-cachekit", "pytest", "iniconfig", "packaging", "pluggy", "pygments",
    "msgspec", "diskcache", "click", "pip", "setuptools",
}  # fmt: skip
pytestmark = pytest.mark.slow


def run(*command: str | Path, cwd: Path) -> str:
    """Run a command away from this checkout; return what it prints."""
    environment = Project(cwd)._environment()
    environment.pop("PYTHONPATH", None)
    environment.pop("PYTEST_DISABLE_PLUGIN_AUTOLOAD", None)
    done = subprocess.run(
        command, cwd=cwd, env=environment, stdin=subprocess.DEVNULL, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=600, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{command}\n{done.stdout}"
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the sdist, and the wheel from it, as for a release."""
    pytest.importorskip("build", reason="needs the distribution build")
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--outdir", folder, ROOT, cwd=folder)
    return folder


def test_the_sdist_has_what_the_tests_need(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}

    assert {"tests/harness.py", "docs/index.md", "examples/demo.py", "tox.ini", "LICENSE"} <= names
    assert not [name for name in names if "__pycache__" in name or ".cachekit" in name]


@pytest.mark.parametrize("version", ["3.11", "3.13"])
def test_the_wheel_works_in_a_bare_environment(built: Path, version: str, tmp_path: Path) -> None:
    python = shutil.which(f"python{version}")
    # Version managers have commands for Pythons that aren't there.
    if python is None or subprocess.run([python, "-c", ""], check=False).returncode != 0:
        pytest.skip(f"there is no python{version}")
    (wheel,) = built.glob("*.whl")
    environment, project = tmp_path / "environment", tmp_path / "orbits"
    run(python, "-m", "venv", environment, cwd=tmp_path)
    programs = environment / ("Scripts" if os.name == "nt" else "bin")
    run(programs / "python", "-m", "pip", "install", "-q", wheel, cwd=tmp_path)

    listed = run(programs / "python", "-m", "pip", "list", "--format=freeze", cwd=tmp_path)
    installed = {line.partition("==")[0].lower() for line in listed.splitlines() if "==" in line}
    assert installed <= EARNED

    ignored = shutil.ignore_patterns("__pycache__", ".*cache*")
    shutil.copytree(ROOT / "examples" / "orbits", project, ignore=ignored)
    first = run(programs / "pytest", "-q", "--cachekit", cwd=project)
    second = run(programs / "pytest", "-q", "--cachekit", cwd=project)
    assert "0 replayed, 22 run (22 new)" in first
    assert "22 replayed, 0 run" in second

    # Its exit status says that nothing is wrong.
    run(programs / "cachekit", "doctor", cwd=project)
    assert "the last 2: 22 replayed, 22 run" in run(programs / "cachekit", "stats", cwd=project)
    program = "from pytest_cachekit.caching import open_cache; open_cache('a').set('k', 1)"
    run(programs / "python", "-c", program, cwd=tmp_path)

    # The start-up hook for children goes as well.
    run(programs / "python", "-m", "pip", "uninstall", "-q", "-y", "pytest-cachekit", cwd=tmp_path)
    files = [path for path in environment.rglob("*") if path.is_file() and path.suffix != ".pyc"]
    assert [path for path in files if "cachekit" in str(path.relative_to(environment))] == []
