"""Every option, once: flag, ini value, environment variable, default and help.

Precedence: flag, then ini value, then environment variable, then default.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .errors import CachekitError, CacheUsageError

_NAME = r"[A-Za-z0-9._-]*"
MODES = ("read-write", "read-only", "refresh")
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
"""Of units of time."""
_BYTES = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}


@dataclass(frozen=True)
class Option:
    """One option in all its spellings."""

    name: str
    help: str
    default: Any = None
    choices: tuple[str, ...] = ()
    limits: tuple[float, float] | None = None
    """Least and greatest value of a number."""
    metavar: str | None = None
    pattern: str | None = None
    """What a text has to match."""
    parse: Callable[[str], float] | None = None
    """Makes a number of a text with a unit; raises `ValueError` with what to write instead."""

    @property
    def flag(self) -> str:
        """The command-line flag."""
        return f"--{self.name}"

    @property
    def ini(self) -> str:
        """The name of the ini value, and of the attribute that holds the flag's value."""
        return self.name.replace("-", "_")

    @property
    def variable(self) -> str:
        """The environment variable."""
        return self.ini.upper()

    @property
    def is_switch(self) -> bool:
        """Whether the option is on or off."""
        return isinstance(self.default, bool)


def parse_size(text: str) -> int:
    """Return the bytes of a size: 512, 10K, 5M or 1G.

    Raises:
        CacheUsageError: it is none; says what to write.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmg]?)(?:i?b)?", text.strip().lower())
    if found is None:
        raise CacheUsageError(f"{text!r} is no size: write 512, 10K, 5M or 1G.")
    return int(float(found[1]) * _BYTES[found[2]])


def parse_age(text: str) -> float:
    """Return the seconds of a length of time: 90s, 30m, 12h, 7d or 2w.

    Raises:
        CacheUsageError: it is none; says what to write.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhdw])", text.strip().lower())
    if found is None:
        raise CacheUsageError(f"{text!r} is no age: write 90s, 30m, 12h, 7d or 2w.")
    return float(found[1]) * SECONDS[found[2]]


OPTIONS = (
    Option(
        "cachekit",
        "replay tests whose inputs are unchanged, and record those that run",
        default=False,
    ),
    Option(
        "cachekit-url",
        "where results are kept: file:PATH, relative to the rootdir, or memory:",
        default="file:.cachekit",
        metavar="URL",
    ),
    Option(
        "cachekit-remote",
        "where results are shared with other machines: a server's URL, or file:PATH",
        default="",
        metavar="URL",
    ),
    Option(
        "cachekit-remote-mode",
        "read-write: take from there and put there; read-only: only take",
        default="read-write",
        choices=("read-write", "read-only"),
        metavar="MODE",
    ),
    Option(
        "cachekit-remote-timeout",
        "most seconds that each batch from or to the remote cache may take",
        default=1.0,
        limits=(0.1, 600),
        metavar="SECONDS",
    ),
    Option(
        "cachekit-remote-output",
        "send what tests printed to the remote cache as well",
        default=False,
    ),
    Option(
        "cachekit-namespace",
        "keep results apart from those of other namespaces",
        default="",
        metavar="NAME",
        pattern=_NAME,
    ),
    Option(
        "cachekit-epoch",
        "a word that, once changed, disowns all results of before",
        default="",
        metavar="WORD",
        pattern=_NAME,
    ),
    Option(
        "cachekit-mode",
        "read-write: replay and record; read-only: replay only; refresh: run all, record anew",
        default="read-write",
        choices=MODES,
        metavar="MODE",
    ),
    Option(
        "cachekit-explain",
        "say of every test that ran why it was not replayed",
        default=False,
    ),
    Option(
        "cachekit-audit",
        "run this percentage of hits all the same, and compare: 0 to 100",
        default=0.0,
        limits=(0, 100),
        metavar="PERCENT",
    ),
    Option(
        "cachekit-report",
        "write what was decided about each test to this file: a page (.html), else JSON",
        default="",
        metavar="PATH",
    ),
    Option(
        "cachekit-max-size",
        "when the local cache is larger than that, as 500M, remove what was used least recently",
        metavar="SIZE",
        parse=parse_size,
    ),
    Option(
        "cachekit-max-age",
        "once a day, remove what no run used for so long from the local cache, as 30d",
        metavar="AGE",
        parse=parse_age,
    ),
    Option(
        "cachekit-redis-url",
        "the server, or servers, that the fixtures for Redis use; without one, fakeredis",
        default="",
        metavar="URL",
    ),
    Option(
        "cachekit-backends",
        "the backends that the fixtures cachekit and cachekit_async go through",
        default="memory,file,redis,tiered",
        metavar="NAMES",
    ),
)

