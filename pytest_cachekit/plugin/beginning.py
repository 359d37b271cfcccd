"""The start of a run: watch before the first conftest, and join with the role that it has."""

from __future__ import annotations

import gc
import os
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest

from ..errors import CachekitError
from ..settings import Settings
from .asking import Asking
from .ci import ContinuousIntegration, is_by_ci
from .collecting import Collecting
from .obstacles import is_distributed
from .run import Run
from .session import CachekitPlugin
from .telling import Telling
from .watch import Watch

_running = False


def begin(config: pytest.Config, settings: Settings) -> Beginning | None:
    """Begin to watch, before the first conftest is imported.

    Returns:
        What joins the run later; None where a run of pytest inside this process is watched already.
    """
    return None if _running else Beginning(config, settings)


class Beginning:
    """What was begun before it is known which role this process has."""

    def __init__(self, config: pytest.Config, settings: Settings) -> None:
        global _running
        self._run = Run(config, settings)
        self._watch: Watch | None = None
        # Controllers run no tests. pytest-xdist says only later whether this is one of its workers.
        if not self._run.is_on or (
            is_distributed(config.known_args_namespace) and "PYTEST_XDIST_WORKER" not in os.environ
        ):
            return
        try:
            self._watch = Watch(self._run.fingerprints)
        except CachekitError as error:
            self._run.is_on = False
            self._run.give_up(str(error))
            return
        _running = True
        # What is loaded by now stays: the collector need not look at it again and again.
        gc.freeze()

    def join(self, config: pytest.Config) -> None:
        """Register the hooks of the role that this process has."""
        manager = config.pluginmanager
        manager.register(self, "cachekit-beginning")
        telling = Telling(self._run)
        if not hasattr(config, "workerinput"):
            manager.register(telling, "cachekit-telling")
            if is_by_ci():
                manager.register(ContinuousIntegration(self._run), "cachekit-ci")
        if not self._run.is_on:
            return
        if hasattr(config, "workerinput"):
            if self._watch is not None and "cachekit" in config.workerinput:
                from .worker import Worker

                manager.register(self._watch, "cachekit-watch")
                manager.register(Worker(self._watch, config), "cachekit-worker")
        elif is_distributed(config.known_args_namespace):
            from .controller import Controller

            self._stop()
            manager.register(Asking(self._run, nullcontext), "cachekit-asking")
            manager.register(Controller(self._run, telling), "cachekit-controller")
        elif self._watch is not None:
            manager.register(self._watch, "cachekit-watch")
            collecting = Collecting(self._run, self._watch)
            manager.register(collecting, "cachekit-collecting")
            manager.register(Asking(self._run, self._watch.asking), "cachekit-asking")
            plugin = CachekitPlugin(self._run, self._watch, collecting, telling)
            manager.register(plugin, "cachekit-session")

    def pytest_unconfigure(self) -> None:
        """Put everything back."""
        self._stop()
        self._run.close()

    def _stop(self) -> None:
        global _running
        if self._watch is not None:
            self._watch.stop()
            _running = False
            if not _is_last():
                gc.unfreeze()


def _is_last() -> bool:
    """Return whether this process ends with the run: then nobody looks at what is frozen."""
    main = sys.modules["__main__"]
    name = getattr(getattr(main, "__spec__", None), "name", None)
    return name == "pytest.__main__" or Path(getattr(main, "__file__", None) or "").name == "pytest"
