"""From pytest's reports to what is stored, and back."""

from __future__ import annotations

import dataclasses
import os
import sys
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any, Literal

import pytest
from _pytest.unittest import TestCaseFunction

from ..actions.outcomes import Phase, RecordedWarning, TestOutcome
from ..errors import NotStorableError
from ..inputs.layout import Layout
from .plain_data import is_plain

REPLAYED = "cachekit"
"""Attribute of a report that was replayed rather than made by running the test."""


_OF_PYTEST = frozenset(
    (*vars(pytest.TestReport("", ("", 0, ""), {}, "passed", None, "call")), "wasxfail")
)


class _Verbatim(str):
    """The representation of a value, shown as it is."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


class Recorded:
    """What pytest reported of one test while it ran."""

    def __init__(self) -> None:
        self.reports: list[pytest.TestReport] = []
        self.warnings: list[tuple[warnings.WarningMessage, str]] = []
        self._attributes: list[dict[str, Any]] = []

    def take(self, report: pytest.TestReport) -> None:
        """Note a report, before those to whom it is reported add to it."""
        self.reports.append(report)
        added = vars(report).keys() - _OF_PYTEST
        self._attributes.append({name: getattr(report, name) for name in added})

    def outcome(self, item: pytest.Item, layout: Layout) -> TestOutcome:
        """Return what to store.

        Raises:
            NotStorableError: the test didn't simply pass, skip or fail as expected.
        """
        main = [report for report in self.reports if not _is_subtest(report)]
        for report in self.reports:
            _check(report)
        if [report.when for report in main] not in (
            ["setup", "call", "teardown"],
            ["setup", "teardown"],
        ):
            raise NotStorableError("it ran more than once, or was interrupted")
        return TestOutcome(
            [
                _phase(item, report, attributes, layout)
                for report, attributes in zip(self.reports, self._attributes, strict=True)
            ],
            [_warning(message, when, layout) for message, when in self.warnings],
        )


def _is_subtest(report: pytest.TestReport) -> bool:
    return hasattr(report, "context") and type(report) is not pytest.TestReport


def _check(report: pytest.TestReport) -> None:
    if report.outcome not in ("passed", "skipped"):
        raise NotStorableError(f"{report.outcome} in {report.when}")
    if report.passed and hasattr(report, "wasxfail"):
        raise NotStorableError("passed although it was expected to fail")
    if getattr(report, "rerun", 0):
        raise NotStorableError("it was run again")
    for name, value in report.user_properties:
        if not (isinstance(name, str) and isinstance(value, (str, int, float, bool, type(None)))):
            raise NotStorableError(f"its property {name!r} is neither text nor a number")


def _phase(
    item: pytest.Item, report: pytest.TestReport, attributes: dict[str, Any], layout: Layout
) -> Phase:
    if _is_subtest(report):
        data = item.config.hook.pytest_report_to_serializable(config=item.config, report=report)
        return Phase(
            str(report.when),
            report.outcome,
            report.duration,
            skipped_at=None if hasattr(report, "wasxfail") else _place(item, report, layout),
            subtest=data,
        )
    for name, value in attributes.items():
        if not is_plain(value):
            raise NotStorableError(f"its report carries {name!r}, which is no plain data")
    skipped_at = xfail = None
    if hasattr(report, "wasxfail"):
        xfail = (report.wasxfail, str(report.longrepr or ""))
    else:
        skipped_at = _place(item, report, layout)
    return Phase(
        str(report.when),
        report.outcome,
        report.duration,
        list(report.sections),
        skipped_at,
        xfail,
        list(report.user_properties),  # type: ignore[arg-type]  # `_check` looked at the values
        attributes=attributes,
    )


def _place(
    item: pytest.Item, report: pytest.TestReport, layout: Layout
) -> tuple[str, int, str] | None:
    """Return where a test was skipped, and why; its own lines are counted from its first."""
    if not report.skipped:
        return None
    if not isinstance(report.longrepr, tuple):
        raise NotStorableError("it was skipped without saying where")
    file, line, reason = report.longrepr
    if str(file) == str(item.path):
        return "", int(line) - (item.location[1] or 0), reason
    return layout.name(str(file)), int(line), reason


def _warning(message: warnings.WarningMessage, when: str, layout: Layout) -> RecordedWarning:
    category = message.category
    return RecordedWarning(
        (category.__module__, category.__qualname__),
        str(message.message),
        layout.name(str(message.filename)),
        os.path.isabs(str(message.filename)),
        message.lineno,
        when,
    )


def replay(item: pytest.Item, outcome: TestOutcome, layout: Layout) -> None:
    """Report `outcome` as that of `item`, to everybody who listens to pytest's hooks."""
    hook = item.ihook
    hook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    for report in _reports(item, outcome.phases, layout):
        setattr(report, REPLAYED, "hit")
        with _as_it_ran(item) if _is_subtest(report) else nullcontext():
            hook.pytest_runtest_logreport(report=report)
    hook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    # pytest collects a test's warnings until all of its reports are made.
    for warning in outcome.warnings:
        hook.pytest_warning_recorded.call_historic(
            kwargs={
                "warning_message": _warning_message(warning, layout),
                "when": warning.when,
                "nodeid": item.nodeid,
                "location": None,
            }
        )


