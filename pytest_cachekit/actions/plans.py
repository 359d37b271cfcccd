"""Plans for tasks: templates with parameters, found by the task or by one that is like it."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ..caching.stats import CacheStats
from ..errors import CacheUsageError
from ..inputs.reading import Reading
from ..storage import Backend
from ..storage.forks import survive_forks
from .client import Client, unwatched
from .entries import Removed, Stored
from .kinds import PLANS
from .plan_content import decode_plan, encode_plan
from .plan_index import PlanIndex
from .plan_likeness import likeness
from .plan_match import PlanMatch, PlanStats
from .plan_template import PlanTemplate
from .plan_usage import FAILURES, SUCCESSES, USES, PlanUsage, PlanUsages

_CHANGES = "plan-changes"
# Of templates that are like a task, so many are ranked by what became of them.
_MOST_RANKED = 20


class PlanCache(Client):
    """Keeps plans under the tasks that they are for."""

    def __init__(
        self,
        backend: str | Backend = "file:.cachekit",
        *,
        threshold: float = 0.6,
        ttl: float | None = None,
        max_entries: int | None = None,
        namespace: str = "",
        epoch: str = "",
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Open a cache of plans.

        Args:
            backend: a URL, or a backend that is open.
            threshold: how like a task a template must be to be found for it, from 0 to 1.
            ttl: seconds after which a plan isn't found any more; never by default.
            max_entries: most plans; those go first that were used least recently.
            namespace: keeps what is stored apart from other namespaces.
            epoch: another word disowns what was stored before.
            clock: tells seconds since 1970.

        Raises:
            StorageError: the backend can't be used.
            CacheUsageError: a limit keeps nothing, or the threshold is none.
        """
        super().__init__(
            backend, namespace=namespace, epoch=epoch, ttl=ttl, max_entries=max_entries
        )
        self._threshold = _checked(threshold)
        # Nothing is watched: a plan rests on nothing but what it was stored with.
        self._store, self._fingerprints = unwatched(
            self._backend, PLANS.name, ttl=ttl, max_entries=max_entries, clock=clock
        )
        self._usages = PlanUsages(self._backend)
        self._index: PlanIndex
        self._seen: bytes | None
        self._exact = self._near = self._misses = 0
        self.after_fork()
        survive_forks(self)

    def put(
        self, template: str, plan: Any, *, defaults: Mapping[str, Any] | None = None
    ) -> PlanTemplate:
        """Keep `plan` for tasks like `template`, in place of what was there.

        Args:
            template: a task, with `{parameters}` where tasks of its sort differ.
            plan: plain data; `{parameters}` in its texts are replaced by what a task says there.
            defaults: values of parameters about which a task says nothing.

        Raises:
            CacheUsageError: the template is none, or the plan no plain data.
            StorageError: the backend can't be written.
        """
        return self.put_many({template: plan}, defaults=defaults)[0]

    def put_many(
        self, plans: Mapping[str, Any], *, defaults: Mapping[str, Any] | None = None
    ) -> list[PlanTemplate]:
        """Keep many plans in one batch, by their templates; see `put`."""
        templates = [PlanTemplate(text) for text in plans]
        texts = [template.text for template in templates]
        outcomes = [
            self._store.outcome("plan", encode_plan(plan, dict(defaults or {})), 0.0, [])
            for plan in plans.values()
        ]
        self._store.record_many(
            [(text, "", Reading(), outcome) for text, outcome in zip(texts, outcomes, strict=True)],
            self._fingerprints,
        )
        self._note_change()
        if self._store.make_room().entries:
            self._usages.drop_others(self._store.groups())
        return templates

    def match(
        self,
        task: str,
        *,
        threshold: float | None = None,
        parameters: Mapping[str, Any] | None = None,
    ) -> PlanMatch | None:
        """Return the plan for `task`, filled in, and count its use; None where there is none.

        A template that says just that, and didn't fail more often than it succeeded, is taken at
        once. Otherwise it is the first of `matches`.

        Args:
            task: what is to be done.
            threshold: that of the cache by default; with 1 only exact matches count, and
                rapidfuzz isn't needed.
            parameters: values that count more than what the task says.

        Raises:
            CacheUsageError: rapidfuzz is needed and not installed, or the threshold is none.
            StorageError: the backend can't be used.
        """
        found = next(self._ranked(task, threshold, parameters or {}, eager=True), None)
        if found is None:
            self._misses += 1
            return None
        self._exact += found.is_exact
        self._near += not found.is_exact
        self._store.note_use(found.template, "")
        self._usages.count(USES, found.template)
        return found

    def matches(
        self,
        task: str,
        *,
        limit: int = 5,
        threshold: float | None = None,
        parameters: Mapping[str, Any] | None = None,
    ) -> list[PlanMatch]:
        """Return the plans that would do for `task`, best first; it counts as no use of them.

        They are ranked by score, times 0.75 to 1.25 by the share of successes among what
        `record_success` and `record_failure` said of them.
        """
        found = self._ranked(task, threshold, parameters or {}, eager=False)
        return [match for _, match in zip(range(limit), found, strict=False)]

    def record_success(self, match: PlanMatch | str) -> PlanUsage:
        """Note that a plan did its task; return how often it was used, and with what success."""
        return self._count(SUCCESSES, match)

    def record_failure(self, match: PlanMatch | str) -> PlanUsage:
        """Note that a plan didn't do its task; return how it did so far."""
        return self._count(FAILURES, match)

    def usage(self, template: str) -> PlanUsage:
        """Return how often a template was used, and with what success."""
        text = PlanTemplate(template).text
        return self._usages.of([text])[text]

    def templates(self) -> list[str]:
        """Return the texts of all templates."""
        with self._templates() as index:
            return sorted(index)

    def stats(self) -> PlanStats:
        """Return what the cache holds, and what it found in this process."""
        with self._templates() as index:
            count = len(index)
        return PlanStats(count, self._exact, self._near, self._misses)

    def counted(self) -> CacheStats:
        """Return what this process did, as caches of values tell it."""
        found = self._exact + self._near
        limit, ttl = self._store.max_entries, self._store.ttl
        return CacheStats(hits=found, misses=self._misses, max_size=limit, ttl=ttl)

    def remove(self, template: str) -> Removed:
        """Remove one template, and what is known of its use; say how much that was."""
        text = PlanTemplate(template).text
        return self._remove(lambda stored: stored.group == text)

    def remove_expired(self) -> Removed:
        """Remove what is older than the time to live; say how much."""
        return self._remove(lambda stored: self._store.is_expired(stored.outcome))

    def clear(self) -> Removed:
        """Remove all templates; say how many that were."""
        return self._remove(lambda _: True)

    def after_fork(self) -> None:
        """See `Forked.after_fork`; a thread may have been in the midst of a change."""
        self._lock = threading.Lock()
        self._index, self._seen = PlanIndex(), None

    def _ranked(
        self, task: str, threshold: float | None, parameters: Mapping[str, Any], *, eager: bool
    ) -> Iterator[PlanMatch]:
        """Yield matches, best first; if `eager`, exact ones that do well before all others."""
        least = self._threshold if threshold is None else _checked(threshold)
        with self._templates() as index:
            said = index.exact(task)
        exact = [PlanMatch(task, template, found) for template, found in said]
        self._weigh(exact)
        told = {match.template for match in exact}
        first = [match for match in exact if match.rank >= match.score] if eager else []
        yield from self._filled(first, parameters)
        others = [match for match in exact if match not in first]
        if least < 1:
            with self._templates() as index:
                candidates = index.candidates(task)
            others_like = [each for each in candidates if each.text not in told]
            scored = [(likeness(template, task), template) for template in others_like]
            near = [
                PlanMatch(task, template, like.parameters, like)
                for like, template in scored
                if like.score >= least
            ]
            near = sorted(near, key=lambda match: -match.score)[:_MOST_RANKED]
            self._weigh(near)
            others += near
        yield from self._filled(others, parameters)

    def _weigh(self, matches: list[PlanMatch]) -> None:
        usages = self._usages.of(match.template for match in matches)
        for match in matches:
            match.usage = usages[match.template]

    def _filled(
        self, matches: Iterable[PlanMatch], parameters: Mapping[str, Any]
    ) -> Iterator[PlanMatch]:
        gone: list[str] = []
        for match in sorted(matches, key=lambda match: match.order):
            _, outcome, _ = self._store.lookup(match.template, "", self._fingerprints)
            stored = None if outcome is None else decode_plan(outcome)
            if stored is None:
                gone.append(match.template)
            else:
                match.adapt(stored.plan, stored.defaults, parameters)
                yield match

    def _count(self, what: str, match: PlanMatch | str) -> PlanUsage:
        text = match.template if isinstance(match, PlanMatch) else PlanTemplate(match).text
        self._usages.count(what, text)
        return self._usages.of([text])[text]

    @contextmanager
    def _templates(self) -> Iterator[PlanIndex]:
        """Lend the index to one thread; before, learn which templates came and went.

        Plans are read when they are found.
        """
        changes = self._backend.get_many([_CHANGES]).get(_CHANGES, b"")
        with self._lock:
            if changes != self._seen:
                there, known = set(self._store.groups()), set(self._index)
                self._index.remove(known - there)
                self._index.add(sorted(there - known))
                self._seen = changes
            yield self._index

    def _note_change(self) -> None:
        # No counter: one that a budget removes would start again at a number that was seen.
        self._backend.set_many({_CHANGES: os.urandom(8)})

    def _remove(self, chosen: Callable[[Stored], bool]) -> Removed:
        removed = self._store.remove(chosen)
        if removed.entries:
            self._note_change()
            self._usages.drop_others(self._store.groups())
        return removed


def _checked(threshold: float) -> float:
    if not 0 <= threshold <= 1:
        raise CacheUsageError(f"threshold={threshold!r} is none: give a number from 0 to 1.")
    return threshold
