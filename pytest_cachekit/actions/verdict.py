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


@dataclass(frozen=True)
class Stale:
    """An input differs from what it was."""

    input: str
    noticed: str | None = None
    """How the action notices that, where it isn't plain."""
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
