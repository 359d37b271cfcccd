"""Limits of a directory: what it holds is counted for all its writers, and who was used least goes.

The count stands in a table of its own, which triggers keep true, so that no writer has to
count, whoever wrote, and whoever was killed. A transaction that would exceed a limit removes
a little more than need be, in the order of `access_time`; reads are noted there by the
next write of the process that did them, or when it closes.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator

from ..errors import CacheUsageError
from .backend import BackendSize

# SQLite allows 999 variables in a statement in its oldest builds.
_BATCH = 900
_WEIGHT = "COALESCE(LENGTH({0}.value), 0) + COALESCE({0}.size, 0)"
_ADD = f"entries = entries + 1, bytes = bytes + {_WEIGHT.format('NEW')}"
_TAKE = f"entries = entries - 1, bytes = bytes - ({_WEIGHT.format('OLD')})"
_CHANGE = f"bytes = bytes + {_WEIGHT.format('NEW')} - ({_WEIGHT.format('OLD')})"
_TRIGGERS = (
    ("AFTER INSERT ON Cache", _ADD),
    ("AFTER DELETE ON Cache", _TAKE),
    ("AFTER UPDATE OF value, size ON Cache", _CHANGE),
)
_COUNT = f"SELECT 1, COUNT(*), COALESCE(SUM({_WEIGHT.format('Cache')}), 0) FROM Cache"  # noqa: S608  fixed


class Room:
    """What one directory may hold, as one process sees to it."""

    def __init__(self, max_size: int | None, max_bytes: int | None) -> None:
        """Let it hold so many entries, and bytes of values.

        Args:
            max_size: most entries.
            max_bytes: most bytes.

        Raises:
            CacheUsageError: a limit keeps nothing.
        """
        for name, limit in (("max_size", max_size), ("max_bytes", max_bytes)):
            if limit is not None and limit < 1:
                raise CacheUsageError(f"{name}={limit!r} keeps nothing: give 1 or more, or None.")
        self.max_size, self.max_bytes = max_size, max_bytes
        self.is_limited = max_size is not None or max_bytes is not None
        self._used: dict[str, float] = {}

    @property
    def has_news(self) -> bool:
        """Whether there are reads to note."""
        return bool(self._used)

    def use(self, keys: Iterable[str], now: float) -> None:
        """Keep in mind that `keys` were used."""
        self._used.update(dict.fromkeys(keys, now))

    def note_uses(self, connection: sqlite3.Connection) -> None:
        """Write down what was read since the last time."""
        if self._used:
            used, self._used = self._used, {}
            connection.executemany(
                "UPDATE Cache SET access_time = MAX(access_time, ?) WHERE key = ? AND raw = 1",
                [(when, key) for key, when in used.items()],
            )

    def last_uses(
        self, connection: sqlite3.Connection | None, keys: Iterable[str]
    ) -> Iterator[tuple[str, float]]:
        """Yield the keys that are there, and when each was written or, as known, read last."""
        wanted = list(keys)
        for start in range(0, len(wanted), _BATCH) if connection is not None else ():
            batch = wanted[start : start + _BATCH]
            assert connection is not None
            rows = connection.execute(
                "SELECT key, access_time FROM Cache WHERE raw = 1 AND key IN "  # noqa: S608  fixed
                f"({','.join('?' * len(batch))})",
                batch,
            )
            yield from ((key, max(when, self._used.get(key, when))) for key, when in rows)

    def excess(self, connection: sqlite3.Connection) -> Iterator[int]:
        """Yield the rows to delete so that all else has room."""
        held = self._held(connection)
        if not self._is_too_much(held, 0):
            return
        oldest = connection.execute(
            f"SELECT rowid, {_WEIGHT.format('Cache')} FROM Cache ORDER BY access_time, rowid"  # noqa: S608  fixed
        )
        # All at once: who deletes while a statement still reads finds whatever it finds.
        for row, weight in oldest.fetchall():
            # A twentieth more than need be, so that not every write has to look for what is oldest.
            if not self._is_too_much(held, 20):
                return
            held = BackendSize(held.entries - 1, held.bytes - weight)
            yield row

    def _held(self, connection: sqlite3.Connection) -> BackendSize:
        wanted = "SELECT entries, bytes FROM CachekitHeld"
        try:
            return BackendSize(*connection.execute(wanted).fetchone())
        except sqlite3.OperationalError:
            # Nobody who had limits wrote here yet.
            connection.execute(
                "CREATE TABLE CachekitHeld (id INTEGER PRIMARY KEY, entries INTEGER, bytes INTEGER)"
            )
            connection.execute(f"INSERT INTO CachekitHeld {_COUNT}")
            for number, (event, change) in enumerate(_TRIGGERS):
                connection.execute(
                    f"CREATE TRIGGER CachekitHeld{number} {event} "  # noqa: S608  fixed
                    f"BEGIN UPDATE CachekitHeld SET {change}; END"
                )
            return BackendSize(*connection.execute(wanted).fetchone())

    def _is_too_much(self, held: BackendSize, share: int) -> bool:
        """Return whether `held` is beyond a limit less one `share`th of it."""
        return any(
            limit is not None and value > limit - (limit // share if share else 0)
            for value, limit in ((held.entries, self.max_size), (held.bytes, self.max_bytes))
        )
