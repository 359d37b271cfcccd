"""Calls as actions, in a process that was not traced from its beginning.

While a call runs, the tracer notes what it reads. Modules that were loaded before count by what
their names held when the call began, as far as code that ran could name them; functions that ran
count by their source.
"""

from __future__ import annotations

import importlib.metadata  # noqa: F401  threads that load it now and then would be in the way
import multiprocessing.process
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from types import CodeType
from typing import Any

from ..errors import CachekitError
from ..inputs.distributions import Distributions
from ..inputs.fingerprint import Fingerprints
from ..inputs.layout import Layout
from ..inputs.live import NOT_LOADED, Binding, LiveModules
from ..inputs.reading import Function, Input, Reading
from ..inputs.settled import SettledContents, umask_now
from ..inputs.texts_now import LoadedTexts
from ..inputs.tracing.action import Action
from ..inputs.tracing.audit import is_watched
from ..inputs.tracing.graph import Graph
from ..inputs.tracing.live_functions import LiveFunctions
from ..inputs.tracing.recorder import Recorder
from ..inputs.tracing.tracer import Tracer

TRACED_ALREADY = "it runs where everything is traced already, and what it reads counts there"


@dataclass(eq=False)
class Observation:
    """One call: what it read is known when it has ended."""

    label: str
    reading: Reading | None = None
    refusal: str | None = None
    """Why its outcome must not be stored."""
    action: Action = field(init=False)
    codes: dict[int, CodeType] = field(default_factory=dict)
    before: dict[str, dict[str, Binding]] = field(default_factory=dict)
    loaded: frozenset[str] = frozenset()
    """Names of the modules that were loaded when it began."""
    thread: int = field(default_factory=threading.get_ident)

    def __post_init__(self) -> None:
        self.action = Action(self.label)

    def refuse(self, reason: str) -> None:
        """Note that the outcome must not be stored; the first reason counts."""
        self.refusal = self.refusal or reason


