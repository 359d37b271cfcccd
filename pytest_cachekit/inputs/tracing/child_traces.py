"""Traces of children: asked for when a child starts, and added to the action that started it."""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..reading import Reading
from .action import Action
from .child_report import (
    CONTEXT,
    VARIABLE,
    ChildContext,
    ChildReport,
    read_report,
    write_atomically,
)

if TYPE_CHECKING:
    from .recorder import Recorder

_PATHS = frozenset(
    {"file", "listing", "metadata", "existence", "link", "mode", "sizes", "packages", "output"}
)


@dataclass(frozen=True)
class Program:
    """What is about to be started."""

    name: str
    arguments: tuple[str, ...] | None = None
    """What the command line of the Python that it runs in ends with, after the interpreter."""
    by_shell: bool = False
    """Whether a shell starts it, which may stay there to wait for it."""


@dataclass(eq=False)
class Child:
    """A child that has been or will be started."""

    program: Program
    target: str
    action: Action
    mark: int
    """How much had been written when it started."""
    variables: dict[str, Action]
    """Who had set variables that it may have inherited."""
    process: int | None = None

    def accepts(self, report: ChildReport) -> bool:
        """Return whether `report` is that of this child, not of one of its own."""
        expected = self.program.arguments
        if expected is not None and tuple(report.arguments[1:]) != expected:
            return False
        if self.process is None:
            # A fork, or by `os.system`. There is nobody else who knows where to report.
            return expected is None or self.program.by_shell
        return self.process == report.process or (
            self.program.by_shell and self.process == report.parent
        )


class ChildTraces:
    """The children that this process started and expects a report of."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._children: list[Child] = []
        self._local = threading.local()
        self._folder: str | None = None
        self._owner = os.getpid()
        # Where a run ends before it settles.
        atexit.register(self._close)

    def begin(self, program: Program | None) -> None:
        """Note that this thread is about to start `program`, to be traced; or none."""
        self._local.program = program

    def take(self) -> Program | None:
        """Return what `begin` was told last, once."""
        program: Program | None = getattr(self._local, "program", None)
        self._local.program = None
        return program

    @property
    def starters(self) -> frozenset[Action]:
        """The actions that started children of which nothing is settled yet."""
        return frozenset(child.action for child in self._children)

    def expect(self, program: Program) -> Child:
        """Return a child of the current action that is about to start `program`."""
        recorder = self._recorder
        action = recorder.current
        with recorder.unobserved():
            target = os.path.join(self._place(), str(len(self._children)))
        mark = len(recorder.writes.history)
        child = Child(program, target, action, mark, dict(recorder.variables))
        action.starts = True
        recorder.reads_own()
        self._children.append(child)
        return child

    def forget(self) -> None:
        """Expect nothing of the children so far: in a fork, they are another process's."""
        self._children.clear()
        self._folder = None
        self._owner = os.getpid()

    def settle(self) -> None:
        """Add what each child read to the action that started it; forget the children."""
        created: dict[str, Action] = {}
        seen = 0
        history = self._recorder.writes.history
        for child in self._children:
            for path, maker in history[seen : child.mark]:
                if maker is None:
                    created.pop(path, None)
                else:
                    created[path] = maker
            seen = max(seen, child.mark)
            report = read_report(child.target)
            if report is None or not child.accepts(report):
                child.action.refuse_unless_declared(
                    f"starts a process ({child.program.name}) that doesn't tell what it reads"
                )
            else:
                self._add(report, child, created)
        self._children.clear()
        self._close()

    def _close(self) -> None:
        if self._folder is not None and self._owner == os.getpid():
            # Nothing but files; `shutil` would be one more module that a child loads.
            with suppress(OSError):
                for name in os.listdir(self._folder):
                    os.remove(os.path.join(self._folder, name))
                os.rmdir(self._folder)
            self._folder = None

    def _place(self) -> str:
        if self._folder is None:
            layout = self._recorder.layout
            name = f"cachekit-{os.urandom(8).hex()}"
            self._folder = os.path.join(layout.temporary[0], name)
            os.mkdir(self._folder, 0o700)
            context = ChildContext(layout.root, layout.ignored, layout.temporary)
            write_atomically(os.path.join(self._folder, CONTEXT), context)
        return self._folder

    def _add(self, report: ChildReport, child: Child, created: dict[str, Action]) -> None:
        action, layout = child.action, self._recorder.layout
        if report.uncacheable is not None:
            action.refuse(f"starts a process that {report.uncacheable}")
        elif report.unseen is not None:
            action.refuse_unless_declared(f"starts a process that {report.unseen}")
        for path in report.written:
            if _maker(created, path) is not action:
                action.refuse_unless_declared(f"starts a process that writes {layout.name(path)}")
        for kind, name, fingerprint in report.inputs:
            if kind in _PATHS:
                path = layout.path(name)
                maker = _maker(created, path)
                if maker is not None:
                    if maker is not action and maker is not self._recorder.session:
                        self._recorder.writes.hand_on(path, maker, action)
                    continue
                self._recorder.writes.rest_on_changes(path, action)
            elif not self._is_inherited(child, kind, name, fingerprint):
                continue
            if action.inputs.setdefault((kind, name), fingerprint) != fingerprint:
                action.refuse(f"starts a process that reads {name}, which changed meanwhile")
        action.readings.append(
            Reading(
                frozenset(report.sources),
                frozenset(report.ordered),
                frozenset(report.functions),
                placed=frozenset(report.placed),
            )
        )

    def _is_inherited(self, child: Child, kind: str, name: str, fingerprint: str) -> bool:
        """Return whether an input that is no path is the same here as it was for the child."""
        now = self._recorder.fingerprints.now(kind, name)
        if now == fingerprint:
            return True
        if kind == "environment":
            # Set for the child: by the action, whose code is an input, or by an earlier one.
            writer = child.variables.get(name)
            if writer is not None and writer is not child.action:
                child.action.parents.add(writer)
        elif kind == "environment names":
            # Each name is an input besides.
            child.action.inputs[kind, name] = now
        else:
            child.action.refuse_unless_declared(
                f"starts a process that finds another {kind} {name}"
            )
        return False


def _maker(created: dict[str, Action], path: str) -> Action | None:
    """Return the action that had made `path`, or a directory above it."""
    while len(path) > 1:
        maker = created.get(path)
        if maker is not None:
            return maker
        path = path.rpartition("/")[0]
    return None


def with_variable(env: Sequence[bytes] | None, target: str) -> list[bytes]:
    """Return the environment of a child, with the variable that asks for a report."""
    if env is None:
        data: dict[bytes, bytes] = os.environ._data  # type: ignore[attr-defined]
        env = [key + b"=" + value for key, value in data.items()]
    return [*env, os.fsencode(f"{VARIABLE}={target}")]
