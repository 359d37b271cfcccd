"""Files and variables that the standard library's C code reads by itself, without an event."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from types import ModuleType
from typing import Any

from .callers import is_machinery
from .database_events import watch_attached
from .file_events import absolute
from .patching import Patches, Prepare
from .recorder import Recorder

_OPENSSL_VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "OPENSSL_CONF")


def native_readers(recorder: Recorder, patches: Patches) -> dict[str, Prepare]:
    """Return, by name of a module, what makes its C code tell `recorder` what it reads."""

    def read_named(*arguments: Any, **options: Any) -> None:
        for path in (*arguments, *options.values()):
            name = absolute(path) if isinstance(path, (str, os.PathLike)) else None
            if name is not None and os.path.isdir(name):
                recorder.read_listing(name)
            elif name is not None:
                recorder.read_file(name)

    def read_defaults(*_: Any) -> None:
        for variable in _OPENSSL_VARIABLES:
            recorder.read("environment", variable)

    def open_database(path: Any, flag: str = "r", *_: Any) -> None:
        name = absolute(path)
        if name is not None and flag == "r":
            recorder.read_file(name)
        elif name is not None:
            recorder.modifies(name, reads=True)

    def method(owner: Any, name: str, note: Callable[..., None]) -> None:
        original = getattr(owner, name)

        @functools.wraps(original)
        def call(self: Any, *arguments: Any, **options: Any) -> Any:
            recorder.observe(functools.partial(note, *arguments, **options))
            return original(self, *arguments, **options)

        patches.set(owner, name, call)

    def prepare_ssl(module: ModuleType) -> None:
        context = module.SSLContext
        for name in ("load_verify_locations", "load_cert_chain"):
            method(context, name, read_named)
        method(context, "set_default_verify_paths", read_defaults)

    def prepare_dbm(module: ModuleType) -> None:
        original = module.open

        @functools.wraps(original)
        def open_(*arguments: Any) -> Any:
            recorder.observe(open_database, *arguments)
            return original(*arguments)

        patches.set(module, "open", open_)

    def prepare_sqlite(module: ModuleType) -> None:
        original = module.connect

        @functools.wraps(original)
        def connect(*arguments: Any, **options: Any) -> Any:
            if is_machinery(1):
                # Data of coverage, for one.
                with recorder.unobserved():
                    return original(*arguments, **options)
            connection = original(*arguments, **options)
            watch_attached(recorder, connection)
            return connection

        patches.set(module, "connect", connect)

    return {
        "ssl": prepare_ssl,
        "_gdbm": prepare_dbm,
        "_dbm": prepare_dbm,
        "sqlite3.dbapi2": prepare_sqlite,
        "sqlite3": prepare_sqlite,
    }
