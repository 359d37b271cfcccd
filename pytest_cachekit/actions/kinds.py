"""The kinds of actions whose records a cache may hold, and what their outcomes say in words."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

import msgspec

from ..errors import CacheUsageError
from ..inputs.manifest import VERSION
from .outcomes import decode_outcome

NOTE = "\0"
"""In a name: what stands before it is the action that the rest, a note, is about."""


@dataclass(frozen=True)
class Told:
    """What can be said of any stored outcome."""

    outcome: str
    """One word."""
    seconds: float
    """What a replay saves."""


@dataclass(frozen=True)
class ActionKind:
    """One kind of action, whose records `ActionStore` keeps under `PREFIX:CONTEXT:GROUP`."""

    name: str
    tell: Callable[[msgspec.Raw], Told | None]
    """Says what an outcome is; None where it is none."""
    separator: str = "::"
    """Between a record's group and an action's name where both are shown."""

    @property
    def prefix(self) -> str:
        """What the keys of its records begin with, up to the context."""
        return f"{self.name}:{VERSION}:"

    def label(self, group: str, name: str) -> str:
        """Return what to call an action: of a test, its node id."""
        return f"{group}{self.separator}{name}" if name else group

    def split(self, label: str) -> tuple[str, str]:
        """Return group and name of what `label` calls an action."""
        group, _, name = label.partition(self.separator)
        return group, name


def _tell_test(outcome: msgspec.Raw) -> Told | None:
    decoded = decode_outcome(outcome)
    return None if decoded is None else Told(decoded.word, decoded.duration)


TESTS = ActionKind("tests", _tell_test)
KINDS = {TESTS.name: TESTS}
"""All kinds, by name; who adds a kind of action adds it here."""


def kinds_named(name: str | None) -> Collection[ActionKind] | None:
    """Return the kind of a name, for what takes kinds; None, which is all of them, for None.

    Raises:
        CacheUsageError: there is no such kind.
    """
    if name is None:
        return None
    if name not in KINDS:
        raise CacheUsageError(f"{name!r} is no kind of entry: write one of {', '.join(KINDS)}.")
    return [KINDS[name]]
