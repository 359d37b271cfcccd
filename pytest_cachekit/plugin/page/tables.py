"""Tables of the page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape


class Html(str):
    """Text that is markup already."""

    __slots__ = ()


def html_of(text: str) -> Html:
    """Return `text` as markup."""
    return text if isinstance(text, Html) else Html(escape(text))


def table(
    name: str, caption: str, heads: Sequence[str], rows: Iterable[Sequence[str]], numbers: int
) -> Html:
    """Return a table, whose first column names what the row is about.

    Args:
        name: its id.
        caption: what it is about.
        heads: of the columns.
        rows: cells.
        numbers: how many of the last columns hold numbers.
    """
    first_number = len(heads) - numbers
    head = "".join(
        f'<th scope="col"{_class(index >= first_number)}>{html_of(text)}</th>'
        for index, text in enumerate(heads)
    )
    body = "".join(
        "<tr>"
        + "".join(
            f'<th scope="row">{html_of(cell)}</th>'
            if index == 0
            else f"<td{_class(index >= first_number)}>{html_of(cell)}</td>"
            for index, cell in enumerate(row)
        )
        + "</tr>\n"
        for row in rows
    )
    return Html(
        f'<div class="wide" role="region" aria-labelledby="{name}-caption" tabindex="0">'
        f'<table id="{name}"><caption id="{name}-caption">{html_of(caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>\n{body}</tbody></table></div>"
    )


def finding(words: str, *, search: str = "", category: str = "") -> Html:
    """Return a link that shows, in the list of all tests, those that `search` finds.

    Args:
        words: the link's text.
        search: what has to stand in a test's name or reason.
        category: what became of it.
    """
    from urllib.parse import urlencode

    query = urlencode({key: value for key, value in (("q", search), ("v", category)) if value})
    return Html(f'<a class="find" href="#{escape(query)}">{html_of(words)}</a>')


def _class(is_number: bool) -> str:
    return ' class="number"' if is_number else ""
