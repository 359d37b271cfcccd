"""From a URL to a backend."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote

from ..errors import StorageError
from .backend import Backend

SCHEMES = ("file:", "memory:")


def open_backend(url: str, *, relative_to: Path | None = None) -> Backend:
    """Open the backend that `url` names.

    Args:
        url: `file:PATH`, `file://PATH` or `memory:`.
        relative_to: what a relative path starts from; the working directory by default.

    Raises:
        StorageError: the scheme is unknown, or the backend can't be used.
    """
    scheme, separator, rest = url.partition(":")
    if scheme == "memory" and separator:
        from .memory import MemoryBackend

        return MemoryBackend()
    if scheme == "file" and separator:
        from .file import FileBackend

        path = Path(unquote(rest[2:]) if rest.startswith("//") else rest)
        if not rest.strip("/"):
            raise StorageError(f"{url!r} names no directory: write file:PATH.")
        return FileBackend((relative_to or Path.cwd()) / path)
    raise StorageError(
        f"{url!r} is not a cache URL that is known here: write one of {', '.join(SCHEMES)} "
        "and what follows it, as in file:.cachekit."
    )
