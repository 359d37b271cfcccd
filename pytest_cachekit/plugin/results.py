"""Results of tests in the action store: looked up before the run, recorded after it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec
import pytest

from ..actions.outcomes import decode_outcome
from ..actions.store import ActionStore
from ..actions.verdict import Miss, Uncacheable, Verdict
from ..inputs.fingerprint import Fingerprints
from ..inputs.tracing.action import Action
from ..inputs.tracing.graph import Graph
from ..inputs.tracing.recorder import Recorder
from ..storage import Backend
from .audit import judge, why_unsteady
from .context import run_context
from .obstacles import uncacheable_reason
from .recording import declares_inputs
from .tally import Tally


class TestResults:
    """The results of one run's tests, stored ones and new ones."""

    __test__ = False

    def __init__(self, config: pytest.Config, backend: Backend, fingerprints: Fingerprints) -> None:
        context = run_context(config)
        self._store = ActionStore(backend, fingerprints, kind="tests", context=context)
        self._ran: list[tuple[pytest.Item, Action, msgspec.Raw | None]] = []

    def look_up(self, items: Sequence[pytest.Item], why_all_run: str | None) -> list[Verdict]:
        """Return the verdict on each of `items`; none is a hit where `why_all_run` is given.

        Raises:
            StorageError: the cache can't be read.
        """
        self._store.load(dict.fromkeys(_group(item) for item in items))
        counts = Counter(item.nodeid for item in items)
        return [self._verdict(item, counts[item.nodeid], why_all_run) for item in items]

    def _verdict(self, item: pytest.Item, count: int, why_all_run: str | None) -> Verdict:
        reason = uncacheable_reason(item)
        if count > 1:
            reason = "several selected tests share its node id"
        if reason is not None:
            return Uncacheable(reason)
        if why_all_run is not None:
            return Miss(why_all_run)
        unsteady = why_unsteady(self._store, _group(item), _name(item))
        if unsteady is not None:
            return Uncacheable(unsteady)
        return self._store.lookup(_group(item), _name(item), _objection)

    def ran(self, item: pytest.Item, action: Action, outcome: msgspec.Raw | None) -> None:
        """Note that `item` ran; `outcome` is None where it may not be stored."""
        self._ran.append((item, action, outcome))

    def store(self, recorder: Recorder, tally: Tally, *, write: bool) -> None:
        """Turn what was noted into entries; verdicts learn here what could not be stored.

        Args:
            recorder: what was read in the run, now over.
            tally: the lines whose verdicts become `Uncacheable` where they are.
            write: whether to store the entries, or only to judge them.

        Raises:
            StorageError: the cache can't be written.
        """
        recorder.settle_modules()
        recorder.writes.settle()
        graph = Graph(recorder)
        graph.prepare(action for _, action, _ in self._ran)
        for item, action, outcome in self._ran:
            line = tally.lines[item.nodeid]
            group, name = _group(item), _name(item)
            refusal = graph.refusal(action, declared=declares_inputs(item))
            if isinstance(line.verdict, Uncacheable):
                continue
            if refusal is not None:
                line.verdict = Uncacheable(refusal)
                continue
            reading = graph.reading(action)
            line.unsteady = judge(self._store, group, name, reading, line)
            if line.unsteady is None and outcome is not None:
                self._store.record(group, name, reading, outcome)
        # The rest of pytest's end collects garbage several times.
        self._ran.clear()
        if write:
            self._store.flush()


def _objection(content: msgspec.Raw) -> str | None:
    return None if decode_outcome(content) else "the stored outcome can't be read"


def _group(item: pytest.Item) -> str:
    return item.nodeid.partition("::")[0]


def _name(item: pytest.Item) -> str:
    return item.nodeid.partition("::")[2]
