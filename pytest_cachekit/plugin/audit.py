"""Doubt: some hits run all the same, and who was seen to pass and to fail is trusted no more."""

from __future__ import annotations

import random

from ..actions.doubts import FAILED, UNSTEADY
from ..actions.outcomes import decode_outcome
from ..actions.store import ActionStore
from ..actions.verdict import Hit
from ..inputs.manifest import NOTHING
from ..inputs.reading import Reading
from .tally import Line


class Audit:
    """Chooses the hits that run all the same.

    Args:
        percent: how many of a hundred do.
        draw: returns a random number from 0 to 1.
    """

    def __init__(self, percent: float, draw: random.Random | None = None) -> None:
        self._share = percent / 100
        # Not the global one, which tests and plugins seed.
        self._random = draw or random.Random()  # noqa: S311  nothing to guess

    def chooses(self) -> bool:
        """Return whether the next hit runs."""
        return self._share > 0 and self._random.random() < self._share


def judge(store: ActionStore, group: str, name: str, reading: Reading, line: Line) -> str | None:
    """Compare how a test ended with how it ended before with the same inputs.

    Where it ended otherwise, its entries are dropped, and it is remembered as not
    deterministic for as long as its inputs stay as they are. A failure is remembered so that
    a pass can be compared with it.

    Returns:
        What was seen, in words; None where nothing speaks against the test.
    """
    earlier = store.lookup(group, name)
    failed = line.outcome in ("failed", "error")
    seen = None
    if isinstance(earlier, Hit):
        outcome = decode_outcome(earlier.entry.outcome)
        word = None if outcome is None else outcome.word
        if word is not None and word != line.outcome and (failed or line.audited):
            seen = f"{word} before, {line.outcome} now, with the same inputs"
    elif not failed and isinstance(store.lookup(group, name + FAILED), Hit):
        seen = f"failed before, {line.outcome} now, with the same inputs"
    if seen is not None:
        for other in (name, name + FAILED):
            store.drop(group, other)
        store.record(group, name + UNSTEADY, reading, NOTHING)
    elif failed:
        store.record(group, name + FAILED, reading, NOTHING)
    return seen
