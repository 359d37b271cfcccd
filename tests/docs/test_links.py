"""Links lead somewhere, every page can be found, and what pages name exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .pages import DOCS, PAGES, anchors, links, name_of

INDEX = DOCS / "index.md"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_to_something(page: Path) -> None:
    for link in links(page):
        if re.match(r"(https?|mailto):", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{name_of(page)}: {link}"
        if anchor:
            assert anchor in anchors(target), f"{name_of(page)}: {link}"


def test_a_page_of_the_site_links_to_nothing_outside_of_it() -> None:
    for page in DOCS.rglob("*.md"):
        assert not [link for link in links(page) if link.startswith("..")], page


def test_every_page_has_its_place_in_the_index() -> None:
    listed = re.findall(r"^(?:[^<\n]+<)?([\w/-]+)>?$", INDEX.read_text("utf-8"), re.MULTILINE)
    pages = {page.relative_to(DOCS).with_suffix("").as_posix() for page in DOCS.rglob("*.md")}

    assert sorted(listed) == sorted(pages - {"index"})
