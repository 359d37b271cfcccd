"""Child processes, and what each of them reads.

A program that isn't there is no child at all: its absence is the input. A few
POSIX filters read nothing but standard input and the files that their
arguments name; their own file is one more input. Any other child is asked to
report what it reads, as Python children of this interpreter do; one that
doesn't makes the action uncacheable, unless a marker declares what it reads.
"""

from __future__ import annotations

import _posixsubprocess
import functools
import os
import posix
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import FrameType, ModuleType
from typing import Any

from .callers import frame_of
from .child_report import VARIABLE
from .child_traces import Program, with_variable
from .patching import Patches, Prepare
from .programs import find_program, is_this_python, python_arguments, simple_words
from .recorder import Recorder


@dataclass(frozen=True)
class Filter:
    """What a program reads besides its standard input and the files named in its arguments."""

    files: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()
    """Variables that make it run other programs."""


# The place of the environment among the arguments of `fork_exec`.
_ENVIRONMENT = 5
_SHELL = "/bin/sh"
_HELPERS = (
    "from multiprocessing.resource_tracker import main;main(",
    "from multiprocessing.forkserver import main; main(",
)
# They make coverage measure children by itself, in files that a replayed test doesn't write.
_MEASURES = frozenset({"COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG", "COV_CORE_DATAFILE"})
_ON_THE_WAY = frozenset({"subprocess", __name__, f"{__name__.rpartition('.')[0]}.audit",
                         f"{__name__.rpartition('.')[0]}.recorder"})  # fmt: skip
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
    recorder.children.begin(None)
    if _is_for_platform():
        return
    program, argv, cwd, env = arguments
    words = _words(program, argv)
    if not words:
        recorder.current.refuse_unless_declared("starts a process (unknown)")
        return
    environment: Mapping[str, str] = _decoded(env) if env is not None else _current()
    folder = os.path.abspath(os.fsdecode(cwd)) if cwd is not None else os.getcwd()
    name = os.path.basename(words[0])
    known = FILTERS.get(name)
    if known is None or any(variable in environment for variable in known.forbidden):
        _begin_python(recorder, words, folder, environment)
        return
    found = find_program(recorder, words[0], folder, environment)
    if found is None:
        recorder.read("program", words[0])
        return
    recorder.read_file(found)
    for variable in (*known.variables, *known.forbidden):
        recorder.read("environment", variable)
    named = [os.path.join(folder, word) for word in words[1:] if not word.startswith("-")]
    for path in (*named, *map(os.path.expanduser, known.files)):
        recorder.read_file(os.path.normpath(path))


def note_command(recorder: Recorder, command: str) -> None:
    """Note that a shell is about to run `command` in this directory, with this environment."""
    words = simple_words(command)
    if words is None:
        recorder.current.refuse_unless_declared("starts a process (sh)")
    else:
        _begin_python(recorder, words, os.getcwd(), _current(), by_shell=True)


def _begin_python(
    recorder: Recorder,
    words: Sequence[str],
    folder: str,
    environment: Mapping[str, str],
    by_shell: bool = False,
) -> None:
    """Ask for a report where the program is Python of this interpreter; else refuse."""
    name = os.path.basename(words[0])
    if not by_shell and words[0] == _SHELL and len(words) == 3 and words[1] == "-c":
        command = simple_words(words[2])
        if command is not None:
            recorder.read_file(words[0])
            _begin_python(recorder, command, folder, environment, by_shell=True)
            return
    found = find_program(recorder, words[0], folder, environment)
    if found is None and by_shell:
        # It may be one of the shell's own commands.
        recorder.current.refuse_unless_declared(f"starts a process ({name})")
        return
    if found is None:
        recorder.read("program", words[0])
        return
    if not _MEASURES.isdisjoint(environment):
        refusal = " whose coverage is measured"
    else:
        arguments = python_arguments(recorder, found, words, folder, environment)
        if arguments is not None:
            recorder.children.begin(Program(name, arguments, by_shell))
            return
        refusal = ""
    recorder.current.refuse_unless_declared(f"starts a process ({name}){refusal}")


