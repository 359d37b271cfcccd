"""`cachekit list` and `cachekit show`: what is stored, test by test."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import time
from collections.abc import Callable, Sequence
from typing import Any

import click
import msgspec

from ..actions import entries
from ..actions.catalogue import Selection, StoredAction, find_stored
from ..actions.kinds import KINDS, TESTS, ActionKind
from ..actions.outcomes import decode_outcome
from ..inputs.manifest import Entry, reading_of
from .command import NotThere, say_if_absent, with_cache
from .selecting import with_selection
from .trees import tree_of
from .utils import CacheUtils
from .words import age, bytes_in_words, duration, moment, plural

_SORTS: dict[str, Callable[[StoredAction], Any]] = {
    "name": lambda action: action.name,
    "age": lambda action: -action.recorded,
    "size": lambda action: action.bytes,
    "duration": lambda action: action.seconds,
    "outcome": lambda action: (action.outcome, action.name),
}
_COLUMNS = [field.name for field in dataclasses.fields(StoredAction) if field.name != "own_name"]
_COLOURS = {"passed": "green", "skipped": "yellow", "xfailed": "yellow", "unreadable": "red"}
_MOST_SHOWN = 2000


@click.command("list")
@click.argument("kind", type=click.Choice(sorted(KINDS)), required=False, metavar="[KIND]")
@with_selection
@click.option("--sort", type=click.Choice(list(_SORTS)), default="name", show_default=True)
@click.option("--reverse", is_flag=True, help="The other way round.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="The first N alone.")
@click.option("--json", "as_json", is_flag=True, help="As a JSON list.")
@click.option("--csv", "as_csv", is_flag=True, help="As CSV, with a line of names.")
@with_cache
def list_command(
    utils: CacheUtils,
    kind: str | None,
    selection: Selection,
    sort: str,
    reverse: bool,
    limit: int | None,
    as_json: bool,
    as_csv: bool,
) -> None:
    """List what is stored: tests, or what else of a KIND."""
    say_if_absent(utils)
    found = sorted(utils.list_entries(selection, kind=kind), key=_SORTS[sort], reverse=reverse)
    shown = found[:limit]
    if as_json:
        rows = [{name: getattr(action, name) for name in _COLUMNS} for action in shown]
        click.echo(json.dumps(rows, indent=1))
    elif as_csv:
        click.echo(_csv(shown), nl=False)
    elif utils.exists:
        click.echo(_table(shown), nl=False)
        rest = f", {len(shown)} of them shown" if len(shown) < len(found) else ""
        kinds = {action.kind for action in found} or {kind or TESTS.name}
        only = KINDS[kinds.pop()] if len(kinds) == 1 else None
        count = plural(len(found), "entry") if only is None else only.counted(len(found))
        click.echo(f"{count}{rest}", err=True)


def _csv(actions: Sequence[StoredAction]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for action in actions:
        row = {name: getattr(action, name) for name in _COLUMNS}
        writer.writerow({**row, "fields": json.dumps(action.fields)}.values())
    return text.getvalue()


def _table(actions: Sequence[StoredAction]) -> str:
    now = time.time()
    # A style costs more than all else of a line.
    words = {
        word: click.style(f"{word:<10}", fg=_COLOURS.get(word))
        for word in {action.outcome for action in actions}
    }
    return "".join(
        f"{words[action.outcome]} {age(now - action.recorded):>5} {duration(action.seconds):>8} "
        f"{bytes_in_words(action.bytes):>11}  {action.name}\n"
        for action in actions
    )


@click.command("show")
@click.argument("name")
@with_cache
def show_command(utils: CacheUtils, name: str) -> None:
    """Show what is stored under a KEY, or of what `list` calls so, as a test's node id."""
    shown = False
    for stored, own, found in find_stored(utils.backend, name):
        assert stored.record is not None
        shown = True
        click.secho(f"{name}  in context {stored.context[:8]}", bold=True)
        for number, entry in enumerate(found, 1):
            click.echo(f"entry {number} of {len(found)}, recorded {moment(entry.recorded)}")
            told = _told(entry) if stored.kind is TESTS else _told_of_others(stored.kind, entry)
            click.echo("\n".join(f"  {line}" for line in told))
        click.echo("  read, for the newest entry:")
        reading = reading_of(stored.record, stored.record.entries[own][0].manifest)
        click.echo("\n".join(f"    {line}" for line in tree_of(reading, utils.text_of)))
    if not shown and not _show_key(utils, name):
        raise NotThere(f"Nothing is stored under {name!r} in {utils.url}: see cachekit list.")


def _told(entry: Entry) -> list[str]:
    outcome = decode_outcome(entry.outcome)
    if outcome is None:
        return ["its outcome can't be read: cachekit verify --repair deletes it"]
    lines = [f"{outcome.word}, {duration(outcome.duration)}"]
    for phase in outcome.phases:
        lines.append(f"{phase.when}: {phase.outcome}, {duration(phase.duration)}")
        lines += [f"  {title}: {plural(len(text), 'character')}" for title, text in phase.sections]
    return lines + [f"warning: {warning.text}" for warning in outcome.warnings]


def _told_of_others(kind: ActionKind, entry: Entry) -> list[str]:
    told, outcome = kind.tell(entry.outcome), entries.decode_outcome(entry.outcome)
    if told is None or outcome is None:
        return ["its outcome can't be read: cachekit verify --repair deletes it"]
    lines = [f"{told.outcome}, {duration(told.seconds)}, {bytes_in_words(len(outcome.content))}"]
    lines += [f"tag: {tag}" for tag in outcome.tags]
    try:
        content = msgspec.json.encode(msgspec.msgpack.decode(outcome.content)).decode()
    except (msgspec.DecodeError, TypeError, ValueError):
        return lines
    return [*lines, content if len(content) <= _MOST_SHOWN else f"{content[:_MOST_SHOWN]}..."]


def _show_key(utils: CacheUtils, key: str) -> bool:
    """Show what is under a key; return whether anything is."""
    content = utils.backend.get_many([key]).get(key)
    if content is None:
        return False
    text = utils.text_of(key.removeprefix("source:")) if key.startswith("source:") else None
    click.echo(f"{key}: {bytes_in_words(len(content))}")
    if text is not None:
        click.echo(text.decode("utf-8", "replace"), nl=False)
        return True
    for kind in KINDS.values():
        if key.startswith(kind.prefix):
            group = key[len(kind.prefix) :].partition(":")[2]
            selection = Selection((group,))
            found = [one for one in utils.list_entries(selection, kind=kind.name) if one.key == key]
            click.echo(_table(found), nl=False)
    return True
