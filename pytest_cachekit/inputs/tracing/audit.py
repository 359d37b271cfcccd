"""Files, listings, processes and sockets, by Python's audit events (PEP 578).

An audit hook can't be removed, so there is one per process, and it does
nothing while no recorder is set.
"""

from __future__ import annotations

import os
import posix
import sys
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from .callers import is_machinery
from .children import note_child
from .recorder import Recorder

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_LOOPBACK = ("127.", "::1", "localhost", "0.0.0.0", "::ffff:127.")  # noqa: S104  nothing is bound

_Handler = Callable[[Recorder, tuple[Any, ...]], None]


class _State:
    recorder: Recorder | None = None
    installed = False


def watch_audit_events(recorder: Recorder) -> None:
    """Begin to tell `recorder` of files, processes and sockets."""
    _State.recorder = recorder
    if not _State.installed:
        sys.addaudithook(_hook)
        _State.installed = True


def ignore_audit_events() -> None:
    """Stop telling."""
    _State.recorder = None


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    handler = _HANDLERS.get(event)
    if handler is None or _State.recorder is None:
        return
    _State.recorder.observe(handler, _State.recorder, arguments)


def absolute(path: Any) -> str | None:
    """Return the absolute form of what was given as a path; None where it names no path."""
    if path is None:
        return None
    try:
        if isinstance(path, int):
            # Where an open directory is, on Linux.
            return posix.readlink(f"/proc/self/fd/{path}")
        text = path if type(path) is str else os.fsdecode(path)
        return _normalized(text) if text.startswith("/") else os.path.abspath(text)
    except (TypeError, ValueError, OSError):
        return None


@lru_cache(maxsize=4096)
def _normalized(path: str) -> str:
    return os.path.normpath(path)


def _opened(recorder: Recorder, arguments: tuple[Any, ...]) -> None:
    path, _mode, flags = arguments
    name = None if isinstance(path, int) else absolute(path)
    if name is None:
        return
    if flags & _WRITES:
        exists = _exists(name)
        if exists and not flags & os.O_TRUNC and not is_machinery(3):
            recorder.read_file(name)
        if not exists or flags & os.O_TRUNC:
            if not is_machinery(3):
                if flags & os.O_EXCL:
                    recorder.read_existence(name)
                recorder.read_existence(os.path.dirname(name))
            recorder.created_here(name)
        return
    # Assertion rewriting and the import system read what they import in their own way.
    if not is_machinery(3):
        recorder.read_file(name)


def _listed(recorder: Recorder, arguments: tuple[Any, ...]) -> None:
    path = arguments[0]
    name = os.getcwd() if path is None else absolute(path)
    if name is not None and not is_machinery(3):
        recorder.read_listing(name)


def _made(recorder: Recorder, arguments: tuple[Any, ...]) -> None:
    name = absolute(arguments[0])
    if name is None:
        return
    if not is_machinery(3):
        recorder.read_existence(name)
        recorder.read_existence(os.path.dirname(name))
    if not _exists(name):
        recorder.created_here(name)


def _linked(recorder: Recorder, arguments: tuple[Any, ...]) -> None:
    name = absolute(arguments[1])
    if name is not None and not _exists(name):
        recorder.created_here(name)


def _moved(recorder: Recorder, arguments: tuple[Any, ...]) -> None:
    source, target = absolute(arguments[0]), absolute(arguments[1])
    if source is not None and source not in recorder.created and not is_machinery(3):
        recorder.read_file(source)
    if target is not None:
        recorder.created_here(target)


def _database(recorder: Recorder, arguments: tuple[Any, ...]) -> None:
    database = arguments[0]
    if isinstance(database, (str, bytes)) and os.fsdecode(database).startswith("file:"):
        recorder.current.refuse("opens a database by URI, whose file isn't known")
        return
    name = absolute(database)
    if name is None or os.path.basename(name) in (":memory:", ""):
        return
    if _exists(name):
        recorder.read_file(name)
    else:
        recorder.created_here(name)


def _changed(recorder: Recorder, arguments: tuple[Any, ...]) -> None:
    """Note what a call that changes something finds there: its outcome depends on that."""
    name = absolute(arguments[0])
    if name is not None and not is_machinery(3):
        recorder.read_existence(name)


def _loaded_library(recorder: Recorder, arguments: tuple[Any, ...]) -> None:
    name = arguments[0]
    if isinstance(name, str) and os.sep in name:
        recorder.read_file(os.path.abspath(name))


def _bound(recorder: Recorder, _arguments: tuple[Any, ...]) -> None:
    recorder.serves = True


def _spawned(recorder: Recorder, arguments: tuple[Any, ...]) -> None:
    if sys._getframe(3).f_globals.get("__name__") == "subprocess":
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


def _forked(recorder: Recorder, _arguments: tuple[Any, ...]) -> None:
    recorder.current.refuse_unless_declared("forks a process")


def _connected(recorder: Recorder, arguments: tuple[Any, ...]) -> None:
    address = arguments[1]
    if isinstance(address, tuple) and address:
        host = str(address[0])
        if not host.startswith(_LOOPBACK):
            recorder.current.refuse_unless_declared(f"connects to {host}")
        elif not recorder.serves:
            recorder.current.refuse_unless_declared(f"connects to a server on {host}")
    else:
        name = absolute(address)
        if name is not None and recorder.creator(name) is None:
            recorder.current.refuse_unless_declared(f"connects to the socket {name}")


def _looked_up(recorder: Recorder, arguments: tuple[Any, ...]) -> None:
    host = arguments[0]
    if host is None or is_machinery(3):
        return
    text = host.decode("latin-1") if isinstance(host, bytes) else str(host)
    if text and not text.startswith(_LOOPBACK):
        recorder.current.refuse_unless_declared(f"looks up the address of {text}")


def _exists(path: str) -> bool:
    try:
        posix.lstat(path)
    except (OSError, ValueError):
        return False
    return True


_HANDLERS: dict[str, _Handler] = {
    "open": _opened,
    "os.listdir": _listed,
    "os.scandir": _listed,
    "os.mkdir": _made,
    "os.symlink": _linked,
    "os.remove": _changed,
    "os.rmdir": _changed,
    "os.chdir": _changed,
    "os.chmod": _changed,
    "os.truncate": _changed,
    "ctypes.dlopen": _loaded_library,
    "os.link": _moved,
    "os.rename": _moved,
    "sqlite3.connect": _database,
    "subprocess.Popen": note_child,
    "os.system": _spawned,
    "os.exec": _spawned,
    "os.posix_spawn": _spawned,
    "os.spawn": lambda recorder, arguments: _spawned(recorder, arguments[1:]),
    "pty.spawn": _spawned,
    "os.fork": _forked,
    "os.forkpty": _forked,
    "socket.bind": _bound,
    "socket.connect": _connected,
    "socket.sendto": _connected,
    "socket.getaddrinfo": _looked_up,
    "socket.gethostbyname": _looked_up,
}
