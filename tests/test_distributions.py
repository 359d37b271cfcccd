"""Installed distributions are the same wherever, by whatever and by whomever they are installed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pytest_cachekit.inputs.distributions import Distributions

FILES = [
    "kit/__init__.py,sha256=aa,1",
    "kit/data.json,sha256=bb,2",
    "kit-1.0.dist-info/METADATA,sha256=cc,3",
]
SCRIPT = "../../../bin/kit,sha256=dd,4"


def fingerprint(directory: Path, monkeypatch: pytest.MonkeyPatch, *lines: str) -> str:
    """What a distribution is to tests that use it, installed in `directory` with these files."""
    information = directory / "kit-1.0.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: kit\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text("[console_scripts]\nkit = kit:main\n")
    (information / "RECORD").write_text("\n".join([*lines, ""]))
    monkeypatch.setattr(sys, "path", [str(directory)])
    return Distributions().fingerprint("kit")


@pytest.mark.parametrize(
    "more",
    [
        ["../../../bin/kit,sha256=another-path,9", *FILES],
        [SCRIPT, *reversed(FILES)],
        [*FILES, SCRIPT, "kit/__pycache__/a.cpython-313.pyc,,", "__pycache__/kit.pyc,,"],
        [*FILES, SCRIPT, *(f"kit-1.0.dist-info/{n},sha256=ee,3" for n in ("INSTALLER", "RECORD"))],
        [*FILES, SCRIPT, "kit-1.0.dist-info/direct_url.json,sha256=ff,80"],
    ],
    ids=["elsewhere", "in another order", "compiled", "by another installer", "from a file"],
)
def test_how_it_was_installed_does_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: list[str]
) -> None:
    plain = fingerprint(tmp_path / "a", monkeypatch, SCRIPT, *FILES)

    assert fingerprint(tmp_path / "b", monkeypatch, *more) == plain


@pytest.mark.parametrize(
    "other",
    [
        [SCRIPT, "kit/__init__.py,sha256=changed,1", *FILES[1:]],
        [SCRIPT, *FILES[1:]],
        [SCRIPT, *FILES, "kit/more.py,sha256=aa,1"],
        [SCRIPT, "../../../bin/other,sha256=no-entry-point,4", *FILES],
        [SCRIPT, "../../../share/kit,sha256=dd,4", *FILES],
    ],
    ids=["changed", "removed", "added", "a script of its own", "data"],
)
def test_what_was_installed_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, other: list[str]
) -> None:
    plain = fingerprint(tmp_path / "a", monkeypatch, SCRIPT, *FILES)

    assert fingerprint(tmp_path / "b", monkeypatch, *other) != plain
