"""What an execution cache did and holds."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class ExecutionStats:
    """What an execution cache did and holds."""

    total_hits: int
    """Of all processes that ever used it."""
    hits: int
    """Of this process, as all numbers below."""
    misses: int
    stale: int
    uncacheable: int
    errors: int
    saved: float
    """Seconds that what was replayed had taken."""
    size: int
    """Entries that are stored."""
    max_size: int | None
    bytes: int
    """What their outcomes take."""
    ttl: float | None
    timestamp: str
    """When this was found, in UTC, as ISO 8601 writes it."""

    def as_dict(self) -> dict[str, Any]:
        """Return the same as plain data: what is about the cache, and the time stamp."""
        cache = asdict(self)
        timestamp = cache.pop("timestamp")
        return {"cache": cache, "timestamp": timestamp}
