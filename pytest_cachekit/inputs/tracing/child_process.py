"""A Python child: it is traced from its first line, and reports when it ends.

`forks.py` has those that begin as copies of who started them.
"""

from __future__ import annotations

import atexit
import os
import posix
import sys
from collections.abc import Iterable, Iterator
from inspect import getattr_static

from ..fingerprint import Fingerprints
from ..layout import Layout, Region
from ..reading import Input
from ..resolution import with_places
from .callers import heed_pytest
from .child_report import VARIABLE, ChildReport, read_context, write_atomically
from .reporting import make_report, reporting_exit
from .tracer import Tracer

# What the interpreter reads before any of its code could be watched.
_READ_AT_START = (
    "LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "TZ", "PYTHONBREAKPOINT", "PYTHONDEVMODE",
    "PYTHONHOME", "PYTHONIOENCODING", "PYTHONNOUSERSITE", "PYTHONOPTIMIZE", "PYTHONPATH",
    "PYTHONPLATLIBDIR", "PYTHONSAFEPATH", "PYTHONUTF8", "PYTHONWARNINGS",
)  # fmt: skip


class ChildProcess:
    """A process that was started to be traced."""

    def __init__(self, target: str) -> None:
        """Begin to trace, and leave the report in the file `target` when this process ends."""
        posix.environ.pop(os.fsencode(VARIABLE), None)
        context = read_context(os.path.dirname(target))
        self._target = target
        self._process = os.getpid()
        self._folder = os.getcwd()
        self._loaded = sys.modules.keys() - {"__main__"}
        # Here, pytest is a program like others.
        heed_pytest()
        layout = Layout(context.root, context.ignored, context.temporary)
        fingerprints = Fingerprints(layout)
        fingerprints.places.takes_first = True
        self._tracer = Tracer(fingerprints)
        self._recorder = recorder = self._tracer.recorder
        recorder.before_end = self._end
        with recorder.unobserved():
            for name in _READ_AT_START:
                recorder.read("environment", name)
        self._tracer.patches.set(os, "_exit", reporting_exit(os._exit, self._report))
        atexit.register(self._report)

    def _end(self, reason: str) -> None:
        self._recorder.session.refuse_unless_declared(reason)
        self._report()

    def _report(self) -> None:
        if os.getpid() != self._process or os.path.exists(self._target):
            return
        # What was opened is observed, still.
        self._recorder.settle()
        with self._recorder.unobserved():
            try:
                # What ran is known before it is stopped.
                with self._recorder.running(self._recorder.session):
                    self._read_untraced()
                self._tracer.stop()
                write_atomically(self._target, self._collect())
            except Exception:  # noqa: BLE001  then there is no report
                return

    def _collect(self) -> ChildReport:
        recorder = self._recorder
        # All that was imported here was imported for who started it.
        recorder.session.parents.update(recorder.modules.actions.values())
        report = make_report(recorder, recorder.session, recorder.writes.touched())
        return report._replace(inputs=list(self._portable(report.inputs)))

    def _read_untraced(self) -> None:
        """Read the files of modules for which no loader was asked: that of `__main__`, for one."""
        recorder = self._recorder
        for name, module in list(sys.modules.items()):
            # One that is to be loaded when it is first asked for stays as it is.
            path = getattr_static(module, "__file__", None)
            if isinstance(path, str) and name not in self._loaded:
                path = os.path.join(self._folder, path)
                if os.path.normpath(path) not in recorder.modules.actions:
                    recorder.read_file(os.path.normpath(path))

    def _portable(self, inputs: Iterable[Input]) -> Iterator[Input]:
        """Give each input a name that means the same where `sys.path` is another."""
        layout = self._recorder.layout
        places = [os.path.normpath(os.path.join(self._folder, place)) for place in sys.path]
        lasting = [place for place in places if not layout.is_temporary(place)]
        for kind, name, fingerprint in inputs:
            if kind != "module":
                yield kind, name, fingerprint
            elif fingerprint != Region.SYSTEM.value or len(lasting) == len(places):
                # Else it may lie where whoever started this process wrote it.
                yield kind, with_places(layout, name, lasting), fingerprint
