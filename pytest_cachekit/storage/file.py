"""The file backend: a diskcache directory that holds bytes and nothing else.

diskcache makes the directory; statements of our own read and write its table, because it has no
batches, and is never imported so where everything hits. It pickles what it isn't given as bytes and
unpickles what it finds; neither happens here: rows in any other mode are no values to us.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..errors import StorageError
from .backend import BackendSize, Replacement, count_up, sort_out
from .database import Database
from .room import Room
from .values import Files, Values

# SQLite allows 999 variables in a statement in its oldest builds.
_BATCH = 900
_LIVE = "raw = 1 AND (expire_time IS NULL OR expire_time > ?)"
_UPSERT = (
    "INSERT INTO Cache (key, raw, store_time, expire_time, access_time, access_count, size, mode, "
    "filename, value) VALUES (?, 1, ?, ?, ?, 0, ?, ?, ?, ?) ON CONFLICT (key, raw) DO UPDATE SET "
    "store_time = excluded.store_time, expire_time = excluded.expire_time, "
    "access_time = excluded.access_time, size = excluded.size, mode = excluded.mode, "
    "filename = excluded.filename, value = excluded.value"
)
# Of the expired rows, so many go with each write.
_EXPIRED = (
    "rowid IN (SELECT rowid FROM Cache WHERE expire_time <= ? ORDER BY expire_time LIMIT 200)"
)
_HELD = "SELECT COUNT(*), COALESCE(SUM(LENGTH(value)), 0) + COALESCE(SUM(size), 0) FROM Cache"


class FileBackend:
    """Keeps values in a directory, shared safely by any number of processes.

    Large values are files beside the database. Nothing is created before the first write. A
    directory that can't be written still serves reads.
    """

    shared = True

    def __init__(
        self,
        directory: str | os.PathLike[str],
        *,
        timeout: float = 5.0,
        max_size: int | None = None,
        max_bytes: int | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Use `directory`.

        Args:
            directory: made with the first write.
            timeout: most seconds to wait for another writer.
            max_size: most entries; those go first that were used least recently. All processes
                that write should name the same limits.
            max_bytes: most bytes of values, likewise.
            clock: tells seconds, the same in all processes.

        Raises:
            StorageError: the path is no directory, or a later version made it.
        """
        self.directory = Path(directory).absolute()
        self.max_size, self.max_bytes, self.clock = max_size, max_bytes, clock
        self._room = Room(max_size, max_bytes)
        self.evictions = self.expirations = 0
        self._database = Database(self.directory, timeout)
        self._values = Values(self.directory)

    @property
    def url(self) -> str:
        """See `Backend.url`."""
        return f"file:{self.directory}"

    def get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        """See `Backend.get_many`."""
        with self._database.reading() as connection:
            found = self._contents(connection, keys)
            if self._room.is_limited:
                self._room.use(found, self.clock())
            return found

    def set_many(self, items: Mapping[str, bytes], ttl: float | None = None) -> None:
        """See `Backend.set_many`."""
        with self._values.changing() as files, self._database.writing() as connection:
            self._store(connection, items, ttl, files)

    def replace_many(self, items: Mapping[str, Replacement]) -> dict[str, bytes | None]:
        """See `Backend.replace_many`."""
        with self._values.changing() as files, self._database.writing() as connection:
            fresh, gone, others = sort_out(items, self._contents(connection, items))
            self._store(connection, fresh, None, files)
            for marks, batch in _batches(gone):
                _delete(connection, f"key IN ({marks})", batch, files)
            return others

    def add(self, key: str, value: bytes, ttl: float | None = None) -> bool:
        """See `Backend.add`."""
        with self._values.changing() as files, self._database.writing() as connection:
            if list(self._rows(connection, "key", [key])):
                return False
            self._store(connection, {key: value}, ttl, files)
            return True

    def delete_many(self, keys: Iterable[str]) -> int:
        """See `Backend.delete_many`."""
        if self._is_empty():
            return 0
        deleted = 0
        with self._values.changing() as files, self._database.writing() as connection:
            for marks, batch in _batches(keys):
                condition = f"{_LIVE} AND key IN ({marks})"
                deleted += _delete(connection, condition, [self.clock(), *batch], files)
        return deleted

    def touch(self, key: str, ttl: float | None) -> bool:
        """See `Backend.touch`."""
        if self._is_empty():
            return False
        with self._database.writing() as connection:
            now = self.clock()
            touched = connection.execute(
                f"UPDATE Cache SET expire_time = ? WHERE {_LIVE} AND key = ?",  # noqa: S608  fixed
                (None if ttl is None else now + ttl, now, key),
            )
            return touched.rowcount > 0

    def incr(self, key: str, delta: int, ttl: float | None = None) -> int:
        """See `Backend.incr`."""
        with self._values.changing() as files, self._database.writing() as connection:
            row = next(
                self._rows(connection, "mode, filename, value, size, expire_time", [key]), ()
            )
            result = count_up(self._values.read(*row[:4]) or b"?" if row else None, delta)
            if row:
                ttl = None if row[4] is None else row[4] - self.clock()
            self._store(connection, {key: b"%d" % result}, ttl, files)
            return result

    def remaining(self, keys: Iterable[str]) -> dict[str, float | None]:
        """See `Backend.remaining`."""
        with self._database.reading() as connection:
            now = self.clock()
            return {
                key: None if deadline is None else deadline - now
                for key, deadline in self._rows(connection, "key, expire_time", keys)
                if deadline is None or deadline > now
            }

    def keys(self, prefix: str = "") -> Iterator[str]:
        """See `Backend.keys`."""
        with self._database.reading() as connection:
            if connection is None:
                return iter(())
            condition, values = self._below(prefix)
            rows = connection.execute(f"SELECT key FROM Cache WHERE {condition}", values)  # noqa: S608  fixed
            return iter([row[0] for row in rows])

    def clear(self, prefix: str = "") -> int:
        """See `Backend.clear`."""
        if self._is_empty():
            return 0
        with self._values.changing() as files, self._database.writing() as connection:
            condition, values = self._below(prefix)
            cleared = _delete(connection, condition, values, files)
            self._expire(connection, files)
            return cleared

    def size(self, prefix: str = "") -> BackendSize:
        """See `Backend.size`."""
        with self._database.reading() as connection:
            if connection is None:
                return BackendSize(0, 0)
            condition, values = self._below(prefix)
            return BackendSize(*connection.execute(f"{_HELD} WHERE {condition}", values).fetchone())

    def tallies(self) -> dict[str, int]:
        """See `Backend.tallies`; what this process evicted and found expired."""
        return {"evictions": self.evictions, "expirations": self.expirations}

    def close(self) -> None:
        """See `Backend.close`."""
        # Who may only read leaves no notes.
        with suppress(StorageError):
            if self._room.has_news and not self._is_empty():
                with self._database.writing() as connection:
                    self._room.note_uses(connection)
        self._database.close()

    def note_uses(self, keys: Iterable[str]) -> None:
        """See `NotesUses.note_uses`; where there are limits, reads are uses by themselves."""
        self._room.use(keys, self.clock())

    def last_uses(self, keys: Iterable[str]) -> dict[str, float]:
        """See `NotesUses.last_uses`."""
        with self._database.reading() as connection:
            return dict(self._room.last_uses(connection, keys))

    def _is_empty(self) -> bool:
        with self._database.reading() as connection:
            return connection is None

    def _contents(
        self, connection: sqlite3.Connection | None, keys: Iterable[str]
    ) -> dict[str, bytes]:
        found: dict[str, bytes] = {}
        read = self._values.read
        rows = self._rows(connection, "key, mode, filename, value, size", keys)
        for key, mode, filename, value, size in rows:
            content = read(mode, filename, value, size)
            if content is not None:
                found[key] = content
        return found

    def _rows(
        self, connection: sqlite3.Connection | None, columns: str, keys: Iterable[str]
    ) -> Iterator[tuple[Any, ...]]:
        if connection is None:
            return
        for marks, batch in _batches(keys):
            statement = f"SELECT {columns} FROM Cache WHERE {_LIVE} AND key IN ({marks})"  # noqa: S608
            yield from connection.execute(statement, [self.clock(), *batch]).fetchall()

    def _below(self, prefix: str) -> tuple[str, list[Any]]:
        condition = f"{_LIVE} AND typeof(key) = 'text'"
        if not prefix:
            return condition, [self.clock()]
        # The lower bound uses the index; the comparison decides, whatever characters follow.
        encoded = prefix.encode()
        return (
            f"{condition} AND key >= ? AND substr(CAST(key AS BLOB), 1, ?) = ?",
            [self.clock(), prefix, len(encoded), encoded],
        )

    def _store(
        self,
        connection: sqlite3.Connection,
        items: Mapping[str, bytes],
        ttl: float | None,
        files: Files,
    ) -> None:
        now = self.clock()
        deadline = None if ttl is None else now + ttl
        self._expire(connection, files)
        for marks, batch in _batches(items):
            replaced = connection.execute(
                f"SELECT filename FROM Cache WHERE filename IS NOT NULL AND key IN ({marks})",  # noqa: S608  fixed
                batch,
            )
            files.old += [row[0] for row in replaced]
        if self.max_bytes is not None:
            items = self._that_fit(connection, items, self.max_bytes, files)
        connection.executemany(
            _UPSERT,
            [(key, now, deadline, now, *self._values.place(v, files)) for key, v in items.items()],
        )
        self._room.note_uses(connection)
        if self._room.is_limited:
            gone = list(self._room.excess(connection))
            for row in gone:
                _delete(connection, "rowid = ?", [row], files)
            self.evictions += len(gone)

    def _that_fit(
        self, connection: sqlite3.Connection, items: Mapping[str, bytes], most: int, files: Files
    ) -> dict[str, bytes]:
        """Return the `items` of at most `most` bytes; others must not drive out what is there."""
        fitting = {key: value for key, value in items.items() if len(value) <= most}
        if len(fitting) < len(items):
            for marks, batch in _batches(items.keys() - fitting.keys()):
                _delete(connection, f"key IN ({marks})", batch, files)
            self.evictions += len(items) - len(fitting)
        return fitting

    def _expire(self, connection: sqlite3.Connection, files: Files) -> None:
        self.expirations += _delete(connection, _EXPIRED, [self.clock()], files)


def _batches(keys: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
    wanted = list(keys)
    for start in range(0, len(wanted), _BATCH):
        batch = wanted[start : start + _BATCH]
        yield ",".join("?" * len(batch)), batch


def _delete(connection: sqlite3.Connection, condition: str, values: list[Any], files: Files) -> int:
    rows = connection.execute(f"DELETE FROM Cache WHERE {condition} RETURNING filename", values)  # noqa: S608  fixed
    names = [row[0] for row in rows]
    files.old += [name for name in names if name is not None]
    return len(names)
