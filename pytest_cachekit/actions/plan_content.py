"""What is stored of a plan besides its template."""

from __future__ import annotations

from typing import Any

import msgspec

from ..errors import CacheUsageError
from .entries import Outcome


class StoredPlan(msgspec.Struct, frozen=True, array_like=True):
    """What is stored of a template besides its text."""

    plan: Any
    defaults: dict[str, Any]


def encode_plan(plan: Any, defaults: dict[str, Any]) -> bytes:
    """Return what is stored of a plan.

    Raises:
        CacheUsageError: it is no plain data.
    """
    try:
        content = msgspec.msgpack.encode(StoredPlan(plan, defaults))
        same = msgspec.msgpack.decode(content, type=StoredPlan) == StoredPlan(plan, defaults)
    except (TypeError, ValueError) as error:
        raise CacheUsageError(f"A plan is plain data: {error}.") from error
    if not same:
        raise CacheUsageError("A plan would come back as something else: write lists for tuples.")
    return content


def decode_plan(outcome: Outcome) -> StoredPlan | None:
    """Return the plan in an outcome; None where it can't be read."""
    try:
        return msgspec.msgpack.decode(outcome.content, type=StoredPlan)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
