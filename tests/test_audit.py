"""Some hits run all the same; who passes and fails with the same inputs is trusted no more."""

from __future__ import annotations

import os
import random

import pytest

from pytest_cachekit.plugin.audit import Audit

from .harness import After, Project
from .stories import IT

TEST = """
    import os
    def test_it(): assert os.stat("data.txt").st_mtime > 1000
    """


def set_time(project: Project, seconds: int) -> None:
    """Change what a test reads and the cache doesn't see."""
    os.utime(project.root / "data.txt", (seconds, seconds))


def record(project: Project) -> Project:
    project = project.write({"test_it.py": TEST, "data.txt": "text"})
    assert project.run("--cachekit").outcomes == {IT: "passed"}
    return project


@pytest.fixture
def recorded(after: After) -> Project:
    """A project whose test depends on a time stamp, and passed."""
    return after(record)


def test_an_audited_hit_runs_and_stays_a_hit(recorded: Project) -> None:
    audited, later = recorded.run("--cachekit", "--cachekit-audit=100"), recorded.run("--cachekit")

    assert audited.verdicts == {IT: "hit"}
    assert audited.stats["audited"] == audited.stats["run"] == 1
    assert audited.report["tests"][0]["audited"] is True
    assert audited.outcomes == {IT: "passed"}
    assert later.stats["replayed"] == 1


def test_nothing_is_audited_unless_asked_for(recorded: Project) -> None:
    run = recorded.run("--cachekit")

    assert run.stats["audited"] == 0
    assert "audited" not in run.report["tests"][0]


def test_an_outcome_that_differs_is_told_and_is_that_of_the_run(recorded: Project) -> None:
    set_time(recorded, 1)
    run = recorded.run("--cachekit", "--cachekit-audit=100")

    assert run.exit_status == 1
    assert run.outcomes == {IT: "failed"}
    assert f"{IT}: audited: passed before, failed now, with the same inputs" in run.stdout
    assert run.report["tests"][0]["not_deterministic"] is not None


def test_what_differed_is_uncacheable_until_its_inputs_change(recorded: Project) -> None:
    set_time(recorded, 1)
    recorded.run("--cachekit", "--cachekit-audit=100")
    set_time(recorded, 5000)
    again = recorded.run("--cachekit")
    edited = recorded.replace("test_it.py", "> 1000", "> 999")
    first, second = edited.run("--cachekit"), edited.run("--cachekit")

    assert again.verdicts == {IT: "uncacheable"}
    assert "not deterministic" in again.reasons[IT]
    assert again.outcomes == {IT: "passed"}
    assert first.outcomes == {IT: "passed"}
    assert second.verdicts == {IT: "hit"}


def test_a_pass_after_a_failure_with_the_same_inputs_is_doubted(project: Project) -> None:
    project = project.write({"test_it.py": TEST, "data.txt": "text"})
    project.run("--cachekit")
    project = project.replace("test_it.py", "> 1000", "> 2_000_000_000")
    failed = project.run("--cachekit")
    set_time(project, 3_000_000_000)
    passed, later = project.run("--cachekit"), project.run("--cachekit")

    assert failed.outcomes == {IT: "failed"}
    assert passed.outcomes == {IT: "passed"}
    assert "failed before, passed now" in passed.stdout
    assert later.verdicts == {IT: "uncacheable"}


def test_a_failure_that_an_edit_mends_is_no_doubt(project: Project) -> None:
    broken = project.write({"test_it.py": "def test_it(): assert 1 == 2"})
    broken.run("--cachekit")
    mended = broken.replace("test_it.py", "1 == 2", "2 == 2")
    first, second = mended.run("--cachekit"), mended.run("--cachekit")

    assert first.outcomes == {IT: "passed"}
    assert "not_deterministic" not in first.report["tests"][0]
    assert second.verdicts == {IT: "hit"}


def test_the_share_is_the_one_asked_for() -> None:
    audit = Audit(25, random.Random(1))

    assert 200 < sum(audit.chooses() for _ in range(1000)) < 300
