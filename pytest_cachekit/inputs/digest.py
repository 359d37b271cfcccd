"""The one hash function of the package."""

from __future__ import annotations

# As hashlib has it; hashlib loads OpenSSL besides, which takes longer than all else here.
from _blake2 import blake2b


def digest(content: bytes) -> str:
    """Return the fingerprint of `content`: 128 bits of BLAKE2b, as hexadecimal digits."""
    return blake2b(content, digest_size=16).hexdigest()


def digest_text(*parts: str) -> str:
    """Return the fingerprint of a sequence of strings; no two sequences share their encoding."""
    hasher = blake2b(digest_size=16)
    for part in parts:
        encoded = part.encode("utf-8", "surrogateescape")
        hasher.update(b"%d:" % len(encoded))
        hasher.update(encoded)
    return hasher.hexdigest()
