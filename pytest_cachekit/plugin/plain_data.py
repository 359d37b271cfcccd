"""What can be stored as it is."""

from __future__ import annotations


def is_plain(value: object) -> bool:
    """Return whether `value` comes back from where it is stored as what it was."""
    if isinstance(value, dict):
        return all(type(key) is str for key in value) and all(map(is_plain, value.values()))
    if type(value) is list:
        return all(map(is_plain, value))
    return type(value) in (str, int, float, bool, type(None))
