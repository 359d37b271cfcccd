"""A server that fails in any way: the run ends as it would without it, soon, with one warning."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pytest_cachekit.storage import Shelf, open_backend

from .caching.servers import Server, TLSDoor, certificate
from .harness import Project
from .result import Run

TESTS = {
    "test_it.py": """
        import pytest
        def test_it():
            assert 1 == 1
        def test_fails():
            assert 0
        @pytest.mark.skip(reason="not today")
        def test_skipped():
            pass
        """,
    "test_other.py": """
        def test_other():
            pass
        """,
}
# With something to store, whatever can still be read.
NEWER = {**TESTS, "test_new.py": "def test_new(): pass"}
# No more than a second for the server, in a batch that also does its own work.
PATIENCE = 1.3


@dataclass
class Trouble:
    """A server about to fail, and where it is found then."""

    server: Server
    directory: Path
    url: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    cleanup: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run without a server."""
    return Project(tmp_path_factory.mktemp("plain") / "project").write(NEWER).run("--cachekit")


def at(trouble: Trouble) -> str:
    return f"--cachekit-remote={trouble.url}"


@pytest.fixture
def trouble(tmp_path: Path) -> Iterator[Trouble]:
    server = Server(tmp_path / "server").start()
    made = Trouble(server, tmp_path, server.url)
    with made.cleanup:
        yield made
        server.kill()


def refused(trouble: Trouble) -> None:
    trouble.server.kill()


def absent(trouble: Trouble) -> None:
    # A network for documentation: nobody is there.
    trouble.url = "redis://192.0.2.1:6379/0"


def hung(trouble: Trouble) -> None:
    trouble.server.hang()


