"""What to call inputs in sentences."""

from __future__ import annotations

from .fingerprint import ABSENT
from .reading import Input


def describe(item: Input) -> str:
    """Return what to call an input in a sentence about it."""
    kind, name, recorded = item
    if kind == "environment":
        return f"environment variable {name}"
    if (
        kind in ("file", "metadata", "existence", "listing", "module", "program")
        and recorded == ABSENT
    ):
        return f"{kind if kind in ('module', 'program') else 'path'} {name}, absent before,"
    words = {
        "file": "file",
        "listing": "listing of directory",
        "metadata": "metadata of",
        "mode": "permissions of",
        "output": "what it wrote into",
        "sizes": "sizes of the files in",
        "packages": "packages in",
        "existence": "existence of",
        "module": "place of module",
        "distribution": "distribution",
        "distributions": "set of distributions",
        "environment names": "which environment variables are set",
        "umask": "umask of the process at its",
        "program": "program",
        "declared": "declared input",
        "state": "value of",
        "unbound": "absence of the name",
        "loaded": "whether it is loaded already: module",
        "option": "option",
        "ini": "ini value",
        "marker": "registered marker",
        "plugins": "which plugins and conftests with hooks for all tests are there",
    }
    word = words.get(kind, kind)
    return word if kind in ("environment names", "distributions", "plugins") else f"{word} {name}"
