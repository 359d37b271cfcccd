"""Which functions ran, by `sys.monitoring` (PEP 669): for Pythons that probes don't know yet.

Only the project's own functions are armed. An event disarms its function until
the next `drain`, so a hot loop pays once per test.
"""

from __future__ import annotations

import sys
from types import CodeType
from typing import Any

from ...errors import CachekitError
from .units import Watch, map_functions, watch_none

_TOOL = "pytest-cachekit"
# coverage takes 1, profilers 2, hypothesis 3; 5 is the optimizer's.
_CANDIDATES = (4, 0, 2, 3, 1)


class Monitoring:
    """Arms functions and reads which of them ran."""

    def __init__(self) -> None:
        """Take a free tool identifier.

        Raises:
            CachekitError: all are taken.
        """
        monitoring: Any = sys.monitoring  # type: ignore[attr-defined,unused-ignore]
        self._monitoring = monitoring
        # Keyed by identity (hashing a code object hashes all its constants), so kept alive.
        self._units: dict[int, tuple[CodeType, int]] = {}
        self._seen: dict[int, bool] = {}
        for tool in _CANDIDATES:
            if monitoring.get_tool(tool) is None:
                self._tool = tool
                break
        else:
            raise CachekitError(
                "All tools of sys.monitoring are taken: switch off a debugger or profiler."
            )
        monitoring.use_tool_id(self._tool, _TOOL)
        monitoring.register_callback(self._tool, monitoring.events.PY_START, self._started)

    def instrument(self, code: CodeType, enter: Any, watch: Watch = watch_none) -> CodeType:
        """Arm each function in the module's `code`; `enter` numbers the units, none is watched."""
        return map_functions(code, enter, self._arm)

    def drain(self) -> list[int]:
        """Return the units that ran since the last call, and arm them again."""
        ran = list(self._seen)
        for unit in ran:
            self._seen.pop(unit, None)
        if ran:
            self._monitoring.restart_events()
        return ran

    def close(self) -> None:
        """Give the tool identifier back."""
        self._monitoring.register_callback(self._tool, self._monitoring.events.PY_START, None)
        self._monitoring.free_tool_id(self._tool)

    def _arm(self, code: CodeType, unit: int) -> CodeType:
        self._units[id(code)] = (code, unit)
        self._monitoring.set_local_events(self._tool, code, self._monitoring.events.PY_START)
        return code

    def _started(self, code: CodeType, _offset: int) -> Any:
        known = self._units.get(id(code))
        if known is not None:
            self._seen[known[1]] = True
        return self._monitoring.DISABLE
