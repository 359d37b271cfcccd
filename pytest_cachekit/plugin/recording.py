"""Which action runs: a test, the collection of its file, or a fixture that many tests share."""

from __future__ import annotations

import inspect
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from _pytest.fixtures import FixtureDef

from ..inputs.tracing.action import Action
from ..inputs.tracing.patching import Patches
from ..inputs.tracing.process_settings import ProcessSettings
from ..inputs.tracing.recorder import Recorder
from ..inputs.tracing.shared_values import SharedValue
from .hooks import HookError, declared_inputs, declares_all
from .obstacles import is_hypothesis_test

_HARMLESS = frozenset({"_pytest", "", __name__.partition(".")[0]})
"""Packages whose fixtures add to reports only. Conftests mostly tell what concerns no fixture."""


class Actions:
    """The actions of one run of pytest."""

    def __init__(self, recorder: Recorder, patches: Patches) -> None:
        self._recorder = recorder
        self._files: dict[str, Action] = {}
        self._distinct: dict[tuple[object, ...], Action] = {}
        self._fixtures: dict[FixtureDef[Any], Action] = {}
        self._values: dict[FixtureDef[Any], SharedValue] = {}
        """Those of shared fixtures that are set up."""
        self._settings = ProcessSettings(recorder.loggers)
        self._finds_settings = False
        """Whether the running test found settings of the process that others had left."""
        self._drawing = Action("Hypothesis, which draws from constants of all modules,")
        self._patch_fixtures(patches)

    @contextmanager
    def collecting(self, collector: pytest.Collector) -> Iterator[None]:
        """Credit what is read in the block to the collection of the collector's file."""
        if isinstance(collector, (pytest.Session, pytest.Directory)):
            yield
            return
        with self._recorder.running(self._file(collector.path)):
            if type(collector).__name__ in ("DoctestModule", "DoctestTextfile"):
                # Examples stand in docstrings of functions that need not run.
                self._recorder.observe(self._recorder.read_file, str(collector.path))
            yield

    def begin(self, item: pytest.Item) -> Action:
        """Credit what is read from now on to the test, until `end`."""
        action = Action(f"test {item.nodeid}")
        if self._recorder.modules.are_early:
            self._recorder.modules.are_early = False
            self._settings.look(None)
            self._recorder.look(self._recorder.session)
        self._finds_settings = not self._settings.are_as_they_were
        action.parents.add(self._recorder.session)
        action.parents.add(self._file(item.path))
        if is_hypothesis_test(item):
            action.parents.add(self._drawing)
        self._recorder.enter(action)
        for marker in item.iter_markers("cachekit"):
            self._declare(
                _names(marker.kwargs.get("inputs", ())), _names(marker.kwargs.get("env", ()))
            )
        try:
            # Within the test, so that what decides about its inputs is an input itself.
            for declared in declared_inputs(item):
                self._declare(declared.files, declared.env)
        except HookError as error:
            action.refuse(str(error))
        return action

    def given(self, item: pytest.Item) -> tuple[Action, Action]:
        """Return the actions that any run with `item` does: it collects the file."""
        return self._recorder.session, self._file(item.path)

    def collection(self, path: Path) -> Action:
        """Return all that collecting a file rests on."""
        file = self._file(path)
        return Action(file.label, parents={self._recorder.session, file})

    def end(self, action: Action) -> Action:
        """End what `begin` began; return the action, or an earlier one that read the same.

        Tests of one parametrization mostly do, and what follows from it is found out once.
        """
        self._recorder.leave(action)
        given = action.with_fixtures() - {action}
        values = [
            value for fixture, value in self._values.items() if self._fixtures[fixture] in given
        ]
        if self._finds_settings:
            action.parents.add(self._settings.left)
        action = self._distinct.setdefault(action.content(), action)
        self._settings.look(action)
        self._recorder.look(action, values)
        return action

    def settle(self) -> None:
        """Complete what is known only when all is over."""
        for module in self._recorder.modules.actions.values():
            if module.source is not None:
                name, fingerprint = module.source
                self._drawing.inputs["file", name] = fingerprint

    def unfinished(self) -> set[Action]:
        """Return the shared fixtures that are set up and will do something when torn down.

        The state of the values of all that are set up is looked at as well.
        """
        for value in self._values.values():
            value.look()
        return {
            action
            for fixture, action in self._fixtures.items()
            if fixture.cached_result is not None and _tears_down(fixture)
        }

    def _file(self, path: Path) -> Action:
        name = str(path)
        action = self._files.get(name)
        if action is None:
            action = self._files[name] = Action(f"collection of {self._recorder.layout.name(name)}")
            action.began_early = action.collects = True
            with self._recorder.running(action):
                self._surround(path)
        return action

    def _surround(self, path: Path) -> None:
        """Note the conftests and packages around a test file, those that are missing included."""
        root = self._recorder.layout.root
        for folder in path.parents:
            for name in ("conftest.py", "__init__.py"):
                neighbour = str(folder / name)
                module = self._recorder.modules.actions.get(neighbour)
                if module is not None:
                    self._recorder.current.parents.add(module)
                elif not os.path.exists(neighbour):
                    self._recorder.observe(self._recorder.read_file, neighbour)
            if str(folder) == root:
                break

    def _declare(self, files: Iterable[str], variables: Iterable[str]) -> None:
        for pattern in files:
            self._recorder.observe(self._recorder.read, "declared", pattern)
        for variable in variables:
            self._recorder.observe(self._recorder.read, "environment", variable)

    def _patch_fixtures(self, patches: Patches) -> None:
        recorder, fixtures, values = self._recorder, self._fixtures, self._values
        settings = self._settings
        tells_at_end = _Reporters()
        original_execute = FixtureDef.execute
        original_finish = FixtureDef.finish

        def execute(self: FixtureDef[Any], request: Any) -> Any:
            __tracebackhide__ = True
            if tells_at_end(self, request.config.hook):
                recorder.current.refuse(f"asks for {self.argname}, of which its plugin tells later")
            if self.scope == "function":
                return original_execute(self, request)
            shared = fixtures.get(self)
            if shared is None:
                shared = fixtures[self] = Action(f"fixture {self.argname}")
            # Set up now or long ago: whoever uses it rests on what it read.
            recorder.current.parents.add(shared)
            settings.look(recorder.current)
            recorder.enter(shared)
            try:
                value = original_execute(self, request)
                if self not in values:
                    values[self] = SharedValue(recorder.states, value, shared)
                return value
            finally:
                recorder.leave(shared)
                settings.look(shared)

        def finish(self: FixtureDef[Any], request: Any) -> None:
            __tracebackhide__ = True
            shared = fixtures.get(self)
            if shared is None:
                return original_finish(self, request)
            # Whichever test happens to be the last, what teardown reads is the fixture's.
            if self in values:
                values.pop(self).look()
            settings.look(recorder.current)
            with recorder.running(shared):
                try:
                    return original_finish(self, request)
                finally:
                    settings.look(shared)

        patches.set(FixtureDef, "execute", execute)
        patches.set(FixtureDef, "finish", finish)


