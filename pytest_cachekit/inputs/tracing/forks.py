"""Children that begin as copies of who started them, as those of multiprocessing do.

Nobody can take back what `os.register_at_fork` was told. So, as with audit hooks, there is one
for the process, which does nothing while no recorder is set.
"""

from __future__ import annotations

import os
import threading

from .child_report import write_atomically
from .child_traces import Child, Program
from .recorder import Recorder
from .reporting import make_report, reporting_exit


class _State(threading.local):
    child: Child | None = None


_state = _State()
_recorders: list[Recorder] = []


def watch_forks(recorder: Recorder) -> None:
    """Let forks of this process tell what they read, until `ignore_forks`."""
    if not _recorders:
        os.register_at_fork(
            before=_before, after_in_parent=_after_in_parent, after_in_child=_after_in_child
        )
    _recorders[:] = [recorder]


def ignore_forks() -> None:
    """Expect nothing of forks any more."""
    _recorders[0].is_over = True


def _before() -> None:
    recorder = _recorders[0]
    if recorder.is_over:
        return
    if recorder.measures():
        # It is measured in a file that the test writes, which a replayed one doesn't.
        recorder.current.refuse_unless_declared("forks a process whose coverage is measured")
    else:
        _state.child = recorder.children.expect(Program("a fork"))


def _after_in_parent() -> None:
    _state.child = None


def _after_in_child() -> None:
    """Report when this process leaves by `os._exit`."""
    child, recorder, process = _state.child, _recorders[0], os.getpid()
    _state.child = None
    # Its parent is told of what it opens.
    recorder.opens.close()
    if child is None:
        return
    recorder.children.forget()
    before = set(recorder.writes.touched())

    def report() -> None:
        if os.getpid() != process:
            return
        with recorder.unobserved():
            try:
                with recorder.running(child.action):
                    touched = set(recorder.writes.touched()) - before
                write_atomically(child.target, make_report(recorder, child.action, touched))
            except Exception:  # noqa: BLE001  then there is no report
                return

    os._exit = reporting_exit(os._exit, report)
