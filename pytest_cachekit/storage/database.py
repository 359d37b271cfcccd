"""The SQLite file of a cache directory: opening it, and noticing that it is another one now."""

from __future__ import annotations

import os
import random
import sqlite3
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..errors import StorageError

FORMAT = 1
"""Version of the directory's layout; a directory of a later one is left alone."""

NAME = "cache.db"
_FORMAT_FILE = "format"
_TAG = (
    "Signature: 8a477f597d28d172789f06886806bc55\n"
    "# This file is a cache directory tag created by pytest-cachekit.\n"
    "# For information about cache directory tags, see https://bford.info/cachedir/\n"
)
# Connections that a fork brought along: closing one would drop its parent's locks.
_inherited: list[sqlite3.Connection] = []


class Database:
    """A directory's database, opened when it is first needed.

    Nothing is created before the first write. A directory that can't be written still serves
    reads. diskcache makes the database; statements here and in `file.py` then use its table.
    """

    def __init__(self, directory: Path, timeout: float) -> None:
        """Use `directory`, waiting at most `timeout` seconds for another writer.

        Raises:
            StorageError: the path is no directory, or a later version made it.
        """
        self.directory = directory
        self._path = str(directory / NAME)
        self._timeout = timeout
        self._lock = threading.RLock()
        self._process = os.getpid()
        self._connection: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None
        if directory.exists() and not directory.is_dir():
            raise StorageError(
                f"{directory} is not a directory: name another one, with --cachekit-url for test "
                "results, or remove the file."
            )
        self._check_format()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection | None]:
        """Lend the connection to read by; None where there is nothing yet.

        Raises:
            StorageError: it can't be read.
        """
        with self._declared_errors("read"):
            yield self._open()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Lend the connection within one transaction; the database is made if there is none.

        Raises:
            StorageError: it can't be written; nothing of the transaction is then.
        """
        end = time.monotonic() + self._timeout
        with self._declared_errors("write"):
            connection = self._open() or self._create()
            self._begin(connection, end)
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """Close the connection."""
        with self._declared_errors("read"):
            self._drop()

    def _begin(self, connection: sqlite3.Connection, end: float) -> None:
        """Become the only writer before `end`, by the monotonic clock.

        SQLite waits ever longer between two looks, up to 0.1 s, and a patient writer never gets
        its turn beside busy ones. Here all look equally often.
        """
        connection.execute("PRAGMA busy_timeout = 0")
        try:
            while True:
                try:
                    connection.execute("BEGIN IMMEDIATE")
                    return
                except sqlite3.OperationalError as error:
                    is_busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
                    if not is_busy or time.monotonic() >= end:
                        raise
                time.sleep(random.uniform(0.0005, 0.002))  # noqa: S311  so that none is in step
        finally:
            connection.execute(f"PRAGMA busy_timeout = {round(self._timeout * 1000)}")

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
                "upgrade, or name another directory, with --cachekit-url for test results."
            )

    def _open(self) -> sqlite3.Connection | None:
        try:
            status = os.stat(self._path)
        except FileNotFoundError:
            self._drop()
            return None
        identity = status.st_dev, status.st_ino
        if self._connection is not None and identity == self._identity:
            return self._connection
        # The first use, or somebody replaced the directory.
        self._drop()
        # A write-ahead log can't be opened without writing beside it; where the
        # directory forbids that, nobody else writes either, and the file is read as it is.
        options = "mode=rw" if os.access(self.directory, os.W_OK) else "mode=ro&immutable=1"
        connection = sqlite3.connect(
            f"{Path(self._path).as_uri()}?{options}",
            uri=True,
            timeout=self._timeout,
            isolation_level=None,
            check_same_thread=False,
        )
        try:
            connection.execute("PRAGMA trusted_schema = 0")
            connection.execute("PRAGMA synchronous = 1")
            connection.execute("SELECT key, raw, mode, filename, value, size FROM Cache LIMIT 0")
        except sqlite3.Error:
            connection.close()
            raise
        self._connection, self._identity = connection, identity
        return connection

    def _create(self) -> sqlite3.Connection:
        from ._diskcache import open_bytes_cache

        self.directory.mkdir(parents=True, exist_ok=True)
        # Made beside their places and then put there whole: others look at them meanwhile.
        with tempfile.TemporaryDirectory(prefix="new-", dir=self.directory) as workshop:
            for name, text in (
                (_FORMAT_FILE, f"{FORMAT}\n"),
                ("CACHEDIR.TAG", _TAG),
                (".gitignore", "# Created by pytest-cachekit.\n*\n"),
            ):
                if not (self.directory / name).exists():
                    made = Path(workshop, name)
                    made.write_text(text, encoding="ascii")
                    made.replace(self.directory / name)
            open_bytes_cache(Path(workshop), self._timeout).close()
            with suppress(FileExistsError):
                os.link(os.path.join(workshop, NAME), self._path)
        connection = self._open()
        if connection is None:
            raise FileNotFoundError(self._path)
        return connection

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _forget_other_process(self) -> None:
        if self._process != os.getpid():
            self._process = os.getpid()
            self._lock = threading.RLock()
            if self._connection is not None:
                _inherited.append(self._connection)
                self._connection = None

    @contextmanager
    def _declared_errors(self, verb: str) -> Iterator[None]:
        self._forget_other_process()
        try:
            with self._turn():
                yield
        except UnicodeEncodeError:
            raise
        except (OSError, sqlite3.Error, OverflowError) as error:
            raise self._unusable(verb, error) from error
        except Exception as error:
            # diskcache declares an exception of its own that can't be named without importing it.
            if type(error).__module__.partition(".")[0] != "diskcache":
                raise
            raise self._unusable(verb, error) from error

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Let one thread after the other use the connection, and none wait for ever."""
        lock = self._lock
        if not lock.acquire(timeout=self._timeout):
            raise sqlite3.OperationalError("other threads use it")
        try:
            yield
        finally:
            lock.release()

    def _unusable(self, verb: str, error: Exception) -> StorageError:
        return StorageError(
            f"The cache in {self.directory} can't be {'read' if verb == 'read' else 'written'} "
            f"({error or type(error).__name__}): check its permissions and the free space, "
            "or delete the directory to start afresh."
        )


def stored_files(directory: Path) -> set[str]:
    """Return the names, relative to a directory, of the files that its database names.

    Raises:
        StorageError: it can't be read.
    """
    database = Database(directory, 5.0)
    try:
        with database.reading() as connection:
            if connection is None:
                return set()
            rows = connection.execute("SELECT filename FROM Cache WHERE filename IS NOT NULL")
            return {str(row[0]) for row in rows}
    finally:
        database.close()
