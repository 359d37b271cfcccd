"""Snippets of Python that run in an interpreter of their own, with limits."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import tempfile
from typing import Any, NamedTuple

import msgspec

from ..errors import CacheUsageError, NotStorableError
from ..inputs.digest import digest_text
from ..inputs.layout import Layout
from .entries import Outcome
from .performing import Task

# Runs in the child. The value of the last expression, if there is one, goes into a file.
_RUNNER = """\
import ast, linecache, sys, traceback, types
target, cpu, memory = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
source = sys.stdin.read()
module = sys.modules["__main__"] = types.ModuleType("__main__")
module.__builtins__ = __builtins__
sys.argv[1:] = []
linecache.cache["<code>"] = (len(source), None, source.splitlines(True), "<code>")
try:
    import resource
except ImportError:
    resource = None
if resource is not None and cpu:
    resource.setrlimit(resource.RLIMIT_CPU, (int(cpu) + 1, int(cpu) + 2))
if resource is not None and memory:
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
try:
    tree = ast.parse(source, "<code>")
    last = None
    if tree.body and isinstance(tree.body[-1], ast.Expr):
        last = ast.Expression(tree.body.pop().value)
    exec(compile(tree, "<code>", "exec"), module.__dict__)
    if last is not None:
        text = repr(eval(compile(last, "<code>", "eval"), module.__dict__))
        with open(target, "w", encoding="utf-8") as stream:
            stream.write(text)
except Exception as error:
    inner = error.__traceback__.tb_next
    traceback.print_exception(type(error), error, inner)
    sys.exit(1)
"""


class CodeResult(NamedTuple):
    """What a snippet printed and returned."""

    stdout: str
    stderr: str
    status: int
    """Exit status; negative for the signal that ended it."""
    text: str | None
    """What `repr` says of the value of its last expression; None where it has none."""
    timed_out: bool = False
    cached: bool = False
    """Whether it was replayed."""

    @property
    def value(self) -> Any:
        """The value of the last expression.

        Raises:
            ValueError: it is no literal, so that only its text is known; or there is none.
        """
        if self.text is None:
            raise ValueError("the code does not end with an expression")
        return ast.literal_eval(self.text)


class _Stored(msgspec.Struct, frozen=True, array_like=True):
    stdout: str
    stderr: str
    status: int
    text: str | None


class Snippet:
    """One snippet, with its limits."""

    def __init__(
        self, source: str, layout: Layout, *, timeout: float, memory: int | None, failures: bool
    ) -> None:
        if timeout <= 0:
            raise CacheUsageError(f"timeout={timeout!r} runs nothing: give seconds.")
        self._source, self._layout = source, layout
        self._timeout, self._memory, self._failures = timeout, memory or 0, failures

    def task(self, tags: tuple[str, ...]) -> Task[CodeResult]:
        """Return the action of running the snippet."""
        # A snippet that fits into less time or memory gives the same in more.
        return Task(
            group=f"code {digest_text(self._source)[:2]}",
            name=digest_text(self._source, str(self._failures)),
            label="code",
            run=self._run,
            encode=self._encode,
            decode=self._decode,
            tags=tags,
        )

    def _run(self) -> CodeResult:
        with tempfile.TemporaryDirectory(prefix="cachekit-code-") as folder:
            target = os.path.join(folder, "value")
            limits = [str(self._timeout), str(self._memory)]
            process = subprocess.Popen(
                [sys.executable, "-c", _RUNNER, target, *limits],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=self._layout.root,
                start_new_session=True,
                encoding="utf-8",
                errors="backslashreplace",
            )
            timed_out = False
            try:
                stdout, stderr = process.communicate(self._source, timeout=self._timeout)
            except subprocess.TimeoutExpired:
                timed_out = True
                _end(process)
                stdout, stderr = process.communicate()
            except BaseException:
                _end(process)
                process.wait()
                raise
            text = None
            if process.returncode == 0 and os.path.exists(target):
                with open(target, encoding="utf-8") as stream:
                    text = stream.read()
        return CodeResult(stdout, stderr, process.returncode, text, timed_out)

    def _encode(self, result: CodeResult) -> tuple[str, bytes]:
        if result.timed_out:
            raise NotStorableError(f"it took more than {self._timeout:g} seconds")
        if result.status < 0:
            raise NotStorableError(f"signal {-result.status} ended it")
        if result.status != 0 and not self._failures:
            raise NotStorableError(f"it ended with status {result.status}")
        stored = _Stored(result.stdout, result.stderr, result.status, result.text)
        return "code", msgspec.msgpack.encode(stored)

    def _decode(self, outcome: Outcome) -> CodeResult:
        stored = msgspec.msgpack.decode(outcome.content, type=_Stored)
        if stored.status != 0 and not self._failures:
            raise ValueError("a failure")
        return CodeResult(stored.stdout, stored.stderr, stored.status, stored.text, cached=True)


def _end(process: subprocess.Popen[str]) -> None:
    """Kill a process and its children."""
    import signal

    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        process.kill()
