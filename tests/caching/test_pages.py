"""The page about caches leaves nothing out."""

from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def test_every_method_has_its_line() -> None:
    from pytest_cachekit.caching import AsyncCache, Cache

    page = (DOCS / "caching.md").read_text(encoding="utf-8")
    public = {name for face in (Cache, AsyncCache) for name in dir(face) if name[0] != "_"}
    told = set(re.findall(r"[`.](\w+)[`(]", page))

    assert public - told == set()
