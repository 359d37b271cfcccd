"""The choice of how executed functions are noticed, as a list of reasons."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from types import CodeType
from typing import Protocol

from ...errors import CachekitError
from . import probes
from .units import Watch, watch_none

VARIABLE = "CACHEKIT_TRACER"
"""Environment variable that overrides the choice: "probes" or "monitoring"."""


class FunctionTracer(Protocol):
    """Notices which units ran."""

    def instrument(
        self, code: CodeType, enter: Callable[[CodeType], int], watch: Watch = watch_none
    ) -> CodeType:
        """Return the module's `code`, ready to be noticed.

        Args:
            code: a module's.
            enter: numbers its units.
            watch: tells which functions should be watched; a tracer may watch none.
        """
        ...

    def drain(self) -> list[int]:
        """Return the units that ran since the last call."""
        ...

    def close(self) -> None:
        """Stop noticing."""
        ...


def choose_tracer() -> tuple[FunctionTracer, str]:
    """Return the tracer for this interpreter, and why it is that one.

    Raises:
        CachekitError: there is none, or `CACHEKIT_TRACER` asks for one that can't be had.
    """
    wanted = os.environ._data.get(VARIABLE.encode(), b"").decode()  # type: ignore[attr-defined]
    monitored = hasattr(sys, "monitoring")
    version = f"{sys.implementation.name} {sys.version_info[0]}.{sys.version_info[1]}"
    if wanted not in ("", "probes", "monitoring"):
        raise CachekitError(f"{VARIABLE}={wanted!r} is unknown: write probes or monitoring.")
    if wanted == "monitoring" and not monitored:
        raise CachekitError(f"{version} has no sys.monitoring: unset {VARIABLE}.")
    if wanted == "probes" and not probes.is_known():
        raise CachekitError(f"The bytecode of {version} isn't known: unset {VARIABLE}.")
    if wanted != "monitoring" and probes.is_known():
        return probes.Probes(), f"probes, since the bytecode of {version} is known"
    if monitored:
        from .monitoring import Monitoring

        reason = "asked for" if wanted else f"since the bytecode of {version} isn't known"
        return Monitoring(), f"sys.monitoring, {reason}"
    raise CachekitError(f"{version} can't be traced: run without --cachekit, or on CPython 3.11+.")
