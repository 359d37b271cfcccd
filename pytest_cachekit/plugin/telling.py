"""Hooks that tell: header, outcomes, summary and report."""

from __future__ import annotations

import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from .log import last_run_of
from .replay import REPLAYED
from .report import report_data, write_text
from .run import Run
from .summary import held_in_words, write_doubts, write_explanations, write_summary


class Telling:
    """Tells what the cache does, in the process that the user looks at."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def pytest_report_header(self) -> str:
        """Say that the cache is on, where it lives, and what keeps it from replaying."""
        if self._run.obstacle is not None:
            return f"cachekit: {self._run.obstacle.header}"
        if not self._run.is_on:
            return "cachekit: off"
        far = "" if self._run.far is None else f", remote {self._run.far.url}"
        return f"cachekit: {self._run.where}{far} ({self._run.settings.cachekit_mode})"

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note how each test ended."""
        line = self._run.tally.lines.get(report.nodeid)
        if line is None:
            return
        if hasattr(report, REPLAYED):
            line.replayed = True
        else:
            line.duration += report.duration
        if report.when == "call" or report.outcome != "passed":
            line.saw(_outcome_word(report))

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_report_teststatus(self, report: pytest.TestReport) -> Generator[None, Any, Any]:
        """Add to what is shown of a replayed test that it was."""
        shown = yield
        if shown is None or not hasattr(report, REPLAYED) or type(report) is not pytest.TestReport:
            return shown
        category, letter, word = shown
        if isinstance(word, tuple):
            return category, letter, (f"{word[0]} (cached)", word[1])
        return category, letter, f"{word} (cached)" if word else word

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Tell what was replayed, what ran and why, and what that saved."""
        run = self._run
        if not run.is_on or not run.tally.lines:
            return
        write_doubts(terminalreporter, run.tally)
        if run.settings.cachekit_explain:
            write_explanations(terminalreporter, run.tally)
        write_summary(
            terminalreporter, run.tally, run.size, run.where, run.remarks, stores=run.stores
        )

    def write_report(self) -> None:
        """Write the report, where one is asked for: a page, or JSON."""
        run = self._run
        if not run.is_on or not run.settings.cachekit_report:
            return
        path = Path(run.config.invocation_params.dir, run.settings.cachekit_report)
        try:
            if path.suffix.lower() in (".html", ".htm"):
                from .page.render import render_page

                page = render_page(
                    run.config.rootpath.name,
                    run.last or last_run_of(run.tally, run.settings.cachekit_mode, run.remarks),
                    run.history(),
                    held_in_words(run.size, run.where),
                )
                write_text(path, page)
            else:
                data = report_data(run.tally, run.size, run.where, run.far)
                write_text(path, json.dumps(data, indent=1) + "\n")
        except OSError as error:
            run.warn(f"The report can't be written to {path} ({error}): name another path.")


def _outcome_word(report: pytest.TestReport) -> str:
    if hasattr(report, "wasxfail"):
        return "xfailed" if report.skipped else "xpassed"
    if report.outcome == "failed" and report.when != "call":
        return "error"
    return str(report.outcome)
