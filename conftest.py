"""What the whole repository's tests share: which folders hold none."""

from __future__ import annotations

collect_ignore = ["benchmarks", "lab"]