@contextmanager
def _as_it_ran(item: pytest.Item) -> Iterator[None]:
    """Capture what is shown in the block if it was captured when the test ran.

    unittest tells of its subtests from inside the test, so that nobody sees these pass.
    """
    plugins = item.config.pluginmanager
    capture = plugins.get_plugin("capturemanager")
    if capture is None or not isinstance(item, TestCaseFunction) or plugins.has_plugin("dsession"):
        yield
        return
    capture.resume_global_capture()
    try:
        yield
    finally:
        capture.suspend_global_capture(in_=False)
        capture.read_global_capture()


def _reports(
    item: pytest.Item, phases: Sequence[Phase], layout: Layout
) -> Iterator[pytest.TestReport]:
    keywords: dict[str, Literal[1]] = dict.fromkeys(item.keywords, 1)
    now = time.time()
    for phase in phases:
        if phase.subtest is not None:
            report = item.config.hook.pytest_report_from_serializable(
                config=item.config, data=dict(phase.subtest)
            )
            report.nodeid, report.location, report.keywords = item.nodeid, item.location, keywords
            # pytest stores representations, and would represent them once more.
            parameters = phase.subtest.get("_subtest.context", {}).get("kwargs", {})
            verbatim = {name: _Verbatim(value) for name, value in parameters.items()}
            report.context = dataclasses.replace(report.context, kwargs=verbatim)
            if phase.skipped_at is not None:
                report.longrepr = _longrepr(item, phase, layout)
            yield report
            continue
        yield pytest.TestReport(
            nodeid=item.nodeid,
            location=item.location,
            keywords=keywords,
            outcome=phase.outcome,  # type: ignore[arg-type]  # one of the two that are stored
            longrepr=_longrepr(item, phase, layout),
            when=phase.when,  # type: ignore[arg-type]
            sections=phase.sections,
            duration=phase.duration,
            start=now - phase.duration,
            stop=now,
            user_properties=phase.properties,
            **phase.attributes,
            **({} if phase.xfail is None else {"wasxfail": phase.xfail[0]}),
        )


def _longrepr(item: pytest.Item, phase: Phase, layout: Layout) -> Any:
    if phase.xfail is not None:
        return phase.xfail[1] or None
    if phase.skipped_at is None:
        return None
    file, line, reason = phase.skipped_at
    if file:
        return layout.path(file), line, reason
    return str(item.path), line + (item.location[1] or 0), reason


def _warning_message(warning: RecordedWarning, layout: Layout) -> warnings.WarningMessage:
    module, name = warning.category
    category: Any = sys.modules.get(module)
    for part in name.split("."):
        category = getattr(category, part, None)
    if not (isinstance(category, type) and issubclass(category, Warning)):
        category = type(name.rpartition(".")[2], (UserWarning,), {"__module__": module})
    try:
        message = category(warning.text)
    except Exception:  # noqa: BLE001  a class of the user's, whose constructor may do anything
        message = UserWarning(warning.text)
    file = layout.path(warning.file) if warning.is_path else warning.file
    return warnings.WarningMessage(message, category, file, warning.line)


def shows_output(config: pytest.Config) -> bool:
    """Return whether a run shows somewhere what tests printed that did not fail."""
    options = vars(config.option)
    shown = set("PA") & set(options.get("reportchars") or "")
    in_junit = options.get("xmlpath") and config.getini("junit_logging") != "no"
    others = ("xfail_tb", "htmlpath", "json_report", "report_log")
    return bool(shown or in_junit or any(options.get(name) for name in others))
