"""Files with metadata, as datasets, models and evaluations: found by any field, kept once each."""

from __future__ import annotations

import datetime as dt
import os
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import msgspec

from ..errors import CacheUsageError
from ..inputs.digest import digest, digest_text
from ..inputs.fingerprint import Fingerprints
from ..inputs.layout import Layout
from ..inputs.reading import Reading
from ..storage import Backend, open_backend
from .entries import Outcome, Removed, Stored
from .outcome_store import OutcomeStore

KIND = "artifacts"
_FILE = "artifact-file:"
_CONTEXT = "everywhere"


class _Stored(msgspec.Struct, frozen=True, array_like=True):
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


class ArtifactCache:
    """Keeps files under the metadata that they were made from."""

    def __init__(
        self,
        backend: str | Backend = "file:.cachekit",
        *,
        ttl: float | None = None,
        max_entries: int | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Open a cache of artifacts.

        Args:
            backend: a URL, or a backend that is open.
            ttl: seconds after which an artifact isn't found any more; never by default.
            max_entries: most artifacts; those go first that were used least recently.
            clock: tells seconds since 1970.

        Raises:
            StorageError: the backend can't be used.
            CacheUsageError: a limit keeps nothing.
        """
        for name, limit in (("ttl", ttl), ("max_entries", max_entries)):
            if limit is not None and limit <= 0:
                raise CacheUsageError(f"{name}={limit!r} keeps nothing: give more, or None.")
        # Nothing is watched: an artifact rests on its metadata alone.
        self._fingerprints = Fingerprints(Layout(Path.cwd()), umask="")
        self._owns = isinstance(backend, str)
        self._backend = open_backend(backend) if isinstance(backend, str) else backend
        self._store = OutcomeStore(
            self._backend,
            KIND,
            Path.cwd(),
            ttl=ttl,
            max_entries=max_entries,
            clock=clock,
            context=_CONTEXT,
        )

    def put(
        self,
        kind: str,
        metadata: Mapping[str, Any],
        files: Mapping[str, bytes | str | os.PathLike[str]],
    ) -> Artifact:
        """Keep `files` under `metadata`, in place of what was there.

        Args:
            kind: what sort of thing it is, as `model`.
            metadata: plain data that tells it from others of its kind.
            files: by name, contents, or the paths of files to copy.

        Raises:
            CacheUsageError: the metadata is no plain data.
            OSError: a file can't be read.
            StorageError: the backend can't be written.
        """
        key = _key(metadata)
        contents = {
            name: content if isinstance(content, bytes) else Path(content).read_bytes()
            for name, content in files.items()
        }
        described = {name: (digest(content), len(content)) for name, content in contents.items()}
        # The files first: an entry never names one that isn't there.
        self._backend.set_many(
            {f"{_FILE}{described[name][0]}": content for name, content in contents.items()}
        )
        stored = _Stored(dict(metadata), described)
        outcome = self._store.outcome("artifact", msgspec.msgpack.encode(stored), 0.0, [])
        self._store.record(kind, key, Reading(), outcome, self._fingerprints)
        if self._store.make_room().entries:
            self._remove_orphans()
        found = self.get(kind, metadata)
        assert found is not None
        return found

    def get(self, kind: str, metadata: Mapping[str, Any]) -> Artifact | None:
        """Return the artifact with exactly this metadata; None where there is none.

        Raises:
            StorageError: the backend can't be read.
        """
        key = _key(metadata)
        _, outcome, _ = self._store.lookup(kind, key, self._fingerprints)
        if outcome is None:
            return None
        return _artifact(Stored(kind, key, outcome, Reading, 0))

    def find(
        self,
        kind: str | None = None,
        *,
        since: dt.datetime | None = None,
        until: dt.datetime | None = None,
        **fields: Any,
    ) -> list[Artifact]:
        """Return the artifacts that have these `fields` in their metadata, newest first.

        Args:
            kind: only those of this kind.
            since: only those that were stored then or later.
            until: only those that were stored before.
            fields: values of the metadata.

        Raises:
            StorageError: the backend can't be read.
        """
        found = [
            artifact for artifact in self._all() if _matches(artifact, kind, since, until, fields)
        ]
        return sorted(found, key=lambda artifact: artifact.stored, reverse=True)

    def read(self, artifact: Artifact, name: str) -> bytes | None:
        """Return the content of one of an artifact's files; None where it is gone or torn.

        Raises:
            KeyError: the artifact has no such file.
            StorageError: the backend can't be read.
        """
        wanted = artifact.files[name]
        content = self._backend.get_many([_FILE + wanted]).get(_FILE + wanted)
        return content if content is not None and digest(content) == wanted else None

    def remove(
        self,
        kind: str | None = None,
        *,
        since: dt.datetime | None = None,
        until: dt.datetime | None = None,
        **fields: Any,
    ) -> Removed:
        """Remove what `find` would return, with files that nothing else needs; say how much.

        Raises:
            StorageError: the backend can't be read or written.
        """

        def chosen(stored: Stored) -> bool:
            artifact = _artifact(stored)
            return artifact is None or _matches(artifact, kind, since, until, fields)

        removed = self._store.remove(chosen)
        return Removed(removed.entries, removed.bytes + self._remove_orphans())

    def remove_expired(self) -> Removed:
        """Remove what is older than the time to live, files too; say how much."""
        removed = self._store.remove(lambda stored: self._store.is_expired(stored.outcome))
        return Removed(removed.entries, removed.bytes + self._remove_orphans())

    def sizes(self) -> dict[str, tuple[int, int]]:
        """Return by kind how many artifacts there are, and the bytes of their files.

        A file that several share counts for each.
        """
        found: dict[str, tuple[int, int]] = {}
        for artifact in self._all():
            count, size = found.get(artifact.kind, (0, 0))
            found[artifact.kind] = count + 1, size + artifact.size
        return found

    def close(self) -> None:
        """Release the backend, if it was opened here."""
        if self._owns:
            self._backend.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _all(self) -> Iterator[Artifact]:
        newest: dict[tuple[str, str], Artifact] = {}
        for stored in self._store.entries():
            artifact = None if self._store.is_expired(stored.outcome) else _artifact(stored)
            if artifact is not None:
                known = newest.get((artifact.kind, artifact.key))
                if known is None or known.stored < artifact.stored:
                    newest[artifact.kind, artifact.key] = artifact
        return iter(newest.values())

    def _remove_orphans(self) -> int:
        """Remove files that no entry names; return how many bytes that freed."""
        kept = {key for stored in self._store.entries() for key in files_of(stored.outcome)}
        orphans = [key for key in self._backend.keys(_FILE) if key not in kept]
        freed = sum(self._backend.size(key).bytes for key in orphans)
        if orphans:
            self._backend.delete_many(orphans)
        return freed


def _artifact(stored: Stored) -> Artifact | None:
    try:
        content = msgspec.msgpack.decode(stored.outcome.content, type=_Stored)
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
    artifact = _artifact(Stored("", "", outcome, Reading, 0))
    return [] if artifact is None else [_FILE + each for each in artifact.files.values()]


def _matches(
    artifact: Artifact,
    kind: str | None,
    since: dt.datetime | None,
    until: dt.datetime | None,
    fields: Mapping[str, Any],
) -> bool:
    return (
        (kind is None or artifact.kind == kind)
        and (since is None or artifact.stored >= since)
        and (until is None or artifact.stored < until)
        and all(
            name in artifact.metadata and artifact.metadata[name] == value
            for name, value in fields.items()
        )
    )


def _key(metadata: Mapping[str, Any]) -> str:
    try:
        text = msgspec.json.encode(dict(metadata), order="deterministic")
        plain = msgspec.msgpack.decode(msgspec.msgpack.encode(dict(metadata)))
    except (TypeError, ValueError) as error:
        raise CacheUsageError(f"Metadata is plain data, with text as names: {error}.") from error
    if plain != metadata:
        raise CacheUsageError("Metadata would come back as something else: write lists for tuples.")
    return digest_text(text.decode())