def watch_commands(recorder: Recorder, patches: Patches) -> None:
    """Ask children for a report that `os.system` starts."""
    original = os.system

    @functools.wraps(original)
    def system(command: Any) -> int:
        recorder.children.begin(None)
        recorder.observe(note_command, recorder, os.fsdecode(command))
        program = recorder.children.take()
        if program is None:
            return original(command)
        child = recorder.children.expect(program)
        posix.putenv(VARIABLE, child.target)
        try:
            with recorder.unobserved():
                return original(command)
        finally:
            posix.unsetenv(VARIABLE)

    patches.set(os, "system", system)


def spawning_functions(recorder: Recorder, patches: Patches) -> dict[str, Prepare]:
    """Return, by name of a module, what makes its functions ask children for a report."""
    original = _posixsubprocess.fork_exec

    def start(program: Program, arguments: tuple[Any, ...]) -> Any:
        child = recorder.children.expect(program)
        env = with_variable(arguments[_ENVIRONMENT], child.target)
        changed = (*arguments[:_ENVIRONMENT], env, *arguments[_ENVIRONMENT + 1 :])
        child.process = original(*changed)
        return child.process

    def of_subprocess(*arguments: Any) -> Any:
        program = recorder.children.take()
        return original(*arguments) if program is None else start(program, arguments)

    def of_multiprocessing(*arguments: Any) -> Any:
        words = [os.fsdecode(word) for word in arguments[0]]
        if _is_helper(words):
            return original(*arguments)
        program = os.fsdecode(arguments[1][0])
        if not is_this_python(program) or not _MEASURES.isdisjoint(_current()):
            recorder.current.refuse_unless_declared(
                f"starts a process ({os.path.basename(program)})"
            )
            return original(*arguments)
        return start(Program("python", tuple(words[1:])), arguments)

    def prepare_subprocess(module: ModuleType) -> None:
        original_spawn = module.Popen._posix_spawn

        def posix_spawn(self: Any, args: Any, executable: Any, env: Any, *more: Any) -> None:
            program = recorder.children.take()
            if program is None:
                original_spawn(self, args, executable, env, *more)
                return
            child = recorder.children.expect(program)
            variables = _current() if env is None else _decoded(env)
            original_spawn(self, args, executable, {**variables, VARIABLE: child.target}, *more)
            child.process = self.pid

        patches.set(module, "_fork_exec", of_subprocess)
        patches.set(module.Popen, "_posix_spawn", posix_spawn)

    def prepare_multiprocessing(module: ModuleType) -> None:
        patches.set(module, "fork_exec", of_multiprocessing)

    def prepare_server(module: ModuleType) -> None:
        original_connect = module.connect_to_new_process

        @functools.wraps(original_connect)
        def connect(fds: Any) -> Any:
            # It forks copies of a process that many tests share.
            recorder.current.refuse_unless_declared("starts a process (by a fork server)")
            return original_connect(fds)

        patches.set(module, "connect_to_new_process", connect)

    return {
        "subprocess": prepare_subprocess,
        "_posixsubprocess": prepare_multiprocessing,
        "multiprocessing.forkserver": prepare_server,
    }


def _is_helper(words: Sequence[str]) -> bool:
    """Return whether multiprocessing starts what only serves it: its tracker, its fork server."""
    return words[-1].startswith(_HELPERS) and words[-2] == "-c"


def _is_for_platform() -> bool:
    """Return whether the module `platform` asks, once for all, what is part of every key."""
    frame: FrameType | None = frame_of(2)
    while frame is not None and frame.f_globals.get("__name__") != "platform":
        if frame.f_globals.get("__name__") not in _ON_THE_WAY:
            return False
        frame = frame.f_back
    return frame is not None


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
