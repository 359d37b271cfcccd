"""How large the HTML report of 100,000 tests is, and how long a browser takes to open it.

python -m benchmarks.page [--tests 100000]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from pytest_cachekit.plugin.page.render import render_page
from tests.page.browser import Browser, find_browser
from tests.page.sample import sample_history, sample_run

_OPENED = "performance.getEntriesByType('navigation')[0].loadEventEnd / 1000"
_SEARCH = """(() => {
    const begin = performance.now();
    document.getElementById("search").value = "git";
    document.getElementById("filter").requestSubmit();
    return (performance.now() - begin) / 1000;
})()"""


def main() -> None:
    """Print a line for each step."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tests", type=int, default=100_000)
    tests = parser.parse_args().tests
    program = find_browser()
    if program is None:
        sys.exit("This needs Chromium (Debian's package chromium).")
    last = sample_run(tests)
    begin = time.perf_counter()
    text = render_page("shop", last, sample_history(last), "a cache")
    print(f"made in {time.perf_counter() - begin:.2f} s: {tests:,} tests, {len(text):,} bytes")
    with tempfile.TemporaryDirectory() as workshop:
        page = Path(workshop, "report.html")
        page.write_text(text, encoding="utf-8")
        with Browser(program, Path(workshop, "profile")) as browser:
            for _ in range(3):
                browser.open(page)
                print(f"opened in {browser.evaluate(_OPENED):.2f} s, all rows ready to be shown")
            print(f"searched in {browser.evaluate(_SEARCH):.2f} s")


if __name__ == "__main__":
    main()
