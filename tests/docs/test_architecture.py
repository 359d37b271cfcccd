"""What ARCHITECTURE.md and CONTRIBUTING.md name is there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from .messages import PACKAGE
from .pages import DOCS, ROOT, name_of, spans

_FLOOR = re.compile(r"^\| (?:`([\w/]+)/`)? ?\| [\w ]+ \| (.*) \|$", re.MULTILINE)
PAGES = [ROOT / "ARCHITECTURE.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md"))]


def test_each_floor_names_files_that_are_there() -> None:
    rows = _FLOOR.findall((ROOT / "ARCHITECTURE.md").read_text("utf-8"))
    floors = {folder for folder, _ in rows}

    assert {path.parent.name for path in PACKAGE.glob("*/__init__.py")} <= floors
    for folder, files in rows:
        for name in re.findall(r"`(\w+)`", files):
            assert (PACKAGE / folder / f"{name}.py").exists(), f"{folder}/{name}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_files_of_the_repository_that_a_page_names_are_there(page: Path) -> None:
    places = [ROOT, *(path.parent for path in PACKAGE.rglob("*.py"))]
    for span in spans(page):
        if re.fullmatch(
            r"(tests|docs|lab|benchmarks|examples|plugin|inputs|actions)/[\w./-]+", span
        ):
            assert any((place / span).exists() for place in [*places, PACKAGE]), span


def test_each_command_for_contributors_can_be_run() -> None:
    for span in spans(ROOT / "CONTRIBUTING.md"):
        for command in span.split(" && "):
            program, *words = shlex.split(command)
            if words[:1] == ["-m"] and words[1].split(".")[0] in ("lab", "benchmarks", "tests"):
                path = ROOT / words[1].replace(".", "/")
                assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), span
            elif program.endswith("python") and words and words[0].endswith(".py"):
                assert (ROOT / words[0]).exists(), span
