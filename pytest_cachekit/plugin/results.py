"""Results of tests in the action store: looked up before the run, recorded after it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import msgspec
import pytest

from ..actions.collected import COLLECTION, CollectedFile, decode_collected
from ..actions.coverage import CoverageNow, CoveredFile
from ..actions.doubts import why_unsteady
from ..actions.outcomes import TestOutcome, decode_outcome, objection, without_output
from ..actions.store import ActionStore
from ..actions.verdict import Hit, Miss, Stale, Uncacheable, Verdict
from ..inputs.fingerprint import Fingerprints
from .audit import judge
from .context import run_context
from .coverage import coverage_settings
from .identity import group_and_name
from .obstacles import uncacheable_reason
from .progress import Progress
from .recordings import TestRecording
from .replay import shows_output
from .shelves import Shelves
from .tally import Line

_NEVER_RUN = Miss()


class TestResults:
    """The results of one run's tests, stored ones and new ones."""

    __test__ = False

    def __init__(
        self,
        config: pytest.Config,
        shelves: Shelves,
        fingerprints: Fingerprints,
        *,
        key_parts: Sequence[str],
        progress: Progress,
    ) -> None:
        """Look up and record for the run of `config`, whose key has these parts besides."""
        self.context, self.context_parts = run_context(config, key_parts)
        self._store = ActionStore(
            shelves.near,
            fingerprints,
            kind="tests",
            context=self.context,
            far=shelves.far,
            shared_form=None if shelves.shares_output else without_output,
            conceal=shelves.conceal,
        )
        self._progress = progress
        self._shows_output = shows_output(config)
        self._known: dict[tuple[str, str], Hit] = {}
        """Verdicts on the tests of files that weren't imported."""
        self.is_covered = coverage_settings() is not None
        self.kept_out: dict[str, str] = {}
        """Node ids of tests about which nothing was looked up, with the reason."""
        self._coverage = CoverageNow(fingerprints, self._store.recorded_text)

    def exist(self, *, surely: bool) -> bool:
        """Return whether anything is, or without `surely` may be, stored for runs like this one.

        Raises:
            StorageError: the cache can't be read.
        """
        return self._store.exists(surely=surely)

    def look_up(self, items: Sequence[pytest.Item], why_all_run: str | None) -> list[Verdict]:
        """Return the verdict on each of `items`; none is a hit where `why_all_run` is given.

        Raises:
            StorageError: the cache can't be read.
        """
        groups = [group_and_name(item)[0] for item in items]
        self._store.load(dict.fromkeys(groups))
        counts = Counter(item.nodeid for item in items)
        asked = self._progress.over(items, len(items), "looking up tests")
        verdicts = [self._verdict(item, counts[item.nodeid], why_all_run) for item in asked]
        if why_all_run is None:
            open_questions = {
                group: None
                for group, verdict in zip(groups, verdicts, strict=True)
                if isinstance(verdict, Miss | Stale)
            }
            self._progress.tell("cachekit: asking the remote cache")
            learned = self._store.complement(open_questions)
            for index, item in enumerate(items):
                if groups[index] in learned and not isinstance(verdicts[index], Hit):
                    verdicts[index] = self._verdict(item, counts[item.nodeid], None)
        return verdicts

    def look_again(self, *, places_only: bool) -> None:
        """Forget what was found out, or only what rests on `sys.path`, which is another one now."""
        self._store.look_again(places_only=places_only)
        self._known.clear()

    def release(self) -> None:
        """Let go of what only decisions about tests need."""
        self._store.release()

    def find_collected(self, group: str, groups: Iterable[str]) -> CollectedFile | None:
        """Return what collecting a file produced, where that and its tests are hits.

        Tests that were never run with its inputs may be deselected, as they were then.

        Args:
            group: the file's.
            groups: those that will be asked for as well, read in one batch.

        Raises:
            StorageError: the cache can't be read.
        """
        self._store.load((group, *groups))
        verdict = self._store.lookup(group, COLLECTION, _why_not_collected, by_names=False)
        collected = None
        if isinstance(verdict, Hit):
            collected = decode_collected(verdict.entry.outcome)
        for name in () if collected is None else collected.names():
            if why_unsteady(self._store, group, name) is not None:
                return None
            verdict = self._store.lookup(group, name, self._objection)
            if isinstance(verdict, Hit):
                self._known[group, name] = verdict
            elif verdict != _NEVER_RUN:
                return None
        return collected

    def knows_collection(self, group: str) -> bool:
        """Return whether it is known what collecting a file produces, or that this can't be told.

        Raises:
            StorageError: the cache can't be read.
        """
        self._store.load([group])
        return isinstance(self._store.lookup(group, COLLECTION, by_names=False), Hit)

    def _verdict(self, item: pytest.Item, count: int, why_all_run: str | None) -> Verdict:
        reason = uncacheable_reason(item)
        if count > 1:
            reason = "several selected tests share its node id"
        if reason is not None:
            self.kept_out[item.nodeid] = reason
            return Uncacheable(reason)
        if why_all_run is not None:
            return Miss(why_all_run)
        group, name = group_and_name(item)
        known = self._known.get((group, name))
        if known is not None:
            return known
        unsteady = why_unsteady(self._store, group, name)
        if unsteady is not None:
            return Uncacheable(unsteady)
        return self._store.lookup(group, name, self._objection)

    def record(self, recordings: Sequence[TestRecording], lines: Mapping[str, Line]) -> None:
        """Note tests that ran, to be stored by `flush`; their `lines` learn what speaks against it.

        Raises:
            StorageError: the cache can't be read.
        """
        self._store.load(dict.fromkeys(recording.group for recording in recordings))
        for recording in recordings:
            group, name, reading = recording.group, recording.name, recording.reading
            line = lines.get(recording.nodeid)
            if line is not None:
                recording.tell(line)
            if reading is None:
                continue
            if line is not None:
                line.unsteady = judge(self._store, group, name, reading, line)
            if recording.outcome is not None and (line is None or line.unsteady is None):
                self._store.record(group, name, reading, recording.outcome)

    def flush(self) -> None:
        """Store what was noted.

        Raises:
            StorageError: the cache can't be written.
        """
        self._store.flush()

    def covered(self, outcome: TestOutcome) -> list[CoveredFile] | None:
        """Return what a test covered, as far as that is known, in lines as they are now."""
        return self._coverage.files(outcome.coverage)

    def _objection(self, content: msgspec.Raw) -> str | None:
        speaks_against = objection(content, self._coverage if self.is_covered else None)
        outcome = decode_outcome(content)
        if outcome is not None and outcome.output_left_out and self._shows_output:
            return speaks_against or "what it printed isn't shared"
        return speaks_against


def _why_not_collected(content: msgspec.Raw) -> str | None:
    return None if decode_collected(content) is not None else "what was collected can't be told"
