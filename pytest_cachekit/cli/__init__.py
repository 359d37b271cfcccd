"""Floor `cli`: the command `cachekit`, and the same for programs: `CacheUtils`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .utils import CacheUtils as CacheUtils

__all__ = ["CacheUtils"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import utils

    return getattr(utils, name)
