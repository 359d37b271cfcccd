"""Hooks that watch what collecting and running tests read, wherever that happens."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Generator, Iterable
from contextlib import AbstractContextManager
from typing import Any

import msgspec
import pluggy
import pytest
from _pytest.assertion import rewrite

from ..errors import NotStorableError
from ..inputs.fingerprint import Fingerprints
from ..inputs.layout import Layout
from ..inputs.manifest import encode_outcome
from ..inputs.process import is_in_key
from ..inputs.tracing.action import Action
from ..inputs.tracing.rewritten_imports import watch_rewritten_imports
from ..inputs.tracing.tracer import Tracer
from .coverage import CoverageMeter
from .file_collection import FileCollection
from .hooks import ask
from .questions import rest_on_plugins, watch_markers, watch_questions
from .recording import Actions
from .recordings import Ran, Recordings, TestRecording
from .replay import REPLAYED, Recorded


class Watch:
    """Watches the tests that run in this process, from construction to `stop`."""

    def __init__(self, fingerprints: Fingerprints) -> None:
        """Begin to watch.

        Raises:
            CachekitError: this interpreter can't be traced.
        """
        self.tracer = Tracer(fingerprints)
        self.tracer.recorder.modules.are_early = True
        self._fingerprints = fingerprints
        self._current: Recorded | None = None
        self._asked = Action("hooks of pytest-cachekit", began_early=True)
        self._recordings = Recordings(self._asked)
        self._is_over = False
        watch_rewritten_imports(self.tracer.recorder, rewrite, self.tracer.patches)
        self.tracer.recorder.is_in_key = is_in_key
        watch_questions(self.tracer.recorder, self.tracer.patches)
        watch_markers(self.tracer.recorder, self.tracer.patches)
        self._actions = Actions(self.tracer.recorder, self.tracer.patches)
        self._meter = self.tracer.recorder.meter = CoverageMeter()

    def stop(self) -> None:
        """Put everything back as it was."""
        if not self._is_over:
            self._is_over = True
            self.tracer.stop()

    def collecting(self, module: pytest.Module) -> AbstractContextManager[None]:
        """Credit what is read in the block to the collection of the module's file."""
        return self._actions.collecting(module)

    def asking(self) -> AbstractContextManager[object]:
        """Credit what is read in the block to nobody but those who use what it leaves behind."""
        return self.tracer.recorder.running(self._asked)

    def settle(self, files: Iterable[FileCollection] = ()) -> list[TestRecording]:
        """Return what the tests read that ran, and what collecting `files` did."""
        self._actions.settle()
        collections = [(file, self._actions.collection(file.module.path)) for file in files]
        return self._recordings.settle(
            self.tracer.recorder, self._meter, self._fingerprints, collections
        )

    def settle_early(self, hook: Any) -> list[TestRecording]:
        """Return what tests read that ran, where that is known already; each test once.

        Args:
            hook: the hooks of the run; those of the project's that run at its end may read more.
        """
        recorder = self.tracer.recorder
        with recorder.standing_still():
            layout = self._fingerprints.layout
            late = hook.pytest_sessionfinish.get_hookimpls()
            if any(is_of_project(implementation, layout) for implementation in late):
                return []
            self._actions.settle()
            unfinished = self._actions.unfinished() | recorder.children.starters
            return self._recordings.settle_early(
                recorder, self._meter, self._fingerprints, unfinished
            )

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self) -> None:
        """Find out whether coverage is measured: by now it has begun."""
        self._meter.attach()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_make_collect_report(self, collector: pytest.Collector) -> Generator[None, Any, Any]:
        """Watch what collecting a test file reads."""
        with self._actions.collecting(collector):
            return (yield)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Note which plugins are there now that everything is collected, and what holds state."""
        rest_on_plugins(self.tracer.recorder, session.config)
        for owner in (session.config, session):
            self.tracer.recorder.states.remember_attributes(owner)

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtestloop(self) -> Generator[None, Any, Any]:
        """Hand over what was covered, before plugins around this one report it."""
        try:
            return (yield)
        finally:
            self._meter.release()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Watch what running `item` reads."""
        ask(item.config, [item], self.asking)
        recorded = self._current = Recorded()
        threads = _other_threads()
        action = own = self._actions.begin(item)
        try:
            result = yield
        finally:
            for thread in _other_threads() - threads:
                action.refuse(f"leaves the thread {thread.name} running")
            action = self._actions.end(action)
            self._current = None
        outcome: msgspec.Raw | None = None
        not_stored: str | None = None
        try:
            outcome = encode_outcome(recorded.outcome(item, self._fingerprints.layout))
        except NotStorableError as error:
            not_stored = str(error)
        except Exception as error:  # noqa: BLE001  what a test reports may be anything
            not_stored = f"its report can't be stored ({error!r})"
        self._recordings.add(
            Ran(item, action, self._actions.given(item), self._meter.take(own), outcome, not_stored)
        )
        return result

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the reports of the test that runs."""
        if self._current is not None and not hasattr(report, REPLAYED):
            self._current.take(report)

    def pytest_warning_recorded(
        self, warning_message: warnings.WarningMessage, when: str, nodeid: str
    ) -> None:
        """Keep the warnings of the test that runs."""
        if self._current is not None and nodeid:
            self._current.warnings.append((warning_message, when))


def _other_threads() -> set[threading.Thread]:
    if threading.active_count() == 1:
        return set()
    return set(threading.enumerate()) - {threading.main_thread()}


def is_of_project(implementation: pluggy.HookImpl, layout: Layout) -> bool:
    """Return whether a hook is the project's own, or may be."""
    function = implementation.function
    if str(getattr(function, "__module__", "")).startswith("pytest_cachekit."):
        # Wherever this package lies: installed in editable mode, it looks like a project's code.
        return False
    code = getattr(function, "__code__", None)
    return code is None or layout.is_project(code.co_filename)
