"""The form of a probe: a small project, and a change that its tests notice or don't.

Probes are tables of the TOML files beside this module, one file per area. A
table named `every` holds what all probes of its file have. Keys:

| key           | meaning                                                                  |
|---------------|--------------------------------------------------------------------------|
| `expect`      | what the change does: "red", a test fails; "hits", none may run again;   |
|               | "same", tests may run again, and end as without the cache                |
| `files`       | names and contents; `test_{a,b}.py` stands for two files                 |
| `prepare`     | Python code, run in the project's directory before it is recorded        |
| `replace`     | the change: by file, a text and what comes in its place                  |
| `write`       | the change: files that are added or written anew                         |
| `remove`      | the change: files that go                                                |
| `act`         | the change: Python code, run in the project's directory                  |
| `move`        | the change: the project lies elsewhere                                   |
| `environment` | `before` and `after`: environment variables                              |
| `arguments`   | `before` and `after`: pytest's                                           |
| `python`      | `before` and `after`: the interpreter's                                  |
| `since`       | the first Python that can run it, as [3, 12]                             |
| `folder`      | where pytest runs, below the project's directory                         |
| `limit`       | why the cache is fooled, or can't behave as if it weren't there          |
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import msgspec

HERE = Path(__file__).resolve().parent
_EVERY = "every"


class Variables(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Environment variables, as long as the change is to come and once it is done."""

    before: dict[str, str] = {}
    after: dict[str, str] | None = None


class Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Arguments, as long as the change is to come and once it is done."""

    before: list[str] = []
    after: list[str] | None = None


class Probe(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A small project and a change; the module's text explains the fields."""

    area: str
    name: str
    files: dict[str, str] = {}
    expect: Literal["red", "hits", "same"] = "red"
    prepare: str = ""
    replace: dict[str, tuple[str, str]] = {}
    write: dict[str, str] = {}
    remove: list[str] = []
    act: str = ""
    move: bool = False
    environment: Variables = Variables()
    arguments: Words = Words()
    python: Words = Words()
    since: tuple[int, int] = (3, 11)
    folder: str = "."
    limit: str = ""

    @property
    def title(self) -> str:
        """The area's name and its own."""
        return f"{self.area}/{self.name}"


def load_probes(folder: Path = HERE) -> list[Probe]:
    """Return the probes in `folder` that this Python can run, in the order of files.

    Raises:
        ValueError: a file isn't TOML, or a table in it isn't a probe.
    """
    probes = (probe for path in sorted(folder.glob("*.toml")) for probe in _read(path))
    return [probe for probe in probes if sys.version_info >= probe.since]


def _read(path: Path) -> Iterator[Probe]:
    tables: dict[str, dict[str, Any]] = tomllib.loads(path.read_text(encoding="utf-8"))
    every = tables.pop(_EVERY, {})
    for name, table in tables.items():
        merged = {**every, **table, "area": path.stem, "name": name}
        merged["files"] = {**every.get("files", {}), **table.get("files", {})}
        try:
            yield msgspec.convert(merged, Probe)
        except msgspec.ValidationError as error:
            raise ValueError(f"{path.name}, [{name}]: {error}") from error
