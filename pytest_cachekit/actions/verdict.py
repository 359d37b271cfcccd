"""What a look-up decides; the only words for it, wherever it is shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..inputs.manifest import Entry

Kind = Literal["hit", "miss", "stale", "uncacheable"]


@dataclass(frozen=True)
class Hit:
    """All inputs of a stored entry have the fingerprint that they had."""

    entry: Entry
    kind: Kind = "hit"
    reason: str = "all inputs unchanged"


@dataclass(frozen=True)
class Miss:
    """Nothing is stored that could be replayed."""

    reason: str = "no result stored yet"
    kind: Kind = "miss"


@dataclass(frozen=True, order=True)
class Change:
    """Where to find both sides of the first input that differs."""

    kind: str
    """"function", "lines", "import-time code", "order", or a kind of `inputs/fingerprint.py`."""
    name: str
    """Of the project's file, or of the input."""
    recorded: str
    """Digest of the file's text, or the input's fingerprint."""
    line: int = 0
    """The first line of a function in the text as it was."""


@dataclass(frozen=True)
class Stale:
    """An input differs from what it was."""

    input: str
    noticed: str | None = None
    """How the action notices that, where it isn't plain."""
    change: Change | None = None
    kind: Kind = "stale"

    @property
    def reason(self) -> str:
        """What changed, in words."""
        return f"{self.input} changed" + (f"; {self.noticed}" if self.noticed else "")


@dataclass(frozen=True)
class Uncacheable:
    """The outcome must not be stored."""

    reason: str
    kind: Kind = "uncacheable"


Verdict = Hit | Miss | Stale | Uncacheable
