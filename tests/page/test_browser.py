"""The page in a real browser: seen, searched, by keyboard alone and by a screen reader."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_cachekit.plugin.page.render import render_page

from .browser import Browser
from .sample import sample_history, sample_run

GROUND = "getComputedStyle(document.body).backgroundColor"
LIGHT, DARK = "rgb(255, 255, 255)", "rgb(16, 22, 29)"
STATUS = "document.getElementById('status').textContent"
SHOWN = "[...document.querySelectorAll('#tests tbody .name')].map(one => one.textContent)"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a run of 4,000 tests, and thirty before."""
    last = sample_run(4000)
    file = tmp_path_factory.mktemp("page") / "report.html"
    file.write_text(render_page("shop", last, sample_history(last), "a cache"))
    return file


def focused(browser: Browser) -> str:
    return str(browser.evaluate("(e => e.id || e.textContent.trim())(document.activeElement)"))


def test_it_opens_without_asking_for_anything_else(browser: Browser, page: Path) -> None:
    browser.open(page)

    assert browser.evaluate(STATUS) == "4,000 tests"
    assert len(browser.evaluate(SHOWN)) == 100
    assert browser.complaints() == []
    assert [address.partition("?")[0] for address in browser.requests()] == [page.as_uri()]


def test_a_hundred_thousand_tests_are_there(browser: Browser, tmp_path: Path) -> None:
    last = sample_run(100_000)
    file = tmp_path / "huge.html"
    file.write_text(render_page("shop", last, sample_history(last), "a cache"))
    browser.open(file)

    assert browser.evaluate(STATUS) == "100,000 tests"
    assert browser.evaluate("document.getElementById('place').textContent") == "Page 1 of 1,000"
    browser.open(file, "#q=test_99999%5B")
    assert browser.evaluate(SHOWN) == [last.tests[-1].nodeid]


def test_it_follows_the_system_until_a_theme_is_chosen(browser: Browser, page: Path) -> None:
    grounds = []
    for scheme in ("light", "dark"):
        browser.prefer(scheme)
        browser.open(page)
        grounds.append(browser.evaluate(GROUND))
    browser.evaluate(
        "theme.value = 'light'; theme.dispatchEvent(new Event('change'))".replace(
            "theme", "document.getElementById('theme')"
        )
    )
    grounds.append(browser.evaluate(GROUND))
    browser.open(page)
    grounds.append(browser.evaluate(GROUND))
    browser.evaluate("localStorage.clear()")

    assert grounds == [LIGHT, DARK, LIGHT, LIGHT]


@pytest.mark.parametrize("width", [320, 380, 1200])
def test_nothing_sticks_out(browser: Browser, page: Path, width: int) -> None:
    browser.resize(width)
    browser.open(page)
    browser.evaluate("document.querySelector('details').open = true")
    room = browser.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    browser.resize(1200)

    assert room[0] <= width


def test_tests_are_found_by_name_reason_and_category(browser: Browser, page: Path) -> None:
    last = sample_run(4000)
    by_git = [test.nodeid for test in last.tests if "process git" in last.causes[test.cause].text]
    browser.open(page, "#q=PROCESS+git")
    assert browser.evaluate(SHOWN) == by_git[:100]
    assert browser.evaluate(STATUS) == f"{len(by_git)} of 4,000 tests"

    stale = sum(test.category == "stale" for test in last.tests)
    browser.open(page)
    browser.evaluate("[...document.querySelectorAll('.legend a')][2].click()")
    browser.evaluate("new Promise(resolve => setTimeout(resolve))")
    assert browser.evaluate(STATUS) == f"{stale} of 4,000 tests"
    assert focused(browser) == "all-tests"

    browser.evaluate("document.querySelector('[type=reset]').click()")
    browser.evaluate("new Promise(resolve => setTimeout(resolve, 5))")
    assert browser.evaluate(STATUS) == "4,000 tests"


def test_columns_sort_both_ways_and_say_so(browser: Browser, page: Path) -> None:
    last = sample_run(4000)
    longest = sorted(last.tests, key=lambda test: -test.microseconds)
    browser.open(page)
    took = "document.querySelector('[data-sort=microseconds]')"
    for direction, order in (("descending", longest), ("ascending", longest[::-1])):
        browser.evaluate(f"{took}.click()")
        assert browser.evaluate(f"{took}.closest('th').ariaSort") == direction
        times = {test.nodeid: test.microseconds for test in last.tests}
        shown = [times[name] for name in browser.evaluate(SHOWN)]
        assert shown == [test.microseconds for test in order[:100]]


def test_everything_is_reached_by_keyboard(browser: Browser, page: Path) -> None:
    browser.open(page)
    browser.press("Tab")
    assert focused(browser) == "Skip to all tests"
    browser.press("Enter", "\r")
    browser.evaluate("new Promise(resolve => setTimeout(resolve, 5))")
    browser.press("Tab")
    assert focused(browser) == "search"
    assert browser.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"

    for _ in range(4):
        browser.press("Tab")
    assert (
        focused(browser) == "tests-caption"
        or browser.evaluate("document.activeElement.getAttribute('aria-labelledby')")
        == "tests-caption"
    )
    browser.press("Tab")
    browser.press("Enter", "\r")
    assert browser.evaluate("document.querySelector('[aria-sort]').textContent") == "Test, and why"
    while focused(browser) != "next":
        browser.press("Tab")
    browser.press("Enter", "\r")
    assert browser.evaluate("document.getElementById('place').textContent") == "Page 2 of 40"
    assert focused(browser) == "next"


def test_a_screen_reader_finds_its_way(browser: Browser, page: Path) -> None:
    browser.open(page)
    spoken = browser.spoken()
    roles = {role for role, _ in spoken}

    assert {"banner", "main", "navigation", "search", "contentinfo", "status"} <= roles
    headings = [name for role, name in spoken if role == "heading"]
    assert headings == [
        "shop", "This run", "Last runs", "What changed", "What can't be cached", "Directories",
        "All tests",
    ]  # fmt: skip
    controls = ("button", "textbox", "searchbox", "combobox", "link", "table", "region", "image")
    nameless = [role for role, name in spoken if role in controls and not name]
    assert nameless == []
    images = [name for role, name in spoken if role == "image"]
    assert len(images) == 3
    assert "tests replayed" in images[1]
    assert sum(role == "columnheader" for role, _ in spoken) >= 12
    assert sum(role == "rowheader" for role, _ in spoken) >= 100
