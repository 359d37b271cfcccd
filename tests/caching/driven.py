"""One story for both faces of a cache: a cache to await, driven to its end call by call."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

from pytest_cachekit.caching import AsyncCache


class Driven:
    """An `AsyncCache` whose methods return their results."""

    def __init__(self, cache: AsyncCache, loop: asyncio.AbstractEventLoop) -> None:
        self.cache = cache
        self.loop = loop

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self.cache, name)
        if not inspect.iscoroutinefunction(attribute):
            return attribute

        def call(*args: Any, **kwargs: Any) -> Any:
            return self.loop.run_until_complete(attribute(*args, **kwargs))

        return call

    def __contains__(self, key: str) -> bool:
        return bool(self.has(key))
