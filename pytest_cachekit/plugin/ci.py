"""What a CI shows besides the log: GitHub's step summary and annotations, properties for JUnit."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator

import pytest
from _pytest.junitxml import xml_key

from .run import Run
from .summary import duration
from .tally import Tally

_MOST_REASONS = 5


class ContinuousIntegration:
    """The hooks of a run by GitHub Actions or GitLab."""

    def __init__(self, run: Run) -> None:
        self._run = run

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """Add properties before the JUnit file is written."""
        junit = self._run.config.stash.get(xml_key, None)
        if junit is not None and self._has_something_to_say():
            for name, value in properties(self._run.tally):
                junit.add_global_property(name, value)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Write the step summary, and annotate tests that aren't deterministic."""
        run = self._run
        if not self._has_something_to_say():
            return
        if os.environ.get("GITHUB_ACTIONS"):
            for line in workflow_commands(run.tally):
                terminalreporter.line(line)
        path = os.environ.get("GITHUB_STEP_SUMMARY")
        if path:
            try:
                with open(path, "a", encoding="utf-8") as stream:
                    stream.write(step_summary(run.tally))
            except OSError as error:
                run.warn(f"The step summary can't be written ({error}): see GITHUB_STEP_SUMMARY.")

    def _has_something_to_say(self) -> bool:
        return self._run.is_on and bool(self._run.tally.lines)


def is_by_ci() -> bool:
    """Return whether GitHub Actions or GitLab runs this process."""
    return bool(os.environ.get("GITHUB_ACTIONS") or os.environ.get("GITLAB_CI"))


def properties(tally: Tally) -> Iterator[tuple[str, str]]:
    """Yield names and values for the JUnit file."""
    counts = tally.counts()
    yield "cachekit.replayed", str(counts["replayed"])
    yield "cachekit.run", str(_ran(tally))
    yield "cachekit.saved_seconds", f"{tally.saved:.3f}"


def step_summary(tally: Tally) -> str:
    """Return what GitHub shows on the page of a run, as Markdown."""
    counts = tally.counts()
    reasons = Counter(
        "audited" if line.audited else line.reason for line in tally.lines.values() if line.has_run
    )
    ran = _ran(tally)
    lines = [
        "### cachekit",
        "",
        "| replayed | run | saved | hit rate |",
        "|---|---|---|---|",
        f"| {counts['replayed']} | {ran} | {duration(tally.saved)} | {tally.hit_rate:.1%} |",
        "",
    ]
    if reasons:
        lines += ["| tests | ran because |", "|---|---|"]
        top = reasons.most_common(_MOST_REASONS)
        lines += [f"| {count} | {_cell(reason)} |" for reason, count in top]
        rest = reasons.total() - sum(count for _, count in top)
        lines += [f"| {rest} | of other reasons |"] if rest else []
        lines.append("")
    for line in tally.lines.values():
        if line.unsteady is not None:
            lines.append(f"- **not deterministic**: {_cell(line.nodeid)}: {_cell(line.unsteady)}")
    return "\n".join([*lines, ""])


def workflow_commands(tally: Tally) -> Iterator[str]:
    """Yield GitHub's commands that annotate tests which ended otherwise than before."""
    for line in tally.lines.values():
        if line.unsteady is not None:
            file = line.nodeid.partition("::")[0]
            yield f"::warning file={_escaped(file)}::{_escaped(f'{line.nodeid}: {line.unsteady}')}"


def _ran(tally: Tally) -> int:
    counts = tally.counts()
    return counts.total() - counts["replayed"] - counts["not run"]


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")


def _escaped(text: str) -> str:
    for character, code in (("%", "%25"), ("\r", "%0D"), ("\n", "%0A")):
        text = text.replace(character, code)
    return text
