"""A worker of pytest-xdist: runs what the controller does not replay, and hands recordings back."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from typing import Any

import pytest

from .identity import remember_nodeid
from .pace import Pace
from .recordings import pack
from .watch import Watch

PATH = "cachekit-path"
"""Where modules were looked for: a key of a worker's output."""
PARCEL = "cachekit"
"""Where recordings lie: a key of a worker's output, and an attribute of a report."""


class Worker:
    """The hooks of a worker."""

    def __init__(self, watch: Watch, config: pytest.Config) -> None:
        self._watch = watch
        self._config: Any = config
        self._pace = Pace()
        self._early: bytes | None = None
        self._owner = os.getpid()
        watch.tracer.recorder.opens.is_one_of_many = True

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection_modifyitems(
        self, items: list[pytest.Item]
    ) -> Generator[None, None, None]:
        """Drop what the controller replays, after all others have selected and sorted."""
        for item in items:
            remember_nodeid(item)
        yield
        self._watch.tracer.recorder.modules.import_path = list(sys.path)
        replayed = frozenset(self._config.workerinput["cachekit"])
        items[:] = [item for item in items if item.nodeid not in replayed]

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self) -> Generator[None, Any, Any]:
        """After a test, settle what is known already, where that is cheap enough."""
        result = yield
        if self._early is None and self._pace.is_due() and os.getpid() == self._owner:
            with self._pace.spending():
                self._settle_early()
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_report_to_serializable(
        self, report: pytest.CollectReport | pytest.TestReport
    ) -> Generator[None, Any, Any]:
        """Let what was settled travel with the report of the next test's setup."""
        data = yield
        if self._early is not None and getattr(report, "when", None) == "setup":
            data[PARCEL], self._early = self._early, None
        return data

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        """Hand the recordings to the controller, with the rest of what the worker puts out."""
        if os.getpid() != self._owner:
            return
        self._watch.stop()
        try:
            self._config.workeroutput[PATH] = self._watch.tracer.recorder.modules.import_path
            self._config.workeroutput[PARCEL] = pack(self._watch.settle())
        except Exception as error:  # noqa: BLE001  a broken cache never breaks a run
            self._config.workeroutput[PARCEL] = repr(error)

    def _settle_early(self) -> None:
        try:
            found = self._watch.settle_early(self._config.hook)
            if found:
                self._early = pack(found)
        except Exception:  # noqa: BLE001  what can't be settled is told at the end
            self._pace.stop()
