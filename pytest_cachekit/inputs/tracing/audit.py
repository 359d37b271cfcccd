"""Files, listings, processes and sockets, by Python's audit events (PEP 578).

An audit hook can't be removed, so there is one per process, and it does
nothing while no recorder is set.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from types import FunctionType
from typing import Any

from ..own_kind import is_a
from . import database_events, file_events, socket_events
from .callers import name_above
from .children import note_child
from .recorder import Recorder

BEGINNING = "pytest_cachekit.trace"
"""The event that a process is about to be watched."""

_Handler = Callable[[Recorder, tuple[Any, ...]], None]
# What C's library is asked for by name, and reads without Python's knowing.
_C_READERS = frozenset(
    {
        "getenv", "secure_getenv", "open", "open64", "openat", "fopen", "fopen64", "stat", "stat64",
        "lstat", "access", "opendir", "readlink", "system", "popen", "fork", "execve",
        "posix_spawn", "socket", "connect", "getaddrinfo", "dlopen",
    }
)  # fmt: skip

# Python knows what these open, whether or not that is somebody's input.
_OPENING = frozenset({"open", "sqlite3.connect"})


class _State:
    recorder: Recorder | None = None
    installed = False


def watch_audit_events(recorder: Recorder) -> None:
    """Begin to tell `recorder` of files, processes and sockets."""
    servers = socket_events.Servers()
    _HANDLERS["socket.bind"] = servers.bound
    _HANDLERS["socket.connect"] = _HANDLERS["socket.sendto"] = servers.connected
    _State.recorder = recorder
    if not _State.installed:
        sys.addaudithook(_make_hook())
        _State.installed = True


def ignore_audit_events() -> None:
    """Stop telling."""
    _State.recorder = None


def is_watched() -> bool:
    """Return whether somebody is told already of what this process reads."""
    return _State.recorder is not None


def _make_hook() -> Callable[[str, tuple[Any, ...]], None]:
    # A module's globals are gone while Python ends, and its hook is still asked.
    handlers, state, opening = _HANDLERS, _State, _OPENING

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        handler = handlers.get(event)
        if handler is None or state.recorder is None:
            return
        if event in opening and state.recorder.opens.is_active:
            state.recorder.opens.expect(arguments[0])
        state.recorder.observe(handler, state.recorder, arguments)

    return hook


def _asked_c(recorder: Recorder, arguments: tuple[Any, ...]) -> None:
    name = arguments[1]
    if name in _C_READERS:
        recorder.current.refuse_unless_declared(f"calls C's {name}() by ctypes")


def _spawned(recorder: Recorder, arguments: tuple[Any, ...]) -> None:
    if name_above(3) == "subprocess":
        return  # `subprocess.Popen` told of it already.
    program = arguments[0]
    if isinstance(program, (list, tuple)) and program:
        program = program[0]
    try:
        word = os.path.basename(os.fsdecode(program)) if program else "?"
    except TypeError:
        word = "?"
    recorder.current.refuse_unless_declared(
        f"starts a process ({word.split()[0] if word.split() else '?'})"
    )


def _replaced(recorder: Recorder, arguments: tuple[Any, ...]) -> None:
    _spawned(recorder, arguments)
    if recorder.before_end is not None:
        recorder.before_end("replaces itself by another program")


def _bound_again(recorder: Recorder, arguments: tuple[Any, ...]) -> None:
    # Defaults of functions: to read them asks all audit hooks, too.
    if is_a(arguments[0], FunctionType):
        recorder.passing.bound_again(arguments[0])


def _watched_by_another(recorder: Recorder, _arguments: tuple[Any, ...]) -> None:
    recorder.current.refuse("runs tests that may be replayed")
    if recorder.before_end is not None:
        recorder.before_end("runs tests that may be replayed")


_HANDLERS: dict[str, _Handler] = {
    BEGINNING: _watched_by_another,
    "open": file_events.opened,
    "os.listdir": file_events.listed,
    "os.scandir": file_events.scanned,
    "os.mkdir": file_events.made,
    "os.symlink": file_events.linked,
    "os.remove": file_events.removed,
    "os.rmdir": file_events.removed_directory,
    "os.chdir": file_events.went_elsewhere,
    "os.chmod": file_events.changed,
    "os.truncate": file_events.truncated,
    "os.link": file_events.moved,
    "os.rename": file_events.moved,
    "ctypes.dlopen": file_events.loaded_library,
    "ctypes.dlsym": _asked_c,
    "object.__setattr__": _bound_again,
    "sqlite3.connect": database_events.connected,
    "subprocess.Popen": note_child,
    "os.system": _spawned,
    "os.exec": _replaced,
    "os.posix_spawn": _spawned,
    "os.spawn": lambda recorder, arguments: _spawned(recorder, arguments[1:]),
    "pty.spawn": _spawned,
    "socket.getaddrinfo": socket_events.looked_up,
    "socket.gethostbyname": socket_events.looked_up,
}
