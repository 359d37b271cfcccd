"""The pages of the documentation, as Markdown: their blocks, their links, their words.

A block that follows a paragraph that ends in a file's name and a colon is that file. Comments
of HTML, which readers don't see, tell the rest:

    <!-- before: COMMANDS -->         they run before what follows on the page
    <!-- compiled only: REASON -->    the next block can't be run here
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [*sorted(ROOT.glob("*.md")), *sorted(DOCS.rglob("*.md"))]
_PARSER = MarkdownIt("commonmark").enable("table")
_COMMENT = re.compile(r"<!-- (before|compiled only): (.*?) -->", re.DOTALL)


@dataclass(frozen=True)
class Block:
    """One block of code."""

    page: Path
    line: int
    language: str
    text: str
    name: str | None = None
    """Of the file that it is."""
    runs: bool = True

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def name_of(page: Path) -> str:
    """Return what a page is called in the names of tests."""
    return page.relative_to(ROOT).as_posix()


@cache
def tokens(page: Path) -> list[Token]:
    """Return the page, parsed."""
    return _PARSER.parse(page.read_text(encoding="utf-8"))


def blocks(page: Path) -> Iterator[Block]:
    """Yield the blocks of a page in order; commands that nobody sees are blocks as well."""
    name: str | None = None
    runs = True
    for token in tokens(page):
        line = token.map[0] + 1 if token.map else 0
        if token.type == "inline":
            found = re.search(r"`([.\w][\w./-]*\.\w+|\.\w+)`:$", token.content)
            name = found[1] if found else None
        elif token.type == "html_block":
            for kind, text in _COMMENT.findall(token.content):
                if kind == "before":
                    yield Block(page, line, "before", text)
                else:
                    runs = False
        elif token.type in ("fence", "code_block"):
            language = token.info.strip() if token.type == "fence" else "indented"
            yield Block(page, line, language, token.content, name, runs)
            name, runs = None, True


def _inline(page: Path) -> Iterator[Token]:
    for token in tokens(page):
        yield from token.children or ()


def spans(page: Path) -> Iterator[str]:
    """Yield the pieces of code that stand within sentences."""
    return (token.content for token in _inline(page) if token.type == "code_inline")


def links(page: Path) -> Iterator[str]:
    """Yield where the page's links and pictures lead."""
    for token in _inline(page):
        target = token.attrGet("href") or token.attrGet("src")
        if target is not None:
            yield str(target)


def anchors(page: Path) -> set[str]:
    """Return the anchors that code hosts and MyST give to a page's headings."""
    found: set[str] = set()
    heading = False
    for token in tokens(page):
        if heading and token.children:
            text = "".join(child.content for child in token.children).lower()
            slug = re.sub(r"[^\w\- ]", "", text).strip().replace(" ", "-")
            number = sum(1 for each in found if re.fullmatch(re.escape(slug) + r"(-\d+)?", each))
            found.add(f"{slug}-{number}" if number else slug)
        heading = token.type == "heading_open"
    return found
