"""A plan that was found for a task: why, and how it did so far."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from .plan_likeness import Likeness
from .plan_template import PlanTemplate, fill
from .plan_usage import PlanUsage


class PlanStats(NamedTuple):
    """What a cache of plans holds, and what it found in this process."""

    templates: int
    exact: int
    """Tasks for which a template said just that."""
    near: int
    """Tasks for which a template was like them."""
    misses: int

    @property
    def hit_rate(self) -> float:
        """Share of the tasks that a plan was found for; 0 where there were none."""
        asked = self.exact + self.near + self.misses
        return (self.exact + self.near) / asked if asked else 0.0


class PlanMatch:
    """A plan for a task.

    Attributes:
        task: what was asked.
        template: the text of the template.
        score: how like it the task is, from 0 to 1; 1 where it is exact.
        is_exact: whether the template says just that.
        parameters: the values that the plan was filled in with.
        missing: names of parameters without a value; they stand in the plan as `{name}`.
        plan: the plan, filled in.
        usage: how the template did so far.
    """

    def __init__(
        self,
        task: str,
        template: PlanTemplate,
        parameters: Mapping[str, str],
        like: Likeness | None = None,
    ) -> None:
        """Describe a match; without `like` it is an exact one."""
        self.task = task
        self.template = template.text
        self.score = 1.0 if like is None else like.score
        self.is_exact = like is None
        self.parameters: dict[str, Any] = dict(parameters)
        self.usage = PlanUsage(0, 0, 0)
        self.missing: tuple[str, ...] = ()
        self.plan: Any = None
        self._names = template.parameters
        self._literal = sum(map(len, template.literal_words))
        self._like = like

    @property
    def rank(self) -> float:
        """The score, weighted by how the template did so far."""
        return self.score * self.usage.weight

    @property
    def order(self) -> tuple[float, bool, int, str]:
        """What matches are sorted by: rank, exactness, and how much the template says itself."""
        return -self.rank, not self.is_exact, -self._literal, self.template

    @property
    def explanation(self) -> str:
        """Why this template was found, in one line."""
        parts = [f"{self.score:.2f}: {'exactly this task' if self.is_exact else self._told()}"]
        parts += [f"{name}={value!r}" for name, value in self.parameters.items()]
        parts += [f"no value for {name}" for name in self.missing]
        told = self.usage.successes + self.usage.failures
        if told:
            parts.append(f"succeeded {self.usage.successes} of {told} times")
        return "; ".join(parts)

    def adapt(self, plan: Any, defaults: Mapping[str, Any], given: Mapping[str, Any]) -> None:
        """Fill in a plan: what is given counts most, then what the task says, then defaults."""
        self.parameters = {**defaults, **self.parameters, **given}
        self.missing = tuple(name for name in self._names if name not in self.parameters)
        self.plan = fill(plan, self.parameters)

    def __repr__(self) -> str:
        return f"<PlanMatch {self.template!r} {self.explanation}>"

    def _told(self) -> str:
        like = self._like
        assert like is not None
        parts = [f"{like.same} of {like.words} words"]
        parts += [f"{said!r} for {word!r}" for word, said in like.misspelt.items()]
        parts += [f"without {word!r}" for word in like.missing]
        parts += [f"besides {word!r}" for word in like.extra]
        return ", ".join(parts)
