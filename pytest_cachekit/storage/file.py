"""The file backend: a diskcache directory that holds bytes and nothing else.

diskcache writes; reads go by our own SQL to the same SQLite file, because
diskcache has no batch read, and because a run in which everything hits then
never imports it. diskcache pickles what it isn't given as bytes and unpickles
what it finds; neither can happen here: only bytes go in, and rows in any other
mode are no values to us.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import StorageError
from .backend import BackendSize

FORMAT = 1
"""Version of the directory's layout; a directory of a later one is left alone."""

_DATABASE = "cache.db"
_FORMAT_FILE = "format"
# diskcache's column `mode`: a value in the row itself, or in a file beside the database.
_MODE_RAW = 1
_MODE_BINARY = 2
# SQLite allows 999 variables in a statement in its oldest builds.
_BATCH = 900
_TAG = (
    "Signature: 8a477f597d28d172789f06886806bc55\n"
    "# This file is a cache directory tag created by pytest-cachekit.\n"
    "# For information about cache directory tags, see https://bford.info/cachedir/\n"
)


class FileBackend:
    """Keeps values in `directory`, shared safely by any number of processes.

    Nothing is created before the first write. A directory that can't be
    written still serves reads.
    """

    def __init__(self, directory: str | os.PathLike[str], *, timeout: float = 5.0) -> None:
        """Use `directory`; wait at most `timeout` seconds for another writer.

        Raises:
            StorageError: the path is no directory, or a later version made it.
        """
        self.directory = Path(directory).absolute()
        self._timeout = timeout
        self._lock = threading.RLock()
        self._reader: sqlite3.Connection | None = None
        self._writer: Any = None
        if self.directory.exists() and not self.directory.is_dir():
            raise StorageError(
                f"{self.directory} is not a directory: name another one with --cachekit-url, "
                "or remove the file."
            )
        self._check_format()

    @property
    def url(self) -> str:
        """See `Backend.url`."""
        return f"file:{self.directory}"

    def get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        """See `Backend.get_many`."""
        wanted = list(keys)
        found: dict[str, bytes] = {}
        with self._declared_errors("read"):
            connection = self._read_connection()
            if connection is None:
                return found
            for start in range(0, len(wanted), _BATCH):
                batch = wanted[start : start + _BATCH]
                marks = ",".join("?" * len(batch))
                rows = connection.execute(
                    "SELECT key, mode, filename, value FROM Cache "  # noqa: S608  only "?"
                    f"WHERE raw = 1 AND key IN ({marks})",
                    batch,
                )
                for key, mode, filename, value in rows:
                    content = self._content(mode, filename, value)
                    if content is not None:
                        found[key] = content
        return found

    def set_many(self, items: Mapping[str, bytes]) -> None:
        """See `Backend.set_many`."""
        with self._declared_errors("write"):
            cache = self._write_cache()
            with cache.transact(retry=True):
                for key, value in items.items():
                    cache.set(key, value, retry=True)

    def delete(self, key: str) -> bool:
        """See `Backend.delete`."""
        with self._declared_errors("write"):
            if self._read_connection() is None:
                return False
            return bool(self._write_cache().delete(key, retry=True))

    def keys(self, prefix: str = "") -> Iterator[str]:
        """See `Backend.keys`."""
        with self._declared_errors("read"):
            connection = self._read_connection()
            if connection is None:
                return iter(())
            rows = connection.execute(
                "SELECT key FROM Cache WHERE raw = 1 AND substr(key, 1, ?) = ?",
                (len(prefix), prefix),
            )
            return iter([row[0] for row in rows])

    def size(self) -> BackendSize:
        """See `Backend.size`; bytes are those of the database and of large values beside it."""
        with self._declared_errors("read"):
            connection = self._read_connection()
            if connection is None:
                return BackendSize(0, 0)
            count, beside = connection.execute(
                "SELECT COUNT(*), COALESCE(SUM(size), 0) FROM Cache"
            ).fetchone()
            return BackendSize(count, beside + os.path.getsize(self.directory / _DATABASE))

    def close(self) -> None:
        """See `Backend.close`."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _check_format(self) -> None:
        try:
            text = (self.directory / _FORMAT_FILE).read_text(encoding="ascii").strip()
        except FileNotFoundError:
            return
        except (OSError, UnicodeDecodeError) as error:
            raise self._unusable("read", error) from error
        if not text.isdigit():
            raise self._unusable("read", ValueError(f"its format file says {text[:20]!r}"))
        if int(text) > FORMAT:
            raise StorageError(
                f"The cache in {self.directory} was made by a later version of pytest-cachekit: "
                "upgrade, or name another directory with --cachekit-url."
            )

    def _read_connection(self) -> sqlite3.Connection | None:
        if self._reader is None:
            database = self.directory / _DATABASE
            if not database.exists():
                return None
            # A write-ahead log can't be opened without writing beside it; where the
            # directory forbids that, nobody else writes either, and the file is read as it is.
            options = "mode=rw" if os.access(self.directory, os.W_OK) else "mode=ro&immutable=1"
            connection = sqlite3.connect(
                f"{database.as_uri()}?{options}",
                uri=True,
                timeout=self._timeout,
                isolation_level=None,
                check_same_thread=False,
            )
            try:
                connection.execute("PRAGMA query_only = 1")
                connection.execute(
                    "SELECT key, raw, mode, filename, value, size FROM Cache LIMIT 0"
                )
            except sqlite3.Error:
                connection.close()
                raise
            self._reader = connection
        return self._reader

    def _write_cache(self) -> Any:
        if self._writer is None:
            from ._diskcache import open_bytes_cache

            self.directory.mkdir(parents=True, exist_ok=True)
            for name, text in (
                (_FORMAT_FILE, f"{FORMAT}\n"),
                ("CACHEDIR.TAG", _TAG),
                (".gitignore", "# Created by pytest-cachekit.\n*\n"),
            ):
                path = self.directory / name
                if not path.exists():
                    path.write_text(text, encoding="ascii")
            self._writer = open_bytes_cache(self.directory, self._timeout)
        return self._writer

    def _content(self, mode: int, filename: str | None, value: object) -> bytes | None:
        if mode == _MODE_RAW and isinstance(value, bytes):
            return value
        if mode == _MODE_BINARY and filename is not None:
            path = Path(os.path.abspath(self.directory / filename))
            try:
                return path.read_bytes() if path.is_relative_to(self.directory) else None
            except (OSError, ValueError):
                return None
        return None

    @contextmanager
    def _declared_errors(self, verb: str) -> Iterator[None]:
        try:
            with self._lock:
                yield
        except (OSError, sqlite3.Error) as error:
            raise self._unusable(verb, error) from error
        except Exception as error:
            # diskcache declares an exception of its own that can't be named without importing it.
            if type(error).__module__.partition(".")[0] != "diskcache":
                raise
            raise self._unusable(verb, error) from error

    def _unusable(self, verb: str, error: Exception) -> StorageError:
        return StorageError(
            f"The cache in {self.directory} can't be {'read' if verb == 'read' else 'written'} "
            f"({error or type(error).__name__}): check its permissions and the free space, "
            "or delete the directory to start afresh."
        )
