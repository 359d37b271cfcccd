"""Caches of each kind for the suites of others."""

from __future__ import annotations

import pytest

KINDS = ("memory", "file", "redis", "tiered")


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker that dogpile's suite uses."""
    config.addinivalue_line("markers", "time_intensive: sleeps for seconds (dogpile's marker).")


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)
