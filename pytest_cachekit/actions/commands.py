"""Commands whose result is remembered, by the inputs that the caller declares."""

from __future__ import annotations

import os
import stat
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from ..errors import CacheUsageError, NotStorableError, StorageError
from ..inputs.digest import digest, digest_text
from ..inputs.fingerprint import Fingerprints
from ..inputs.layout import Layout
from ..inputs.reading import Input
from ..storage import Backend
from .entries import Outcome
from .performing import Task

# A command is given these besides the variables that it is to see; none of them is an input, and
# most commands don't work without.
ALWAYS = ("PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "USER", "LOGNAME")
_BLOB = "blob"


class CommandResult(NamedTuple):
    """How a command ended."""

    status: int
    """Exit status; negative for the signal that ended it."""
    stdout: bytes
    stderr: bytes
    cached: bool
    """Whether it was replayed."""


class _File(msgspec.Struct, frozen=True, array_like=True):
    path: str
    """Relative to the root."""
    mode: int
    digest: str


class _Stored(msgspec.Struct, frozen=True, array_like=True):
    status: int
    stdout: bytes
    stderr: bytes
    files: list[_File]


class Command:
    """One command, with what it reads and what it makes."""

    def __init__(
        self,
        arguments: Sequence[str],
        backend: Backend,
        layout: Layout,
        *,
        inputs: Sequence[str],
        env: Sequence[str],
        outputs: Sequence[str],
        stdin: bytes,
        failures: bool,
        timeout: float | None,
    ) -> None:
        if isinstance(arguments, str) or not arguments:
            raise CacheUsageError("A command is a list of a program and its arguments: write one.")
        self._arguments = [os.fspath(each) for each in arguments]
        self._backend, self._layout = backend, layout
        self._inputs, self._env = sorted(set(inputs)), sorted(set(env))
        self._outputs = [self._output(path) for path in sorted(set(outputs))]
        self._found: list[tuple[_File, bytes]] = []
        self._stdin, self._failures, self._timeout = stdin, failures, timeout

    def task(self, tags: tuple[str, ...]) -> Task[CommandResult]:
        """Return the action of running the command."""
        parts = (
            *self._arguments, "inputs", *self._inputs, "env", *self._env,
            "outputs", *self._outputs, "stdin", digest(self._stdin),
        )  # fmt: skip
        return Task(
            group=f"command {os.path.basename(self._arguments[0])}",
            name=digest_text(*parts),
            label=f"command {self._arguments[0]}",
            run=self._run,
            encode=self._encode,
            decode=self._decode,
            tags=tags,
            declared=self._read,
            deliver=self._restore,
        )

    def _output(self, path: str) -> str:
        place = os.path.abspath(os.path.join(self._layout.root, path))
        if not self._layout.is_project(place):
            raise CacheUsageError(f"The output {path!r} lies outside of the root: give one below.")
        return self._layout.name(place)

    def _read(self, fingerprints: Fingerprints) -> frozenset[Input]:
        program = self._arguments[0]
        if os.sep in program:
            place = os.path.normpath(os.path.join(self._layout.root, program))
            item = "file", self._layout.name(place)
        else:
            item = "program", program
        items = [
            item,
            *(("declared", pattern) for pattern in self._inputs),
            *(("environment", name) for name in self._env),
        ]
        return frozenset((kind, name, fingerprints.now(kind, name)) for kind, name in items)

    def _run(self) -> CommandResult:
        wanted = {*ALWAYS, *self._env}
        environment = {name: value for name, value in os.environ.items() if name in wanted}
        for name in self._outputs:
            # What a command finds there would be one more input.
            Path(self._layout.path(name)).unlink(missing_ok=True)
        done = subprocess.run(
            self._arguments,
            input=self._stdin,
            capture_output=True,
            check=False,
            env=environment,
            cwd=self._layout.root,
            timeout=self._timeout,
        )
        return CommandResult(done.returncode, done.stdout, done.stderr, cached=False)

    def _restore(self, _result: CommandResult) -> None:
        for file, content in self._found:
            restore(self._layout.path(file.path), content, file.mode)

    def _encode(self, result: CommandResult) -> tuple[str, bytes]:
        if result.status != 0 and not self._failures:
            raise NotStorableError(f"it ended with status {result.status}")
        files: list[_File] = []
        blobs: dict[str, bytes] = {}
        for name in self._outputs:
            try:
                with open(self._layout.path(name), "rb") as stream:
                    content = stream.read()
                    mode = stat.S_IMODE(os.fstat(stream.fileno()).st_mode)
            except FileNotFoundError:
                if result.status != 0:
                    continue
                raise NotStorableError(f"it did not make {name}") from None
            except OSError as error:
                raise NotStorableError(f"its output {name} can't be read ({error})") from error
            key = digest(content)
            blobs[blob_key(key)] = content
            files.append(_File(name, mode, key))
        try:
            self._backend.set_many(blobs)
        except StorageError as error:
            raise NotStorableError(str(error)) from error
        stored = _Stored(result.status, result.stdout, result.stderr, files)
        return "command", msgspec.msgpack.encode(stored)

    def _decode(self, outcome: Outcome) -> CommandResult:
        stored = msgspec.msgpack.decode(outcome.content, type=_Stored)
        if stored.status != 0 and not self._failures:
            raise ValueError("a failure")
        found = self._backend.get_many(blob_key(file.digest) for file in stored.files)
        contents: list[tuple[_File, bytes]] = []
        for file in stored.files:
            content = found.get(blob_key(file.digest))
            if file.path not in self._outputs or content is None or digest(content) != file.digest:
                raise ValueError("an output file is missing")
            contents.append((file, content))
        self._found = contents
        return CommandResult(stored.status, stored.stdout, stored.stderr, cached=True)


def blob_key(content: str) -> str:
    """Return the key of a file's content, by its digest."""
    return f"{_BLOB}:{content}"


def blobs_of(outcome: Outcome) -> list[str]:
    """Return the keys of the files that an outcome of a command needs."""
    try:
        stored = msgspec.msgpack.decode(outcome.content, type=_Stored)
    except msgspec.DecodeError:
        return []
    return [blob_key(file.digest) for file in stored.files]


def restore(path: str, content: bytes, mode: int) -> None:
    """Write a file that is there whole or not at all; one that is the same stays as it is."""
    try:
        with open(path, "rb") as stream:
            if stream.read() == content:
                os.chmod(path, mode)
                return
    except OSError:
        pass
    os.makedirs(os.path.dirname(path), exist_ok=True)
    descriptor, unfinished = tempfile.mkstemp(dir=os.path.dirname(path))
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
        os.chmod(unfinished, mode)
        os.replace(unfinished, path)
    except BaseException:
        os.unlink(unfinished)
        raise
