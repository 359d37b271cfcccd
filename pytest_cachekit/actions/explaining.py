"""Why a test would be replayed or run, told without a run: by what the last one left behind.

The verdict is the store's. What only a run can know, its context and what tests may ask
it, is taken from the last run; nothing of the project is loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import msgspec

from ..inputs.fingerprint import ABSENT, Fingerprints
from ..inputs.manifest import Entry, decode_record, reading_of
from ..inputs.reading import Reading
from ..inputs.resolution import Resolver, path_of
from ..storage import Backend
from .coverage import CoverageNow
from .differences import Difference, find_difference
from .doubts import why_unsteady
from .kinds import NOTE, TESTS
from .outcomes import objection
from .runs import RunContext, RunLine, place_of, read_context, read_runs
from .store import ActionStore
from .verdict import Hit, Miss, Stale, Uncacheable, Verdict


@dataclass(frozen=True)
class Explanation:
    """What would become of one test."""

    nodeid: str
    verdict: Verdict
    run: RunLine | None
    """The run whose context was used; None where none is known."""
    is_own_run: bool
    """Whether that was a run of this checkout on this machine."""
    difference: Difference | None
    """Both sides of the first input that differs."""
    entry: Entry | None
    """The entry that the verdict is about."""
    reading: Reading | None
    """What the test read when that was recorded."""
    not_stored: str | None
    """Why the last result was not stored."""
    deviations: tuple[str, ...] = ()
    """How a run now would differ: it has another context, for which other results are stored."""

    @property
    def is_certain(self) -> bool:
        """Whether a run must come to the same verdict.

        Who notices a changed binding is told by the loaded modules: a run may find that nobody
        does.
        """
        return not isinstance(self.verdict, Stale) or self.verdict.noticed is None


def explain(
    backend: Backend,
    fingerprints: Fingerprints,
    nodeids: Sequence[str],
    deviate: Callable[[list[str]], Sequence[str]] = lambda _: (),
    conceal: Callable[[str], str] | None = None,
) -> list[Explanation]:
    """Return what would become of the tests `nodeids`, in a run as the last one was.

    Args:
        backend: the cache.
        fingerprints: what inputs are now; its kinds that only a run has are set.
        nodeids: as pytest writes them.
        conceal: as `ActionStore` takes it.
        deviate: says in words how a run now would differ from one whose context had these parts.

    Raises:
        StorageError: the cache can't be read.
    """
    run, own = _last_run(backend, fingerprints)
    context = None if run is None else read_context(backend, run.context)
    if run is None or context is None:
        missing = Miss("no run with --cachekit is known to this cache")
        return [
            Explanation(nodeid, missing, None, False, None, None, None, None) for nodeid in nodeids
        ]
    _answer(fingerprints, context)
    deviations = tuple(deviate(context.parts))
    store = ActionStore(
        backend, fingerprints, kind=TESTS.name, context=run.context, conceal=conceal
    )
    coverage = CoverageNow(fingerprints, store.recorded_text) if context.is_covered else None
    store.load(dict.fromkeys(TESTS.split(nodeid)[0] for nodeid in nodeids))
    return [
        _explain(nodeid, store, fingerprints, run, own, context, coverage, deviations)
        for nodeid in nodeids
    ]


def matching_tests(backend: Backend, fingerprints: Fingerprints, wanted: str) -> list[str]:
    """Return the node ids known to the last run's context that `wanted` names.

    That is one test, all of a function with parameters, of a class, or of a file.

    Raises:
        StorageError: the cache can't be read.
    """
    run, _ = _last_run(backend, fingerprints)
    if run is None:
        return []
    group, _ = TESTS.split(wanted)
    key = f"{TESTS.prefix}{run.context}:{group}"
    content = backend.get_many([key]).get(key)
    record = None if content is None else decode_record(content)
    context = read_context(backend, run.context)
    known = [] if record is None else [TESTS.label(group, found) for found in record.entries]
    known += [] if context is None else [*context.refused, *context.kept_out]
    begins = (f"{wanted}[", f"{wanted}::")
    return [
        nodeid
        for nodeid in dict.fromkeys(known)
        if NOTE not in nodeid and (nodeid == wanted or nodeid.startswith(begins))
    ]


def _explain(
    nodeid: str,
    store: ActionStore,
    fingerprints: Fingerprints,
    run: RunLine,
    own: bool,
    context: RunContext,
    coverage: CoverageNow | None,
    deviations: tuple[str, ...],
) -> Explanation:
    group, name = TESTS.split(nodeid)

    def object_to(content: msgspec.Raw) -> str | None:
        return objection(content, coverage)

    unsteady = why_unsteady(store, group, name)
    verdict: Verdict
    if nodeid in context.kept_out:
        verdict = Uncacheable(context.kept_out[nodeid])
    elif unsteady is not None:
        verdict = Uncacheable(unsteady)
    else:
        verdict = store.lookup(group, name, object_to)
    record = store.stored(group)
    newest = next(iter(record.entries.get(name, ())), None) if record is not None else None
    entry = verdict.entry if isinstance(verdict, Hit) else newest
    difference = None
    if isinstance(verdict, Stale) and verdict.change is not None:
        difference = find_difference(verdict.change, fingerprints, store.recorded_text)
    return Explanation(
        nodeid,
        verdict,
        run,
        own,
        difference,
        entry,
        None if entry is None or record is None else reading_of(record, entry.manifest),
        context.refused.get(nodeid),
        deviations,
    )


def _last_run(backend: Backend, fingerprints: Fingerprints) -> tuple[RunLine | None, bool]:
    """Return the last run of this checkout, or else the last one; and which it is."""
    runs = read_runs(backend)
    place = place_of(fingerprints.layout)
    own = next((run for run in runs if run.place == place), None)
    return (own, True) if own is not None else (runs[0] if runs else None, False)


def _answer(fingerprints: Fingerprints, context: RunContext) -> None:
    """Let `fingerprints` know what the last run could answer."""
    fingerprints.distributed = context.is_distributed
    for kind, known in context.answers.items():
        fingerprints.kinds[kind] = partial(_known, known)
    if context.path:
        path = path_of(fingerprints.layout, context.path)
        fingerprints.kinds["module"] = Resolver(fingerprints.layout, path).fingerprint


def _known(answers: Mapping[str, str], name: str) -> str:
    return answers.get(name, ABSENT)
