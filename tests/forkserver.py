"""Python modules run as by `python -m`, in forks of a process that has imported much already.

To start Python and import pytest takes three times as long as a small run itself. What is run so
finds what it would find in a process of its own: arguments, environment, streams, directory, module
search path, loaded modules. Where that can't be, a process is started: variables that Python
reads when it starts are others, or a file of the project would take the place of a loaded module.
With the variable FRESH_PROCESSES set, all are started.
"""

from __future__ import annotations

import importlib.machinery
import io
import itertools
import json
import os
import re
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, cached_property
from pathlib import Path
from threading import Lock

from .forked_run import LOAD

_FOREIGN_VARIABLES = re.compile(
    r"CACHEKIT_|PYTEST_|COV_CORE_|COVERAGE_|PYTHON(?!PATH$|HOME$)"
    r"|(NO_|FORCE_|PY_)COLORS?$|CI$|GITHUB_|GITLAB_|BUILD_NUMBER$|COLUMNS$|TOX_"
)
_READ_AT_START = re.compile(
    r"PYTHON|LC_|LANG|TZ$|HOME$|LD_|MALLOC_|GLIBC_|COV_CORE_|COVERAGE_PROCESS_|CACHEKIT_CHILD$"
    r"|PYTEST_DISABLE_PLUGIN_AUTOLOAD$"
)
_FIELD = 8
_PROGRAM = Path(__file__).with_name("forked_run.py")
_SUFFIXES = importlib.machinery.all_suffixes()


def inherited_environment() -> dict[str, str]:
    """Return the variables that runs inherit: all but those that could change how they end."""
    return {
        **{name: text for name, text in os.environ.items() if not _FOREIGN_VARIABLES.match(name)},
        "COLUMNS": "120",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }


_ENVIRONMENT = inherited_environment()
_starting = Lock()
_running: list[ForkServer] = []


def run_module(
    module: str,
    *arguments: str,
    directory: Path,
    environment: Mapping[str, str],
    timeout: float = 120,
) -> subprocess.CompletedProcess[str]:
    """Run a module as `python -m` does, without input; return how it ended and what it printed.

    Raises:
        subprocess.TimeoutExpired: it ran for longer than `timeout` seconds, and was killed.
    """
    if module in LOAD and "FRESH_PROCESSES" not in os.environ:
        with _starting:
            server = next(_servers(module))
        if server.can_run(directory, environment) and server.lock.acquire(blocking=False):
            try:
                return server.run((module, *arguments), directory, environment, timeout)
            finally:
                server.lock.release()
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=directory, env=environment, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=timeout, check=False,
    )  # fmt: skip


def stop_servers() -> None:
    """End the processes that fork."""
    while _running:
        _running.pop().stop()
    _servers.cache_clear()


@cache
def _servers(module: str) -> Iterator[ForkServer]:
    # Two take turns: what one run stores, the next looks up with another hash seed.
    both = (ForkServer(module), ForkServer(module))
    _running.extend(both)
    return itertools.cycle(both)


class ForkServer:
    """A process that imports what runs of a module begin with, and forks for each of them."""

    def __init__(self, module: str) -> None:
        """Start it."""
        self.lock = Lock()
        self._control, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, _PROGRAM, module, str(theirs.fileno())],
                env=_ENVIRONMENT, pass_fds=[theirs.fileno()],
                # Streams of the same kind as those of the runs.
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            )  # fmt: skip

    @cached_property
    def loaded(self) -> set[str]:
        """Names of the modules that each run finds loaded."""
        return set(json.loads(self._receive(int.from_bytes(self._receive(_FIELD)))))

    def can_run(self, directory: Path, environment: Mapping[str, str]) -> bool:
        """Return whether a process would not start otherwise, there, with these variables."""
        return _read_at_start(environment) == _read_at_start(
            _ENVIRONMENT
        ) and self.loaded.isdisjoint(_module_names(directory))

    def run(
        self,
        command: tuple[str, ...],
        directory: Path,
        environment: Mapping[str, str],
        timeout: float,
    ) -> subprocess.CompletedProcess[str]:
        """Run a module with arguments; return how it ended and what it printed.

        Raises:
            subprocess.TimeoutExpired: it ran for longer than `timeout` seconds, and was killed.
        """
        request = json.dumps([command, str(directory), dict(environment)]).encode()
        (out, out_end), (err, err_end) = os.pipe(), os.pipe()
        with open(out, "rb", 0) as out_pipe, open(err, "rb", 0) as err_pipe:
            with open(os.devnull) as nothing, open(out_end, "wb"), open(err_end, "wb"):
                streams = [nothing.fileno(), out_end, err_end]
                socket.send_fds(self._control, [len(request).to_bytes(_FIELD)], streams)
            self._control.sendall(request)
            child = int.from_bytes(self._receive(_FIELD))
            read, ended = _read_all((out_pipe, err_pipe), time.monotonic() + timeout)
        if not ended:
            os.kill(child, signal.SIGKILL)
        status = int.from_bytes(self._receive(_FIELD), signed=True)
        if not ended:
            raise subprocess.TimeoutExpired(command, timeout, *read)
        return subprocess.CompletedProcess(command, status, *map(_text, read))

    def stop(self) -> None:
        """End it."""
        self._control.close()
        with self._process:
            pass

    def _receive(self, size: int) -> bytes:
        received = bytearray()
        while len(received) < size:
            part = self._control.recv(size - len(received))
            assert part, "the process that forks has ended"
            received += part
        return bytes(received)


def _read_at_start(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in environment.items() if _READ_AT_START.match(name)}


def _module_names(directory: Path) -> set[str]:
    """Return the names under which files and directories there could be imported."""
    names = (name.partition(".") for name in os.listdir(directory))
    return {name for name, dot, suffix in names if not dot or dot + suffix in _SUFFIXES}


def _read_all(pipes: Sequence[io.FileIO], deadline: float) -> tuple[list[bytes], bool]:
    """Return what came out of each of `pipes`, and whether they all ended in time."""
    read = {pipe: bytearray() for pipe in pipes}
    with selectors.DefaultSelector() as selector:
        for pipe in pipes:
            selector.register(pipe, selectors.EVENT_READ)
        while selector.get_map() and (left := deadline - time.monotonic()) > 0:
            for key, _ in selector.select(left):
                assert isinstance(key.fileobj, io.FileIO)
                part = os.read(key.fd, 1 << 16)
                read[key.fileobj] += part
                if not part:
                    selector.unregister(key.fileobj)
        return [bytes(text) for text in read.values()], not selector.get_map()


def _text(output: bytes) -> str:
    return io.TextIOWrapper(io.BytesIO(output)).read()
