"""Who is reading right now: the stack of running actions, and what they are given.

The watchers (imports, audit events, environment, metadata) tell the recorder
what was read; the recorder knows which action that belongs to.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import CodeType, ModuleType
from typing import Any

from ..fingerprint import Fingerprints
from ..reading import is_text
from .action import OWN, Action
from .child_traces import ChildTraces
from .extents import Extents
from .frames import running_functions
from .functions import FunctionTracer
from .meter import Meter
from .modules import ImportedModules
from .native_opens import NativeOpens
from .passing import Passing
from .path_reader import PathReader
from .shared_values import SharedValue
from .states import States
from .units import Unit


class Recorder(PathReader):
    """Credits what is read to the action that runs."""

    def __init__(self, fingerprints: Fingerprints, tracer: FunctionTracer) -> None:
        super().__init__(fingerprints)
        self.units: list[Unit] = []
        self.modules = ImportedModules(fingerprints, self.session)
        self.opens = NativeOpens(self.layout)
        """What other code than Python's opens."""
        self.variables: dict[str, Action] = {}
        """Environment variables that were set in this run, to who set them last."""
        self.is_in_key: Callable[[str], bool] = lambda _variable: False
        """Says of environment variables that they need not be noted."""
        self.states = States()
        """What modules held when their imports ended."""
        self.passing = Passing(self.states)
        """What tests left to others, whether or not these put it back."""
        self.loggers = Action("loggers that were set up", collects=True)
        """What left loggers otherwise than it found them; whoever asks for any rests on it."""
        self._ran: set[int] = set()
        """Functions that ran since the last change of the stack, as far as that was asked for."""
        self._taking = threading.RLock()
        self.extents = Extents(
            self._drain,
            lambda unit: self.states.snapshot(self.units[unit].path),
            self._begins,
        )
        """Calls that may fill what outlives them."""
        self.extents.acting = self.session
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
        self.settle()
        self._own_stack().append(action)
        self.extents.acting = self._stack[-1]
        if self.meter is not None and threading.get_ident() == self._main:
            self.meter.begin()

    def leave(self, action: Action) -> None:
        """End what `enter` began, and whatever was left open inside of it."""
        self.settle()
        stack = self._own_stack()
        for index in range(len(stack) - 1, -1, -1):
            if stack[index] is action:
                del stack[index:]
                break
        self.extents.leave(action, self._stack[-1])

    def look(self, action: Action, values: Iterable[SharedValue] = ()) -> None:
        """Look at what may have changed since this was called last, and be put back later.

        Args:
            action: what has just ended.
            values: the values of the shared fixtures that it used.
        """
        with self.standing_still():
            for is_last in (False, False, True):
                try:
                    for value in values:
                        value.glance()
                    self.passing.look(action)
                    break
                except Exception as error:  # noqa: BLE001  what modules hold may be anything
                    # A thread may have changed what was looked at.
                    if is_last:
                        self._fail_to_look(error)

    def remember(self, module: ModuleType) -> None:
        """Remember what `module`, whose import has just ended, leads to."""
        try:
            self.states.remember(module)
        except Exception as error:  # noqa: BLE001  what modules hold may be anything
            self._fail_to_look(error)

    def _fail_to_look(self, error: Exception) -> None:
        self.session.refuse(f"leaves state that could not be looked at ({error!r})")

    def observe(self, note: Callable[..., object], *arguments: Any) -> None:
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
        self.settle()
        try:
            with self.unobserved():
                yield
        finally:
            self._tracer.drain()
            self._ran.clear()
            if self.opens.is_active:
                self.observe(self.opens.opened)

    def read(self, kind: str, name: str) -> None:
        """Note that the input `name` of `kind` is read now."""
        inputs = self.current.inputs
        self.note_readers(kind, name)
        if (kind, name) not in inputs:
            if not name.isascii() and not is_text(name):
                self.current.refuse("reads something whose name is not text")
                return
            inputs[kind, name] = self.fingerprints.now(kind, name)

    def reads_own(self) -> None:
        """Note who runs while something is read that was made or set in this run."""
        self.note_readers(OWN, "")

    def _begins(self) -> None:
        """Note that a watched call begins, which may ask for the working directory."""
        if self.is_away:
            self.reads_own()

    def note_readers(self, kind: str, name: str) -> None:
        """Note which functions of the project run while an input is read, again or first."""
        readers = self.current.reads_below
        for key in running_functions(self.modules.names):
            reads = readers.get(key)
            if reads is None:
                reads = readers[key] = set()
            reads.add((kind, name))

    def read_for_all(self, path: str) -> None:
        """Note that the project's file at the absolute `path` is read by what remembers it."""
        if self.layout.is_project(path):
            with self.running(self.session):
                self.read_file(path)

    def module_code(self, path: str, code: CodeType) -> CodeType:
        """Return the code of a project module, ready to be traced."""

        def enter(function: CodeType) -> int:
            self.units.append(Unit(path, function))
            return len(self.units) - 1

        self.modules.codes.setdefault(path, []).append(code)
        self.extents.in_module(code)
        return self._tracer.instrument(code, enter, self.extents.watch)

    def _own_stack(self) -> list[Action]:
        if threading.get_ident() == self._main:
            return self._stack
        stack: list[Action] | None = getattr(self._local, "stack", None)
        if stack is None:
            stack = self._local.stack = []
        return stack

    def settle(self) -> None:
        """Credit what ran since the last change of the stack to the action on top of it."""
        if self.meter is not None and threading.get_ident() == self._main:
            self.meter.credit(self.current)
        self.modules.note_made(self.current)
        self._drain()
        with self._taking:
            ran, self._ran = self._ran, set()
        if self.opens.is_active and threading.get_ident() == self._main:
            self.observe(self._note_opened, ran)
        if not ran:
            return
        current = self.current
        current.functions = current.functions.union(ran)
        if threading.get_ident() != self._main:
            # They may have run in any thread.
            outer = self._stack[-1]
            outer.functions = outer.functions.union(ran)

    def _drain(self) -> None:
        """Note which functions ran since this was last asked for."""
        with self._taking:
            ran = self._tracer.drain()
            if ran:
                self._ran.update(ran)
                self.extents.credit(ran)

    def _note_opened(self, ran: Iterable[int]) -> None:
        """Note what C code opened since the last change of the stack, while `ran` did."""
        opened = self.opens.opened()
        if self.opens.is_one_of_many and self.current is self.session:
            # Between two tests it is mostly others that open something.
            return
        for path in opened:
            if self.opens.is_made(path) and self.writes.creator(path) is None:
                continue
            self.read_file(path)
            for unit in ran:
                code = self.units[unit].code
                key = (code.co_filename, code.co_firstlineno, code.co_name)
                self.current.reads_below.setdefault(key, set()).add(
                    ("file", self.layout.name(path))
                )
