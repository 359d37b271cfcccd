"""Runs to make pages of."""

from __future__ import annotations

from pytest_cachekit.actions.last_run import Cause, LastRun, TestInRun
from pytest_cachekit.actions.runs import RunLine

NOW = 1_790_000_000.0
_PARTS = ("accounts", "billing", "catalogue", "checkout", "search", "shipping")
_CAUSES = [
    Cause("all inputs unchanged"),
    Cause("function shop/prices.py::with_tax changed", "function shop/prices.py::with_tax"),
    Cause(
        "import-time code of shop/models.py (`CURRENCIES = ('EUR', 'CHF')`) changed; "
        "the function on line 12 of shop/forms.py names CURRENCIES",
        "import-time code of shop/models.py (`CURRENCIES = ('EUR', 'CHF')`)",
    ),
    Cause("file tests/data/catalogue.json changed", "file tests/data/catalogue.json"),
    Cause("no result stored yet"),
    Cause("starts the process git, which can't be traced"),
    Cause("connects to db.example:5432"),
    Cause("no result stored yet; not stored: failed in call"),
]
_CATEGORIES = (
    "replayed", "stale", "stale", "stale", "new", "uncacheable", "uncacheable",
    "not cacheable outcome",
)  # fmt: skip


def sample_run(tests: int, now: float = NOW) -> LastRun:
    """Return a run of that many tests, most of which were replayed."""
    found = []
    for number in range(tests):
        cause = 0 if number % 9 else (1, 1, 1, 1, 2, 1, 2, 3, 4, 5, 6, 1, 4, 5, 7)[number // 9 % 15]
        part = _PARTS[number * 7 // 33 % len(_PARTS)]
        outcome = "failed" if cause == 7 else "skipped" if number % 50 == 3 else "passed"
        micros = (number * 7919 % 90_000) * (30 if cause in (5, 6) else 1)
        nodeid = f"tests/{part}/test_{part}_{number // 33}.py::test_{number}[case-{number % 7}]"
        found.append(TestInRun(nodeid, _CATEGORIES[cause], outcome, cause, micros))
    return LastRun(now, "read-write", _CAUSES, found, [])


def sample_history(last: LastRun, runs: int = 30) -> list[RunLine]:
    """Return the statistics of a run and of those before, newest first."""
    total = len(last.tests)
    times = [test.microseconds / 1e6 for test in last.tests if test.category == "replayed"]
    hits = len(times)
    lines = [
        RunLine(
            last.ended, "c", "here", "read-write", hits, total - hits, 0, sum(times), [],
        )
    ]  # fmt: skip
    for number in range(1, runs):
        share = (0.99, 0.93, 0.55, 1.0, 0.97, 0.88, 1.0)[number % 7] if number < runs - 1 else 0.0
        hits = round(total * share)
        line = RunLine(
            last.ended - 5000.0 * number, "c", "here", "read-write", hits, total - hits, 0,
            0.045 * hits, [],
        )  # fmt: skip
        lines.append(line)
    return lines
