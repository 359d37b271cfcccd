"""The first thing that happens in a Python child: it is to be traced, and must not notice.

`pytest_cachekit.pth`, which Python reads when it starts, imports this module where a traced
process asks for a report, and only there. A program can tell which modules are loaded, and a file
beside a script can take the place of one of the standard library. So what the tracer imports it
keeps for itself: the program finds `sys.modules` as it would have been, and imports afresh.
"""

from __future__ import annotations

import os
import sys

VARIABLE = "CACHEKIT_CHILD"
"""Names the file where a child is to leave its report."""


def begin() -> None:
    """Trace this process, and leave a report where the environment says."""
    target = os.environ.pop(VARIABLE)
    if os.path.exists(target):
        return  # A program that replaced another in its process, which has reported.
    path = list(sys.path)
    # Nothing of the project runs before it is traced.
    places = (sys.prefix, sys.base_prefix, os.path.abspath(f"{__file__}/../../../.."))
    known = {name for name in sys.modules if name.partition(".")[0] != "pytest_cachekit"}
    sys.path[:] = [place for place in path if place.startswith(places)]
    try:
        from ..aside import hide_modules
        from .child_process import ChildProcess

        sys.path[:] = path
        hide_modules(known)
        ChildProcess(target)
        hide_modules(known)
    except Exception:  # noqa: BLE001  then it leaves no report, and runs
        return
    finally:
        sys.path[:] = path
