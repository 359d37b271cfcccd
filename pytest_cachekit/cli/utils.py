"""All that the command does, as Python functions."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from ..actions.catalogue import Selection, StoredAction, find_actions, read_text
from ..actions.checking import Checked, check
from ..actions.explaining import Explanation, explain, matching_tests
from ..actions.joining import Merged, merge
from ..actions.kinds import kinds_named
from ..actions.last_run import read_last_run
from ..actions.namespaces import NamespaceTotals, namespaces
from ..actions.removal import Removed, clear, collect_garbage
from ..actions.runs import read_runs
from ..actions.statistics import Part, Statistics, sizes, statistics
from ..inputs.fingerprint import Fingerprints
from ..inputs.layout import Layout
from ..plugin.context import deviations
from ..plugin.place import Place, find_place
from ..plugin.progress import Progress
from ..plugin.shelves import open_shelves
from ..plugin.summary import held_in_words
from ..storage import Backend
from ..storage.closing import Closing
from ..storage.portable import export_entries, held_entries, read_entries
from .counted import counted, is_long


class CacheUtils(Closing):
    """Looks into one cache of test results, and tidies it.

        with CacheUtils() as utils:
            slow = [test for test in utils.list_entries() if test.seconds > 1]

    Nothing is made where there is no cache; there it is as if it were empty.
    """

    def __init__(
        self,
        url: str | os.PathLike[str] | None = None,
        *,
        project: Path | None = None,
        progress: TextIO | None = None,
    ) -> None:
        """Open a cache.

        Args:
            url: a directory, or a URL as `--cachekit-url` takes it, relative to the working
                directory; the project's by default, as pytest would find it.
            project: a directory of the project; the working directory by default.
            progress: a terminal to tell on how far long work is.

        Raises:
            CachekitError: there is a cache that can't be used, or pytest's configuration is broken.
        """
        self._directory = (project or Path.cwd()).absolute()
        self.place: Place = find_place(self._directory)
        """The project as pytest would see it."""
        if url is None:
            self._url, base = self.place.settings.cachekit_url, self.place.root
        else:
            self._url, base = os.fspath(url), Path.cwd()
            if isinstance(url, os.PathLike) or ":" not in self._url:
                self._url = f"file:{self._url}"
        settings = dataclasses.replace(self.place.settings, cachekit_url=self._url)
        shelves = open_shelves(settings, base, with_far=False, warn=lambda _: None)
        self.progress = Progress(progress)
        self._view = shelves.near.view
        self.backend: Backend = counted(shelves.near.view(), self.progress)
        """What is near; a remote tier is opened by its own URL."""
        self._conceal = shelves.conceal

    def close(self) -> None:
        """Release the cache."""
        self.backend.close()

    @property
    def url(self) -> str:
        """The cache's URL, without any password."""
        return self.backend.url

    @property
    def directory(self) -> Path | None:
        """The cache's directory; None where it is no directory."""
        scheme, _, rest = self.url.partition(":")
        return Path(rest) if scheme == "file" else None

    @property
    def exists(self) -> bool:
        """Whether there is a cache; of a server, that it answers is not asked."""
        return self.directory is None or (self.directory / "cache.db").exists()

    def list_entries(
        self,
        selection: Selection = Selection(),  # noqa: B008  it is frozen
        *,
        kind: str | None = None,
    ) -> Iterator[StoredAction]:
        """Iterate over what is stored, test by test.

        Args:
            selection: which ones.
            kind: of one kind of action; of all by default.

        Raises:
            StorageError: the cache can't be read.
            CacheUsageError: there is no such kind.
        """
        kinds = kinds_named(kind)
        with self.progress:
            yield from find_actions(self.backend, selection, kinds)

    @is_long
    def get_stats(self) -> Statistics:
        """Return totals, and what the last runs say.

        Raises:
            StorageError: the cache can't be read.
        """
        return statistics(self.backend)

    @is_long
    def get_namespaces(self) -> list[NamespaceTotals]:
        """Return totals of each namespace and epoch in the cache, whichever this one is.

        Raises:
            StorageError: the cache can't be read.
        """
        return namespaces(self._view)

    @is_long
    def get_size_breakdown(self) -> dict[str, Part]:
        """Return how much is stored, by parts.

        Raises:
            StorageError: the cache can't be read.
        """
        return sizes(self.backend)

    @is_long
    def report(self) -> str | None:
        """Return an HTML page about the last run and those before; None where none is known.

        Raises:
            StorageError: the cache can't be read.
        """
        from ..plugin.page.render import render_page

        last = read_last_run(self.backend)
        if last is None:
            return None
        held = held_in_words(self.backend.size(), self.url)
        return render_page(self.place.root.name, last, read_runs(self.backend), held)

    @is_long
    def why(self, nodeid: str) -> list[Explanation]:
        """Return what would become of the tests that `nodeid` names, in a run as the last one was.

        Nothing runs and nothing of the project is imported.

        Args:
            nodeid: of one test, or of a function, class or file that has several.

        Raises:
            StorageError: the cache can't be read.
        """
        fingerprints = self.fingerprints()
        wanted = self._from_root(nodeid)
        found = matching_tests(self.backend, fingerprints, wanted) or [wanted]

        def deviate(parts: list[str]) -> list[str]:
            return deviations(parts, self.place.values, self.place.root)

        return explain(self.backend, fingerprints, found, deviate, self._conceal)

    def text_of(self, digest: str) -> bytes | None:
        """Return a source text that is stored, by its digest; None where it isn't.

        Raises:
            StorageError: the cache can't be read.
        """
        return read_text(self.backend, digest)

    @is_long
    def clear(
        self,
        selection: Selection = Selection(),  # noqa: B008  it is frozen
        *,
        kind: str | None = None,
        dry_run: bool = False,
    ) -> Removed:
        """Remove what is selected, and the source texts that nothing names then.

        Args:
            selection: which tests; all by default.
            kind: of one kind of action; of all by default, what is known of runs included.
            dry_run: whether all stays as it is.

        Raises:
            StorageError: the cache can't be read or written.
            CacheUsageError: there is no such kind.
        """
        return clear(self.backend, selection, kinds_named(kind), dry_run=dry_run)

    @is_long
    def collect_garbage(
        self,
        *,
        before: float | None = None,
        most_bytes: int | None = None,
        dry_run: bool = False,
    ) -> Removed:
        """Remove what nothing can hit, what is old, and the oldest of what is too much.

        Args:
            before: entries recorded earlier go, in seconds since 1970.
            most_bytes: what records and source texts may take together.
            dry_run: whether all stays as it is.

        Raises:
            StorageError: the cache can't be read or written.
        """
        return collect_garbage(self.backend, before=before, most_bytes=most_bytes, dry_run=dry_run)

    @is_long
    def verify(self, *, repair: bool = False) -> Checked:
        """Check everything that is stored; with `repair`, delete what can't be used.

        Raises:
            StorageError: the cache can't be read, or not be repaired.
        """
        return check(self.backend, repair=repair)

    @is_long
    def export(self, file: Path) -> int:
        """Write all that is stored to one file; return how many keys that are.

        Raises:
            StorageError: the cache can't be read, or the file not be written.
        """
        return export_entries(self.backend, file)

    @is_long
    def import_file(self, file: Path) -> Merged:
        """Take what an exported file holds into the cache, which is made if there is none.

        Raises:
            StorageError: the file is torn, or the cache can't be written.
        """
        return merge(self.backend, read_entries(file))

    @is_long
    def merge(self, other: CacheUtils) -> Merged:
        """Take what another cache holds into this one, which is made if there is none.

        Raises:
            StorageError: one can't be read, or this one not be written.
        """
        return merge(self.backend, held_entries(other.backend))

    def config(self) -> dict[str, tuple[Any, str]]:
        """Return each option's value, and where it comes from, by ini name.

        Raises:
            CachekitError: a value is none that its option takes.
        """
        return self.place.trace()

    def fingerprints(self) -> Fingerprints:
        """Return what takes fingerprints of the project as it is now."""
        ignored = [] if self.directory is None else [str(self.directory)]
        return Fingerprints(Layout(self.place.root, ignored))

    def _from_root(self, nodeid: str) -> str:
        """Return a node id that was written from the working directory as pytest writes it."""
        file, separator, name = nodeid.partition("::")
        path = self._directory / file
        if not path.is_relative_to(self.place.root) or not path.exists():
            return nodeid
        return path.relative_to(self.place.root).as_posix() + separator + name
