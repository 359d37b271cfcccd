"""Databases of sqlite3: they are opened by C code, which tells only of the connection."""

from __future__ import annotations

import os
from typing import Any

from .file_events import absolute
from .recorder import Recorder

_ATTACH = 24  # SQLITE_ATTACH, an action that an authorizer is asked about
_ALLOWED = 0  # SQLITE_OK


def connected(recorder: Recorder, arguments: tuple[Any, ...]) -> None:
    """Note which database a connection is to."""
    _note(recorder, arguments[0])


def watch_attached(recorder: Recorder, connection: Any) -> None:
    """Ask a new connection to tell of the databases that its statements attach."""

    def authorize(action: int, name: str | None, *_: str | None) -> int:
        if action == _ATTACH:
            recorder.observe(_note, recorder, name)
        return _ALLOWED

    connection.set_authorizer(authorize)


def _note(recorder: Recorder, database: Any) -> None:
    if database is None:
        recorder.current.refuse("attaches a database whose name only SQLite knows")
        return
    if isinstance(database, (str, bytes)) and os.fsdecode(database).startswith("file:"):
        database = _path_of(os.fsdecode(database))
    name = absolute(database)
    if name is None or os.path.basename(name) == ":memory:" or database in ("", b""):
        return
    if os.path.lexists(name):
        # What isn't yet moved from the journal to the database counts as well.
        recorder.read_journal(name + "-wal")
        recorder.modifies(name, reads=True)
    else:
        recorder.read_existence(os.path.dirname(name))
        recorder.created_here(name)


def _path_of(uri: str) -> str | None:
    """Return the path that an SQLite URI names; None where it is in memory."""
    from urllib.parse import parse_qs, unquote, urlsplit

    parts = urlsplit(uri)
    path = unquote(parts.path)
    if parse_qs(parts.query).get("mode") == ["memory"] or path in ("", ":memory:"):
        return None
    return path
