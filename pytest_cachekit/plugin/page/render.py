"""Puts the page together."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import time
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

from ... import __version__
from ...actions.last_run import LastRun
from ...actions.runs import RunLine
from . import sections
from .facts import CATEGORIES, Facts
from .tables import Html, html_of

_PLACEHOLDER = re.compile(r"\{\{(\w+)\}\}")


def render_page(title: str, last: LastRun, runs: Sequence[RunLine], held: str) -> str:
    """Return the report as one HTML page, which loads nothing from elsewhere.

    Args:
        title: what the project is called.
        last: what was decided about each test of the run that the page is about.
        runs: that one and those before, newest first.
        held: what the cache holds, in words.
    """
    facts = Facts(last)
    style, script = _resource("page.css"), _resource("page.js")
    parts = {
        "title": html_of(title),
        "policy": Html(_policy(style, script)),
        "style": Html(style),
        "script": Html(script),
        "when": html_of(sections.moment(last.ended)),
        "stamp": html_of(time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(last.ended))),
        "mode": html_of(last.mode),
        "figures": sections.figures(facts),
        "unsteady": sections.unsteady(facts),
        "changes": sections.changes(facts),
        "refusals": sections.refusals(facts),
        "history": sections.history(runs),
        "directories": sections.directories(facts),
        "categories": Html(
            "".join(f"<option>{name}</option>" for name in CATEGORIES if facts.counts[name])
        ),
        "count": html_of(f"{len(last.tests):,}"),
        "data": Html(_data(last)),
        "held": html_of(held),
        "remarks": Html("".join(f"<li>{html_of(remark)}</li>" for remark in last.remarks)),
        "version": html_of(__version__),
    }
    return _PLACEHOLDER.sub(lambda found: parts[found[1]], _resource("page.html"))


def _resource(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    """Return what a browser may load and run: what is written here, and nothing else."""

    def source(text: str) -> str:
        return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

    return f"default-src 'none'; style-src {source(style)}; script-src {source(script)}"


def _data(last: LastRun) -> str:
    """Return all tests as JSON, column by column, as it may stand in an element of its own."""
    found: dict[str, dict[str, int]] = {"files": {}, "categories": {}, "outcomes": {}}
    names: list[str] = []
    columns: dict[str, list[int]] = {"file": [], "category": [], "outcome": []}

    def note(column: str, values: str, value: str) -> None:
        known = found[values]
        columns[column].append(known.setdefault(value, len(known)))

    for test in last.tests:
        file, separator, name = test.nodeid.partition("::")
        note("file", "files", file)
        names.append(separator + name)
        note("category", "categories", test.category)
        note("outcome", "outcomes", test.outcome or "not run")
    data: dict[str, Any] = {
        **{values: list(known) for values, known in found.items()},
        **columns,
        "name": names,
        "reasons": [cause.text for cause in last.causes],
        "reason": [test.cause for test in last.tests],
        "microseconds": [test.microseconds for test in last.tests],
    }
    # Whatever a test is called, it can't end the element.
    return json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")
