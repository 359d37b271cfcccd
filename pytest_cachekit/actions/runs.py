"""What is kept of runs: a line of statistics for each of the last, and what their keys stood for.

Grammar, version 1 (msgpack of the types below), under two kinds of keys:

    runs:1               a list of RunLine, newest first
    context:1:CONTEXT    RunContext, as the last run with that context left it

and, in `last_run.py`, what was decided about each test of the last. They serve who asks
afterwards, and decide nothing. History: 1, the first.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TypeVar

import msgspec

from ..inputs.digest import digest_text
from ..inputs.layout import Layout
from ..storage import Backend
from .last_run import LAST, LastRun, pack_last_run, unpack_last_run

VERSION = 1
LOG = f"runs:{VERSION}"
"""The key of the log of runs."""
CONTEXTS = f"context:{VERSION}:"
"""What the keys of contexts begin with."""
MOST_RUNS = 50
MOST_REASONS = 8
MOST_REFUSED = 2000


class Reason(msgspec.Struct, frozen=True, array_like=True):
    """Why tests of one run were not replayed."""

    category: str
    """As the summary calls it: new, stale, uncacheable, audited, not cacheable outcome."""
    text: str
    tests: int


class RunLine(msgspec.Struct, frozen=True, array_like=True):
    """The statistics of one run."""

    ended: float
    """Seconds since 1970."""
    context: str
    place: str
    """Tells checkouts apart, those of several machines too, without naming them."""
    mode: str
    replayed: int
    ran: int
    not_run: int
    saved: float
    """Seconds."""
    reasons: list[Reason]
    """The most frequent ones, most frequent first."""

    @property
    def hit_rate(self) -> float:
        """Share of the tests replayed or run that were replayed; 0 where there were none."""
        done = self.replayed + self.ran
        return self.replayed / done if done else 0.0


class RunContext(msgspec.Struct, frozen=True, array_like=True):
    """What a context's digest stood for, and what runs with it could be asked."""

    parts: list[str]
    """What counts, in words; values of options, which may be secret, by digest."""
    answers: dict[str, dict[str, str]]
    """Fingerprints that only a run can take: kind of input, name, fingerprint."""
    path: str
    """The directories that modules were looked for in, as `inputs.resolution` names them."""
    refused: dict[str, str]
    """Node ids of tests whose last result was not stored, with the reason."""
    kept_out: dict[str, str]
    """Node ids of tests about which nothing was looked up, whatever is stored, with the reason."""
    is_covered: bool
    """Whether coverage is measured."""
    is_distributed: bool
    """Whether tests run in workers of pytest-xdist."""


T = TypeVar("T")

_runs = msgspec.msgpack.Decoder(list[RunLine])
_context = msgspec.msgpack.Decoder(RunContext)
_encoder = msgspec.msgpack.Encoder()


def read_runs(backend: Backend) -> list[RunLine]:
    """Return what is known of the last runs, newest first.

    Raises:
        StorageError: the cache can't be read.
    """
    return _decode_runs(backend.get_many([LOG]).get(LOG))


def read_context(backend: Backend, context: str) -> RunContext | None:
    """Return what is known of a context, by its digest.

    Raises:
        StorageError: the cache can't be read.
    """
    return _decode_context(backend.get_many([CONTEXTS + context]).get(CONTEXTS + context))


def log_run(
    backend: Backend,
    line: RunLine,
    context: RunContext,
    selected: Iterable[str],
    last: LastRun | None = None,
) -> None:
    """Add a run to the log, and keep what its context is.

    Of runs side by side one may be missing in the log.

    Args:
        backend: where results are kept.
        line: the run's statistics.
        context: what the run knows; what it is silent about is taken over from earlier runs.
        selected: node ids of the tests that the run had.
        last: what was decided about each of them, which takes the place of the run's before.

    Raises:
        StorageError: the cache can't be written.
    """
    key = CONTEXTS + line.context
    stored = backend.get_many([LOG, key])
    earlier = _decode_context(stored.get(key))
    if earlier is not None:
        context = _joined(earlier, context, selected)
    items = {LOG: _encoder.encode([line, *_decode_runs(stored.get(LOG))][:MOST_RUNS])}
    content = _encoder.encode(context)
    if content != stored.get(key):
        items[key] = content
    if last is not None:
        items[LAST] = pack_last_run(last)
    backend.set_many(items)


def place_of(layout: Layout) -> str:
    """Return what stands for this checkout on this machine in lines of runs."""
    return digest_text(os.uname().nodename, layout.root)[:12]


def decodes(key: str, content: bytes) -> bool | None:
    """Return whether `content` is what belongs under `key`; None where the key is no run's."""
    if key == LOG:
        return _decode(_runs, content) is not None
    if key == LAST:
        return unpack_last_run(content) is not None
    return _decode(_context, content) is not None if key.startswith(CONTEXTS) else None


def _joined(earlier: RunContext, now: RunContext, selected: Iterable[str]) -> RunContext:
    seen = frozenset(selected)

    def joined(before: dict[str, str], after: dict[str, str]) -> dict[str, str]:
        kept = {test: reason for test, reason in before.items() if test not in seen}
        return dict(sorted({**kept, **after}.items())[:MOST_REFUSED])

    return RunContext(
        now.parts,
        now.answers,
        now.path or earlier.path,
        joined(earlier.refused, now.refused),
        joined(earlier.kept_out, now.kept_out),
        now.is_covered,
        now.is_distributed,
    )


def _decode_runs(content: bytes | None) -> list[RunLine]:
    return (_decode(_runs, content) if content is not None else None) or []


def _decode_context(content: bytes | None) -> RunContext | None:
    return _decode(_context, content) if content is not None else None


def _decode(decoder: msgspec.msgpack.Decoder[T], content: bytes) -> T | None:
    try:
        return decoder.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def most_frequent(reasons: Mapping[tuple[str, str], int]) -> list[Reason]:
    """Return the reasons that concern most tests."""
    ranked = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
    return [Reason(category, text, tests) for (category, text), tests in ranked[:MOST_REASONS]]
