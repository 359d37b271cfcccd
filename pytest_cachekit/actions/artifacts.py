"""Files with metadata, as datasets, models and evaluations: found by any field, kept once each."""

from __future__ import annotations

import datetime as dt
import os
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from ..caching.stats import CacheStats
from ..inputs.digest import digest
from ..inputs.reading import Reading
from ..storage import Backend
from .artifact_content import (
    FILES,
    Artifact,
    StoredArtifact,
    files_of,
    key_of,
    matches,
    read_artifact,
)
from .client import Client, unwatched
from .entries import Removed, Stored

KIND = "artifacts"


class ArtifactCache(Client):
    """Keeps files under the metadata that they were made from."""

    def __init__(
        self,
        backend: str | Backend = "file:.cachekit",
        *,
        ttl: float | None = None,
        max_entries: int | None = None,
        namespace: str = "",
        epoch: str = "",
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Open a cache of artifacts.

        Args:
            backend: a URL, or a backend that is open.
            ttl: seconds after which an artifact isn't found any more; never by default.
            max_entries: most artifacts; those go first that were used least recently.
            namespace: keeps what is stored apart from other namespaces.
            epoch: another word disowns what was stored before.
            clock: tells seconds since 1970.

        Raises:
            StorageError: the backend can't be used.
            CacheUsageError: a limit keeps nothing.
        """
        super().__init__(
            backend, namespace=namespace, epoch=epoch, ttl=ttl, max_entries=max_entries
        )
        # Nothing is watched: an artifact rests on its metadata alone.
        self._store, self._fingerprints = unwatched(
            self._backend, KIND, ttl=ttl, max_entries=max_entries, clock=clock
        )
        self._hits = self._misses = 0

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
        key = key_of(metadata)
        contents = {
            name: content if isinstance(content, bytes) else Path(content).read_bytes()
            for name, content in files.items()
        }
        described = {name: (digest(content), len(content)) for name, content in contents.items()}
        # The files first: an entry never names one that isn't there.
        self._backend.set_many(
            {f"{FILES}{described[name][0]}": content for name, content in contents.items()}
        )
        stored = StoredArtifact(dict(metadata), described)
        outcome = self._store.outcome("artifact", msgspec.msgpack.encode(stored), 0.0, [])
        self._store.record(kind, key, Reading(), outcome, self._fingerprints)
        if self._store.make_room().entries:
            self._remove_orphans()
        found = read_artifact(Stored(kind, key, outcome, Reading, 0))
        assert found is not None
        return found

    def get(self, kind: str, metadata: Mapping[str, Any]) -> Artifact | None:
        """Return the artifact with exactly this metadata; None where there is none, or not all.

        Raises:
            StorageError: the backend can't be read.
        """
        key = key_of(metadata)
        _, outcome, _ = self._store.lookup(kind, key, self._fingerprints)
        found = None if outcome is None else read_artifact(Stored(kind, key, outcome, Reading, 0))
        if found is None or not self._whole([found]):
            self._misses += 1
            return None
        self._hits += 1
        return found

    def counted(self) -> CacheStats:
        """Return what `get` found in this process."""
        limit, ttl = self._store.max_entries, self._store.ttl
        return CacheStats(hits=self._hits, misses=self._misses, max_size=limit, ttl=ttl)

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
            artifact for artifact in self._all() if matches(artifact, kind, since, until, fields)
        ]
        return sorted(found, key=lambda artifact: artifact.stored, reverse=True)

    def read(self, artifact: Artifact, name: str) -> bytes | None:
        """Return the content of one of an artifact's files; None where it is gone or torn.

        Raises:
            KeyError: the artifact has no such file.
            StorageError: the backend can't be read.
        """
        wanted = artifact.files[name]
        content = self._backend.get_many([FILES + wanted]).get(FILES + wanted)
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
            artifact = read_artifact(stored)
            return artifact is None or matches(artifact, kind, since, until, fields)

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

    def _all(self) -> Iterator[Artifact]:
        newest: dict[tuple[str, str], Artifact] = {}
        for stored in self._store.entries():
            artifact = None if self._store.is_expired(stored.outcome) else read_artifact(stored)
            if artifact is not None:
                known = newest.get((artifact.kind, artifact.key))
                if known is None or known.stored < artifact.stored:
                    newest[artifact.kind, artifact.key] = artifact
        return iter(self._whole(list(newest.values())))

    def _whole(self, artifacts: list[Artifact]) -> list[Artifact]:
        """Return those whose files are all there; a budget may have taken some."""
        keys = {FILES + each for artifact in artifacts for each in artifact.files.values()}
        there = self._backend.remaining(keys)
        return [
            artifact
            for artifact in artifacts
            if all(FILES + each in there for each in artifact.files.values())
        ]

    def _remove_orphans(self) -> int:
        """Remove files that no entry names; return how many bytes that freed."""
        kept = {key for stored in self._store.entries() for key in files_of(stored.outcome)}
        orphans = [key for key in self._backend.keys(FILES) if key not in kept]
        freed = sum(self._backend.size(key).bytes for key in orphans)
        if orphans:
            self._backend.delete_many(orphans)
        return freed
