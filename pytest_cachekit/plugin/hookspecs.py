"""Hooks that other plugins and conftests may implement (docs/hooks.md).

PYTEST_DONT_REWRITE: loaded wherever this package is installed, so it imports nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ..storage import Backend
    from .declared import DeclaredInputs


@pytest.hookspec
def pytest_cachekit_key_parts(config: pytest.Config) -> Mapping[str, str] | None:
    """Return what else an outcome depends on that is the same for all tests of a run.

    Results that were recorded with other values, or without them, are not replayed. It is asked
    once, when the session starts, with pytest-xdist in the controller alone. So it counts in
    plugins and in conftests that are loaded by then; where one comes later, nothing is replayed
    or stored.

    Args:
        config: the run's.

    Returns:
        Names and values, as `{"database": "PostgreSQL 17.2"}`; None for nothing.
    """


@pytest.hookspec
def pytest_cachekit_is_cacheable(item: pytest.Item) -> bool | str | None:
    """Return whether a test may be replayed, and its result be stored.

    It is asked once for each test before it would run. Nobody can make a test cacheable that
    isn't for another reason.

    Args:
        item: the test. Whoever looks at its function or module has its file imported.

    Returns:
        False, or the reason in words, where it may not; else True or None.
    """


@pytest.hookspec
def pytest_cachekit_inputs(item: pytest.Item) -> DeclaredInputs | None:
    """Return inputs of a test that can't be seen, as what a child process reads.

    It is asked when the test begins to run; what it reads itself counts as read by the test.

    Args:
        item: the test.

    Returns:
        The inputs; None for none.
    """


@pytest.hookspec(firstresult=True)
def pytest_cachekit_backend(
    url: str, config: pytest.Config, timeout: float | None
) -> Backend | None:
    """Open a cache of a kind that this package doesn't know.

    It is asked for each cache that options name, before any conftest is loaded: so plugins can
    implement it, conftests can't.

    Args:
        url: as `--cachekit-url` or `--cachekit-remote` gives it.
        config: the run's.
        timeout: seconds that each step to a remote cache may take; None for the near one.

    Returns:
        What keeps bytes under keys; None where the URL is another's.
    """
