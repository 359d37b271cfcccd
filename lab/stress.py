"""Many threads and processes use all caches of one place, and are killed at random.

    python -m lab.stress --seconds 60

The files that remembered functions read only ever count up, so a result that is less than what a
file held before the call is stale. Artifacts say in their metadata what is in their files.
Prints what was found, and fails if a result was stale, an artifact another one's, a record
torn, the budget of bytes exceeded by more than a twentieth, or something left behind.
"""

from __future__ import annotations

import argparse
import glob
import hashlib
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from pytest_cachekit import CacheManager
from pytest_cachekit.actions.memoize import MemoizedFunction
from pytest_cachekit.actions.statistics import statistics
from pytest_cachekit.resources import ResourceReader
from pytest_cachekit.resources.tasks import orphaned_values

FILES, THREADS, PROCESSES = 20, 8, 4
BUDGET, LARGEST = 4_000_000, 60_000


def read(path: str) -> int:
    """Return the number in the file at `path`."""
    return int(Path(path).read_text(encoding="utf-8"))


def use(place: Path) -> None:
    """Use the caches in `place` from several threads, until this process is killed."""
    caches = open_caches(place)
    # Opened before threads ask for them at once.
    remembered = caches.executions.memoize(read)
    assert caches.plans is not None
    assert caches.artifacts is not None

    def work() -> None:
        dice = random.Random()
        while True:
            for problem in (
                call(caches, remembered, place, dice),
                keep(caches, dice),
                plan(caches, dice),
                store(caches, dice),
            ):
                if problem:
                    (place / "wrong").write_text(problem)

    for _ in range(THREADS - 1):
        threading.Thread(target=work, daemon=True).start()
    work()


def open_caches(place: Path) -> CacheManager:
    """Return the caches in `place`."""
    return CacheManager(place / "cache", root=place, max_bytes=BUDGET)


def call(
    caches: CacheManager,
    remembered: MemoizedFunction[[str], int],
    place: Path,
    dice: random.Random,
) -> str | None:
    """Call a remembered function, and now and then a command; say what was stale."""
    path = place / "data" / str(dice.randrange(FILES))
    before = read(str(path))
    found = remembered(str(path))
    if dice.random() < 0.02:
        name = f"data/{path.name}"
        caches.executions.run_command(["cat", name], inputs=[name])
    return None if before <= found <= read(str(path)) else f"{path}: {found}, not {before} or more"


def keep(caches: CacheManager, dice: random.Random) -> str | None:
    """Keep an artifact, and look for another one; say what was not its own."""
    content = dice.randbytes(dice.randrange(LARGEST))
    metadata = {"n": dice.randrange(200)}
    described = {**metadata, "sha": hashlib.sha256(content).hexdigest()}
    if dice.random() < 0.3:
        caches.artifacts.put("thing", described, {"content": content})
        if caches.artifacts.get("thing", metadata) is not None:
            return "an artifact that nobody put"
    for artifact in caches.artifacts.find("thing", n=metadata["n"]) if dice.random() < 0.05 else ():
        held = caches.artifacts.read(artifact, "content")
        sha = artifact.metadata["sha"]
        if held is not None and hashlib.sha256(held).hexdigest() != sha:
            return "an artifact with another one's content"
    return None


def plan(caches: CacheManager, dice: random.Random) -> str | None:
    """Keep a plan, or look for one; say what was another task's."""
    number = dice.randrange(100)
    if dice.random() < 0.2:
        caches.plans.put(f"Do thing{number} to {{what}}", [number, "{what}"])
    match = caches.plans.match(f"do thing{number} to x", threshold=1)
    if match is not None and match.plan != [number, "x"]:
        return f"{match.plan} for {number}"
    return None


def store(caches: CacheManager, dice: random.Random) -> str | None:
    """Store a value and read another; say what was another key's."""
    cache = caches.get_cache("values")
    cache.set(str(number := dice.randrange(1000)), [number] * dice.randrange(1, 5000))
    other = dice.randrange(1000)
    found = cache.get(str(other))
    return None if found is None or found[0] == other else f"{found[0]} under {other}"


def count_up(place: Path) -> None:
    """Add one to the number in some file, at once for all who read it."""
    path = place / "data" / str(random.randrange(FILES))
    unfinished = place / "unfinished"
    unfinished.write_text(str(read(str(path)) + 1), encoding="utf-8")
    os.replace(unfinished, path)


def run(place: Path, seconds: float) -> tuple[int, float, int, int]:
    """Let processes come and go for so many `seconds`.

    Returns:
        How many were killed; the most that was held, as a share of the budget; the most memory
        and open files that one of them had, in bytes.
    """
    (place / "data").mkdir()
    for number in range(FILES):
        (place / "data" / str(number)).write_text("0", encoding="utf-8")
    command = [sys.executable, "-m", "lab.stress", "--use", str(place)]
    # The first lives all the time: what leaks, leaks there.
    workers = [subprocess.Popen(command) for _ in range(PROCESSES)]
    oldest = ResourceReader(process=workers[0].pid)
    end = time.monotonic() + seconds
    killed = memory = files = 0
    most = 0.0
    with CacheManager(place / "cache", root=place) as observer:
        while time.monotonic() < end:
            time.sleep(0.05)
            count_up(place)
            most = max(most, observer.backend.size().bytes / BUDGET)
            reading = oldest.read()
            memory, files = max(memory, reading.memory), max(files, reading.open_files)
            if random.random() < 0.05:
                index = random.randrange(1, PROCESSES)
                workers[index].kill()
                workers[index].wait()
                killed += 1
                workers[index] = subprocess.Popen(command)
        if any(worker.poll() is not None for worker in workers):
            (place / "wrong").write_text("a process ended by itself")
    for worker in workers:
        worker.kill()
        worker.wait()
    return killed, most, memory, files


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
        killed, most, memory, files = run(place, arguments.seconds)
        problems = []
        if (place / "wrong").exists():
            problems.append(f"wrong: {(place / 'wrong').read_text()}")
        if most > 1.05:
            problems.append(f"the budget was exceeded: {most:.1%} of it were held")
        with open_caches(place) as caches:
            # Killed in the midst of a write, a process leaves files that no row names.
            orphaned = orphaned_values(place / "cache", max_age=0).clean()
            parts = caches.stats().by_part
            torn = sum(total.torn for total in statistics(caches.backend).kinds.values())
            if torn:
                problems.append(f"{torn} records can't be read")
            held = sqlite3.connect(place / "cache" / "cache.db").execute(
                "SELECT COUNT(*) FROM Cache WHERE filename IS NOT NULL"
            )
            rows, values = held.fetchone()[0], len(list((place / "cache").rglob("*.val")))
            if rows != values:
                problems.append(f"{values} files for {rows} rows")
            on_disk = sum(path.stat().st_size for path in (place / "cache").rglob("*.*"))
        left = set(glob.glob(f"{tempfile.gettempdir()}/cachekit-*")) - before
        print(f"{killed} processes killed; at most {most:.1%} of the budget held")
        print(f"the process that lived on: at most {memory / 1e6:.0f} MB, {files} open files")
        print(f"at the end: {on_disk / 1e6:.1f} MB on the disk for {BUDGET / 1e6:.1f} MB of values")
        print(", ".join(f"{part.keys} keys of {name}" for name, part in parts.items() if part.keys))
        print(f"files of unfinished writes, tidied up: {orphaned}; directories left: {len(left)}")
        for problem in problems:
            print(problem)
        sys.exit(bool(problems))


if __name__ == "__main__":
    main()
