"""What all keys of a process have in common: interpreter, platform, locale, working directory."""

from __future__ import annotations

import locale
import os
import time
from pathlib import Path

from .. import __version__
from ..inputs.digest import digest_text
from ..inputs.process import process_context

_VARIABLES = (b"TZ", b"LANG", b"LANGUAGE", b"LC_ALL", b"TMPDIR")


class ProcessContext:
    """The digest of it, computed anew when something of it changed."""

    def __init__(self, root: Path, fixed: str | None = None) -> None:
        """Tell the working directory relative to `root`, or have the digest `fixed`."""
        self._root, self._fixed = root, fixed
        self._known: tuple[tuple[object, ...], str] | None = None

    def now(self) -> str:
        """Return the digest."""
        if self._fixed is not None:
            return self._fixed
        here = os.getcwd()
        environment: dict[bytes, bytes] = os.environ._data  # type: ignore[attr-defined]
        values = map(environment.get, _VARIABLES)
        signature = (here, locale.setlocale(locale.LC_ALL), time.tzname, *values)
        if self._known is None or self._known[0] != signature:
            relative = os.path.relpath(here, self._root)
            context = digest_text(__version__, *process_context(), f"in {relative}")
            self._known = signature, context
        return self._known[1]
