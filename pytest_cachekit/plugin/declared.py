"""Inputs that somebody names because they can't be seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class DeclaredInputs:
    """What a test reads besides, as the hook `pytest_cachekit_inputs` returns it."""

    files: Sequence[str] = ()
    """Globs that start at the rootdir, as `db/*.sql`."""
    env: Sequence[str] = ()
    """Names of environment variables."""
    is_complete: bool = False
    """Whether these are all inputs of children and connections that can't be traced.

    Only then is a test cacheable that has such, as with the marker's `inputs=`.
    """
