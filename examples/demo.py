"""Run the suite of `orbits` twice with the cache on, edit one function, and run it again.

    python examples/demo.py

Works on a copy in a temporary directory, with the Python that runs this.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent


def run(title: str, project: Path) -> None:
    """Run the suite with the cache on."""
    print(f"\n== {title}\n$ pytest --cachekit --cachekit-explain", flush=True)
    command = [sys.executable, "-m", "pytest", "--cachekit", "--cachekit-explain", "--no-header"]
    subprocess.run(command, cwd=project, check=True)


def main() -> None:
    """Show the first run, the second, and one after an edit."""
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "orbits"
        shutil.copytree(
            HERE / "orbits", project, ignore=shutil.ignore_patterns("__pycache__", ".*cache*")
        )
        run("The first run records", project)
        run("The second run replays", project)
        kepler = project / "orbits" / "kepler.py"
        source = kepler.read_text(encoding="utf-8")
        edited = source.replace("if abs(step) < 1e-12:", "if abs(step) < 1e-13:")
        assert edited != source
        kepler.write_text(edited, encoding="utf-8")
        run("eccentric_anomaly() is edited: the tests that ran it run again", project)


if __name__ == "__main__":
    main()
