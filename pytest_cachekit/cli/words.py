"""Between what people write and numbers: ages, dates, sizes."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

import click

from .. import settings
from ..plugin.summary import bytes_in_words as bytes_in_words
from ..plugin.summary import duration as duration

N = TypeVar("N", int, float)


def parse_age(text: str) -> float:
    """Return the seconds of a length of time: 90s, 30m, 12h, 7d or 2w."""
    return _parsed(settings.parse_age, text)


def parse_size(text: str) -> int:
    """Return the bytes of a size: 512, 10K, 5M or 1G."""
    return _parsed(settings.parse_size, text)


def parse_date(text: str) -> float:
    """Return the seconds since 1970 of a date, with a time or without."""
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError as error:
        raise click.BadParameter(
            f"{text!r} is no date: write 2025-03-01 or 2025-03-01T12:30."
        ) from error


def age(seconds: float) -> str:
    """Return an age in one word."""
    for unit, least in (("w", 14 * 86_400), ("d", 2 * 86_400), ("h", 2 * 3600), ("m", 120)):
        if seconds >= least:
            return f"{seconds // settings.SECONDS[unit]:.0f}{unit}"
    return f"{max(seconds, 0):.0f}s"


def moment(stamp: float) -> str:
    """Return a time as the clock on the wall shows it."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(stamp))


def plural(count: int, noun: str) -> str:
    """Return a count and what is counted."""
    if count == 1:
        return f"1 {noun}"
    return f"{count:,} {noun[:-1]}ies" if noun.endswith("ry") else f"{count:,} {noun}s"


def _parsed(parse: Callable[[str], N], text: str) -> N:
    try:
        return parse(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error
