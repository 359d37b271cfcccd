"""What has a lock takes a new one after a fork: a thread that is not in the child may hold it."""

from __future__ import annotations

import os
import weakref
from typing import Protocol


class Forked(Protocol):
    """What has something to do in a forked child."""

    def after_fork(self) -> None:
        """Take new locks."""
        ...


_forked: weakref.WeakSet[Forked] = weakref.WeakSet()


def survive_forks(what: Forked) -> None:
    """Call `what.after_fork` in each child that is forked while it lives."""
    _forked.add(what)


def _after_fork() -> None:
    for what in list(_forked):
        what.after_fork()


os.register_at_fork(after_in_child=_after_fork)
