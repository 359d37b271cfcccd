"""The options that say which tests are meant."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Any

import click

from ..actions.catalogue import Selection
from .words import parse_age, parse_date, parse_size

_FILTERS = (
    click.option(
        "--name", "names", multiple=True, metavar="GLOB", help="Node id, or a glob of it."
    ),
    click.option("--outcome", "outcomes", multiple=True, help="passed, skipped, xfailed."),
    click.option(
        "--older-than", type=parse_age, metavar="AGE", help="Recorded before that: 7d, 12h."
    ),
    click.option("--newer-than", type=parse_age, metavar="AGE", help="Recorded since then."),
    click.option(
        "--since", type=parse_date, metavar="DATE", help="Recorded on that date or later."
    ),
    click.option("--until", type=parse_date, metavar="DATE", help="Recorded before that date."),
    click.option(
        "--min-size", "least_bytes", type=parse_size, metavar="SIZE", help="At least 10K."
    ),
    click.option("--max-size", "most_bytes", type=parse_size, metavar="SIZE", help="At most 10K."),
    click.option(
        "--field",
        "fields",
        multiple=True,
        metavar="NAME=VALUE",
        help="Of artifacts: what their metadata says.",
    ),
)


def with_selection(function: Callable[..., Any]) -> Callable[..., Any]:
    """Hand a subcommand the `Selection` that its options describe."""

    @functools.wraps(function)
    def command(
        *arguments: Any,
        names: tuple[str, ...],
        outcomes: tuple[str, ...],
        older_than: float | None,
        newer_than: float | None,
        since: float | None,
        until: float | None,
        least_bytes: int | None,
        most_bytes: int | None,
        fields: tuple[str, ...],
        **options: Any,
    ) -> Any:
        now = time.time()
        after = [since, None if newer_than is None else now - newer_than]
        before = [until, None if older_than is None else now - older_than]
        selection = Selection(
            names,
            outcomes,
            max((stamp for stamp in after if stamp is not None), default=None),
            min((stamp for stamp in before if stamp is not None), default=None),
            least_bytes,
            most_bytes,
            tuple(map(_pair, fields)),
        )
        return function(*arguments, selection=selection, **options)

    for option in reversed(_FILTERS):
        command = option(command)
    return command


def _pair(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator:
        raise click.BadParameter(f"{text!r} is no field: write NAME=VALUE.")
    return name, value