def _tears_down(fixture: FixtureDef[Any]) -> bool:
    """Return whether code other than pytest's runs when a fixture that is set up is torn down."""
    if inspect.isgeneratorfunction(fixture.func) or inspect.isasyncgenfunction(fixture.func):
        return True
    functions = (getattr(finish, "func", finish) for finish in fixture._finalizers)
    return any(function.__module__ != FixtureDef.__module__ for function in functions)


def declares_inputs(item: pytest.Item) -> bool:
    """Return whether a marker, or a hook, declares what the test's children read."""
    return declares_all(item) or any(
        marker.kwargs.get("inputs") is not None or marker.kwargs.get("env") is not None
        for marker in item.iter_markers("cachekit")
    )


class _Reporters:
    """Plugins that tell at the end what their fixtures saw, as numbers, snapshots, attachments.

    What they tell of a test, and the exit status that they may choose, would lack what is replayed.
    """

    def __init__(self) -> None:
        self._known: dict[FixtureDef[Any], bool] = {}

    def __call__(self, fixture: FixtureDef[Any], hook: Any) -> bool:
        """Return whether `fixture`, which was asked for by name, is one of such a plugin."""
        known = self._known.get(fixture)
        if known is None:
            known = self._known[fixture] = self._find(fixture, hook)
        return known

    def _find(self, fixture: FixtureDef[Any], hook: Any) -> bool:
        if getattr(fixture, "_autouse", False):
            return False
        package = _package(fixture.func.__module__)
        if package in _HARMLESS or _is_conftest(fixture.func.__module__):
            return False
        tellers = (
            implementation.function.__module__
            for implementation in hook.pytest_terminal_summary.get_hookimpls()
        )
        return any(_package(each) == package and not _is_conftest(each) for each in tellers)


def _package(module: str | None) -> str:
    return (module or "").partition(".")[0]


def _is_conftest(module: str | None) -> bool:
    return (module or "").rpartition(".")[2] == "conftest"


def _names(value: str | Sequence[str]) -> Sequence[str]:
    return [value] if isinstance(value, str) else value
