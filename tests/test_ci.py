"""What a CI shows of a run besides its log."""

from __future__ import annotations

import os
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from .harness import Project
from .result import Run

TESTS = """
    import pytest
    @pytest.mark.parametrize("name", ["a|b", "<b>"])
    def test_it(name):
        assert name
    def test_fails():
        assert 0
    """
STAMPED = """
    import os
    def test_it(): assert os.stat("data.txt").st_mtime > 1000
    """


@pytest.fixture
def on_github(project: Project, tmp_path: Path) -> Project:
    return project.write({"test_it.py": TESTS}).with_environment(
        GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=str(tmp_path / "summary.md")
    )


def properties(run: Run) -> dict[str, str]:
    root = ET.parse(run._results / "junit.xml").getroot()
    return {p.get("name", ""): p.get("value", "") for p in root.iter("property")}


def test_the_step_summary_tells_what_was_replayed_and_why_the_rest_ran(
    on_github: Project, tmp_path: Path
) -> None:
    (tmp_path / "summary.md").write_text("of an earlier step\n")
    on_github.run("--cachekit")
    first = (tmp_path / "summary.md").read_text()
    on_github.run("--cachekit")
    second = (tmp_path / "summary.md").read_text().removeprefix(first)

    assert first.startswith("of an earlier step\n### cachekit\n")
    assert "\n| 0 | 3 | 0 ms | 0.0% |\n" in first
    assert "\n| 2 | no result stored yet |\n| 1 | no result stored yet; not stored: failed" in first
    assert "\n| 2 | 1 | " in second
    assert "not cacheable" not in second


def test_counts_are_properties_of_the_junit_file(on_github: Project) -> None:
    on_github.run("--cachekit")
    run = on_github.run("--cachekit")

    assert properties(run).items() >= {"cachekit.replayed": "2", "cachekit.run": "1"}.items()
    elsewhere = on_github.with_environment(GITHUB_ACTIONS="", GITLAB_CI="true")
    assert properties(elsewhere.run("--cachekit"))["cachekit.replayed"] == "2"


def test_elsewhere_nothing_is_added(project: Project) -> None:
    assert properties(project.write({"test_it.py": TESTS}).run("--cachekit")) == {}


def test_a_test_that_is_not_deterministic_is_annotated(on_github: Project, tmp_path: Path) -> None:
    project = on_github.write({"test_it.py": STAMPED, "data.txt": "text"})
    project.run("--cachekit")
    os.utime(project.root / "data.txt", (1, 1))
    run = project.run("--cachekit", "--cachekit-audit=100")

    assert "::warning file=test_it.py::test_it.py::test_it: passed before" in run.stdout
    assert "- **not deterministic**: test_it.py::test_it" in (tmp_path / "summary.md").read_text()


def test_a_summary_that_cannot_be_written_breaks_nothing(on_github: Project) -> None:
    run = on_github.with_environment(GITHUB_STEP_SUMMARY="/proc/none/summary").run("--cachekit")

    assert run.counts == {"failed": 1, "passed": 2, "warning": 1}
