"""`cachekit clear` and `cachekit gc`: take entries out, and say what that freed."""

from __future__ import annotations

import sys
import time

import click

from ..actions.catalogue import Selection
from ..actions.kinds import KINDS
from ..actions.removal import Removed
from .command import say_if_absent, with_cache
from .selecting import with_selection
from .utils import CacheUtils
from .words import bytes_in_words, parse_age, parse_size, plural


@click.command("clear")
@click.argument("kind", type=click.Choice(sorted(KINDS)), required=False, metavar="[KIND]")
@with_selection
@click.option("--dry-run", is_flag=True, help="Say what would go, and keep it.")
@click.option("--yes", is_flag=True, help="Don't ask.")
@with_cache
def clear_command(
    utils: CacheUtils, kind: str | None, selection: Selection, dry_run: bool, yes: bool
) -> None:
    """Remove stored results: all, those of a KIND, or those that the filters select.

    Asks first; where nobody can answer, --yes says it beforehand.
    """
    say_if_absent(utils)
    planned = utils.clear(selection, kind=kind, dry_run=True)
    if not planned or dry_run:
        _tell(planned, "would go")
        return
    if not yes:
        if not is_terminal():
            raise click.UsageError("nobody is there to ask: add --yes, or --dry-run to look first.")
        _tell(planned, "will go")
        click.confirm("Remove them?", abort=True)
    _tell(utils.clear(selection, kind=kind), "gone")


@click.command("gc")
@click.option(
    "--older-than", type=parse_age, metavar="AGE", help="Entries recorded before: 30d, 12h."
)
@click.option(
    "--max-size", type=parse_size, metavar="SIZE", help="Oldest records, until 500M are left."
)
@click.option("--dry-run", is_flag=True, help="Say what would go, and keep it.")
@with_cache
def gc_command(
    utils: CacheUtils, older_than: float | None, max_size: int | None, dry_run: bool
) -> None:
    """Remove what nothing can hit: source texts that no record names, torn records.

    Age counts from when a test ran last, not from when it was replayed last.
    """
    say_if_absent(utils)
    before = None if older_than is None else time.time() - older_than
    removed = utils.collect_garbage(before=before, most_bytes=max_size, dry_run=dry_run)
    _tell(removed, "would go" if dry_run else "gone")


def _tell(removed: Removed, verb: str) -> None:
    if not removed:
        click.echo("Nothing to remove.")
        return
    counts = [KINDS[kind].counted(count) for kind, count in removed.by_kind.items() if count]
    counts += [
        plural(count, noun)
        for count, noun in (
            (removed.entries, "entry"),
            (removed.records, "record"),
            (removed.texts, "source text"),
            (removed.files, "attachment"),
            (removed.contexts, "run note"),
        )
        if count
    ]
    click.echo(f"{verb}: {', '.join(counts)}; {bytes_in_words(removed.bytes)}")


def is_terminal() -> bool:
    """Return whether somebody is there to answer."""
    return sys.stdin.isatty()
