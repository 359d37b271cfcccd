"""`cachekit why`: what would become of a test, and because of what."""

from __future__ import annotations

import json
import time
from typing import Any

import click

from ..actions.explaining import Explanation
from ..actions.verdict import Hit, Stale
from .command import WOULD_RUN, with_cache
from .trees import tree_of
from .utils import CacheUtils
from .words import age, moment

_COLOURS = {"hit": "green", "stale": "yellow", "miss": "cyan", "uncacheable": "magenta"}
_DIFF = {"+": "green", "-": "red", "@": "cyan"}
_MOST_LINES = 60


@click.command("why")
@click.argument("nodeid")
@click.option("--tree/--no-tree", default=None, help="What it depends on; by default for one test.")
@click.option("--json", "as_json", is_flag=True, help="As a JSON list.")
@with_cache
def why_command(utils: CacheUtils, nodeid: str, tree: bool | None, as_json: bool) -> int:
    """Say whether a test would be replayed, or what differs; nothing runs.

    NODEID may name a test, or a function with parameters, a class or a file.
    Exit status: 0 where all of them would be replayed, else 1.
    """
    found = utils.why(nodeid)
    if as_json:
        click.echo(json.dumps([_data(one) for one in found], indent=1))
    else:
        for one in found:
            _tell(one, utils, tree=len(found) == 1 if tree is None else tree)
        if not all(one.is_certain for one in found):
            click.echo(
                "Who notices a changed binding is told by loaded modules: where it says that a "
                "test may not need to run, only a run finds out."
            )
        _tell_run(found[0])
    return (
        0
        if all(isinstance(one.verdict, Hit) and not one.deviations for one in found)
        else WOULD_RUN
    )


def _tell(one: Explanation, utils: CacheUtils, *, tree: bool) -> None:
    verdict = one.verdict
    word = click.style(verdict.kind, fg=_COLOURS[verdict.kind], bold=True)
    reason = verdict.reason
    if isinstance(verdict, Stale) and not one.is_certain:
        word, reason = f"{word} (may not need to run)", f"{verdict.input} changed"
    click.echo(f"{one.nodeid}: {word}: {reason}")
    if one.not_stored is not None and verdict.kind != "uncacheable":
        click.echo(f"  Its last result was not stored: {one.not_stored}.")
    if one.difference is not None:
        if one.difference.diff:
            for line in one.difference.diff[:_MOST_LINES]:
                click.secho(f"  {line}", fg=_DIFF.get(line[:1]))
            rest = len(one.difference.diff) - _MOST_LINES
            if rest > 0:
                click.echo(f"  ... {rest} more lines")
        else:
            click.echo(f"  was  {one.difference.old}\n  is   {one.difference.new}")
    if one.entry is not None:
        click.echo(f"  recorded {moment(one.entry.recorded)}")
    if tree and one.reading is not None:
        click.echo("  it depends on")
        for line in tree_of(one.reading, utils.text_of):
            click.echo(f"  {line}")


def _tell_run(one: Explanation) -> None:
    if one.run is None:
        return
    whose = "this checkout" if one.is_own_run else "another checkout or machine"
    click.echo(
        f"As the last run of {whose} was, {age(time.time() - one.run.ended)} ago, "
        f"in context {one.run.context[:8]}."
    )
    for line in one.deviations:
        click.echo(f"But a run now has another context, with results of its own: {line}.")


def _data(one: Explanation) -> dict[str, Any]:
    difference = one.difference
    return {
        "nodeid": one.nodeid,
        "verdict": one.verdict.kind,
        "reason": one.verdict.reason,
        "certain": one.is_certain,
        "not_stored": one.not_stored,
        "difference": difference
        and {"old": difference.old, "new": difference.new, "diff": list(difference.diff)},
        "recorded": None if one.entry is None else one.entry.recorded,
        "context": None if one.run is None else one.run.context,
        "deviations": list(one.deviations),
    }
