"""One run of pytest with the cache on: decide, replay, record, store, tell."""

from __future__ import annotations

import os
import sys
import threading
import warnings
from collections.abc import Generator, Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from _pytest.assertion import rewrite

from ..actions.outcomes import decode_outcome
from ..actions.verdict import Hit, Miss, Verdict
from ..errors import CachekitError, CacheUnavailableWarning, StorageError
from ..inputs.fingerprint import Fingerprints
from ..inputs.layout import Layout
from ..inputs.manifest import encode_outcome
from ..inputs.tracing.imports import watch_rewritten_imports
from ..inputs.tracing.tracer import Tracer
from ..settings import Settings
from ..storage import Backend, BackendSize, open_backend
from .audit import Audit
from .obstacles import Obstacle, find_obstacle
from .recording import Actions
from .replay import REPLAYED, NotStorableError, Recorded, replay
from .report import report_data, write_report
from .results import TestResults
from .summary import write_doubts, write_explanations, write_summary
from .tally import Line, Tally

_running = False


def start(config: pytest.Config, settings: Settings) -> CachekitPlugin | None:
    """Begin to watch; return the plugin, or None where a run inside this process does already."""
    if _running:
        return None
    return CachekitPlugin(config, settings)


class CachekitPlugin:
    """The hooks of a run with the cache on."""

    def __init__(self, config: pytest.Config, settings: Settings) -> None:
        global _running
        self._config = config
        self._settings = settings
        self._owner = os.getpid()
        self._backend: Backend | None = None
        self._size: BackendSize | None = None
        self._tally = Tally()
        self._audit = Audit(settings.cachekit_audit)
        self._current: Recorded | None = None
        self._before: dict[pytest.Item, list[tuple[pytest.Item, Hit]]] = {}
        self._results: TestResults | None = None
        self._obstacle: Obstacle | None = find_obstacle(config)
        self._tracer: Tracer | None = None
        self._where = settings.cachekit_url
        if self._obstacle is not None and self._obstacle.stops_recording:
            return
        try:
            self._backend = open_backend(settings.cachekit_url, relative_to=config.rootpath)
            self._where = self._backend.url
            ignored = [self._where.partition(":")[2]] if self._where.startswith("file:") else []
            self._fingerprints = Fingerprints(Layout(config.rootpath, ignored))
            self._tracer = Tracer(self._fingerprints)
        except CachekitError as error:
            self._give_up(str(error))
            return
        _running = True
        watch_rewritten_imports(self._tracer.recorder, rewrite, self._tracer.patches)
        self._actions = Actions(self._tracer.recorder, self._tracer.patches)

    def pytest_report_header(self) -> str:
        """Say that the cache is on, where it lives, and what keeps it from replaying."""
        if self._obstacle is not None:
            return f"cachekit: {self._obstacle.header}"
        if self._tracer is None:
            return "cachekit: off"
        return f"cachekit: {self._where} ({self._settings.cachekit_mode})"

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_make_collect_report(self, collector: pytest.Collector) -> Generator[None, Any, Any]:
        """Watch what collecting a test file reads."""
        if self._tracer is None:
            return (yield)
        with self._actions.collecting(collector):
            return (yield)

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, Any, Any]:
        """Take the hits out of the list that the run loop walks; replay them in their places."""
        if self._tracer is None or session.config.option.collectonly:
            return (yield)
        items = session.items
        self._tracer.recorder.import_path = list(sys.path)
        with self._tracer.recorder.unobserved():
            to_run, trailing = self._decide(items)
        session.items = to_run
        try:
            result = yield
            self._replay(trailing)
        finally:
            session.items = items
        return result

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Replay the hits that come before `item`, and watch what running it reads."""
        line = self._tally.lines.get(item.nodeid)
        if self._tracer is None or line is None:
            return (yield)
        self._replay(self._before.pop(item, ()))
        recorded = self._current = Recorded()
        threads = _other_threads()
        action = self._actions.begin(item)
        try:
            result = yield
        finally:
            for thread in _other_threads() - threads:
                action.refuse(f"leaves the thread {thread.name} running")
            action = self._actions.end(action)
            self._current = None
        line.duration = sum(report.duration for report in recorded.reports)
        try:
            outcome: msgspec.Raw | None = encode_outcome(
                recorded.outcome(item, self._fingerprints.layout)
            )
        except NotStorableError as error:
            line.not_stored, outcome = str(error), None
        except Exception as error:  # noqa: BLE001  what a test reports may be anything
            line.not_stored, outcome = f"its report can't be stored ({error!r})", None
        if self._results is not None:
            self._results.ran(item, action, outcome)
        return result

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the reports of the test that runs."""
        line = self._tally.lines.get(report.nodeid)
        if line is None:
            return
        if hasattr(report, REPLAYED):
            line.replayed = True
        elif self._current is not None:
            self._current.reports.append(report)
        if report.when == "call" or report.outcome != "passed":
            line.saw(_outcome_word(report))

    def pytest_warning_recorded(
        self, warning_message: warnings.WarningMessage, when: str, nodeid: str
    ) -> None:
        """Keep the warnings of the test that runs."""
        if self._current is not None and nodeid:
            self._current.warnings.append((warning_message, when))

    @pytest.hookimpl(tryfirst=True)
    def pytest_report_teststatus(self, report: pytest.TestReport) -> Any:
        """Show replayed tests as what they are."""
        if not hasattr(report, REPLAYED):
            return None
        if hasattr(report, "wasxfail"):
            return ("xfailed", "x", "XFAIL (cached)") if report.skipped else None
        if report.skipped:
            return "skipped", "s", "SKIPPED (cached)"
        if report.when == "call" and type(report) is pytest.TestReport:
            return "passed", ".", "PASSED (cached)"
        return None

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        """Store what was recorded, and write the report."""
        if self._tracer is None or os.getpid() != self._owner:
            return
        self._stop()
        try:
            if self._results is not None:
                write = self._settings.cachekit_mode != "read-only"
                self._results.store(self._tracer.recorder, self._tally, write=write)
            if self._backend is not None:
                self._size = self._backend.size()
        except StorageError as error:
            self._give_up(str(error))
        except Exception as error:  # noqa: BLE001  a broken cache never breaks a run
            self._give_up(f"Results could not be stored ({error!r}): please report this.")
        self._write_report()

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Tell what was replayed, what ran and why, and what that saved."""
        if self._tracer is None or not self._tally.lines:
            return
        write_doubts(terminalreporter, self._tally)
        if self._settings.cachekit_explain:
            write_explanations(terminalreporter, self._tally)
        write_summary(terminalreporter, self._tally, self._size, self._where)

    def pytest_unconfigure(self) -> None:
        """Put everything back."""
        self._stop()
        if self._backend is not None:
            self._backend.close()

    def _decide(
        self, items: list[pytest.Item]
    ) -> tuple[list[pytest.Item], list[tuple[pytest.Item, Hit]]]:
        """Return the items to run, and the hits after the last of them."""
        to_run: list[pytest.Item] = []
        waiting: list[tuple[pytest.Item, Hit]] = []
        for item, verdict in zip(items, self._look_up(items), strict=True):
            self._tally.lines[item.nodeid] = Line(item.nodeid, verdict)
            if isinstance(verdict, Hit):
                if not self._audit.chooses():
                    waiting.append((item, verdict))
                    continue
                self._tally.lines[item.nodeid].audited = True
            if waiting:
                self._before[item] = waiting
                waiting = []
            to_run.append(item)
        return to_run, waiting

    def _look_up(self, items: list[pytest.Item]) -> Sequence[Verdict]:
        if self._backend is not None:
            try:
                self._results = TestResults(self._config, self._backend, self._fingerprints)
                return self._results.look_up(items, self._why_everything_runs())
            except StorageError as error:
                self._results = None
                self._give_up(str(error))
        return [Miss("the cache can't be used")] * len(items)

    def _why_everything_runs(self) -> str | None:
        if self._obstacle is not None:
            return self._obstacle.reason
        if self._settings.cachekit_mode == "refresh":
            return "everything runs in refresh mode"
        return None

    def _replay(self, hits: Iterable[tuple[pytest.Item, Hit]]) -> None:
        for item, hit in hits:
            outcome = decode_outcome(hit.entry.outcome)
            assert outcome is not None  # `_objection` looked at it
            self._tally.lines[item.nodeid].duration = outcome.duration
            replay(item, outcome, self._fingerprints.layout)

    def _write_report(self) -> None:
        if not self._settings.cachekit_report:
            return
        path = Path(self._config.invocation_params.dir, self._settings.cachekit_report)
        try:
            write_report(path, report_data(self._tally, self._size, self._where))
        except OSError as error:
            self._warn(f"The report can't be written to {path} ({error}): name another path.")

    def _stop(self) -> None:
        global _running
        if self._tracer is not None and _running:
            self._tracer.stop()
            _running = False

    def _give_up(self, message: str) -> None:
        """Go on without the cache, and say so once."""
        if self._backend is not None:
            self._backend.close()
            self._backend = None
        self._warn(message)

    def _warn(self, message: str) -> None:
        # Not by warnings.warn(): a filter may turn that into an error.
        warning = CacheUnavailableWarning(message)
        recorded = warnings.WarningMessage(warning, CacheUnavailableWarning, "cachekit", 0)
        self._config.hook.pytest_warning_recorded.call_historic(
            kwargs={
                "warning_message": recorded,
                "when": "config",
                "nodeid": "",
                "location": None,
            }
        )


def _other_threads() -> set[threading.Thread]:
    if threading.active_count() == 1:
        return set()
    return set(threading.enumerate()) - {threading.main_thread()}


def _outcome_word(report: pytest.TestReport) -> str:
    if hasattr(report, "wasxfail"):
        return "xfailed" if report.skipped else "xpassed"
    if report.outcome == "failed" and report.when != "call":
        return "error"
    return str(report.outcome)
