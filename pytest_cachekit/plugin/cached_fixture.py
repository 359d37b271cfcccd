"""Fixtures whose values are remembered across runs, by what they read.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from ..actions.execution import ExecutionCache
from ..actions.memoize import MemoizedFunction
from ..errors import CacheError, CacheUsageError
from .entry import settings_of

_caches: pytest.StashKey[ExecutionCache | None] = pytest.StashKey()
_CONFIG = "pytestconfig"


def fixture(
    function: Callable[..., Any] | None = None,
    *,
    scope: Any = "function",
    params: Sequence[object] | None = None,
    autouse: bool = False,
    ids: Any = None,
    name: str | None = None,
    type: Any = Any,  # noqa: A002  as the codec has it
    codec: str = "msgpack",
    signing_key: bytes | str | None = None,
    tags: Sequence[str] = (),
) -> Any:
    """Declare a fixture whose value is replayed from the cache while its inputs are unchanged.

    Its inputs are what it reads, the functions that it calls, and the values of the fixtures
    that it uses. Where the cache can't be used, or the value can't be stored, it is set up as
    any other.

    Args:
        function: the fixture, where the decorator is used without arguments.
        scope: as `pytest.fixture` has it, like `params`, `autouse`, `ids` and `name`.
        params: the same.
        autouse: the same.
        ids: the same.
        name: the same.
        type: what the value is converted to when it comes back, as msgspec does it.
        codec: `msgpack`, `json`, or `pickle`, which needs a key.
        signing_key: see `pytest_cachekit.caching.Codec`.
        tags: words by which values can be removed from the cache.

    Raises:
        CacheUsageError: it yields, or is to be awaited: what it sets up can't be stored.
    """

    def decorate(function: Callable[..., Any]) -> Any:
        if (
            inspect.isgeneratorfunction(function)
            or inspect.iscoroutinefunction(function)
            or inspect.isasyncgenfunction(function)
        ):
            raise CacheUsageError(
                f"The fixture {function.__qualname__} can't be remembered: let it return a value "
                "rather than yield or await, and tear down in another fixture."
            )
        parameters = inspect.signature(function).parameters
        asks = _CONFIG in parameters

        @functools.wraps(function)
        def cached(*args: Any, **kwargs: Any) -> Any:
            config = kwargs[_CONFIG] if asks else kwargs.pop(_CONFIG)
            cache = _cache_of(config)
            if cache is None:
                return function(*args, **kwargs)
            options = {"type": type, "codec": codec, "signing_key": signing_key, "tags": tags}
            memoized: MemoizedFunction[..., Any] = cache.memoize(**options)(function)
            return memoized(*args, **kwargs)

        if not asks:
            extra = inspect.Parameter(_CONFIG, inspect.Parameter.KEYWORD_ONLY)
            signature = inspect.Signature([*parameters.values(), extra])
            cached.__signature__ = signature  # type: ignore[attr-defined]
        make = pytest.fixture(scope=scope, params=params, autouse=autouse, ids=ids, name=name)
        return make(cached)

    return decorate if function is None else decorate(function)


def _cache_of(config: pytest.Config) -> ExecutionCache | None:
    """Return the cache of a run, opened once; None where it can't be used."""
    if _caches not in config.stash:
        settings = settings_of(config)
        mode: Any = settings.cachekit_mode
        try:
            cache = ExecutionCache(
                settings.cachekit_url,
                root=config.rootpath,
                mode=mode,
                namespace=settings.cachekit_namespace,
                epoch=settings.cachekit_epoch,
            )
        except CacheError as error:
            config.issue_config_time_warning(pytest.PytestWarning(str(error)), stacklevel=2)
            config.stash[_caches] = None
            return None
        config.stash[_caches] = cache
        config.add_cleanup(cache.close)
    return config.stash[_caches]
