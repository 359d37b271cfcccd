"""Keeping the local cache within its limits, at the end of a run."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from ..actions.kinds import TESTS
from ..actions.removal import Removed, collect_garbage
from ..actions.statistics import sizes
from ..resources.cleanup import Cleaned, Cleaner, CleanupResult, CleanupTask
from ..settings import Settings
from ..storage import Backend
from ..storage.backend import NotesUses
from .summary import bytes_in_words

_DAY = 86_400.0
# Room for some runs, so that not each of them has to look for what is oldest.
_KEPT = 0.9


def tidy_after_run(
    backend: Backend, context: str, nodeids: Iterable[str], settings: Settings
) -> tuple[dict[str, str], list[str]]:
    """Keep a cache within its limits; return the errors by task, and in words what was done.

    Args:
        backend: the cache.
        context: digest of what holds for the whole run.
        nodeids: the tests of the run: what it used.
        settings: have the limits.
    """
    note_uses(backend, context, nodeids)
    errors: dict[str, str] = {}
    remarks: list[str] = []
    for result in tidy(backend, settings):
        if result.error is not None:
            errors[result.name] = result.error
        elif result.removed:
            size = bytes_in_words(result.bytes)
            remarks.append(f"cleaned {result.removed} records, {size} ({result.name})")
    return errors, remarks


def note_uses(backend: Backend, context: str, nodeids: Iterable[str]) -> None:
    """Note that the records of these tests were used; neighbours are read along with them."""
    if isinstance(backend, NotesUses):
        groups = {TESTS.split(nodeid)[0] for nodeid in nodeids}
        backend.note_uses(f"{TESTS.prefix}{context}:{group}" for group in groups)


def tidy(
    backend: Backend, settings: Settings, *, clock: Callable[[], float] = time.time
) -> list[CleanupResult]:
    """Remove what is too old, once a day, and what is too much; return what came of it.

    Args:
        backend: the cache.
        settings: have the limits.
        clock: tells seconds since 1970.
    """
    most, oldest = settings.cachekit_max_size, settings.cachekit_max_age
    tasks: list[CleanupTask] = []
    if oldest is not None:
        before = clock() - oldest

        def remove_old() -> Cleaned:
            return _told(collect_garbage(backend, before=before, by_use=True))

        tasks.append(CleanupTask("max-age", remove_old, priority=1, every=_DAY))
    if most is not None:
        limit = most

        def remove_excess() -> Cleaned:
            if backend.size().bytes <= limit:
                return Cleaned(0)
            parts = sizes(backend)
            # The log of runs stays, and what others keep there.
            rest = max(0, int(limit * _KEPT) - parts["runs"].bytes - parts["other"].bytes)
            return _told(collect_garbage(backend, most_bytes=rest, by_use=True))

        tasks.append(CleanupTask("max-size", remove_excess, priority=2, every=0))
    return Cleaner(tasks, schedule=backend, clock=clock).run()


def _told(removed: Removed) -> Cleaned:
    return Cleaned(removed.records, removed.bytes)
