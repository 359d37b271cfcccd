"""What the page says, before any browser sees it."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest

import pytest_cachekit
from pytest_cachekit.actions.last_run import (
    Cause,
    LastRun,
    TestInRun,
    pack_last_run,
    read_last_run,
    unpack_last_run,
)
from pytest_cachekit.plugin.page.charts import nice_top
from pytest_cachekit.plugin.page.facts import Facts
from pytest_cachekit.plugin.page.render import render_page
from pytest_cachekit.storage.file import FileBackend
from tests.harness import Project

from .sample import NOW, sample_history, sample_run

FILES = {
    "lib.py": "def f():\n    return 1\ndef g():\n    return 1",
    "tests/one/test_it.py": """
        import pytest, lib
        @pytest.mark.parametrize("n", [1, 2, "</script><b>"])
        def test_f(n): assert lib.f()
        def test_g(): assert lib.g()
        """,
    "tests/two/test_other.py": """
        import pytest, lib
        @pytest.mark.cachekit(enabled=False, reason="asks the stars")
        def test_never(): pass
        def test_fails(): assert lib.g() == 2
        """,
}
INI = "pythonpath = ."


def rows(page: str, table: str) -> list[list[str]]:
    """Return the words of a table's rows."""
    found = re.search(rf'<table id="{table}">.*?<tbody>(.*?)</tbody>', page, re.DOTALL)
    assert found is not None, f"no table {table}"
    return [
        [
            unescape(re.sub("<[^>]+>", "", cell))
            for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row)
        ]
        for row in re.findall(r"<tr>(.*?)</tr>", found[1], re.DOTALL)
    ]


