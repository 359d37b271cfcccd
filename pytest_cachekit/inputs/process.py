"""What can change any outcome of this process and is no input: a part of every key."""

from __future__ import annotations

import locale
import os
import platform
import sys
import time

_HARMLESS_FLAGS = ("hash_randomization", "quiet", "verbose", "dont_write_bytecode", "interactive")
_VARIABLES = ("TZ", "LANG", "LANGUAGE", "PYTHONIOENCODING", "PYTHONUTF8", "TMPDIR", "TEMP", "TMP")
OF_LOCALE = "LC_"
"""What names of the locale's variables start with."""


def is_in_key(variable: str) -> bool:
    """Return whether the value of an environment variable is part of every key."""
    return variable in _VARIABLES or variable.startswith(OF_LOCALE)


def process_context() -> list[str]:
    """Return words for interpreter, flags, platform, locale and time zone."""
    flags = [
        f"{name}={getattr(sys.flags, name)!r}"
        for name in dir(sys.flags)
        if not name.startswith(("_", "n_", "count", "index", *_HARMLESS_FLAGS))
    ]
    return [
        *machine_parts(),
        *flags,
        f"locale {locale.setlocale(locale.LC_ALL)} {time.tzname!r} {time.timezone}",
        f"-W {sys.warnoptions!r} -X {sorted(sys._xoptions.items())!r}",
    ]


def machine_parts() -> list[str]:
    """Return those that any process of this interpreter has, whatever it was started with."""
    return [
        f"{sys.implementation.name} {sys.version_info!r} {sys.implementation.cache_tag}",
        f"{sys.platform} {platform.machine()}",
        *(f"{name}={os.environ.get(name)!r}" for name in _VARIABLES),
        *(
            f"{name}={os.environ[name]!r}"
            for name in sorted(os.environ)
            if name.startswith(OF_LOCALE)
        ),
    ]