_TRUE = ("1", "true", "yes", "on")
_FALSE = ("0", "false", "no", "off", "")


@dataclass(frozen=True)
class Settings:
    """The values in force."""

    cachekit: bool
    cachekit_url: str
    cachekit_remote: str
    cachekit_remote_mode: str
    cachekit_remote_timeout: float
    cachekit_remote_output: bool
    cachekit_namespace: str
    cachekit_epoch: str
    cachekit_mode: str
    cachekit_explain: bool
    cachekit_audit: float
    cachekit_report: str
    cachekit_max_size: int | None
    """Bytes."""
    cachekit_max_age: float | None
    """Seconds."""
    cachekit_redis_url: str
    cachekit_backends: str


def resolve(
    flags: Mapping[str, Any], inis: Mapping[str, str], environment: Mapping[str, str]
) -> Settings:
    """Return the settings that result from the three places where options are given.

    Args:
        flags: values from the command line, by ini name; None where not given.
        inis: values from the configuration file, by ini name; missing where not given.
        environment: environment variables.

    Raises:
        CachekitError: a value is none that the option takes; the message names place and choices.
    """
    return Settings(**{name: value for name, (value, _) in trace(flags, inis, environment).items()})


def trace(
    flags: Mapping[str, Any], inis: Mapping[str, str], environment: Mapping[str, str]
) -> dict[str, tuple[Any, str]]:
    """Return by ini name each option's value, and the place where it was given.

    Args:
        flags: as `resolve` takes them.
        inis: as `resolve` takes them.
        environment: as `resolve` takes it.

    Raises:
        CachekitError: as `resolve` raises it.
    """
    values: dict[str, tuple[Any, str]] = {}
    for option in OPTIONS:
        value, place = option.default, "default"
        if flags.get(option.ini) is not None:
            value, place = flags[option.ini], option.flag
        elif inis.get(option.ini):
            value, place = inis[option.ini], f"ini value {option.ini}"
        elif environment.get(option.variable):
            value, place = environment[option.variable], f"environment variable {option.variable}"
        values[option.ini] = _checked(option, value, place), place
    return values


def _checked(option: Option, value: Any, place: str) -> Any:
    if option.is_switch and isinstance(value, str):
        word = value.strip().lower()
        if word not in _TRUE + _FALSE:
            raise CachekitError(f"{place}: {value!r} is neither on nor off: write true or false.")
        return word in _TRUE
    if option.parse is not None and value is not None:
        try:
            return option.parse(value)
        except ValueError as error:
            raise CachekitError(f"{place}: {error}") from error
    if option.limits is not None:
        return _number(option.limits, value, place)
    if option.choices and value not in option.choices:
        raise CachekitError(f"{place}: {value!r} is unknown: write {', '.join(option.choices)}.")
    if option.pattern is not None and not re.fullmatch(option.pattern, value):
        raise CachekitError(f"{place}: {value!r} is no name: write letters, digits, '.', '_', '-'.")
    return value


def _number(limits: tuple[float, float], value: Any, place: str) -> float:
    least, greatest = limits
    try:
        number = float(value)
    except ValueError:
        number = float("nan")
    if not least <= number <= greatest:
        raise CachekitError(f"{place}: write a number from {least} to {greatest}, not {value!r}.")
    return number
