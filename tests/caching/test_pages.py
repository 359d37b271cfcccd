"""Each block of Python on the pages about caches and fixtures does what it says."""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_cachekit.caching.manager import default_manager
from tests.harness import Project

DOCS = Path(__file__).parents[2] / "docs"


def blocks(page: str) -> list[str]:
    """Return the blocks of Python on a page, each after as many empty lines as stand above it."""
    text = (DOCS / page).read_text(encoding="utf-8")
    return [
        "\n" * text.count("\n", 0, found.start(1)) + found[1]
        for found in re.finditer(r"```python\n(.*?)```", text, re.DOTALL)
    ]


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CACHEKIT_SIGNING_KEY", "a key for this test")
    yield
    default_manager().close()


@pytest.mark.usefixtures("elsewhere")
@pytest.mark.parametrize(
    "block", blocks("caching.md"), ids=lambda block: f"line {len(block) - len(block.lstrip()) + 1}"
)
def test_the_page_about_caches(block: str) -> None:
    exec(compile(block, str(DOCS / "caching.md"), "exec"), {"__name__": "__page__"})


@pytest.mark.parametrize(
    "page",
    ["execution.md", "analysis.md", "artifacts.md", "plans.md", "manager.md", "resources.md"],
)
def test_pages_about_programs(page: str, tmp_path: Path) -> None:
    for number, block in enumerate(blocks(page)):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "program.py").write_text(block, encoding="utf-8")
        subprocess.run([sys.executable, "program.py"], cwd=folder, check=True)


def test_the_page_about_fixtures(project: Project) -> None:
    pages = {
        f"test_block{number}.py": textwrap.dedent(block)
        for number, block in enumerate(blocks("fixtures.md"))
    }
    run = project.write(pages).run("-W", "error")

    assert run.exit_status == 0, run.stdout
    assert run.counts["passed"] >= len(pages)
    assert set(run.counts) == {"passed"}


def test_every_method_has_its_line() -> None:
    from pytest_cachekit.caching import AsyncCache, Cache

    page = (DOCS / "caching.md").read_text(encoding="utf-8")
    public = {name for face in (Cache, AsyncCache) for name in dir(face) if name[0] != "_"}
    told = set(re.findall(r"[`.](\w+)[`(]", page))

    assert public - told == set()
