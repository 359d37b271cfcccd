"""Where a run's records lie: near, and on a remote tier that it shares with others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import CachekitError
from ..settings import Settings
from ..storage import Backend, Shelf, open_backend

# Of the whole time that a batch may take, what each step of it may: connecting, an answer.
_STEP = 0.4


@dataclass(frozen=True)
class Shelves:
    """The shelves of one run."""

    near: Shelf
    far: Shelf | None
    """None where there is no remote tier, or where it can't be used."""
    conceal: Callable[[str], str] | None
    """Makes digests of values that only holders of the key can guess at; None without a key."""
    shares_output: bool
    """Whether what tests printed goes to the far one as well."""

    def remarks(self) -> list[str]:
        """Return what the summary says of them, in lines that start with their topic."""
        lines: list[str] = []
        if self.far is not None:
            rights = " (read-only)" if self.far.read_only else ""
            lines.append(
                f"remote  {self.far.reads} records read, {self.far.writes} written, in "
                f"{self.far.url}{' (left out)' if self.far.is_lost else rights}"
            )
        distrusted = sum(shelf.distrusted for shelf in (self.near, self.far) if shelf is not None)
        if distrusted:
            why = "they are signed, and CACHEKIT_SIGNING_KEY is not set"
            if self.near.is_signed:
                why = "this run's key did not sign them"
            lines.append(f"trust   {distrusted} records were not read: {why}")
        return lines

    def close(self) -> None:
        """Close both."""
        self.near.close()
        if self.far is not None and not self.far.is_lost:
            self.far.close()


def open_shelves(
    settings: Settings,
    root: Path,
    *,
    with_far: bool,
    warn: Callable[[str], None],
    open_url: Callable[..., Backend] = open_backend,
) -> Shelves:
    """Open what the settings name.

    Args:
        settings: name the places.
        root: what relative paths start from.
        with_far: whether the remote tier is used here.
        warn: is told why the remote tier isn't used, once.
        open_url: opens a backend by its URL and the options of `open_backend`.

    Raises:
        CachekitError: the near one can't be used, or the signing key.
    """
    from ..storage.seal import Seal, key_from_environment

    key = key_from_environment()
    seal = None if key is None else Seal(key, "records")
    place = f"{settings.cachekit_namespace}/{settings.cachekit_epoch}:"
    common: dict[str, Any] = {"scope": "" if place == "/:" else place, "seal": seal}
    near = Shelf(open_url(settings.cachekit_url, relative_to=root), **common)
    far = None
    if with_far and settings.cachekit_remote:
        far = _open_far(settings, root, common, warn, open_url)
    return Shelves(
        near, far, None if seal is None else seal.conceal, settings.cachekit_remote_output
    )


def _open_far(
    settings: Settings,
    root: Path,
    common: dict[str, Any],
    warn: Callable[[str], None],
    open_url: Callable[..., Backend],
) -> Shelf | None:
    url, patience = settings.cachekit_remote, settings.cachekit_remote_timeout
    options: dict[str, Any] = {}
    if not url.startswith("memory:"):
        options["timeout"] = _STEP * patience
    if "://" in url and not url.startswith("file:"):
        options["deadline"] = patience

    def lose(error: CachekitError) -> None:
        warn(f"The remote cache is left out of this run: {error}")

    try:
        backend = open_url(url, relative_to=root, **options)
    except CachekitError as error:
        lose(error)
        return None
    read_only = "read-only" in (settings.cachekit_mode, settings.cachekit_remote_mode)
    return Shelf(backend, packed=True, read_only=read_only, on_loss=lose, **common)