def trickling(trouble: Trouble) -> None:
    """It answers, one byte after the other, and never comes to an end."""
    listening = trouble.cleanup.enter_context(socket.create_server(("127.0.0.1", 0)))
    trouble.url = f"redis://127.0.0.1:{listening.getsockname()[1]}/0"
    over = threading.Event()

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listening.accept()
                threading.Thread(target=answer, args=(connection,), daemon=True).start()

    def answer(connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            connection.sendall(b"+")
            while not over.wait(0.05):
                connection.sendall(b"x")

    threading.Thread(target=serve, daemon=True).start()
    trouble.cleanup.callback(over.set)


def silent_door(trouble: Trouble) -> None:
    """Connections are made, and nobody is there to accept them."""
    listening = trouble.cleanup.enter_context(socket.create_server(("127.0.0.1", 0), backlog=8))
    trouble.url = f"redis://127.0.0.1:{listening.getsockname()[1]}/0"


def wrong_password(trouble: Trouble) -> None:
    client = trouble.server.client()
    client.execute_command("ACL", "SETUSER", "someone", "on", ">right", "~*", "+@all")
    trouble.url = trouble.url.replace("//", "//someone:wrong@")


def password_missing(trouble: Trouble) -> None:
    trouble.server.client().config_set("requirepass", "secret")


def tls_of_another_name(trouble: Trouble) -> None:
    # The same address, and another name than the certificate's.
    key, public = certificate(trouble.directory)
    door = TLSDoor(trouble.server, key, public)
    trouble.cleanup.callback(door.close)
    trouble.url = f"{door.url.replace('127.0.0.1', '127.1')}?ssl_ca_certs={public}"


def tls_of_nobody_trusted(trouble: Trouble) -> None:
    key, public = certificate(trouble.directory)
    door = TLSDoor(trouble.server, key, public)
    trouble.cleanup.callback(door.close)
    trouble.url = door.url


def no_server_at_all(trouble: Trouble) -> None:
    """Something else than Redis answers."""
    listening = trouble.cleanup.enter_context(socket.create_server(("127.0.0.1", 0)))
    trouble.url = f"redis://127.0.0.1:{listening.getsockname()[1]}/0"

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listening.accept()
                with connection:
                    connection.recv(1000)
                    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    threading.Thread(target=serve, daemon=True).start()


def full(trouble: Trouble) -> None:
    client = trouble.server.client()
    client.config_set("maxmemory-policy", "noeviction")
    client.config_set("maxmemory", "1")


def read_only_user(trouble: Trouble) -> None:
    client = trouble.server.client()
    client.execute_command("ACL", "SETUSER", "reader", "on", ">secret", "~*", "+@read", "+@fast")
    trouble.url = trouble.url.replace("//", "//reader:secret@")


def user_without_scripts(trouble: Trouble) -> None:
    client = trouble.server.client()
    client.execute_command("ACL", "SETUSER", "lean", "on", ">s", "~*", "+@all", "-eval")
    trouble.url = trouble.url.replace("//", "//lean:s@")


def another_type(trouble: Trouble) -> None:
    """What has the names of our records is something else."""
    client = trouble.server.client()
    for name in client.scan_iter("cachekit:tests:*"):
        client.delete(name)
        client.lpush(name, "a", "list")


NEVER_ANSWERS = [
    refused, absent, hung, trickling, silent_door, wrong_password, password_missing,
    tls_of_another_name, tls_of_nobody_trusted, no_server_at_all,
]  # fmt: skip
TAKES_NOTHING = [full, read_only_user, user_without_scripts, another_type]


def names(fault: object) -> str:
    return getattr(fault, "__name__", "").replace("_", " ")


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> dict[bytes, bytes]:
    """What another runner stores on a server."""
    server = Server(tmp_path_factory.mktemp("stored") / "server").start()
    try:
        other = Project(server.directory / "other" / "project").write(TESTS)
        other.run("--cachekit", f"--cachekit-remote={server.url}")
        client = server.client()
        return {name: client.get(name) for name in client.scan_iter()}
    finally:
        server.kill()


@pytest.fixture
def warm(trouble: Trouble, stored: dict[bytes, bytes]) -> Trouble:
    """Another runner has stored its results on the server."""
    trouble.server.client().mset(stored)
    return trouble


def project_beside(trouble: Trouble, files: dict[str, str] = TESTS) -> Project:
    return Project(trouble.directory / "one" / "project").write(files)


def ended_as_without(run: Run, plain: Run) -> None:
    assert run.exit_status == plain.exit_status
    assert run.junit == plain.junit
    assert run.outcomes == plain.outcomes
    warnings = plain.counts.get("warning", 0)
    assert run.counts == {**plain.counts, "warning": warnings + 1}, run.stdout
    assert run.stdout.count("CacheUnavailableWarning") == 1
    assert "The remote cache is left out of this run: " in run.stdout
    for word in ("Traceback", "INTERNALERROR", "secret", "wrong@"):
        assert word not in run.stdout + run.stderr


@pytest.mark.parametrize("fault", [*NEVER_ANSWERS, *TAKES_NOTHING], ids=names)
def test_a_run_ends_as_it_would_without_the_server(
    warm: Trouble, plain: Run, fault: Callable[[Trouble], None]
) -> None:
    fault(warm)

    ended_as_without(project_beside(warm, NEWER).run("--cachekit", at(warm)), plain)


def test_the_local_tier_serves_alone(warm: Trouble) -> None:
    full(warm)
    project = project_beside(warm, NEWER)
    project.run("--cachekit", at(warm))
    again = project.run("--cachekit")

    # What was read there before it failed, and what was recorded.
    assert again.verdicts["test_it.py::test_it"] == "hit"
    assert again.verdicts["test_new.py::test_new"] == "hit"


@pytest.mark.parametrize("fault", NEVER_ANSWERS, ids=names)
def test_a_run_loses_a_second_at_most(trouble: Trouble, fault: Callable[[Trouble], None]) -> None:
    fault(trouble)
    told: list[object] = []
    shelf = Shelf(open_backend(trouble.url, deadline=1.0, timeout=0.4), on_loss=told.append)
    start = time.monotonic()
    shelf.get_many(f"key{n}" for n in range(2_000))
    shelf.change({f"key{n}": b"x" * 1_000 for n in range(2_000)}, lambda changed: {})

    assert time.monotonic() - start < PATIENCE
    assert len(told) == 1


def test_with_workers_the_controller_alone_notices(warm: Trouble, plain: Run) -> None:
    project = project_beside(warm, NEWER).with_plugins("xdist")
    hung(warm)

    ended_as_without(project.run("--cachekit", "-n", "2", at(warm)), plain)


ACTS = {
    "killed": "import os\ndef test_acts(): os.kill(int(os.environ['SERVER']), 9)\n",
    "flushed": (
        "import os, redis\ndef test_acts(): redis.Redis.from_url(os.environ['URL']).flushall()\n"
    ),
}


def acting(trouble: Trouble, what: str) -> Run:
    project = project_beside(
        trouble, {"test_0.py": ACTS[what], **TESTS, "test_new.py": TESTS["test_other.py"]}
    )
    process = trouble.server._process
    assert process is not None
    return project.with_environment(SERVER=str(process.pid), URL=trouble.url).run(
        "--cachekit", at(trouble)
    )


def test_a_server_killed_during_the_run(warm: Trouble) -> None:
    run = acting(warm, "killed")

    assert run.verdicts["test_it.py::test_it"] == "hit"
    assert run.counts == {"failed": 1, "passed": 4, "skipped": 1, "warning": 1}
    assert run.stdout.count("CacheUnavailableWarning") == 1


def test_a_server_flushed_during_the_run(warm: Trouble) -> None:
    run = acting(warm, "flushed")

    assert run.counts == {"failed": 1, "passed": 4, "skipped": 1}
    third = Project(warm.directory / "third" / "project").write(
        {**TESTS, "test_new.py": TESTS["test_other.py"]}
    )
    # What was known before the flush, and here, is there again.
    again = third.run("--cachekit", at(warm))
    assert again.verdicts["test_new.py::test_other"] == "hit"
    assert again.verdicts["test_it.py::test_it"] == "hit"


def test_records_of_another_version_are_none(warm: Trouble) -> None:
    client = warm.server.client()
    for name in client.scan_iter("cachekit:tests:*"):
        client.set(name, zlib.compress(bytes.fromhex("95ff90909080")))
    run = project_beside(warm).run("--cachekit", at(warm))

    assert run.verdicts["test_it.py::test_it"] == "miss"
    assert run.counts == {"failed": 1, "passed": 2, "skipped": 1}
    third = Project(warm.directory / "third" / "project").write(TESTS)
    again = third.run("--cachekit", at(warm))
    assert again.verdicts["test_it.py::test_it"] == "hit"


def test_a_server_without_redis_py(trouble: Trouble) -> None:
    files = {"redis.py": "raise ImportError('not installed')\n", **TESTS}
    run = (
        project_beside(trouble, files)
        .with_environment(PYTHONPATH=os.curdir)
        .run("--cachekit", f"--cachekit-remote={trouble.url}")
    )

    assert run.counts == {"failed": 1, "passed": 2, "skipped": 1, "warning": 1}
    assert "pytest-cachekit[redis]" in run.stdout
