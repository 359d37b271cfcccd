"""Performs actions: replays what is stored and still holds, else runs and records."""

from __future__ import annotations

import threading
import time
import warnings
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

from ..caching.stats import CacheStats
from ..errors import CacheUnavailableWarning, NotStorableError, StorageError
from ..inputs.fingerprint import Fingerprints
from ..inputs.reading import Input, Reading
from .entries import Outcome
from .observing import TRACED_ALREADY, Observation, Observer
from .outcome_store import OutcomeStore
from .verdict import Hit, Miss, Stale, Uncacheable, Verdict

R = TypeVar("R")
_MOST_REASONS = 10_000


@dataclass(frozen=True)
class Task(Generic[R]):
    """One action to perform."""

    group: str
    name: str
    label: str
    run: Callable[[], R]
    encode: Callable[[R], tuple[str, bytes]]
    """Returns kind and content of an outcome; raises `NotStorableError` where there is none."""
    decode: Callable[[Outcome], R]
    """The way back; raises `ValueError` where that can't be done."""
    tags: tuple[str, ...] = ()
    inputs: frozenset[Input] = frozenset()
    """What it rests on besides what is seen."""
    deliver: Callable[[R], None] = lambda _: None
    """Does what a replay needs besides returning a result."""
    declared: Callable[[Fingerprints], frozenset[Input]] | None = None
    """Where it isn't observed: what it rests on, now."""


@dataclass
class Counts:
    """What was decided in this process."""

    hits: int = 0
    misses: int = 0
    """Nothing was stored that could be replayed."""
    stale: int = 0
    """An input differed."""
    uncacheable: int = 0
    """It ran, and its outcome was not stored."""
    errors: int = 0
    """The cache could not be read or written."""
    saved: float = 0.0
    """Seconds that the replayed actions had taken."""
    reasons: dict[tuple[str, str], str] = field(default_factory=dict)
    """Why outcomes were not stored, by group and name."""


class Performer:
    """Performs actions of one kind in this process."""

    def __init__(self, store: OutcomeStore, observer: Observer, mode: str = "read-write") -> None:
        self.store, self.observer = store, observer
        self.counts = Counts()
        self._mode = mode
        self._lock = threading.Lock()
        self._warned = False

    def perform(self, task: Task[R]) -> R:
        """Return what `task` produces: from the cache, or by running it."""
        if task.declared is None and self.observer.is_traced_by_others():
            self._refuse(task, TRACED_ALREADY)
            return task.run()
        with self.observer.aside():
            fingerprints = self.observer.fingerprints()
            verdict, found, reading = self._look_up(task, fingerprints)
        if isinstance(verdict, Hit):
            self.observer.inherit(reading)
            with self.observer.aside():
                task.deliver(found[-1])
            return found[-1]
        return self._run(task, fingerprints)

    def explain(self, task: Task[R]) -> Verdict:
        """Return what `perform` would decide, and count nothing."""
        if task.declared is None and self.observer.is_traced_by_others():
            return Uncacheable(TRACED_ALREADY)
        with self.observer.aside():
            verdict, _, _ = self._decide(task, self.observer.fingerprints(), [])
        reason = self.counts.reasons.get((task.group, task.name))
        return Uncacheable(reason) if reason and not isinstance(verdict, Hit) else verdict

    def _look_up(
        self, task: Task[R], fingerprints: Fingerprints
    ) -> tuple[Verdict, list[R], Callable[[], Reading]]:
        found: list[R] = []
        verdict, outcome, reading = self._decide(task, fingerprints, found)
        with self._lock:
            if isinstance(verdict, Hit) and outcome is not None:
                self.counts.hits += 1
                self.counts.saved += outcome.duration
            elif isinstance(verdict, Stale):
                self.counts.stale += 1
            else:
                self.counts.misses += 1
        return verdict, found, reading

    def _decide(
        self, task: Task[R], fingerprints: Fingerprints, found: list[R]
    ) -> tuple[Verdict, Outcome | None, Callable[[], Reading]]:
        def objection(outcome: Outcome) -> str | None:
            try:
                found.append(task.decode(outcome))
            except ValueError:
                return "the stored outcome can't be read"
            return None

        if self._mode == "refresh":
            return Miss("everything runs in refresh mode"), None, Reading
        try:
            return self.store.lookup(task.group, task.name, fingerprints, objection)
        except StorageError as error:
            self._fail(error)
            return Miss("the cache can't be used"), None, Reading

    def _run(self, task: Task[R], fingerprints: Fingerprints) -> R:
        observation = Observation(task.label)
        declared = frozenset[Input]() if task.declared is None else task.declared(fingerprints)
        watching: AbstractContextManager[Any] = (
            self.observer.observing(observation) if task.declared is None else self.observer.aside()
        )
        start = time.perf_counter()
        with watching:
            result = task.run()
        duration = time.perf_counter() - start
        with self.observer.aside() if task.declared is None else nullcontext():
            now = self.observer.fingerprints()
            if task.declared is not None:
                if task.declared(now) != declared:
                    observation.refuse("its inputs changed while it ran")
                else:
                    observation.reading = Reading(inputs=declared)
                self.observer.inherit(lambda: Reading(inputs=declared))
            self._record(task, result, duration, observation, now)
        return result

    def _record(
        self,
        task: Task[R],
        result: R,
        duration: float,
        observation: Observation,
        fingerprints: Fingerprints,
    ) -> None:
        if self._mode == "read-only":
            return
        try:
            kind, content = task.encode(result)
        except NotStorableError as error:
            self._refuse(task, str(error))
            return
        reading = observation.reading
        if observation.refusal is not None or reading is None:
            self._refuse(task, observation.refusal or "what it reads isn't known")
            return
        if task.inputs:
            reading = replace(reading, inputs=reading.inputs | task.inputs)
        outcome = self.store.outcome(kind, content, duration, list(task.tags))
        try:
            stored = self.store.record(task.group, task.name, reading, outcome, fingerprints)
        except StorageError as error:
            self._fail(error)
            return
        if stored:
            self.store.make_room()
            self.counts.reasons.pop((task.group, task.name), None)
        else:
            self._refuse(task, "its source was changed while it ran")

    def counted(self) -> CacheStats:
        """Return what was decided in this process, as caches of values tell it."""
        counts = self.counts
        return CacheStats(
            hits=counts.hits,
            misses=counts.misses + counts.stale,
            errors=counts.errors,
            max_size=self.store.max_entries,
            ttl=self.store.ttl,
        )

    def note_uncacheable(self, group: str, reason: str, name: str = "") -> None:
        """Count an action that ran and was not stored, because of `reason`."""
        with self._lock:
            self.counts.uncacheable += 1
            if len(self.counts.reasons) < _MOST_REASONS:
                self.counts.reasons[group, name] = reason

    def _refuse(self, task: Task[R], reason: str) -> None:
        self.note_uncacheable(task.group, reason, task.name)

    def _fail(self, error: StorageError) -> None:
        with self._lock:
            self.counts.errors += 1
            first, self._warned = not self._warned, True
        if first:
            warnings.warn(CacheUnavailableWarning(str(error)), stacklevel=2)


def with_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """Return `tags`, each once and in order."""
    return tuple(sorted(set(tags)))