def data(page: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    return dict(json.loads(found[1]))


def test_a_run_is_told_on_a_page_and_later_again(project: Project) -> None:
    before = project.ini(INI).write(FILES)
    before.run("--cachekit")
    edited = before.replace("lib.py", "def f():\n    return 1", "def f():\n    return 2")
    run = edited.run("--cachekit", "--cachekit-report=deep/page.html")
    page = (project.root / "deep/page.html").read_text()

    assert run.report == {}
    changed = [row[:2] for row in rows(page, "changed")]
    assert changed == [["function lib.py::f", "3"]]
    refused = sorted(row[:2] for row in rows(page, "refused"))
    assert refused == [
        ["its marker says so: asks the stars", "1"],
        ["no result stored yet; not stored: failed in call", "1"],
    ]
    assert len(rows(page, "costly")) == 2
    directories = [row[:4] for row in rows(page, "directories")]
    assert directories == [["tests/one", "25%", "1", "3"], ["tests/two", "0%", "0", "2"]]
    assert [row[1:5] for row in rows(page, "runs")] == [
        ["read-write", "1", "5", "16.7%"],
        ["read-write", "0", "6", "0.0%"],
    ]

    done = edited.command("report", "-o", "later.html")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("later.html, ")
    assert (project.root / "later.html").read_text() == page


def test_a_run_that_only_reads_is_told_but_not_kept(project: Project) -> None:
    project = project.write({"test_it.py": "def test_it(): pass"})
    project.run("--cachekit")
    project.run("--cachekit", "--cachekit-mode=read-only", "--cachekit-report=page.html")
    page = (project.root / "page.html").read_text()

    assert [row[1] for row in rows(page, "runs")] == ["read-only", "read-write"]
    assert project.command("report").returncode == 0
    kept = (project.root / "cachekit-report.html").read_text()
    assert "mode read-write</p>" in kept
    assert "Nothing is known of earlier runs." in kept


def test_what_tests_are_called_stays_text(project: Project) -> None:
    hostile = "</script><script>alert(1)</script>"
    causes = [Cause(f"{hostile} <!-- changed", hostile), Cause("<b>&amp;")]
    tests = [
        TestInRun(f"test_<i>.py::test_it[{hostile}]", "stale", "passed", 0, 5, unsteady=hostile),
        TestInRun("test_it.py::test_it['\"]", "uncacheable", "passed", 1, 5),
    ]
    page = render_page(hostile, LastRun(NOW, "read-write", causes, tests, [hostile]), [], hostile)

    assert hostile not in page
    assert "<b>" not in page
    assert "<!--" not in page
    assert page.count("</script>") == 2
    assert data(page)["name"] == [f"::test_it[{hostile}]", "::test_it['\"]"]
    assert rows(page, "changed")[0][0] == hostile


def test_the_page_loads_nothing() -> None:
    page = render_page("shop", sample_run(500), sample_history(sample_run(500)), "a cache")

    assert not re.search(r"\b(src|action|srcset)=|@import|url\(", page)
    assert all(link.startswith("#") for link in re.findall(r'href="([^"]*)"', page))
    assert re.search(r"default-src 'none'; style-src 'sha256-\S+'; script-src 'sha256-\S+'\"", page)


def test_all_tests_are_in_it_in_their_order() -> None:
    last = sample_run(1000)
    found = data(render_page("shop", last, [], "a cache"))

    names = [
        found["files"][file] + name for file, name in zip(found["file"], found["name"], strict=True)
    ]
    assert names == [test.nodeid for test in last.tests]
    assert sum(found["microseconds"]) == sum(test.microseconds for test in last.tests)


def test_shares_add_up() -> None:
    facts = Facts(sample_run(5000))
    total = facts.all

    assert sum(facts.counts.values()) == total.tests == 5000
    assert sum(group.tests for group in facts.directories) == 5000
    assert sum(group.replayed for group in facts.directories) == facts.counts["replayed"]
    assert sum(group.tests for group in facts.changes) == facts.counts["stale"]
    assert total.spent + total.saved == pytest.approx(
        sum(test.microseconds for test in facts.run.tests) / 1e6
    )
    assert [group.tests for group in facts.changes] == sorted(
        (group.tests for group in facts.changes), reverse=True
    )


def test_a_run_without_tests_has_a_page() -> None:
    page = render_page("empty", LastRun(NOW, "read-write", [], [], []), [], "a cache")

    assert "No test ran because an input of it had changed." in page
    assert "Nothing is known of earlier runs." in page
    assert data(page)["name"] == []


@pytest.mark.parametrize("value", [0, 0.0003, 0.9, 1, 3, 7, 99, 100, 101, 4000, 123_456])
def test_scales_end_at_a_round_number_close_by(value: float) -> None:
    top = nice_top(value)

    assert top >= value
    assert top <= max(value * 2, 1)


def test_a_run_can_be_packed() -> None:
    last = sample_run(2000)
    packed = pack_last_run(last)

    assert unpack_last_run(packed) == last
    assert len(packed) < 30 * len(last.tests)


def test_torn_notes_of_a_run_are_none(tmp_path: Path) -> None:
    backend = FileBackend(tmp_path)
    dangling = LastRun(NOW, "read-write", [], [TestInRun("a", "new", None, 3, 0)], [])
    for content in (b"torn", pack_last_run(sample_run(3))[:-5], pack_last_run(dangling)):
        backend.set_many({"lastrun:1": content})
        assert read_last_run(backend) is None


def test_colours_of_text_stand_out_in_both_themes() -> None:
    style = Path(pytest_cachekit.__file__).with_name("plugin").joinpath("page", "page.css")
    pairs = re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)", style.read_text())
    colours = {name: both for name, *both in pairs}
    grounds = [colours[name] for name in ("ground", "raised")]

    assert len(colours) > 10
    for name, both in colours.items():
        # Text needs 4.5 to 1 (WCAG 1.4.3), what a picture is made of 3 to 1 (1.4.11).
        least = 4.5 if name in ("text", "muted", "link") else 3
        for theme in (0, 1) if name not in ("ground", "raised", "line") else ():
            for ground in grounds:
                assert contrast(both[theme], ground[theme]) >= least, (name, theme)


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, as WCAG 2 defines it."""

    def luminance(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)
