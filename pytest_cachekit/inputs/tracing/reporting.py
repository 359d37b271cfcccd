"""What a child tells of itself when it ends."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

from ..layout import Region
from .action import Action
from .child_report import ChildReport, interpreter
from .graph import Graph
from .recorder import Recorder


def make_report(recorder: Recorder, action: Action, touched: Iterable[str]) -> ChildReport:
    """Return the report of this process, which ran `action` and made or changed `touched`."""
    recorder.children.settle()
    recorder.modules.settle()
    recorder.writes.settle()
    graph = Graph(recorder)
    graph.prepare([action])
    reading = graph.reading(action)
    parts = [reading, *([] if reading.base is None else [reading.base])]
    layout = recorder.layout
    written = [
        path
        for path in touched
        if layout.region(path) is not Region.IGNORED and not layout.is_temporary(path)
    ]
    return ChildReport(
        interpreter(),
        os.getpid(),
        os.getppid(),
        sys.orig_argv,
        [source for part in parts for source in part.sources],
        [source for part in parts for source in part.ordered],
        [function for part in parts for function in part.functions],
        list({item for part in parts for item in part.inputs}),
        [function for part in parts for function in part.placed],
        written,
        action.uncacheable,
        graph.refusal(action, declared=False),
    )


def reporting_exit(original: Callable[[int], NoReturn], report: Callable[[], None]) -> Any:
    """Return an `os._exit` that reports before it does as `original` does."""

    def _exit(status: int) -> NoReturn:
        report()
        original(status)

    return _exit
