"""A browser for all tests of the page."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .browser import Browser, find_browser


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A headless Chromium."""
    program = find_browser()
    if program is None:
        pytest.skip("needs Chromium (Debian's package chromium)")
    with Browser(program, tmp_path_factory.mktemp("profile")) as browser:
        browser.resize(1200)
        yield browser