class Observer:
    """Observes calls in this process, for one project."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self._distributions = Distributions()
        self.modules = LiveModules(layout, self._distributions, LoadedTexts())
        self._contents = SettledContents()
        self._lock = threading.RLock()
        self._tracer: Tracer | None = None
        self._functions: LiveFunctions | None = None
        self._running: list[Observation] = []

    def fingerprints(self) -> Fingerprints:
        """Return what inputs are now, the names of loaded modules among them."""
        fingerprints = Fingerprints(
            self.layout, self._distributions, umask="", contents=self._contents
        )
        fingerprints.kinds["umask"] = lambda _: umask_now()
        fingerprints.kinds["state"] = self.modules.fingerprint
        fingerprints.kinds["unbound"] = self.modules.unbound
        fingerprints.kinds["loaded"] = self.modules.loaded
        return fingerprints

    def inputs_of(self, origins: Iterable[str]) -> frozenset[Input]:
        """Return the inputs that parts of values come from: distributions, and files of none."""
        found: set[Input] = set()
        for origin in origins:
            file = origin.removeprefix("file ")
            if file != origin:
                found.add(("file", file, self.fingerprints().file(file)))
            else:
                fingerprint = self._distributions.fingerprint(origin)
                found.add(("distribution", origin, fingerprint))
        return frozenset(found)

    def is_traced_by_others(self) -> bool:
        """Return whether this process is traced already, as in a run of `pytest --cachekit`."""
        return self._tracer is None and is_watched()

    @contextmanager
    def observing(self, observation: Observation) -> Iterator[None]:
        """Observe what the block reads; `observation` is complete after it."""
        with self._lock:
            recorder = self._begin(observation)
        try:
            yield
        finally:
            if recorder is not None:
                with self._lock:
                    self._end(observation, recorder)

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Take no notes of what this thread reads in the block."""
        tracer = self._tracer
        if tracer is None:
            yield
        else:
            with tracer.recorder.unobserved():
                yield

    def inherit(self, of_hit: Callable[[], Reading]) -> None:
        """Let the call that runs around this one rest on what a replayed one had read."""
        tracer = self._tracer
        if tracer is None:
            return
        with self._lock:
            reading = of_hit()
            action = tracer.recorder.current
            action.readings.append(replace(reading, inputs=frozenset()))
            for kind, name, fingerprint in reading.inputs:
                if action.inputs.setdefault((kind, name), fingerprint) != fingerprint:
                    action.refuse(f"reads {name}, which changed meanwhile")

    def _begin(self, observation: Observation) -> Recorder | None:
        if self.is_traced_by_others():
            observation.refuse(TRACED_ALREADY)
            return None
        if multiprocessing.process.active_children():
            observation.refuse("processes of multiprocessing run that were started before")
        # Before anything is watched: what looking loads by itself is nobody's input.
        with self.aside():
            observation.loaded = frozenset(sys.modules)
            observation.before = self.modules.snapshot()
        if self._tracer is None:
            if any(map(_is_being_imported, list(sys.modules.values()))):
                observation.refuse("another thread imports something while it begins")
                return None
            try:
                self._functions = LiveFunctions(self.layout)
            except CachekitError as error:
                observation.refuse(str(error))
                return None
            self._tracer = Tracer(self.fingerprints(), self._functions)
        assert self._functions is not None
        recorder, action = self._tracer.recorder, observation.action
        action.parents.add(recorder.session)
        for other in self._running:
            other.action.parents.add(action)
            if other.thread != observation.thread:
                action.parents.add(other.action)
        recorder.enter(action)
        self._credit(self._functions)
        self._running.append(observation)
        return recorder

    def _end(self, observation: Observation, recorder: Recorder) -> None:
        assert self._tracer is not None
        assert self._functions is not None
        recorder.leave(observation.action)
        self._credit(self._functions)
        self._running.remove(observation)
        try:
            with recorder.unobserved():
                self._settle(observation, recorder)
        except Exception as error:  # noqa: BLE001  an observer must not break what it observes
            observation.refuse(f"what it reads could not be recorded ({error!r})")
        finally:
            if not self._running:
                self._tracer.stop()
                self._tracer = self._functions = None

    def _credit(self, functions: LiveFunctions) -> None:
        ran = {id(code): code for code in functions.take()}
        for observation in self._running:
            observation.codes.update(ran)

    def _settle(self, observation: Observation, recorder: Recorder) -> None:
        action = observation.action
        self._rest_on_loaded(observation, recorder)
        recorder.children.settle()
        recorder.modules.settle()
        recorder.writes.settle()
        graph = Graph(recorder)
        graph.prepare([action])
        written = _written(action, recorder.session, set())
        if written is not None:
            observation.refuse(f"it writes {self.layout.name(written)}, which a replay would not")
        refusal = graph.refusal(action, declared=False)
        if refusal is not None:
            observation.refuse(f"it {refusal}" if not refusal.startswith("import") else refusal)
        if observation.refusal is None:
            observation.reading = graph.reading(action)

    def _rest_on_loaded(self, observation: Observation, recorder: Recorder) -> None:
        inputs = observation.action.inputs
        by_path = self.modules.by_path()
        functions: set[Function] = set()
        for code in observation.codes.values():
            path = os.path.abspath(code.co_filename)
            names = [name for name in by_path.get(path, ()) if name in observation.before]
            if path in recorder.modules.actions and not names:
                continue  # It was imported since: the recorder knows.
            if code.co_name == "<module>":
                continue
            if not names:
                observation.refuse(f"it runs {code.co_qualname}, which is of no loaded module")
                continue
            self._rest_on_code(code, path, functions, observation)
            for module in names:
                for owner, name in self.modules.used(code, module):
                    self._rest_on_name(owner, name, observation)
        observation.action.readings.append(Reading(functions=frozenset(functions)))
        for name in recorder.modules.names:
            if name not in observation.before:
                inputs["loaded", name] = NOT_LOADED

    def _rest_on_code(
        self, code: CodeType, path: str, functions: set[Function], observation: Observation
    ) -> None:
        name = self.layout.name(path)
        text = self.modules.texts.text(path)
        try:
            line = self.modules.texts.place(code)
        except LookupError:
            observation.refuse(f"{name} was changed since it was loaded")
            return
        assert text is not None
        if line is None:
            observation.action.inputs["file", name] = text.digest
        else:
            functions.add((name, text.digest, line))

    def _rest_on_name(self, module: str, name: str, observation: Observation) -> None:
        if name.startswith("__") or module not in observation.loaded:
            return
        if (module, name) == ("sys", "stdin"):
            observation.refuse("it reads standard input")
            return
        inputs = observation.action.inputs
        if self.modules.is_project_module(module):
            binding = observation.before[module].get(name)
            if binding is None:
                if name == "input":
                    observation.refuse("it reads standard input")
                spelled = f"{module}:{name}"
                inputs["unbound", spelled] = self.modules.unbound(spelled)
                return
        else:
            if self.modules.has_state(module, name):
                observation.refuse(f"it uses {module}.{name}, which depends on calls before it")
                return
            binding = self.modules.look(module, name)
        if binding.opaque is not None:
            observation.refuse(f"{binding.opaque}, whose state can't be seen")
        for memo in binding.warm:
            observation.refuse(f"it uses {memo}, which was filled before")
        inputs["state", f"{module}:{name}"] = binding.fingerprint
        for kind, owner, fingerprint in self.inputs_of(binding.distributions):
            inputs[kind, owner] = fingerprint


def _is_being_imported(module: object) -> bool:
    """Return whether a module of the standard library isn't complete yet: it can't be watched."""
    spec: Any = getattr(module, "__spec__", None)
    if not getattr(spec, "_initializing", False):
        return False
    return spec.name.partition(".")[0] in sys.stdlib_module_names


def _written(action: Action, session: Action, seen: set[Action]) -> str | None:
    """Return a path that `action`, or a call in it, made or changed."""
    seen.add(action)
    for path in sorted(action.writes):
        return path
    for parent in action.parents - {session} - seen:
        found = _written(parent, session, seen)
        if found is not None:
            return found
    return None
