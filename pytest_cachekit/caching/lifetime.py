"""How long a value lives."""

from __future__ import annotations

import math
from datetime import timedelta

from ..errors import CacheUsageError

TTL = float | timedelta | None
"""Seconds or a `timedelta`, positive; None for the cache's default; `math.inf` for ever."""

# Longer is for ever: servers' milliseconds have an end.
_LONGEST = 100 * 365 * 86400.0


def seconds(ttl: TTL, default: float | None) -> float | None:
    """Return `ttl` in seconds, None for ever.

    Raises:
        CacheUsageError: it isn't positive.
    """
    if ttl is None:
        return default
    try:
        life = ttl.total_seconds() if isinstance(ttl, timedelta) else float(ttl)
    except (TypeError, ValueError, OverflowError) as error:
        raise CacheUsageError(
            f"{ttl!r} is no time to live: give seconds or a timedelta."
        ) from error
    if math.isnan(life) or life <= 0:
        raise CacheUsageError(
            f"A time to live of {ttl!r} would store what has expired: give positive seconds, "
            "or delete the key."
        )
    return None if life > _LONGEST else life
