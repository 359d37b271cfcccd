"""The process that `forkserver.ForkServer` starts: it imports, then forks for each run.

It has run nothing itself. It has loaded what a run that is switched on has loaded when it begins to
watch, and nothing besides: what is imported later is watched, so each run has to import it.
`test_forkserver.py` holds that. A run that ends by `sys.exit` ends as Python does, but leaves its
memory to the system instead of taking all modules apart, which is a tenth of a small run's time.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import runpy
import sys
from os import _exit as leave
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from socket import socket

_FIELD = 8
_ROOM = 1024


def load_pytest() -> None:
    """Import what each run has imported before it watches."""
    from _pytest.config import default_plugins

    importlib.import_module("pytest")
    for name in default_plugins:
        importlib.import_module(f"_pytest.{name}")
    for name in ("plugin.entry", "plugin.beginning", "storage.file"):
        importlib.import_module(f"pytest_cachekit.{name}")
    # Each run would compile this module's one long pattern anew.
    importlib.import_module("_pytest.junitxml").bin_xml_escape("")


def load_command() -> None:
    """Import what each command has imported before it knows what it is asked for."""
    importlib.import_module("pytest_cachekit.cli.command")


def load_execution() -> None:
    """Import what each program of `tests/execution` imports before anything of its own."""
    importlib.import_module("pytest_cachekit.actions.execution")


LOAD = {"pytest": load_pytest, "pytest_cachekit": load_command, "main": load_execution}
"""By module: what to do before it is run."""


def serve(control: socket) -> str | None:
    """Fork for each request.

    Returns:
        In a fork, the name of the module to run; None when nobody asks any more.
    """
    while True:
        try:
            size, received, _, _ = control.recvmsg(_FIELD, _ROOM)
        except (ConnectionError, KeyboardInterrupt):
            return None
        if not size:
            return None
        streams = memoryview(received[0][2]).cast("i").tolist()
        request = bytearray()
        while len(request) < int.from_bytes(size):
            request += control.recv(int.from_bytes(size) - len(request))
        if (child := os.fork()) == 0:
            control.close()
            command, directory, environment = json.loads(request)
            return become(command, directory, environment, streams)
        for stream in streams:
            os.close(stream)
        control.sendall(child.to_bytes(_FIELD))
        _, status = os.waitpid(child, 0)
        control.sendall(os.waitstatus_to_exitcode(status).to_bytes(_FIELD, signed=True))


def become(
    command: list[str], directory: str, environment: dict[str, str], streams: list[int]
) -> str:
    """Be as a process that was started by `python -m` and `command`; return the module's name."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(directory)
    sys.path.insert(0, directory)
    sys.argv[:] = ["-m", *command[1:]]
    sys.orig_argv[:] = [sys.executable, "-m", *command]
    main = sys.modules["__main__"] = ModuleType("__main__")
    # The interpreter puts them there, which ones depends on its version.
    given = {"__builtins__", "__annotations__"} & globals().keys()
    vars(main).update({name: globals()[name] for name in given})
    return command[0]


def main(module: str, number: str) -> str | None:
    """Fork for who holds the other end of the socket of this number; return as `serve` does."""
    # No run looks for modules beside this file.
    for place in (sys.path.pop(0), __file__):
        sys.path_importer_cache.pop(place, None)
    LOAD[module]()
    loaded = sys.modules.copy()
    import socket

    with socket.socket(fileno=int(number)) as control:
        # What only this function needs, runs import themselves.
        sys.modules.clear()
        sys.modules.update(loaded)
        names = json.dumps(sorted(loaded)).encode()
        control.sendall(len(names).to_bytes(_FIELD) + names)
        # Nothing of it is garbage, and whoever looks for garbage would copy its pages.
        gc.freeze()
        return serve(control)


def run(module: str) -> None:
    """Run a module as the main program, to the end of this process."""
    try:
        runpy._run_module_as_main(module)  # type: ignore[attr-defined]
    except SystemExit as end:
        if not isinstance(end.code, int | None):
            raise
        status = end.code or 0
    else:
        status = 0
    if "threading" in sys.modules:
        sys.modules["threading"]._shutdown()
    importlib.import_module("atexit")._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    leave(status)


if __name__ == "__main__":
    _module = main(*sys.argv[1:])
    if _module is not None:
        run(_module)
