"""Every error and warning of the package.

Each message is one sentence that says what happened and what to do about it.
"""

from __future__ import annotations


class CachekitError(Exception):
    """Base of all errors that this package raises on purpose."""


class CacheError(CachekitError):
    """Base of all errors of caches and of what they keep their values in."""


class StorageError(CacheError):
    """A backend can't be opened, read or written; the message says what to do."""


class CacheUsageError(CacheError, ValueError):
    """An argument or option is none that a cache takes."""


class CacheConflictError(CacheError):
    """A name is already that of a cache with other options."""


class CodecError(CacheError, TypeError):
    """A value can't be encoded."""


class NotStorableError(CachekitError):
    """An outcome can't be stored; the message says why."""


class CounterError(CacheError, TypeError):
    """What is to be counted up is no integer, or would leave 64 bits."""


class CacheUnavailableWarning(UserWarning):
    """The cache can't be used as asked; the tests run as they would without it."""
