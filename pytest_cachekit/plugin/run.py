"""One run's cache: opened, asked, written to, and given up where it fails."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import cached_property

import pytest

from ..actions.collected import CollectedFile
from ..actions.coverage import CoveredFile
from ..actions.last_run import LastRun
from ..actions.outcomes import decode_outcome
from ..actions.runs import RunLine, read_runs
from ..actions.verdict import Hit, Miss, Verdict
from ..errors import CachekitError, CacheUnavailableWarning, StorageError
from ..inputs.fingerprint import Fingerprints
from ..inputs.layout import Layout
from ..settings import Settings
from ..storage import BackendSize, Shelf
from .audit import Audit
from .coverage import count_as_covered
from .hooks import implementers, open_by_hooks
from .log import last_run_of, line_of, log
from .obstacles import Obstacle, find_obstacle
from .progress import Progress, progress_of
from .questions import answer_questions, answers
from .recordings import TestRecording
from .replay import replay
from .results import TestResults
from .shelves import Shelves, open_shelves
from .tally import Line, Tally
from .warned import record_warning

Hits = list[tuple[pytest.Item, Hit]]


class Run:
    """What the roles of a run share: its settings, its cache, and what was decided."""

    def __init__(self, config: pytest.Config, settings: Settings) -> None:
        self.config = config
        self.settings = settings
        self.tally = Tally()
        self._audit = Audit(settings.cachekit_audit)
        self.obstacle: Obstacle | None = find_obstacle(config)
        self.where = settings.cachekit_url
        self.far: Shelf | None = None
        self.size: BackendSize | None = None
        self.remarks: list[str] = []
        """What the summary says besides."""
        self.last: LastRun | None = None
        """What was decided about each test, once the run is over."""
        self.openers = implementers(config.hook.pytest_cachekit_backend)
        """Who could open its backends."""
        self.is_on = False
        """Whether anything is recorded or replayed."""
        self._shelves: Shelves | None = None
        self._results: TestResults | None = None
        self._covered: list[CoveredFile] = []
        self.key_parts: list[str] | None = None
        """What hooks add to the key; None until they are asked."""
        self.path: list[str] = []
        """Where modules are looked for once tests are collected; empty until then."""
        if self.obstacle is not None and self.obstacle.stops_recording:
            return
        try:
            self._shelves = open_shelves(
                settings,
                config.rootpath,
                # The controller alone talks to it.
                with_far="PYTEST_XDIST_WORKER" not in os.environ,
                warn=self.warn,
                open_url=open_by_hooks(config),
            )
        except CachekitError as error:
            self.give_up(str(error))
            return
        self.is_on = True
        self.where = self._shelves.near.url
        self.far = self._shelves.far
        urls = [shelf.url for shelf in (self._shelves.near, self.far) if shelf is not None]
        self.fingerprints = Fingerprints(Layout.beside_caches(config.rootpath, urls))
        answer_questions(self.fingerprints, config)

    @property
    def why_everything_runs(self) -> str | None:
        """Why nothing is replayed, whatever is stored; None where something may be."""
        if self.obstacle is not None:
            return self.obstacle.reason
        if self.settings.cachekit_mode == "refresh":
            return "everything runs in refresh mode"
        if self._shelves is None:
            return "the cache can't be used"
        return None

    def knows_results(self, *, surely: bool) -> bool:
        """Return whether anything is stored that a look-up could find."""
        results = self._open_results()
        try:
            return results is not None and results.exist(surely=surely)
        except Exception as error:  # noqa: BLE001  a broken cache never breaks a run
            self._fail("read", error)
            return False

    def find_collected(self, group: str, groups: Iterable[str]) -> CollectedFile | None:
        """Return what collecting the file `group` produced, where nothing of it has to run.

        Args:
            group: the file's node id.
            groups: those of files that will be asked for as well.
        """
        results = self._open_results()
        try:
            with self._progress:
                return None if results is None else results.find_collected(group, groups)
        except Exception as error:  # noqa: BLE001  a broken cache never breaks a run
            self._fail("looked up", error)
            return None

    def knows_collection(self, group: str) -> bool:
        """Return whether collecting the file `group` needn't be recorded, since it is known."""
        results = self._open_results()
        if results is None or self.settings.cachekit_mode == "refresh":
            return results is None
        return results.knows_collection(group)

    def look_again(self, *, places_only: bool = False) -> None:
        """Forget what was found out, or only what rests on `sys.path`, which is another one now."""
        if self._results is not None:
            self._results.look_again(places_only=places_only)

    def decide(
        self,
        items: Sequence[pytest.Item],
        unobserved: AbstractContextManager[None] | None = None,
    ) -> list[Hit | None]:
        """Return for each of `items` what to replay, or None where it runs."""
        self.path = list(sys.path)
        with unobserved or nullcontext():
            verdicts = self._look_up(items)
        return [self._choose(item, verdict) for item, verdict in zip(items, verdicts, strict=True)]

    def end_deciding(self) -> None:
        """Let go of what is needed only while tests are decided about."""
        if self._results is not None:
            self._results.release()

    def expect(self, nodeids: Iterable[str]) -> None:
        """Take tests into the tally about which nothing was asked: they all run."""
        reason = self.why_everything_runs
        for nodeid in nodeids:
            if nodeid not in self.tally.lines:
                self.tally.lines[nodeid] = Line(nodeid, Miss(reason) if reason else Miss())

    def replay(self, hits: Iterable[tuple[pytest.Item, Hit]]) -> None:
        """Report the outcomes of `hits`."""
        for item, hit in hits:
            outcome = decode_outcome(hit.entry.outcome)
            assert outcome is not None  # the look-up decoded it, too
            self.tally.lines[item.nodeid].duration = outcome.duration
            replay(item, outcome, self.fingerprints.layout)
            if self._results is not None:
                self._covered += self._results.covered(outcome) or ()

    def count_as_covered(self) -> None:
        """Add what replayed tests covered to what is measured, before that is reported."""
        count_as_covered(self._covered, self.fingerprints.layout)
        self._covered.clear()

    def record(self, recordings: Sequence[TestRecording]) -> None:
        """Take in what tests read that ran, to be stored by `finish`."""
        results = self._open_results()
        if results is not None:
            results.record(recordings, self.tally.lines)

    def forgo(self, nodeids: Iterable[str], reason: str) -> None:
        """Note that what these tests read won't be known, and why."""
        for nodeid in nodeids:
            line = self.tally.lines.get(nodeid)
            if line is not None:
                line.not_stored = line.not_stored or reason

    @property
    def stores(self) -> bool:
        """Whether results are stored."""
        return self._results is not None and self.settings.cachekit_mode != "read-only"

    def finish(self) -> None:
        """Store what was recorded, unless the cache is only read."""
        try:
            if self._results is not None and self.stores:
                self._results.flush()
            if self._shelves is not None:
                self.remarks = self._shelves.remarks()
                self.last = last_run_of(self.tally, self.settings.cachekit_mode, self.remarks)
                if self._results is not None and self.stores and self.tally.lines:
                    self._log(self._results, self._shelves, self.last)
                    self._tidy(self._shelves, self._results.context)
                self.size = self._shelves.near.size()
        except Exception as error:  # noqa: BLE001  a broken cache never breaks a run
            self._fail("stored", error)

    def history(self) -> list[RunLine]:
        """Return what is known of the last runs, newest first: this one, and those before."""
        runs: list[RunLine] = []
        with suppress(StorageError):
            if self._shelves is not None:
                runs = read_runs(self._shelves.near.view())
        last = self.last
        if last is not None and all(run.ended != last.ended for run in runs):
            runs.insert(0, line_of(self.tally, last))
        return runs

    def close(self) -> None:
        """Release the cache."""
        if self._shelves is not None:
            self._shelves.close()
            self._shelves = None

    def fail_to_record(self, error: Exception) -> None:
        """Go on without what was recorded, because of an `error` nobody thought of."""
        self._fail("stored", error)

    def give_up(self, message: str) -> None:
        """Go on without the cache, and say so once."""
        self._results = None
        self.close()
        self.warn(message)

    def warn(self, message: str) -> None:
        """Give a warning that no filter turns into an error."""
        record_warning(self.config, CacheUnavailableWarning(message))

    def _log(self, results: TestResults, shelves: Shelves, last: LastRun) -> None:
        with suppress(StorageError):  # statistics of a directory that is only read
            backend = shelves.near.view()
            known = answers(self.fingerprints, self.config)
            log(backend, self.tally, last, results, self.fingerprints, known, self.path)

    def _tidy(self, shelves: Shelves, context: str) -> None:
        """Remove what is beyond the limits; that it can't be done is only told."""
        if self.settings.cachekit_max_size is None and self.settings.cachekit_max_age is None:
            return
        from .tidying import tidy_after_run

        near = shelves.near.view()
        errors, remarks = tidy_after_run(near, context, self.tally.lines, self.settings)
        self.remarks += remarks
        for task, error in errors.items():
            self.warn(f"The cache could not be cleaned ({task}): {error}")

    def _choose(self, item: pytest.Item, verdict: Verdict) -> Hit | None:
        line = self.tally.lines[item.nodeid] = Line(item.nodeid, verdict)
        if not isinstance(verdict, Hit):
            return None
        line.audited = self._audit.chooses()
        return None if line.audited else verdict

    def _look_up(self, items: Sequence[pytest.Item]) -> list[Verdict]:
        results = self._open_results()
        if results is not None:
            try:
                with self._progress:
                    return results.look_up(items, self.why_everything_runs)
            except Exception as error:  # noqa: BLE001  a broken cache never breaks a run
                self._fail("looked up", error)
        return [Miss("the cache can't be used")] * len(items)

    @cached_property
    def _progress(self) -> Progress:
        progress = progress_of(self.config)
        self.fingerprints.file_read = progress.file_read
        return progress

    def _open_results(self) -> TestResults | None:
        parts = self.key_parts
        if self._results is None and self._shelves is not None and parts is not None:
            try:
                self._results = TestResults(
                    self.config,
                    self._shelves,
                    self.fingerprints,
                    key_parts=parts,
                    progress=self._progress,
                )
            except Exception as error:  # noqa: BLE001  a broken cache never breaks a run
                self._fail("looked up", error)
        return self._results

    def _fail(self, what: str, error: Exception) -> None:
        if isinstance(error, StorageError):
            self.give_up(str(error))
        else:
            self.give_up(f"Results could not be {what} ({error!r}): please report this.")
