"""Whether caches are well: what is wrong with them, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..actions.statistics import statistics
from ..errors import StorageError
from ..storage import Backend
from .reading import disk_use

if TYPE_CHECKING:
    from .caches import CombinedStats

OK, WARNING, ERROR = "ok", "warning", "error"
# Fewer questions say nothing about a hit rate.
_ENOUGH = 100
_LOW_RATE = 0.1
_FULL = 0.95
_LITTLE_SPACE = 100 << 20
_KEY = "health"


class Issue(NamedTuple):
    """One thing that isn't as it should be."""

    status: str
    """`warning`: it costs hits or will; `error`: caches don't work."""
    what: str
    todo: str


class CacheHealth(NamedTuple):
    """The worst status of all issues, and these."""

    status: str
    """`ok`, `warning` or `error`."""
    issues: tuple[Issue, ...]


def examine(
    backend: Backend, directory: Path | None, stats: Callable[[], CombinedStats]
) -> CacheHealth:
    """Look at a place: whether it can be written, what is torn, how full and how useful it is.

    It writes one key and removes it again.

    Args:
        backend: the place.
        directory: where its files are; None where it is no directory.
        stats: tells what its caches did.
    """
    try:
        backend.set_many({_KEY: b"is it well?"})
        is_same = backend.get_many([_KEY]).get(_KEY) == b"is it well?"
        backend.delete_many([_KEY])
        issues = list(_issues(backend, directory, stats()))
        if not is_same:
            todo = "give a larger max_bytes, or look at what else removes keys there"
            issues.append(Issue(ERROR, "what was just written is not there", todo))
    except StorageError as error:
        what, _, todo = str(error).partition(": ")
        issues = [Issue(ERROR, what, todo or "look at the place that the URL names")]
    worst = [status for status in (ERROR, WARNING) if any(each.status == status for each in issues)]
    return CacheHealth(worst[0] if worst else OK, tuple(issues))


def _issues(backend: Backend, directory: Path | None, stats: CombinedStats) -> Iterator[Issue]:
    for name, total in statistics(backend).kinds.items():
        if total.torn:
            what = f"{total.torn} records of {name} can't be read"
            yield Issue(WARNING, what, "run cachekit verify --repair")
    evictions = backend.tallies().get("evictions", 0)
    if stats.max_bytes is not None and evictions and stats.bytes > _FULL * 0.9 * stats.max_bytes:
        what = f"the budget of {stats.max_bytes:,} bytes is spent; {evictions} entries had to go"
        yield Issue(WARNING, what, "give a larger max_bytes, or store less")
    for name, each in stats.by_cache.items():
        if each.errors:
            what = f"{name}: {each.errors} times the cache could not be used"
            yield Issue(WARNING, what, "look at its permissions, and at the free space")
        asked = each.hits + each.misses
        if asked >= _ENOUGH and each.hit_rate < _LOW_RATE:
            what = f"{name}: {each.hits} of {asked} hit"
            todo = (
                "see whether keys or inputs differ each time, and whether the time to live is short"
            )
            yield Issue(WARNING, what, todo)
    if directory is not None:
        _, free = disk_use(directory)
        if free is not None and free < _LITTLE_SPACE:
            yield Issue(WARNING, f"{free:,} bytes are free on the disk", "make room there")
