"""Signatures of what is stored: HMAC-SHA256 over the name and the content.

Grammar: `%xC1 "s" HMAC-SHA256 content`; no msgpack message and no packed text starts with C1.
"""

from __future__ import annotations

import os
from pathlib import Path

from ..errors import CacheUsageError

KEY_VARIABLE = "CACHEKIT_SIGNING_KEY"
KEY_FILE_VARIABLE = "CACHEKIT_SIGNING_KEY_FILE"
SIGNED = b"\xc1s"
_START = len(SIGNED) + 32
_SHORTEST_KEY = 16


class Seal:
    """Signs, and tells what was signed with the same key under the same name."""

    def __init__(self, key: bytes, purpose: str = "") -> None:
        """Sign with `key`.

        Args:
            key: at least 16 bytes.
            purpose: what one purpose signed does not hold for another.

        Raises:
            CacheUsageError: the key is too short.
        """
        if len(key) < _SHORTEST_KEY:
            raise CacheUsageError(f"A signing key has at least {_SHORTEST_KEY} bytes: give more.")
        # Where nothing is signed it isn't loaded, nor OpenSSL with it.
        import hmac

        self._digest, self._equal = hmac.digest, hmac.compare_digest
        self._key = hmac.digest(key, purpose.encode(), "sha256") if purpose else key

    def sign(self, name: str, content: bytes) -> bytes:
        """Return `content` with its signature, to be stored under `name`."""
        return SIGNED + self._signature(name, content) + content

    def verified(self, name: str, stored: bytes) -> bytes | None:
        """Return the content signed under `name`; None where no such signature holds."""
        content = stored[_START:]
        signature = stored[len(SIGNED) : _START]
        holds = self._equal(signature, self._signature(name, content))
        return content if holds and stored.startswith(SIGNED) else None

    def conceal(self, text: str) -> str:
        """Return a digest of `text` from which nobody without the key can guess it."""
        return self._digest(self._key, text.encode("utf-8", "surrogateescape"), "sha256").hex()[:32]

    def _signature(self, name: str, content: bytes) -> bytes:
        encoded = name.encode()
        return self._digest(self._key, b"%d:%b%b" % (len(encoded), encoded, content), "sha256")


def key_from_environment() -> bytes | None:
    """Return the key that the environment gives, or the file that it names; None for none.

    Raises:
        CacheUsageError: the file can't be read.
    """
    if os.environ.get(KEY_VARIABLE):
        return os.environ[KEY_VARIABLE].encode()
    path = os.environ.get(KEY_FILE_VARIABLE)
    if not path:
        return None
    try:
        return Path(path).read_bytes().strip()
    except OSError as error:
        raise CacheUsageError(f"{KEY_FILE_VARIABLE} names no readable file: {error}.") from error
