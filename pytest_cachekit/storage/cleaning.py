"""A thread that removes what has expired, as long as there is somebody to remove it for."""

from __future__ import annotations

import threading
import weakref
from typing import Protocol


class Cleanable(Protocol):
    """What can be cleaned."""

    def clean_up(self) -> None:
        """Remove all that has expired."""
        ...


def clean_regularly(what: Cleanable, interval: float, closed: threading.Event) -> None:
    """Clean `what` every `interval` seconds until `closed` is set or nobody uses it."""
    threading.Thread(
        target=_clean,
        args=(weakref.ref(what), interval, closed),
        name="cachekit-cleanup",
        daemon=True,
    ).start()


def _clean(what: weakref.ref[Cleanable], interval: float, closed: threading.Event) -> None:
    while not closed.wait(interval):
        alive = what()
        if alive is None:
            return
        alive.clean_up()
        del alive
