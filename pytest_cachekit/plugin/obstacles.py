"""Runs that the cache must keep out of, and tests that it must not store."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from .hooks import why_kept_out
from .stand_ins import is_stand_in


@dataclass(frozen=True)
class Obstacle:
    """Why a run replays nothing."""

    reason: str
    stops_recording: bool

    @property
    def header(self) -> str:
        """The header line's text."""
        state = "off" if self.stops_recording else "records, but replays nothing"
        return f"{state}: {self.reason}"


_OFF = {
    "usepdb": "a debugger is on (--pdb)",
    "trace": "a debugger is on (--trace)",
    "collectonly": "tests are only collected (--collect-only)",
    "setuponly": "fixtures are only set up (--setup-only)",
    "setupplan": "fixtures are only listed (--setup-plan)",
    "looponfail": "pytest-xdist loops on failures (--looponfail)",
}


def find_obstacle(config: pytest.Config) -> Obstacle | None:
    """Return what keeps this run from replaying; None where nothing does."""
    options = config.known_args_namespace
    for option, reason in _OFF.items():
        if getattr(options, option, False):
            return Obstacle(reason, stops_recording=True)
    if is_distributed(options):
        if getattr(options, "dist", None) == "each":
            return Obstacle("each worker runs all tests (--dist=each)", stops_recording=True)
        if not all(_is_local(spec) for spec in getattr(options, "tx", None) or ()):
            return Obstacle("workers differ from this process (--tx)", stops_recording=True)
    if getattr(options, "setupshow", False):
        return Obstacle("fixtures are shown being set up (--setup-show)", stops_recording=False)
    return None


def is_distributed(options: object) -> bool:
    """Return whether the command line asks pytest-xdist to run tests in other processes."""
    workers = getattr(options, "numprocesses", None)
    if workers is None:
        return bool(getattr(options, "tx", None)) and getattr(options, "dist", "no") != "no"
    return bool(workers != 0)


def _is_local(spec: str) -> bool:
    """Return whether a worker's specification names this interpreter on this machine."""
    return spec.rpartition("*")[2] == "popen"


def uncacheable_reason(item: pytest.Item) -> str | None:
    """Return why `item` must neither be replayed nor stored, as far as that is known beforehand."""
    marker = item.get_closest_marker("cachekit")
    if marker is not None and not marker.kwargs.get("enabled", True):
        reason = marker.kwargs.get("reason", "")
        return "its marker says so" + (f": {reason}" if reason else "")
    kept_out = why_kept_out(item)
    if kept_out is not None:
        return kept_out
    if is_stand_in(item):
        # It has a stored outcome, and its file hasn't changed.
        return None
    for fixture in getattr(item, "fixturenames", ()):
        if fixture in ("record_xml_attribute", "record_testsuite_property"):
            return f"writes into the JUnit file ({fixture})"
        if fixture in ("worker_id", "testrun_uid"):
            return f"asks which worker runs it ({fixture})"
    if is_hypothesis_test(item):
        settings = getattr(getattr(item, "obj", None), "_hypothesis_internal_use_settings", None)
        if not getattr(settings, "derandomize", False):
            return "Hypothesis draws new examples in each run (derandomize is off)"
    return None


def is_hypothesis_test(item: pytest.Item) -> bool:
    """Return whether Hypothesis draws the arguments of `item`."""
    return bool(getattr(getattr(item, "obj", None), "is_hypothesis_test", False))
