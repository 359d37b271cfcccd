"""The kinds of actions whose records a cache may hold, and what their outcomes say in words."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any

import msgspec

from ..errors import CacheUsageError
from ..inputs.digest import digest, digest_text
from ..inputs.manifest import VERSION
from . import entries
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
class Attachment:
    """What outcomes of a kind keep under keys of their own, as files that several share."""

    prefix: str
    """What these keys begin with."""
    is_sound: Callable[[str, bytes], bool]
    """Whether a value is what belongs under the rest of its key."""


@dataclass(frozen=True)
class ActionKind:
    """One kind of action, whose records `ActionStore` keeps under `PREFIX:CONTEXT:GROUP`."""

    name: str
    """In the plural."""
    noun: str
    tell: Callable[[msgspec.Raw], Told | None]
    """Says what an outcome is; None where it is none."""
    split: Callable[[str], tuple[str, str]]
    """Returns group and name of what `label` calls an action."""
    attachments: tuple[Attachment, ...] = ()
    attached: Callable[[str, msgspec.Raw], Iterable[str]] = lambda _group, _outcome: ()
    """Returns the keys of what the outcome of an action of a group needs besides."""
    fields: Callable[[msgspec.Raw], dict[str, Any]] = lambda _outcome: {}
    """Returns what is known of an outcome by name, as an artifact's metadata."""

    @property
    def prefix(self) -> str:
        """What the keys of its records begin with, up to the context."""
        return f"{self.name}:{VERSION}:"

    def label(self, group: str, name: str) -> str:
        """Return what to call an action: of a test, its node id."""
        return f"{group}::{name}" if name else group

    def counted(self, count: int) -> str:
        """Return a number of actions in words."""
        return f"1 {self.noun}" if count == 1 else f"{count:,} {self.name}"


def attachment_of(key: str) -> Attachment | None:
    """Return the attachment that a key is of; None where it is of none."""
    return next((each for each in _ATTACHMENTS if key.startswith(each.prefix)), None)


def _tell_test(outcome: msgspec.Raw) -> Told | None:
    decoded = decode_outcome(outcome)
    return None if decoded is None else Told(decoded.word, decoded.duration)


def _tell(outcome: msgspec.Raw) -> Told | None:
    decoded = entries.decode_outcome(outcome)
    return None if decoded is None else Told(decoded.kind, decoded.duration)


def _first(label: str) -> tuple[str, str]:
    group, _, name = label.partition("::")
    return group, name


def _last(label: str) -> tuple[str, str]:
    group, _, name = label.rpartition("::")
    return group, name


def _files_of_command(_group: str, outcome: msgspec.Raw) -> Iterable[str]:
    from .commands import blobs_of

    decoded = entries.decode_outcome(outcome)
    return [] if decoded is None else blobs_of(decoded)


def _files_of_artifact(_group: str, outcome: msgspec.Raw) -> Iterable[str]:
    from .artifact_content import files_of

    decoded = entries.decode_outcome(outcome)
    return [] if decoded is None else files_of(decoded)


def _metadata_of_artifact(outcome: msgspec.Raw) -> dict[str, Any]:
    from .artifact_content import metadata_of

    decoded = entries.decode_outcome(outcome)
    return {} if decoded is None else metadata_of(decoded)


def _counters_of_plan(group: str, _outcome: msgspec.Raw) -> Iterable[str]:
    return [each.prefix + digest_text(group) for each in PLANS.attachments]


def _is_content(key: str, content: bytes) -> bool:
    return digest(content) == key


def _is_count(_key: str, content: bytes) -> bool:
    return content.isdigit()


TESTS = ActionKind("tests", "test", _tell_test, _first)
PLANS = ActionKind(
    "plans",
    "plan",
    _tell,
    lambda label: (label, ""),
    tuple(Attachment(f"plan-{what}:", _is_count) for what in ("uses", "successes", "failures")),
    _counters_of_plan,
)
KINDS = {
    kind.name: kind
    for kind in (
        TESTS,
        ActionKind(
            "executions",
            "execution",
            _tell,
            _last,
            (Attachment("blob:", _is_content),),
            _files_of_command,
        ),
        ActionKind("analyses", "analysis", _tell, _last),
        ActionKind(
            "artifacts",
            "artifact",
            _tell,
            _last,
            (Attachment("artifact-file:", _is_content),),
            _files_of_artifact,
            _metadata_of_artifact,
        ),
        PLANS,
    )
}
"""All kinds, by name; who adds a kind of action adds it here."""
_ATTACHMENTS = [attachment for kind in KINDS.values() for attachment in kind.attachments]


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
