"""A text for the arguments of a call, so that other arguments have another."""

from __future__ import annotations

import datetime as dt
import decimal
import hashlib
import uuid
from typing import Any

# What their `repr` tells apart from everything else.
_PLAIN = frozenset(
    (
        *(type(None), bool, int, float, complex, str, bytes),
        *(dt.date, dt.timedelta, decimal.Decimal, uuid.UUID),
    )
)


def digest_arguments(args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    """Return a digest that tells plain arguments apart by value and by type.

    Dictionaries of another order are other arguments: what is called may see it.

    Raises:
        TypeError: one of them, or something in it, isn't plain.
    """
    parts: list[str] = []
    _describe(args, parts)
    for name in sorted(kwargs):
        parts.append(f"{name}=")
        _describe(kwargs[name], parts)
    return hashlib.blake2b(
        "".join(parts).encode(errors="surrogatepass"), digest_size=16
    ).hexdigest()


def _describe(value: Any, parts: list[str]) -> None:
    kind = type(value)
    if kind in _PLAIN:
        parts.append(f"{value!r},")
    elif kind in (tuple, list, dict):
        parts.append(f"{kind.__name__}[")
        for each in value.items() if kind is dict else value:
            _describe(each, parts)
        parts.append("]")
    else:
        raise TypeError(f"a {kind.__name__} is no plain data")
