"""What Django asks of each of its cache backends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import KINDS
from .suites import suite

# A cull drops a share of all entries there; here each write evicts as many as it must.
NOT_OURS = {"test_cull", "test_zero_cull", "test_cull_delete_when_store_empty"}
_ROOT = Path(__file__).parents[2]


def test_django(tmp_path: Path) -> None:
    source = suite("django")
    for name in ("asgiref", "sqlparse"):
        pytest.importorskip(name, reason=f"{name}, which Django needs, is missing")
    path = os.pathsep.join(map(str, (_ROOT, source, source / "tests")))
    told = subprocess.run(
        [sys.executable, "-m", "tests.conformance.django_run", tmp_path, *KINDS],
        cwd=_ROOT,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert told.returncode == 0, told.stderr
    results = json.loads(told.stdout.splitlines()[-1])
    assert {kind: of["failed"] for kind, of in results.items()} == {kind: {} for kind in KINDS}
    for of in results.values():
        assert set(of["skipped"]) == NOT_OURS
        assert of["ran"] >= 50
