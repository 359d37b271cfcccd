"""Who is reading right now: the stack of running actions, and what they are given.

The watchers (imports, audit events, environment, metadata) tell the recorder
what was read; the recorder knows which action that belongs to.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import CodeType
from typing import Any

from ..fingerprint import Fingerprints
from ..layout import Layout, Region
from ..reading import is_text
from .action import Action
from .child_traces import ChildTraces
from .frames import running_functions
from .functions import FunctionTracer
from .memos import States
from .meter import Meter
from .modules import ImportedModules
from .units import Unit
from .writes import Writes

_LISTINGS = frozenset({"listing", "sizes"})


class Recorder:
    """Credits what is read to the action that runs."""

    def __init__(self, fingerprints: Fingerprints, tracer: FunctionTracer) -> None:
        self.fingerprints = fingerprints
        self.layout: Layout = fingerprints.layout
        self.units: list[Unit] = []
        self.session = Action("the session")
        self.modules = ImportedModules(fingerprints, self.session)
        self.writes = Writes(fingerprints)
        """What was made or changed in this run."""
        self.variables: dict[str, Action] = {}
        """Environment variables that were set in this run, to who set them last."""
        self.is_in_key: Callable[[str], bool] = lambda _variable: False
        """Says of environment variables that they need not be noted."""
        self.unheeded: set[str] = set()
        """Paths that were found not to be heeded."""
        self.states = States()
        """What modules held when their imports ended."""
        self.children = ChildTraces(self)
        """Children that are to tell what they read."""
        self.before_end: Callable[[str], None] | None = None
        """What to call, with a reason, before this process can't be traced any more."""
        self._tracer = tracer
        self._main = threading.get_ident()
        self._stack = [self.session]
        self._local = threading.local()
        self.is_over = False
        """Whether nothing is recorded any more."""
        self.meter: Meter | None = None
        """Who else credits what happens to the running action."""

    def measures(self) -> bool:
        """Return whether coverage is measured."""
        return self.meter is not None and self.meter.measures

    @property
    def current(self) -> Action:
        """The action that what is read now belongs to."""
        if threading.get_ident() != self._main:
            own: list[Action] | None = getattr(self._local, "stack", None)
            if own:
                return own[-1]
        return self._stack[-1]

    @contextmanager
    def running(self, action: Action) -> Iterator[Action]:
        """Credit what is read in the block to `action`."""
        self.enter(action)
        try:
            yield action
        finally:
            self.leave(action)

    def enter(self, action: Action) -> None:
        """Begin to credit to `action`."""
        self._settle()
        self._own_stack().append(action)
        if self.meter is not None and threading.get_ident() == self._main:
            self.meter.begin()

    def leave(self, action: Action) -> None:
        """End what `enter` began, and whatever was left open inside of it."""
        self._settle()
        stack = self._own_stack()
        for index in range(len(stack) - 1, -1, -1):
            if stack[index] is action:
                del stack[index:]
                break

    def observe(self, note: Callable[..., None], *arguments: Any) -> None:
        """Call `note`, which tells what is read now; what it reads itself is no input.

        An observer must not change what it observes: where it fails, the
        current action is not stored, and goes on.
        """
        local = self._local
        if getattr(local, "busy", False):
            return
        local.busy = True
        current = self.current
        try:
            try:
                note(*arguments)
            except Exception as error:  # noqa: BLE001
                current.refuse(f"reads an input that could not be recorded ({error!r})")
            if current.refused is not None:
                self.note_readers(*current.refused)
                current.refused = None
        finally:
            local.busy = False

    @property
    def is_observing(self) -> bool:
        """Whether what this thread does now is the recorder's own business."""
        return getattr(self._local, "busy", False)

    @contextmanager
    def unobserved(self) -> Iterator[None]:
        """Take no notes of what this thread reads in the block."""
        outer = getattr(self._local, "busy", False)
        self._local.busy = True
        try:
            yield
        finally:
            self._local.busy = outer

    @contextmanager
    def standing_still(self) -> Iterator[None]:
        """Credit nobody with what this thread reads and calls in the block."""
        self._settle()
        try:
            with self.unobserved():
                yield
        finally:
            self._tracer.drain()

    def read(self, kind: str, name: str) -> None:
        """Note that the input `name` of `kind` is read now."""
        inputs = self.current.inputs
        self.note_readers(kind, name)
        if (kind, name) not in inputs:
            if not name.isascii() and not is_text(name):
                self.current.refuse("reads something whose name is not text")
                return
            inputs[kind, name] = self.fingerprints.now(kind, name)

    def note_readers(self, kind: str, name: str) -> None:
        """Note which functions of the project run while an input is read, again or first."""
        readers = self.current.reads_below
        for key in running_functions(self.modules.names):
            reads = readers.get(key)
            if reads is None:
                reads = readers[key] = set()
            reads.add((kind, name))

    def heeds(self, path: str) -> bool:
        """Return whether what is at the absolute `path` can be an input at all."""
        if path in self.unheeded:
            return False
        layout = self.layout
        if (
            layout.region(path) in (Region.STANDARD, Region.IGNORED)
            or layout.is_ancestor(path)
            or path + "/" in layout.temporary
        ):
            self.unheeded.add(path)
            return False
        return True

    def read_file(self, path: str) -> None:
        """Note that the content of the file at the absolute `path` is read now."""
        self._read_path("file", path)

    def read_journal(self, path: str) -> None:
        """Note that a database's journal at the absolute `path` is read; an empty one is none."""
        self._read_path("journal", path)

    def read_listing(self, path: str) -> None:
        """Note that the names in the directory at the absolute `path` are read now."""
        self._read_path("listing", path)

    def read_metadata(self, path: str) -> None:
        """Note that type or size of what is at the absolute `path` is read now."""
        self._read_path("metadata", path)

    def read_mode(self, path: str) -> None:
        """Note that all permissions of what is at the absolute `path` are read now."""
        self._read_path("mode", path)

    def read_sizes(self, path: str) -> None:
        """Note that metadata of files in the directory at the absolute `path` is read now."""
        self._read_path("sizes", path)

    def read_packages(self, path: str) -> None:
        """Note that packages' metadata is looked for now in the directory at `path`."""
        self._read_path("packages", path)

    def read_for_all(self, path: str) -> None:
        """Note that the project's file at the absolute `path` is read by what remembers it."""
        if self.layout.is_project(path):
            with self.running(self.session):
                self.read_file(path)

    def read_existence(self, path: str) -> None:
        """Note that it is asked now whether the absolute `path` exists, and of what type it is."""
        self._read_path("existence", path)

    def read_link(self, path: str) -> None:
        """Note that it is asked now where the symbolic link at the absolute `path` leads."""
        self._read_path("link", path)

    def created_here(self, path: str, *, appends: bool = False) -> None:
        """Note that the current action makes what will be at the absolute `path`."""
        self.writes.create(path, self.current, appends=appends)

    def removed_here(self, path: str) -> None:
        """Note that the current action removes what is at the absolute `path`."""
        self.writes.remove(path, self.current)

    def modifies(self, path: str, *, reads: bool) -> None:
        """Note that the current action changes the file that is at the absolute `path`.

        `reads` tells whether what it does depends on what the file holds.
        """
        self.writes.modify(path, self.current)
        if reads:
            self.read_file(path)
        else:
            self.read_existence(path)

    def module_code(self, path: str, code: CodeType) -> CodeType:
        """Return the code of a project module, ready to be traced."""

        def enter(function: CodeType) -> int:
            self.units.append(Unit(path, function))
            return len(self.units) - 1

        self.modules.codes.setdefault(path, []).append(code)
        return self._tracer.instrument(code, enter)

    def _read_path(self, kind: str, path: str) -> None:
        if not self.heeds(path) and not (kind in _LISTINGS and self.layout.is_ancestor(path)):
            return
        if self.layout.region(path) is Region.INSTALLED and self._read_installed(path):
            return
        creator = self.writes.creator(path)
        if creator is not None:
            if creator is not self.current and creator is not self.session:
                self.writes.hand_on(path, creator, self.current)
            return
        self.writes.rest_on_changes(path, self.current)
        self.read(kind, self.layout.name(path))

    def _read_installed(self, path: str) -> bool:
        """Read the distribution that `path` belongs to; return whether there is one."""
        roots = self.layout.installed_roots
        owner = self.fingerprints.distributions.owner(path, roots)
        if owner is not None:
            self.read("distribution", owner)
        elif path + "/" in roots:
            self.read("distributions", "installed")
        else:
            return False
        return True

    def _own_stack(self) -> list[Action]:
        if threading.get_ident() == self._main:
            return self._stack
        stack: list[Action] | None = getattr(self._local, "stack", None)
        if stack is None:
            stack = self._local.stack = []
        return stack

    def _settle(self) -> None:
        """Credit the functions that ran since the last change of the stack."""
        if self.meter is not None and threading.get_ident() == self._main:
            self.meter.credit(self.current)
        self.modules.note_made(self.current)
        ran = self._tracer.drain()
        if not ran:
            return
        current = self.current
        current.functions = current.functions.union(ran)
        if threading.get_ident() != self._main:
            # They may have run in any thread.
            outer = self._stack[-1]
            outer.functions = outer.functions.union(ran)
