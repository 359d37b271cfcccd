"""How long the command takes with a cache of 100,000 tests.

python -m benchmarks.huge [--tests 100000] [--keep DIRECTORY]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgspec

from pytest_cachekit.actions.changes import pack_source
from pytest_cachekit.actions.last_run import Cause, LastRun, TestInRun
from pytest_cachekit.actions.outcomes import Phase, TestOutcome
from pytest_cachekit.actions.runs import Reason, RunContext, RunLine, log_run
from pytest_cachekit.inputs.digest import digest, digest_text
from pytest_cachekit.inputs.manifest import VERSION, RecordBuilder, encode_outcome, encode_record
from pytest_cachekit.inputs.reading import Reading
from pytest_cachekit.storage.file import FileBackend

CONTEXT = digest_text("a context")
_PER_FILE = 33
_MODULES = 200
_COMMANDS = (
    ["list"], ["list", "--json"], ["list", "--name", "tests/test_7*"], ["stats"], ["size"],
    ["verify"], ["report"], ["gc", "--dry-run"], ["clear", "--dry-run"],
)  # fmt: skip


def fill(directory: Path, tests: int, now: float = 1_700_000_000.0) -> None:
    """Fill a cache as a suite of that many tests would, 33 of them to a file."""
    backend = FileBackend(directory)
    modules = {
        f"package/module{number}.py": f"def function():\n    return {number}\n".encode()
        for number in range(_MODULES)
    }
    rows = [(name, digest(text)) for name, text in modules.items()]
    items = {f"source:{digest(text)}": pack_source(text) for text in modules.values()}
    for file, start in enumerate(range(0, tests, _PER_FILE)):
        group = f"tests/test_{file}.py"
        builder = RecordBuilder()
        inputs = frozenset(("module", f"m{number}", "standard") for number in range(60))
        base = Reading(frozenset(rows[file % 150 : file % 150 + 20]), inputs=inputs)
        for number in range(start, min(start + _PER_FILE, tests)):
            reading = Reading(functions=frozenset({(*rows[number % 20], 1)}), base=base)
            builder.add(f"test_{number}[case-{number % 7}]", reading, _outcome(number), now + file)
        items[f"tests:{VERSION}:{CONTEXT}:{group}"] = encode_record(builder.build())
    backend.set_many(items)
    causes = [Cause("all inputs unchanged"), Cause("a changed", "a")]
    last = LastRun(now + 49, "read-write", causes, [], [])
    for number in range(tests):
        name = f"tests/test_{number // _PER_FILE}.py::test_{number}[case-{number % 7}]"
        replayed = number >= 900
        category = "replayed" if replayed else "stale"
        last.tests.append(TestInRun(name, category, "passed", int(not replayed), 10_200))
    for number in range(50):
        reasons = [Reason("stale", "function package/module1.py::function changed", 900)]
        line = RunLine(
            now + number, CONTEXT, "here", "read-write", tests - 900, 900, 0, 60, reasons
        )
        context = RunContext([], {}, "", {}, {}, False, False)
        log_run(backend, line, context, [], last if number == 49 else None)
    backend.close()


def _outcome(number: int) -> msgspec.Raw:
    word = "skipped" if number % 50 == 0 else "passed"
    skip = ("", 1, "not today") if word == "skipped" else None
    return encode_outcome(
        TestOutcome(
            [
                Phase("setup", "passed", 0.0001),
                Phase("call", word, 0.01, skipped_at=skip),
                Phase("teardown", "passed", 0.0001),
            ]
        )
    )


def main() -> None:
    """Print a line for each command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tests", type=int, default=100_000)
    parser.add_argument("--keep", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as workshop:
        cache = arguments.keep or Path(workshop, "cache")
        begin = time.perf_counter()
        fill(cache, arguments.tests)
        print(f"filled in {time.perf_counter() - begin:.1f} s: {arguments.tests:,} tests")
        for command in _COMMANDS:
            words = [
                sys.executable,
                "-m",
                "pytest_cachekit",
                *command,
                "--cache-dir",
                str(cache.absolute()),
            ]
            begin = time.perf_counter()
            done = subprocess.run(words, cwd=workshop, capture_output=True, text=True, check=True)
            took = time.perf_counter() - begin
            if command == ["list", "--json"]:
                assert len(json.loads(done.stdout)) == arguments.tests
            print(f"{took:6.2f} s  cachekit {' '.join(command)}")


if __name__ == "__main__":
    main()
