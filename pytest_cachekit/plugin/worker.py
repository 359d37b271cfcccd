"""A worker of pytest-xdist: runs what the controller does not replay, and hands recordings back."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Generator
from typing import Any

import pytest

from .identity import remember_nodeid
from .recordings import pack
from .watch import Watch

PARCEL = "cachekit"
"""Where recordings lie: a key of a worker's output, and an attribute of a report."""


class Worker:
    """The hooks of a worker."""

    def __init__(self, watch: Watch, config: pytest.Config) -> None:
        self._watch = watch
        self._config: Any = config
        self._owner = os.getpid()
        with watch.tracer.recorder.unobserved():
            # xdist asks for it when the session starts, and Python remembers: it may start `uname`.
            platform.platform()

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

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        """Hand the recordings to the controller, with the rest of what the worker puts out."""
        if os.getpid() != self._owner:
            return
        self._watch.stop()
        try:
            self._config.workeroutput[PARCEL] = pack(self._watch.settle())
        except Exception as error:  # noqa: BLE001  a broken cache never breaks a run
            self._config.workeroutput[PARCEL] = repr(error)
