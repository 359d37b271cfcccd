"""A pytest plugin that notes how each test ends, and runs chosen ones in a given order.

It runs inside of the suites that the laboratory examines, so it imports nothing of
this project. `OUTCOMES` names the file to write, `CHOSEN` one that lists node ids.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

_OUTCOMES = os.environ.pop("OUTCOMES")
_CHOSEN = os.environ.pop("CHOSEN")
_RANK = ("passed", "skipped", "failed")
_found: dict[str, str] = {}


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the chosen tests, in their order."""
    if not Path(_CHOSEN).exists():
        return
    place = {name: index for index, name in enumerate(json.loads(Path(_CHOSEN).read_text()))}
    config.hook.pytest_deselected(items=[item for item in items if item.nodeid not in place])
    items[:] = sorted(
        (item for item in items if item.nodeid in place), key=lambda item: place[item.nodeid]
    )  # fmt: skip


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note the worst that was said of a test."""
    known = _found.get(report.nodeid, "passed")
    _found[report.nodeid] = max(known, report.outcome, key=_RANK.index)


def pytest_sessionfinish() -> None:
    """Write down what was noted."""
    Path(_OUTCOMES).write_text(json.dumps(_found))
