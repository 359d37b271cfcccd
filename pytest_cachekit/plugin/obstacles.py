"""Runs that the cache must keep out of, and tests that it must not store."""

from __future__ import annotations

import sys
from dataclasses import dataclass

import pytest


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
    if hasattr(config, "workerinput") or _is_distributed(options):
        return Obstacle("tests are distributed by pytest-xdist", stops_recording=True)
    if getattr(options, "setupshow", False):
        return Obstacle("fixtures are shown being set up (--setup-show)", stops_recording=False)
    if getattr(options, "cov_source", None) or _coverage_runs():
        return Obstacle("coverage is measured", stops_recording=False)
    return None


def _is_distributed(options: object) -> bool:
    workers = getattr(options, "numprocesses", None)
    return bool(getattr(options, "tx", None)) or (workers is not None and workers != 0)


def _coverage_runs() -> bool:
    coverage = sys.modules.get("coverage")
    current = getattr(getattr(coverage, "Coverage", None), "current", None)
    return current is not None and current() is not None


def uncacheable_reason(item: pytest.Item) -> str | None:
    """Return why `item` must neither be replayed nor stored, as far as that is known beforehand."""
    marker = item.get_closest_marker("cachekit")
    if marker is not None and not marker.kwargs.get("enabled", True):
        reason = marker.kwargs.get("reason", "")
        return "its marker says so" + (f": {reason}" if reason else "")
    for fixture in getattr(item, "fixturenames", ()):
        if fixture in ("record_xml_attribute", "record_testsuite_property"):
            return f"writes into the JUnit file ({fixture})"
    function = getattr(item, "obj", None)
    if getattr(function, "is_hypothesis_test", False):
        settings = getattr(function, "_hypothesis_internal_use_settings", None)
        if not getattr(settings, "derandomize", False):
            return "Hypothesis draws new examples in each run (derandomize is off)"
    return None
