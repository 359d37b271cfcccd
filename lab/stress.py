"""Many threads and processes use one execution cache, and are killed at random.

    python -m lab.stress --seconds 60

The files that remembered functions read only ever count up, so a result that is less than what a
file held before the call is stale. Prints what was found, and fails if a result was stale, a
record torn, a limit exceeded by more than a twentieth, or something left behind.
"""

from __future__ import annotations

import argparse
import glob
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from pytest_cachekit import ExecutionCache

FILES, THREADS, PROCESSES, MOST = 20, 8, 4, 100


def read(path: str) -> int:
    """Return the number in the file at `path`."""
    return int(Path(path).read_text(encoding="utf-8"))


def use(place: Path) -> None:
    """Use the cache in `place` from several threads, until this process is killed."""
    cache = open_cache(place)
    remembered = cache.memoize(read)

    def work() -> None:
        while True:
            path = place / "data" / str(random.randrange(FILES))
            before = read(str(path))
            found = remembered(str(path))
            if not before <= found <= read(str(path)):
                (place / "stale").write_text(f"{path}: {found}, not {before} or more")
            if random.random() < 0.02:
                cache.run_command(["cat", f"data/{path.name}"], inputs=[f"data/{path.name}"])

    for _ in range(THREADS - 1):
        threading.Thread(target=work, daemon=True).start()
    work()


def open_cache(place: Path) -> ExecutionCache:
    """Return the cache in `place`."""
    return ExecutionCache(f"file:{place}/cache", root=place, max_size=MOST)


def count_up(place: Path) -> None:
    """Add one to the number in some file, at once for all who read it."""
    path = place / "data" / str(random.randrange(FILES))
    unfinished = place / "unfinished"
    unfinished.write_text(str(read(str(path)) + 1), encoding="utf-8")
    os.replace(unfinished, path)


def run(place: Path, seconds: float) -> int:
    """Let processes come and go for so many `seconds`; return how many were killed."""
    (place / "data").mkdir()
    for number in range(FILES):
        (place / "data" / str(number)).write_text("0", encoding="utf-8")
    command = [sys.executable, "-m", "lab.stress", "--use", str(place)]
    workers = [subprocess.Popen(command) for _ in range(PROCESSES)]
    end = time.monotonic() + seconds
    killed = 0
    while time.monotonic() < end:
        time.sleep(0.05)
        count_up(place)
        if random.random() < 0.02:
            index = random.randrange(PROCESSES)
            workers[index].kill()
            workers[index].wait()
            killed += 1
            workers[index] = subprocess.Popen(command)
    for worker in workers:
        worker.kill()
        worker.wait()
    return killed


def main() -> None:
    """Run, judge and tell."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--use", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.use:
        use(Path(arguments.use))
    before = set(glob.glob(f"{tempfile.gettempdir()}/cachekit-*"))
    with tempfile.TemporaryDirectory(prefix="stress-") as folder:
        place = Path(folder)
        killed = run(place, arguments.seconds)
        problems = []
        if (place / "stale").exists():
            problems.append(f"stale: {(place / 'stale').read_text()}")
        with open_cache(place) as cache:
            stats = cache.stats()
            # One more call makes room, as it would in any process.
            cache.memoize(read)(str(place / "data" / "0"))
            held = cache.stats().size
            if held > MOST * 1.05:
                problems.append(f"{held} entries are held where {MOST} are allowed")
        left = set(glob.glob(f"{tempfile.gettempdir()}/cachekit-*")) - before
        print(f"{killed} processes killed; {stats.size} entries, {stats.bytes} bytes at the end")
        print(f"directories left behind by killed processes: {len(left)}")
        for problem in problems:
            print(problem)
        sys.exit(bool(problems))


if __name__ == "__main__":
    main()
