"""Checks everything that a cache holds; what can't be used is told, and deleted where asked."""

from __future__ import annotations

from dataclasses import dataclass

from ..inputs.digest import digest
from ..inputs.manifest import VERSION, decode_record
from ..storage import Backend
from ..storage.batches import get_each
from .catalogue import SOURCES
from .changes import unpack_source
from .kinds import KINDS, NOTE, ActionKind, attachment_of
from .runs import decodes


@dataclass(frozen=True)
class Fault:
    """One thing that can't be used."""

    key: str
    what: str


@dataclass(frozen=True)
class Checked:
    """What a check found."""

    checked: int
    foreign: int
    """Keys of other versions, or of others who use the same place: nothing is said of them."""
    faults: tuple[Fault, ...]
    repaired: bool


def check(backend: Backend, *, repair: bool = False) -> Checked:
    """Look at everything that is stored.

    Args:
        backend: the cache.
        repair: whether what can't be used is deleted.

    Raises:
        StorageError: the cache can't be read, or not be repaired.
    """
    faults: list[Fault] = []
    checked = foreign = 0
    for key, content in get_each(backend, sorted(backend.keys())):
        fault = fault_of(key, content)
        if fault is None:
            foreign += 1
            continue
        checked += 1
        if fault:
            faults.append(Fault(key, fault))
    if repair and faults:
        backend.delete_many([fault.key for fault in faults])
    return Checked(checked, foreign, tuple(faults), repair)


def fault_of(key: str, content: bytes | None) -> str | None:
    """Return what is wrong with a value, "" where nothing is; None where it isn't ours."""
    kind = next((kind for kind in KINDS.values() if key.startswith(kind.prefix)), None)
    attachment = attachment_of(key)
    ours = kind is not None or attachment is not None or key.startswith(SOURCES)
    if not ours and decodes(key, b"") is None:
        return None
    if content is None:
        return "its value is gone or torn"
    if kind is not None:
        return _fault_of_record(kind, content)
    if attachment is not None:
        is_sound = attachment.is_sound(key[len(attachment.prefix) :], content)
        return "" if is_sound else "it isn't what it was"
    if key.startswith(SOURCES):
        return _fault_of_text(key[len(SOURCES) :], content)
    return "" if decodes(key, content) else "it can't be read"


def _fault_of_record(kind: ActionKind, content: bytes) -> str:
    record = decode_record(content)
    if record is None:
        return f"it is no record of version {VERSION}"
    for name, entries in record.entries.items():
        if NOTE not in name and any(kind.tell(entry.outcome) is None for entry in entries):
            return f"the outcome of {name} can't be read"
    return ""


def _fault_of_text(recorded: str, content: bytes) -> str:
    text = unpack_source(content)
    if text is None:
        return "it can't be unpacked"
    return "" if digest(text) == recorded else "it isn't the text it was"
