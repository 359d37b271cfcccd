"""The controller of pytest-xdist: decides, replays, lets workers run the rest, and stores.

xdist starts its workers when the session starts, and the controller collects
nothing. Here it collects first, so that the decision is the one that a run without
xdist makes; where everything hits no worker is started.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from xdist.dsession import DSession
from xdist.workermanage import WorkerController

from .hooks import ask
from .identity import remember_nodeid
from .recordings import unpack
from .run import Hits, Run
from .telling import Telling
from .worker import PARCEL, PATH


class Controller:
    """The hooks of the process that distributes tests."""

    def __init__(self, run: Run, telling: Telling) -> None:
        self._run = run
        self._telling = telling
        run.fingerprints.distributed = True
        self.hits: Hits = []
        self._early: dict[WorkerController, list[bytes]] = {}
        """What workers handed over that have not come to their end."""
        self._ran: dict[WorkerController, set[str]] = {}
        """Node ids of the tests that these ran."""

    def pytest_plugin_registered(self, plugin: object, manager: pytest.PytestPluginManager) -> None:
        """Take the place of xdist's session."""
        if type(plugin) is DSession:
            manager.unregister(plugin)
            # Its maker registers another.
            if manager.has_plugin("terminaldistreporter"):
                manager.unregister(name="terminaldistreporter")
            manager.register(ReplayingSession(self._run.config, self._run, self), "dsession")

    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker what not to run."""
        node.workerinput["cachekit"] = [item.nodeid for item, _ in self.hits]

    def pytest_xdist_node_collection_finished(self, ids: Sequence[str]) -> None:
        """Take in tests about which nothing was asked."""
        self._run.expect(ids)

    def take_early(self, node: WorkerController, report: pytest.TestReport) -> None:
        """Keep what came with a worker's `report`, in case that it does not come to its end."""
        self._ran.setdefault(node, set()).add(report.nodeid)
        parcel = vars(report).pop(PARCEL, None)
        if parcel is not None:
            self._early.setdefault(node, []).append(parcel)

    def pytest_testnodedown(self, node: Any, error: object | None) -> None:
        """Take in what a worker recorded."""
        # This process may have collected nothing.
        self._run.path = self._run.path or getattr(node, "workeroutput", {}).get(PATH, [])
        parcel = getattr(node, "workeroutput", {}).get(PARCEL)
        if parcel is None:
            self._take_in_early(node)
        elif isinstance(parcel, bytes):
            self._take_in([parcel])
        else:
            self._run.warn(
                f"A worker's results could not be stored ({parcel}): please report this."
            )
        self._early.pop(node, None)
        self._ran.pop(node, None)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        """Store what was recorded, and write the report."""
        for node in list(self._ran):
            # The run was interrupted, and nobody waits for its workers.
            self._take_in_early(node)
        self._run.finish()
        self._telling.write_report()

    def _take_in_early(self, node: WorkerController) -> None:
        """Take in what a worker recorded up to when it crashed."""
        known = self._take_in(self._early.get(node, ()))
        self._run.forgo(self._ran.get(node, set()) - known, "its worker didn't come to its end")

    def _take_in(self, parcels: Iterable[bytes]) -> set[str]:
        """Record what is in `parcels`; return the node ids of the tests that they tell of."""
        try:
            recordings = [recording for parcel in parcels for recording in unpack(parcel)]
            self._run.record(recordings)
        except Exception as problem:  # noqa: BLE001  a broken cache never breaks a run
            self._run.fail_to_record(problem)
            return set()
        return {recording.nodeid for recording in recordings}


class ReplayingSession(DSession):  # type: ignore[misc]  # xdist ships no types
    """xdist's session, which starts its workers once it is known what they have to run."""

    def __init__(self, config: pytest.Config, run: Run, controller: Controller) -> None:
        super().__init__(config)
        self._run = run
        self._controller = controller
        self._total = 0
        self._own_reports: set[str] = set()

    @pytest.hookimpl(trylast=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Put off starting workers."""
        self._session = session

    @pytest.hookimpl
    def pytest_collection(self) -> bool:
        """Collect and decide, where there is something to find; start workers for the rest."""
        session = self._session
        assert session is not None
        to_run: int | None = None
        if self._run.why_everything_runs is None and self._run.knows_results(surely=True):
            session.perform_collect()
            reporter = self.config.pluginmanager.getplugin("terminalreporter")
            if reporter is not None:
                # Runs with xdist don't count them, since only workers collect.
                reporter.stats.pop("deselected", None)
            to_run = self._decide(session.items)
        if to_run != 0:
            if to_run is not None and len(self.config.option.tx) > to_run:
                self.config.option.tx = self.config.option.tx[:to_run]
            _forget_terminal_size()
            super().pytest_sessionstart(session)
        return True

    @pytest.hookimpl
    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note of what the controller reports itself that it could not be collected."""
        if not report.passed and not hasattr(report, "node"):
            self._own_reports.add(report.nodeid)

    @pytest.hookimpl
    def pytest_runtestloop(self) -> bool:
        """Replay, and run the rest."""
        self._run.replay(self._controller.hits)
        result = self.nodemanager is None or super().pytest_runtestloop()
        # Not earlier: workers of pytest-cov delete what is there when they start.
        self._run.count_as_covered()
        return result

    def worker_collectionfinish(self, node: WorkerController, ids: Sequence[str]) -> None:
        """Count what is replayed among what was collected."""
        super().worker_collectionfinish(node, ids)
        if self._session is not None and self._total:
            self._session.testscollected = self._total

    def worker_testreport(self, node: WorkerController, rep: pytest.TestReport) -> None:
        """Take what came with a report before anybody else sees it."""
        self._controller.take_early(node, rep)
        super().worker_testreport(node, rep)

    def _failed_worker_collectreport(
        self, node: WorkerController, rep: pytest.CollectReport | pytest.TestReport
    ) -> None:
        """Report once what controller and workers could not collect."""
        if rep.nodeid not in self._own_reports:
            super()._failed_worker_collectreport(node, rep)
        elif rep.failed:
            self._handlefailures(rep)

    def _decide(self, items: list[pytest.Item]) -> int:
        """Return how many of `items` have to run."""
        self._total = len(items)
        if self.config.getoption("dist") == "loadgroup":
            for item in items:
                remember_nodeid(item)
                add_group(item)
        ask(self.config, items)
        for item, hit in zip(items, self._run.decide(items), strict=True):
            if hit is not None:
                self._controller.hits.append((item, hit))
        self._run.end_deciding()
        return len(items) - len(self._controller.hits)


def _forget_terminal_size() -> None:
    """Keep from workers what the readline library, which pytest imports, hands to children.

    Tests would see a size of the terminal that nobody has set.
    """
    for name in ("COLUMNS", "LINES"):
        if name not in os.environ:
            os.unsetenv(name)


def add_group(item: pytest.Item) -> None:
    """Give `item` the node id that it has on workers with --dist=loadgroup."""
    groups = {
        str(mark.args[0] if mark.args else mark.kwargs.get("name", "default"))
        for mark in item.iter_markers("xdist_group")
    }
    if groups:
        item._nodeid = f"{item.nodeid}@{'_'.join(sorted(groups))}"  # type: ignore[attr-defined]
