"""One shape of story: a test is recorded, something that it rests on changes, and it runs again.

The recorded outcome would be a lie after the change, so each story's test fails
when it runs again; and the reason must name what changed, so that a test which
is stale for no reason doesn't pass for one that is stale for the right reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import pytest

from .harness import Project
from .result import Run

IT = "test_it.py::test_it"
BYSTANDER = "test_bystander.py::test_bystander"


@dataclass(frozen=True)
class Story:
    """A project whose `test_it` passes, and a change that makes it fail."""

    title: str
    files: Mapping[str, str]
    change: Callable[[Project], Project]
    because: str
    """What the reason says, at least."""
    environment: Mapping[str, str] = field(default_factory=dict)
    target: str = IT
    spares_bystanders: bool = True
    """Whether a test in another file, which rests on nothing, is replayed."""

    def tell(self, project: Project) -> Run:
        """Record, change, run again, and check what that led to; return the last run."""
        before = project.write(
            {"test_bystander.py": "def test_bystander(): pass", **self.files}
        ).with_environment(**self.environment)
        recorded = before.run("--cachekit")
        assert recorded.outcomes[self.target] == "passed", recorded.stdout
        assert recorded.verdicts[self.target] == "miss", recorded.reasons

        changed = self.change(before).run("--cachekit", "--tb=short")

        assert changed.verdicts[self.target] == "stale", changed.reasons
        assert self.because in changed.reasons[self.target], changed.reasons
        assert changed.outcomes[self.target] in ("failed", "error"), changed.stdout
        if self.spares_bystanders:
            assert changed.verdicts[BYSTANDER] == "hit", changed.reasons
        return changed


def stories(*told: Story) -> pytest.MarkDecorator:
    """Parametrize a test over `story`."""
    return pytest.mark.parametrize("story", told, ids=[story.title for story in told])


def side_by_side(modules: Iterable[str]) -> dict[str, str]:
    """Return a file for each test module, and last one whose test rests on nothing.

    That test's verdict shows that none of the others decides about those around it.
    """
    files = {f"test_{number:02}.py": text for number, text in enumerate(modules)}
    return {**files, "test_bystander.py": "def test_bystander(): pass"}


def replacing(name: str, old: str, new: str) -> Callable[[Project], Project]:
    """Return the change of one place in a file."""
    return lambda project: project.replace(name, old, new)


def writing(name: str, text: str) -> Callable[[Project], Project]:
    """Return the change that adds a file, or writes it anew."""
    return lambda project: project.write({name: text})


def removing(name: str) -> Callable[[Project], Project]:
    """Return the change that removes a file."""
    return lambda project: project.remove(name)
