"""What a run would find on this machine, as a list of findings."""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import median

import pytest_cachekit

from ..errors import CachekitError, StorageError
from ..inputs.distributions import Distributions
from ..inputs.tracing.functions import choose_tracer
from ..plugin.context import process_parts
from .utils import CacheUtils
from .words import duration, plural

_ASKED = 5
_SLOW = 0.1
_PROBE = "probe:doctor"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    topic: str
    text: str
    is_fine: bool = True


def diagnose(utils: CacheUtils) -> Iterator[Finding]:
    """Iterate over what a run with `utils`' cache would find."""
    yield Finding(
        "interpreter",
        f"{platform.python_implementation()} {platform.python_version()}, "
        f"{sys.platform} {platform.machine()}",
    )
    runner = next(part for part in process_parts() if part.startswith("pytest "))
    own = f"{runner}, pytest-cachekit {pytest_cachekit.__version__}"
    others = sorted(set(Distributions().of_pytest) - {"pytest", "pluggy", "pytest-cachekit"})
    yield Finding("pytest", f"{own}; beside it {', '.join(others) or 'no other plugin'}")
    yield _tracer()
    settings = utils.place.settings
    where = utils.place.file or "no configuration file"
    yield Finding("project", f"rootdir {utils.place.root}, {where}")
    switch = "on" if settings.cachekit else "off unless --cachekit is given"
    yield Finding("options", f"cachekit is {switch}, mode {settings.cachekit_mode}")
    yield from _cache(utils)


def _tracer() -> Finding:
    try:
        tracer, reason = choose_tracer()
    except CachekitError as error:
        return Finding("tracer", str(error), is_fine=False)
    tracer.close()
    return Finding("tracer", reason)


def _cache(utils: CacheUtils) -> Iterator[Finding]:
    directory = utils.directory
    if not utils.exists and directory is not None:
        parent = next(path for path in (directory, *directory.parents) if path.exists())
        can_be = os.access(parent, os.W_OK)
        word = "will be made by the first run" if can_be else f"can't be made in {parent}"
        yield Finding("cache", f"there is none yet in {utils.url}; it {word}", can_be)
        return
    backend = utils.backend
    try:
        size = backend.size()
        yield Finding("cache", f"{utils.url}, {plural(size.entries, 'key')}")
        slowest = median(_timed(lambda: backend.get_many(["nothing"])) for _ in range(_ASKED))
        yield Finding("latency", f"{slowest * 1000:.1f} ms to ask for a key", slowest < _SLOW)
    except StorageError as error:
        yield Finding("cache", str(error), is_fine=False)
        return
    try:
        took = _timed(lambda: backend.set_many({_PROBE: b""}, ttl=60))
        backend.delete_many([_PROBE])
        yield Finding("rights", f"can be written, in {duration(took)}")
    except StorageError as error:
        yield Finding("rights", f"can be read, but not be written: {error}", is_fine=False)


def _timed(call: Callable[[], object]) -> float:
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin
