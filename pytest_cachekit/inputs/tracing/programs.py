"""Which program a command line starts, and whether it is Python of this interpreter."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping, Sequence

from ..aside import import_aside
from .recorder import Recorder

# Outside of these, and of quotes, a shell may do more than to start one program.
_PLAIN = re.compile(r"[\w./,:+@%= -]+")
_QUOTED = re.compile(r"'[^']*'|\"[^\"$`\\!]*\"")
_ENV = "/usr/bin/env"
_LONGEST_LINE = 1024


def simple_words(command: str) -> list[str] | None:
    """Return the words of a shell's `command` that only starts one program; else None."""
    if not _PLAIN.fullmatch(_QUOTED.sub("q", command)):
        return None
    words: list[str] = import_aside("shlex").split(command)
    return words if words and "=" not in words[0] else None


def find_program(
    recorder: Recorder, word: str, folder: str, environment: Mapping[str, str]
) -> str | None:
    """Return the absolute path of what `word` starts in `folder`; None where there is nothing.

    Where it lies is noted as read, and so is each place that was looked at in vain.
    """
    if word == sys.executable:
        return word
    if os.sep in word:
        found = os.path.join(folder, word)
        recorder.read_existence(os.path.normpath(found))
        return found if os.access(found, os.X_OK) else None
    recorder.read("environment", "PATH")
    for place in environment.get("PATH", os.defpath).split(os.pathsep):
        found = os.path.normpath(os.path.join(folder, place, word))
        recorder.read_existence(found)
        if os.access(found, os.X_OK) and not os.path.isdir(found):
            return found
    return None


def python_arguments(
    recorder: Recorder,
    found: str,
    words: Sequence[str],
    folder: str,
    environment: Mapping[str, str],
) -> tuple[str, ...] | None:
    """Return what follows the interpreter on the command line of a Python that is started.

    Args:
        recorder: who is told of what is read on the way.
        found: absolute path of the program.
        words: the command line as it was given.
        folder: the directory in which it starts.
        environment: its variables.

    Returns:
        None where the program isn't Python of this interpreter, nor a script for it.
    """
    if is_this_python(found):
        return tuple(words[1:])
    with open(found, "rb") as stream:
        lines = stream.read(_LONGEST_LINE).split(b"\n")
    if not lines[0].startswith(b"#!"):
        return None
    recorder.read_file(os.path.normpath(found))
    # The kernel hands over one argument at most, and the path as it was asked for.
    script = words[0] if os.sep in words[0] else found
    interpreter, *option = os.fsdecode(lines[0][2:]).strip().split(None, 1)
    if interpreter == "/bin/sh" and len(lines) > 1 and lines[1].startswith(b"'''exec' "):
        # How installers write it where the interpreter's path is long.
        interpreter, *option = os.fsdecode(lines[1][9:]).split(' "$0"')[0].strip('"').split(None, 1)
    elif interpreter == _ENV and len(option) == 1 and " " not in option[0]:
        named = find_program(recorder, option[0], folder, environment)
        interpreter, option = named or interpreter, []
    return (*option, script, *words[1:]) if is_this_python(interpreter) else None


def is_this_python(path: str) -> bool:
    """Return whether `path` leads to the interpreter that runs here, of whichever environment."""
    return os.path.realpath(path) == os.path.realpath(sys.executable)
