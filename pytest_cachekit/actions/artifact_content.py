"""What is stored of an artifact, and what it is then."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from ..errors import CacheUsageError
from ..inputs.digest import digest_text
from ..inputs.reading import Reading
from .entries import Outcome, Stored

FILES = "artifact-file:"
"""What the keys of files begin with."""


class StoredArtifact(msgspec.Struct, frozen=True, array_like=True):
    """What is stored of an artifact besides its files."""

    metadata: dict[str, Any]
    files: dict[str, tuple[str, int]]
    """By name: digest and size."""


class Artifact(NamedTuple):
    """Files, and what is known of them."""

    kind: str
    key: str
    """Digest of the metadata."""
    metadata: dict[str, Any]
    """What made the key, as it was given."""
    files: dict[str, str]
    """Digests by name."""
    size: int
    """Bytes of all files."""
    stored: dt.datetime
    """When, in UTC."""


def read_artifact(stored: Stored) -> Artifact | None:
    """Return the artifact that an entry describes; None where it can't be read."""
    try:
        content = msgspec.msgpack.decode(stored.outcome.content, type=StoredArtifact)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return Artifact(
        stored.group,
        stored.name,
        content.metadata,
        {name: file[0] for name, file in content.files.items()},
        sum(file[1] for file in content.files.values()),
        dt.datetime.fromtimestamp(stored.outcome.stored, dt.UTC),
    )


def files_of(outcome: Outcome) -> list[str]:
    """Return the keys of the files that an artifact's outcome names."""
    artifact = read_artifact(Stored("", "", outcome, Reading, 0))
    return [] if artifact is None else [FILES + each for each in artifact.files.values()]


def metadata_of(outcome: Outcome) -> dict[str, Any]:
    """Return the metadata that an artifact's outcome has."""
    artifact = read_artifact(Stored("", "", outcome, Reading, 0))
    return {} if artifact is None else artifact.metadata


def matches(
    artifact: Artifact,
    kind: str | None,
    since: dt.datetime | None,
    until: dt.datetime | None,
    fields: Mapping[str, Any],
) -> bool:
    """Return whether an artifact is of a kind and a time, and has these fields in its metadata."""
    return (
        (kind is None or artifact.kind == kind)
        and (since is None or artifact.stored >= since)
        and (until is None or artifact.stored < until)
        and all(
            name in artifact.metadata and artifact.metadata[name] == value
            for name, value in fields.items()
        )
    )


def key_of(metadata: Mapping[str, Any]) -> str:
    """Return the digest of metadata.

    Raises:
        CacheUsageError: it is no plain data.
    """
    try:
        text = msgspec.json.encode(dict(metadata), order="deterministic")
        plain = msgspec.msgpack.decode(msgspec.msgpack.encode(dict(metadata)))
    except (TypeError, ValueError) as error:
        raise CacheUsageError(f"Metadata is plain data, with text as names: {error}.") from error
    if plain != metadata:
        raise CacheUsageError("Metadata would come back as something else: write lists for tuples.")
    return digest_text(text.decode())
