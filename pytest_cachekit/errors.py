"""Every error and warning of the package.

Each message is one sentence that says what happened and what to do about it.
"""

from __future__ import annotations


class CachekitError(Exception):
    """Base of all errors that this package raises on purpose."""


class StorageError(CachekitError):
    """A backend can't be opened, read or written; the message says what to do."""


class CacheUnavailableWarning(UserWarning):
    """The cache can't be used as asked; the tests run as they would without it."""
