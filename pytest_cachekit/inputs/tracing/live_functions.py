"""Which functions of the project ran, loaded before tracing began or since.

By `sys.monitoring` (PEP 669), which sees code that is there already; on Python 3.11, by
`sys.setprofile`.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any

from ...errors import CachekitError
from ..layout import Layout
from .units import Watch, map_functions, watch_none

_OWN = os.path.abspath(f"{__file__}/../../..") + os.sep
_TOOL = "pytest-cachekit"
# coverage takes 1, profilers 2, hypothesis 3; 5 is the optimizer's.
_CANDIDATES = (4, 0, 2, 3, 1)


class LiveFunctions:
    """Notices all functions of the project that run, in any thread."""

    def __init__(self, layout: Layout) -> None:
        """Begin.

        Raises:
            CachekitError: a debugger or a profiler is in the way.
        """
        self._layout = layout
        self._units: dict[int, tuple[CodeType, int]] = {}
        self._ran: dict[int, CodeType] = {}
        self._of_project: dict[str, bool] = {}
        self._end: Callable[[], None]
        if hasattr(sys, "monitoring"):
            self._monitor()
        else:
            self._profile()

    def instrument(
        self, code: CodeType, enter: Callable[[CodeType], int], watch: Watch = watch_none
    ) -> CodeType:
        """See `FunctionTracer.instrument`; the code stays what it is, and none is watched."""

        def note(function: CodeType, unit: int) -> CodeType:
            self._units[id(function)] = function, unit
            return function

        return map_functions(code, enter, note)

    def drain(self) -> list[int]:
        """Return the units that ran since the last call, of modules imported since the start."""
        return [self._units[key][1] for key in list(self._ran) if key in self._units]

    def take(self) -> list[CodeType]:
        """Return all code of the project that ran since the last call."""
        ran = list(self._ran.values())
        self._ran.clear()
        self._again()
        return ran

    def close(self) -> None:
        """Stop noticing."""
        self._end()

    def _is_project(self, path: str) -> bool:
        known = self._of_project.get(path)
        if known is None:
            place = os.path.abspath(path)
            known = (
                path[:1] != "<"
                and not place.startswith(_OWN)
                and self._layout.is_loaded_code(place)
            )
            self._of_project[path] = known
        return known

    def _monitor(self) -> None:
        monitoring: Any = sys.monitoring  # type: ignore[attr-defined,unused-ignore]
        for tool in _CANDIDATES:
            if monitoring.get_tool(tool) is None:
                break
        else:
            raise CachekitError(
                "All tools of sys.monitoring are taken: switch off a debugger or profiler."
            )
        events = (monitoring.events.PY_START, monitoring.events.PY_RESUME)

        def started(code: CodeType, _offset: int) -> Any:
            if self._is_project(code.co_filename):
                self._ran[id(code)] = code
            return monitoring.DISABLE

        def end() -> None:
            monitoring.set_events(tool, 0)
            for event in events:
                monitoring.register_callback(tool, event, None)
            monitoring.free_tool_id(tool)

        monitoring.use_tool_id(tool, _TOOL)
        for event in events:
            monitoring.register_callback(tool, event, started)
        monitoring.set_events(tool, events[0] | events[1])
        self._again = monitoring.restart_events
        self._again()
        self._end = end

    def _profile(self) -> None:
        if sys.getprofile() is not None or threading.active_count() > 1:
            raise CachekitError(
                "Python 3.11 shows which functions run only to one profiler and in one thread: "
                "switch off the other profiler, or use Python 3.12 or later."
            )

        def called(frame: FrameType, event: str, _argument: object) -> None:
            if event == "call" and self._is_project(frame.f_code.co_filename):
                self._ran[id(frame.f_code)] = frame.f_code

        def end() -> None:
            sys.setprofile(None)
            threading.setprofile(None)  # type: ignore[arg-type,unused-ignore]

        threading.setprofile(called)
        sys.setprofile(called)
        self._again = lambda: None
        self._end = end

    _again: Callable[[], None]
