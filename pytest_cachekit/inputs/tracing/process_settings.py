"""Settings of the process that a test may leave to all that follow, which any code may notice."""

from __future__ import annotations

import gc
import locale
import logging
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

from ..own_kind import is_a
from .action import Action
from .addresses import addresses, identity
from .contents import OF_PYTEST


class ProcessSettings:
    """Remembers who left the process with other settings than it found."""

    def __init__(self, loggers: Action) -> None:
        """Add to `loggers` who leaves some otherwise than they were."""
        self._loggers = loggers
        self._loggers_now: list[tuple[object, ...]] | None = None
        self._first: tuple[object, ...] | None = None
        self._now: tuple[object, ...] = ()
        self.left = Action("settings of the process that were left", collects=True)
        """What left some; whoever runs after that rests on it."""

    def look(self, action: Action | None) -> None:
        """Look at the settings.

        Args:
            action: what may have changed them since this was called last; None if nothing that
                is recorded.
        """
        loggers = list(_of_loggers())
        if self._loggers_now is not None and loggers != self._loggers_now and action is not None:
            self._loggers.parents.add(action)
        self._loggers_now = loggers
        now = _settings()
        if self._first is None:
            self._first = self._now = now
        if now != self._now:
            self._now = now
            if action is not None:
                self.left.parents.add(action)

    @property
    def are_as_they_were(self) -> bool:
        """Whether they are what they were when this was first called."""
        return self._now == self._first


def _settings() -> tuple[object, ...]:
    others = [ask(sys.modules[name]) for name, ask in _OF_MODULES.items() if name in sys.modules]
    return (
        _folder(),
        (*sys.path, None, *sys.argv),
        addresses((*sys.meta_path, None, *sys.path_hooks)),
        (sys.getrecursionlimit(), sys.getswitchinterval(), sys.get_int_max_str_digits()),
        (gc.isenabled(), gc.get_threshold(), time.tzname, time.timezone),
        (logging.root.level, logging.root.manager.disable, logging.raiseExceptions),
        tuple(warnings.filters),
        locale.setlocale(locale.LC_ALL),
        *others,
    )


def _folder() -> str:
    try:
        return os.getcwd()
    except OSError:
        # Somebody has removed it.
        return ""


def _of_loggers() -> Iterator[tuple[object, ...]]:
    """Yield what loggers have been told, as far as that isn't what all are made with."""
    for name, logger in (("", logging.root), *list(logging.root.manager.loggerDict.items())):
        if is_a(logger, logging.Logger):
            handlers = tuple(
                identity(handler)
                for handler in logger.handlers
                if type(handler) is not logging.NullHandler
                and type(handler).__module__ not in OF_PYTEST
            )
            if handlers or (name and logger.level) or logger.disabled or not logger.propagate:
                yield name, logger.level, logger.disabled, logger.propagate, handlers


def _of_decimals(module: ModuleType) -> tuple[Any, ...]:
    context = module.getcontext()
    traps = tuple(context.traps.values())
    return context.prec, context.rounding, context.Emin, context.Emax, context.clamp, traps


# Not asked for where nobody has loaded them.
_OF_MODULES: dict[str, Callable[[ModuleType], tuple[Any, ...]]] = {
    "_csv": lambda module: (module.field_size_limit(), *module.list_dialects()),
    "_socket": lambda module: (module.getdefaulttimeout(),),
    "decimal": _of_decimals,
}
