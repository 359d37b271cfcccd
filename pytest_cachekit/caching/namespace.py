"""What sets the keys of one cache apart from those of others in the same backend."""

from __future__ import annotations

from ..errors import CacheUsageError


class Namespace:
    """The full names of a cache's keys."""

    def __init__(self, name: str, *, is_alone: bool) -> None:
        """Start each full name with `name`, unless nobody else uses the backend.

        No name's prefix is the beginning of another's: colons and percent signs in it are escaped.
        """
        escaped = name.replace("%", "%25").replace(":", "%3A")
        self.prefix = f"{escaped}:" if name and not is_alone else ""
        self.name(name)

    def name(self, key: str) -> str:
        """Return the full name of `key`.

        Raises:
            CacheUsageError: it is no text.
        """
        if not isinstance(key, str):
            raise CacheUsageError(f"Keys are text, and {key!r} is none: make a str of it.")
        if not key.isascii():
            try:
                key.encode()
            except UnicodeEncodeError as error:
                raise CacheUsageError(f"The key {key!r} is no valid text: {error}.") from error
        return self.prefix + key

    def names(self, keys: list[str]) -> list[str]:
        """Return the full names of `keys`.

        Raises:
            CacheUsageError: one of them is no text.
        """
        prefix = self.prefix
        try:
            "".join(keys).encode()
        except (TypeError, UnicodeEncodeError):
            return [self.name(key) for key in keys]
        return [prefix + key for key in keys]
