"""A pytest plugin that notes how each test ends, and runs chosen ones in a given order, or none.

It runs inside of the suites that the laboratory examines, so it imports nothing of
this project, and reads what it is told before anybody watches. `OUTCOMES` names the
file to write, `CHOSEN` one that lists node ids; with `DECIDE_ONLY`, what isn't
replayed doesn't run.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

_OUTCOMES = os.environ.pop("OUTCOMES")
_CHOSEN = Path(os.environ.pop("CHOSEN"))
_PLACES: dict[str, int] | None = None
if _CHOSEN.exists():
    _PLACES = {name: index for index, name in enumerate(json.loads(_CHOSEN.read_text()))}
_DECIDE_ONLY = bool(os.environ.pop("DECIDE_ONLY", ""))
_RANK = ("passed", "skipped", "failed")
_found: dict[str, str] = {}


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop() -> object:
    """Run nothing, where that is asked for."""
    return _DECIDE_ONLY or None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the chosen tests, in their order."""
    if _PLACES is None:
        return
    places = _PLACES
    config.hook.pytest_deselected(items=[item for item in items if item.nodeid not in places])
    items[:] = sorted(
        (item for item in items if item.nodeid in places), key=lambda item: places[item.nodeid]
    )


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note the worst that was said of a test."""
    known = _found.get(report.nodeid, "passed")
    _found[report.nodeid] = max(known, report.outcome, key=_RANK.index)


def pytest_sessionfinish() -> None:
    """Write down what was noted."""
    Path(_OUTCOMES).write_text(json.dumps(_found))
