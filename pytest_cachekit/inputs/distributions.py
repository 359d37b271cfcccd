"""Installed distributions as inputs: name, version and the digest of RECORD.

A distribution stands for itself and all that it requires, so that a test
which imports one library also depends on the libraries under it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from .aside import import_aside
from .digest import digest_text

if TYPE_CHECKING:
    from importlib import metadata

ABSENT = "absent"

_ENTRY_POINT = re.compile(r"^\s*([^\s=\[]+)\s*=", re.MULTILINE)
_SCRIPT = re.compile(r"(?:\.\./)+bin/([^/]+)")
_OF_INSTALLER = re.compile(
    r"(^|/)__pycache__/|\.dist-info/(RECORD|INSTALLER|REQUESTED|direct_url\.json|uv_cache\.json)$"
)
# The parser of importlib.metadata takes milliseconds; extras and conditions are taken as met.
_REQUIREMENT = re.compile(r"^Requires-Dist:\s*([A-Za-z0-9][A-Za-z0-9._-]*)", re.MULTILINE)


def normalized(name: str) -> str:
    """Return the canonical form of a distribution's name (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


class Distributions:
    """The distributions installed for this interpreter, read once."""

    def __init__(self) -> None:
        self._own: dict[str, str] = {}
        self._requirements: dict[str, list[str]] = {}
        self._obvious: dict[str, str | None] = {}

    @cached_property
    def _by_name(self) -> dict[str, metadata.Distribution]:
        module = import_aside("importlib.metadata")
        found: dict[str, metadata.Distribution] = {}
        # All along `sys.path`; asking `metadata.distributions` would import the module once more.
        context = module.DistributionFinder.Context()
        for distribution in module.MetadataPathFinder.find_distributions(context):
            name = label(distribution).partition("-")[0]
            if name:
                found.setdefault(normalized(name), distribution)
        return found

    @cached_property
    def _owners(self) -> dict[str, str]:
        """Top-level file or package in site-packages, to the distribution that brought it."""
        owners: dict[str, str] = {}
        for name, distribution in self._by_name.items():
            for file in _recorded_files(distribution):
                parts = file.split("/")
                if parts[0] not in ("..", "", "__pycache__"):
                    # Packages shared by several distributions (a namespace) are
                    # owned at their second level as well.
                    owners.setdefault(parts[0], name)
                    if len(parts) > 1:
                        owners["/".join(parts[:2])] = name
        return owners

    def _obvious_owner(self, package: str) -> str | None:
        """Return the distribution of the same name, where it did bring `package`."""
        name = normalized(package)
        distribution = self._by_name.get(name)
        if distribution is None:
            return None
        record = distribution.read_text("RECORD") or ""
        return name if f"\n{package}/__init__.py," in f"\n{record}" else None

    def owner(self, path: str, installed_roots: tuple[str, ...]) -> str | None:
        """Return the distribution that installed the absolute `path`, if one says so."""
        for root in installed_roots:
            if path.startswith(root):
                parts = path[len(root) :].split(os.sep)
                if parts[0] not in self._obvious:
                    self._obvious[parts[0]] = self._obvious_owner(parts[0])
                obvious = self._obvious[parts[0]]
                if obvious is not None:
                    return obvious
                return self._owners.get("/".join(parts[:2])) or self._owners.get(parts[0])
        return None

    def fingerprint(self, name: str) -> str:
        """Return the fingerprint of `name` and of all that it requires, or "absent"."""
        if normalized(name) not in self._by_name:
            return ABSENT
        parts = {key: self._own_fingerprint(key) for key in self.with_required(name)}
        return digest_text(*(f"{key}={parts[key]}" for key in sorted(parts)))

    def with_required(self, name: str) -> frozenset[str]:
        """Return the normalized names of `name` and of all that it requires, installed or not."""
        wanted, found = [normalized(name)], set[str]()
        while wanted:
            current = wanted.pop()
            if current not in found:
                found.add(current)
                wanted.extend(self._required(current))
        return frozenset(found)

    @cached_property
    def of_pytest(self) -> tuple[str, ...]:
        """The distributions that bring pytest and its plugins."""
        return tuple(
            name
            for name, distribution in self._by_name.items()
            if name in ("pytest", "pluggy") or "pytest11" in self._entry_points(distribution)
        )

    @cached_property
    def labels(self) -> frozenset[str]:
        """Names and versions of all that is installed."""
        return frozenset(map(label, self._by_name.values()))

    @cached_property
    def entry_points(self) -> str:
        """The text of all installed entry points."""
        return "\n".join(map(self._entry_points, self._by_name.values()))

    def files(self, name: str) -> Iterator[str]:
        """Iterate over the absolute paths of the files that an installed distribution brought."""
        distribution = self._by_name.get(name)
        if distribution is not None:
            for file in _recorded_files(distribution):
                yield os.path.normpath(str(distribution.locate_file(file)))

    def _entry_points(self, distribution: metadata.Distribution) -> str:
        return distribution.read_text("entry_points.txt") or ""

    def _required(self, name: str) -> list[str]:
        known = self._requirements.get(name)
        if known is None:
            distribution = self._by_name.get(name)
            text = "" if distribution is None else distribution.read_text("METADATA") or ""
            known = [normalized(match.group(1)) for match in _REQUIREMENT.finditer(text)]
            self._requirements[name] = known
        return known

    def all_fingerprint(self) -> str:
        """Return the fingerprint of the whole set of installed distributions."""
        return digest_text(*sorted(label(distribution) for distribution in self._by_name.values()))

    def _own_fingerprint(self, name: str) -> str:
        cached = self._own.get(name)
        if cached is None:
            distribution = self._by_name.get(name)
            if distribution is None:
                return ABSENT
            record = distribution.read_text("RECORD")
            if record:
                content = _lasting(record, self._entry_points(distribution))
            else:
                content = distribution.read_text("METADATA") or ""
            cached = self._own[name] = digest_text(label(distribution), content)
        return cached


def label(distribution: metadata.Distribution) -> str:
    """Return name and version of a distribution."""
    # Reading METADATA is most of the cost of listing distributions; the directory says it too.
    path = getattr(distribution, "_path", None)
    if path is not None and path.name.endswith(".dist-info"):
        return str(path.name).removesuffix(".dist-info")
    return f"{distribution.metadata['Name'] or ''}-{distribution.version}"


def _lasting(record: str, entry_points: str) -> str:
    """Return the lines of RECORD that are the same wherever and by whatever it is installed.

    Installers make scripts of entry points, which name the interpreter by its path; compile
    modules or don't; and tell who they are, and from where they took it.
    """
    scripts = set(_ENTRY_POINT.findall(entry_points)) if "../" in record else set()

    def lasts(file: str) -> bool:
        made = _SCRIPT.fullmatch(file)
        return not _OF_INSTALLER.search(file) and not (made and made[1] in scripts)

    lines = record.splitlines()
    return "\n".join(sorted(line for line in lines if lasts(line.partition(",")[0].strip('"'))))


def _recorded_files(distribution: metadata.Distribution) -> list[str]:
    text = distribution.read_text("RECORD")
    if text is not None:
        return [line.partition(",")[0].strip('"') for line in text.splitlines()]
    return (distribution.read_text("top_level.txt") or "").split()
