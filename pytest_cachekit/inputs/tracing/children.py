"""Child processes: what they read can't be seen, but for programs whose inputs are known.

A program that isn't there is no child at all: its absence is the input. A few
POSIX filters read nothing but standard input and the files that their
arguments name; their own file is one more input. Any other child makes the
action uncacheable, unless a marker declares what it reads.
"""

from __future__ import annotations

import _posixsubprocess
import os
import shutil
import subprocess  # noqa: F401  bound before it is watched
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .patching import Patches
from .recorder import Recorder


@dataclass(frozen=True)
class Filter:
    """What a program reads besides its standard input and the files named in its arguments."""

    files: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()
    """Variables that make it run other programs."""


_PLAIN = Filter()
FILTERS: dict[str, Filter] = {
    **dict.fromkeys(
        (
            "basename", "cat", "cut", "dirname", "echo", "expr", "false", "fold", "head", "nl",
            "printf", "rev", "seq", "sleep", "tac", "tail", "tee", "tr", "true", "uniq",
        ),
        _PLAIN,
    ),
    # What ctypes.util.find_library asks for the libraries of this machine.
    "ldconfig": Filter(("/etc/ld.so.cache",)),
    # Where it isn't on a terminal, it copies; the rest of its settings could still matter.
    "less": Filter(
        ("~/.less", "~/.lesskey", "~/.config/lesskey", "/etc/sysless", "/etc/syslesskey"),
        ("LESS", "LESSANSIENDCHARS", "LESSCHARDEF", "LESSCHARSET", "LESSKEY", "LESSKEYIN",
         "LESSSECURE"),
        ("LESSOPEN", "LESSCLOSE"),
    ),
}  # fmt: skip


def note_child(recorder: Recorder, arguments: tuple[Any, ...]) -> None:
    """Note the start of a child, from the arguments of the event `subprocess.Popen`."""
    program, argv, cwd, env = arguments
    words = _words(program, argv)
    if not words:
        recorder.current.refuse_unless_declared("starts a process (unknown)")
        return
    environment: Mapping[str, str] = _decoded(env) if env is not None else _current()
    found = shutil.which(words[0], path=environment.get("PATH", os.defpath))
    name = os.path.basename(words[0])
    if found is None:
        recorder.read("environment", "PATH")
        recorder.read("program", words[0])
        return
    known = FILTERS.get(name)
    if known is None or any(variable in environment for variable in known.forbidden):
        recorder.current.refuse_unless_declared(f"starts a process ({name})")
        return
    recorder.read("environment", "PATH")
    recorder.read_file(found)
    for variable in (*known.variables, *known.forbidden):
        recorder.read("environment", variable)
    folder = os.path.abspath(os.fsdecode(cwd)) if cwd is not None else os.getcwd()
    named = [os.path.join(folder, word) for word in words[1:] if not word.startswith("-")]
    for path in (*named, *map(os.path.expanduser, known.files)):
        recorder.read_file(os.path.normpath(path))


def watch_spawns(recorder: Recorder, patches: Patches) -> None:
    """Notice the children of multiprocessing, which starts them without an audit event."""
    original = _posixsubprocess.fork_exec

    def fork_exec(*arguments: Any) -> Any:
        recorder.current.refuse_unless_declared("starts a process (python)")
        return original(*arguments)

    # subprocess has bound the original for itself, and has an event.
    patches.set(_posixsubprocess, "fork_exec", fork_exec)


def _words(program: Any, argv: Any) -> Sequence[str]:
    try:
        words = [argv] if isinstance(argv, (str, bytes, os.PathLike)) else list(argv or ())
        decoded = [os.fsdecode(word) for word in words]
        if program is not None and decoded:
            decoded[0] = os.fsdecode(program)
    except TypeError:
        return ()
    return decoded


def _decoded(env: Mapping[Any, Any]) -> dict[str, str]:
    return {os.fsdecode(key): os.fsdecode(value) for key, value in dict(env).items()}


def _current() -> dict[str, str]:
    data: Mapping[bytes, bytes] = os.environ._data  # type: ignore[attr-defined]
    return _decoded(data)
