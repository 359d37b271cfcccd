"""One run of pytest in one process with the cache on: decide, replay, record, store."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from .collecting import Collecting
from .hooks import ask
from .run import Hits, Run
from .telling import Telling
from .watch import Watch


class CachekitPlugin:
    """The hooks of a run that runs its tests itself."""

    def __init__(self, run: Run, watch: Watch, collecting: Collecting, telling: Telling) -> None:
        self._run = run
        self._collecting = collecting
        self._watch = watch
        self._telling = telling
        self._owner = os.getpid()
        self._before: dict[pytest.Item, Hits] = {}

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, Any, Any]:
        """Take the hits out of the list that the run loop walks; replay them in their places."""
        if session.config.option.collectonly:
            return (yield)
        items = session.items
        self._watch.tracer.recorder.modules.import_path = list(sys.path)
        to_run, trailing = self._decide(items)
        session.items = to_run
        try:
            result = yield
            self._run.replay(trailing)
            self._run.count_as_covered()
        finally:
            session.items = items
        return result

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """Replay the hits that come before `item`."""
        self._run.replay(self._before.pop(item, ()))
        return (yield)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Store what was recorded, and write the report."""
        if os.getpid() != self._owner:
            return
        self._watch.stop()
        with _without_collections():
            try:
                self._run.record(self._watch.settle(self._collecting.to_record(session.items)))
            except Exception as error:  # noqa: BLE001  a broken cache never breaks a run
                self._run.fail_to_record(error)
            self._run.finish()
        self._telling.write_report()

    def _decide(self, items: list[pytest.Item]) -> tuple[list[pytest.Item], Hits]:
        """Return the items to run, and the hits after the last of them."""
        to_run: list[pytest.Item] = []
        waiting: Hits = []
        ask(self._run.config, items, self._watch.asking)
        self._collecting.settle()
        hits = self._run.decide(items, self._watch.tracer.recorder.unobserved())
        running = [item for item, hit in zip(items, hits, strict=True) if hit is None]
        if running and self._collecting.import_for(items, running):
            # Tests may have come and gone.
            ask(self._run.config, items, self._watch.asking)
            hits = self._run.decide(items, self._watch.tracer.recorder.unobserved())
        self._run.end_deciding()
        for item, hit in zip(items, hits, strict=True):
            if hit is not None:
                waiting.append((item, hit))
                continue
            if waiting:
                self._before[item] = waiting
                waiting = []
            to_run.append(item)
        return to_run, waiting


@contextmanager
def _without_collections() -> Iterator[None]:
    """Make many objects that stay without having the collector look at all of them each time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
