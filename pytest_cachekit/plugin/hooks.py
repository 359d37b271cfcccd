"""Asks the hooks that others implement; where one fails, tests run and nothing is believed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import pytest
from _pytest.outcomes import OutcomeException

from ..errors import CachekitError, StorageError
from ..storage import Backend, open_backend
from .declared import DeclaredInputs

Watched = Callable[[], AbstractContextManager[object]]
_kept_out_key: pytest.StashKey[str | None] = pytest.StashKey()
_complete_key: pytest.StashKey[bool] = pytest.StashKey()


class HookError(CachekitError):
    """A hook failed, or returned what it must not."""

    def __init__(self, hook: str, what: str) -> None:
        """Say `what` became of a hook."""
        super().__init__(f"the hook {hook} {what}")


def key_parts(config: pytest.Config) -> list[str]:
    """Return what the key of a run consists of besides, in words that begin with `key part`.

    Raises:
        HookError: a hook failed.
    """
    hook = config.hook.pytest_cachekit_key_parts
    parts: list[str] = []
    for found in _call(hook, config=config):
        if not isinstance(found, Mapping):
            raise HookError(hook.name, f"returned {found!r}, which is no mapping")
        for name, value in found.items():
            if not isinstance(name, str) or not isinstance(value, str):
                raise HookError(hook.name, f"returned {name!r}: {value!r}, which is not text")
            parts.append(f"key part {name}={value}")
    return sorted(parts)


def ask(
    config: pytest.Config, items: Iterable[pytest.Item], watched: Watched = nullcontext
) -> None:
    """Find out of each of `items`, once, whether a hook wants it to run.

    Args:
        config: the run's.
        items: the tests.
        watched: returns a context whose owner credits what hooks read.
    """
    if not implementers(config.hook.pytest_cachekit_is_cacheable):
        return
    with watched():
        for item in items:
            if _kept_out_key not in item.stash:
                item.stash[_kept_out_key] = _why_kept_out(item)


def why_kept_out(item: pytest.Item) -> str | None:
    """Return why hooks that were asked want `item` to run; None where they don't."""
    return item.stash.get(_kept_out_key, None)


def declared_inputs(item: pytest.Item) -> list[DeclaredInputs]:
    """Return what hooks declare that `item` reads.

    Raises:
        HookError: one failed.
    """
    hook = item.ihook.pytest_cachekit_inputs
    if not implementers(hook):
        return []
    found: list[DeclaredInputs] = _call(hook, item=item)
    for one in found:
        if not isinstance(one, DeclaredInputs):
            raise HookError(hook.name, f"returned {one!r}, which are no DeclaredInputs")
    item.stash[_complete_key] = any(one.is_complete for one in found)
    return found


def declares_all(item: pytest.Item) -> bool:
    """Return whether hooks declared all that children of `item` read."""
    return item.stash.get(_complete_key, False)


def open_by_hooks(config: pytest.Config) -> Callable[..., Backend]:
    """Return what opens a backend by its URL, and by options of `open_backend`: a hook, or we."""

    def open_url(url: str, **options: Any) -> Backend:
        hook = config.hook.pytest_cachekit_backend
        found: Backend | None = None
        if implementers(hook):
            try:
                found = _call(hook, url=url, config=config, timeout=options.get("timeout"))
            except HookError as error:
                raise StorageError(f"{url!r} can't be opened, since {error}: mend it.") from error
        return open_backend(url, **options) if found is None else found

    return open_url


def implementers(hook: Any) -> list[object]:
    """Return the plugins that implement `hook`."""
    return [implementation.plugin for implementation in hook.get_hookimpls()]


def _why_kept_out(item: pytest.Item) -> str | None:
    hook = item.ihook.pytest_cachekit_is_cacheable
    try:
        answers = _call(hook, item=item)
    except HookError as error:
        return str(error)
    for answer in answers:
        if answer is False:
            return f"the hook {hook.name} says so"
        if isinstance(answer, str):
            return answer
        if answer is not True:
            return f"the hook {hook.name} returned {answer!r}, which is no answer"
    return None


def _call(hook: Any, **arguments: Any) -> Any:
    try:
        return hook(**arguments)
    except pytest.exit.Exception:
        raise
    # What `pytest.skip()` raises is no `Exception`.
    except (Exception, OutcomeException) as error:
        raise HookError(hook.name, f"failed ({error!r})") from error
