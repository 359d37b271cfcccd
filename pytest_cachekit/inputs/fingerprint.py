"""The fingerprint that each kind of input has now.

| kind          | name                  | fingerprint                                       |
|---------------|-----------------------|---------------------------------------------------|
| file          | path                  | digest of the content, or what else is there      |
| journal       | path                  | the same, where it isn't empty                    |
| listing       | path of a directory   | digest of the names in it                         |
| metadata      | path                  | type, size, what its owner may do with it         |
| mode          | path                  | type and all permissions                          |
| output        | path                  | the same as a file's, of what the action wrote    |
| packages      | path of a directory   | digest of the names of packages' metadata in it   |
| sizes         | path of a directory   | digest of the names and sizes of the files in it  |
| link          | path                  | where a symbolic link leads, or the type          |
| existence     | path                  | type                                              |
| environment   | variable              | digest of the value, or "unset"                   |
| environment names | "set"             | digest of the names of all variables              |
| module        | dotted name           | where an import finds it                          |
| distribution  | normalized name       | digest of version and RECORD, requirements too    |
| distributions | "installed"           | digest of all names and versions                  |
| program       | name or path          | "absent", or the digest of what would run         |
| umask         | "start"               | the permissions that new files don't get          |
| declared      | glob pattern          | digest of the names and contents that match       |

Who runs actions adds kinds of its own.
"""

from __future__ import annotations

import os
import posix
import stat
from collections.abc import Callable
from functools import cached_property

from .aside import import_aside
from .digest import digest, digest_text
from .distributions import Distributions
from .layout import Layout
from .resolution import Resolver

Contents = dict[str, tuple[tuple[int, ...], str]]
"""By path: what tells that a file stands still, and the digest of its content."""

ABSENT = "absent"
UNSET = "unset"
# By-products of tools, which come and go beside what a listing is read for: in any directory,
# and in the root.
_BY_PRODUCTS = (".pyc", ".pyo", "__pycache__/")
_BY_PRODUCTS_OF_ROOT = frozenset(
    {".pytest_cache/", ".cachekit/", ".hypothesis/", ".coverage", ".mypy_cache/", ".ruff_cache/"}
)
_PACKAGES = (".dist-info", ".egg-info", ".egg", ".egg-link")
# Set anew by the shell, the terminal or pytest for each run; no outcome should depend on them.
_NOISE = frozenset(
    {
        "COLUMNS", "LINES", "TERM", "TERM_SESSION_ID", "WINDOWID", "_", "SHLVL",
        "PWD", "OLDPWD", "SSH_CLIENT", "SSH_CONNECTION", "SSH_TTY", "SSH_AUTH_SOCK",
    }
)  # fmt: skip
_NOISY_PREFIXES = ("CACHEKIT_", "PYTEST_", "COV_CORE_")
_SET_BY_PYTEST = ("PYTEST_CURRENT_TEST", "PYTEST_VERSION", "COV_CORE_")
# Only workers of pytest-xdist have them, and their values are as good as random.
_OF_WORKERS = "PYTEST_XDIST_"


def is_own(variable: str) -> bool:
    """Return whether an environment variable is set by pytest, its plugins or this package."""
    return variable.startswith(("CACHEKIT_", *_SET_BY_PYTEST))


def is_noise(variable: str) -> bool:
    """Return whether a variable, not asked for by name, differs from run to run by its nature."""
    return (
        variable in _NOISE or variable == "PYTHONHASHSEED" or variable.startswith(_NOISY_PREFIXES)
    )


def value_fingerprint(variable: str, value: bytes) -> str:
    """Return the fingerprint of one value of an environment variable."""
    return digest(os.fsencode(variable) + b"=" + value)


class Fingerprints:
    """Computes fingerprints of inputs in one checkout, on one machine, now."""

    def __init__(
        self,
        layout: Layout,
        distributions: Distributions | None = None,
        *,
        umask: str | None = None,
        contents: Contents | None = None,
    ) -> None:
        """Compute for the project of `layout`.

        Args:
            layout: where it lies.
            distributions: what is installed.
            umask: the permissions that new files don't get, where that is known already.
            contents: what to remember the digests of files in.
        """
        self.layout = layout
        self.distributions = distributions or Distributions()
        # Variables count as they were before any code of the project could change them.
        self._environment: dict[bytes, bytes] = dict(os.environ._data)  # type: ignore[attr-defined]
        self._variables: dict[str, str] = {}
        if umask is None:
            mask = posix.umask(0)
            posix.umask(mask)
            umask = f"{mask:o}"
        self._umask = umask
        self.places = Resolver(layout)
        """Where modules are found."""
        self._contents: Contents = {} if contents is None else contents
        self.file_read: Callable[[], None] = lambda: None
        """Is called whenever a file's content was read."""
        self.kinds: dict[str, Callable[[str], str]] = {
            "file": self.file,
            "journal": self.journal,
            "listing": self.listing,
            "metadata": self.metadata,
            "mode": self.mode,
            "output": self.file,
            "sizes": self.sizes,
            "packages": self.packages,
            "existence": self.existence,
            "link": self.link,
            "environment": self.environment,
            "environment names": lambda _: self.environment_names(),
            "module": self.places.fingerprint,
            "distribution": self.distributions.fingerprint,
            "distributions": lambda _: self.distributions.all_fingerprint(),
            "program": self.program,
            "umask": lambda _: self._umask,
            "declared": self.declared,
        }
        """How each kind is computed from a name."""

    @cached_property
    def distributed(self) -> bool:
        """Whether tests run in workers of pytest-xdist; may be set by who knows."""
        return any(name.startswith(_OF_WORKERS.encode()) for name in self._environment)

    def forget_places(self) -> None:
        """Forget where modules are found: `sys.path` is another one now."""
        self.places = Resolver(self.layout, known=self.places.known)
        self.kinds["module"] = self.places.fingerprint

    def now(self, kind: str, name: str) -> str:
        """Return the fingerprint of the input `name` of `kind` as it is now.

        An unknown kind, or one that can't be computed, has a fingerprint that no stored one equals.
        """
        try:
            return self.kinds[kind](name)
        except (KeyError, OSError, ValueError) as error:
            return f"unreadable: {type(error).__name__}"

    def file(self, name: str) -> str:
        """Return the digest of a file's content, or what else there is in its place."""
        path = self.layout.path(name)
        try:
            status = posix.stat(path)
        except (OSError, ValueError):
            return ABSENT
        if not stat.S_ISREG(status.st_mode):
            return "directory" if stat.S_ISDIR(status.st_mode) else "special"
        # Within one run only: a file whose time, size and identity stand still isn't read twice.
        signature = (status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino)
        known = self._contents.get(path)
        if known is not None and known[0] == signature:
            return known[1]
        with open(path, "rb") as stream:
            fingerprint = digest(stream.read())
        self.file_read()
        self._contents[path] = (signature, fingerprint)
        return fingerprint

    def journal(self, name: str) -> str:
        """Return the digest of a file's content, or "absent" where it has none."""
        return ABSENT if self.metadata(name).startswith("file 0 ") else self.file(name)

    def listing(self, name: str) -> str:
        """Return the digest of names and types in a directory, by-products of tools left out."""
        try:
            with os.scandir(self.layout.path(name)) as entries:
                names = [f"{entry.name}{'/' * entry.is_dir()}" for entry in entries]
        except OSError:
            return ABSENT
        ignored = _BY_PRODUCTS_OF_ROOT if name == "." else ()
        kept = (name for name in names if name not in ignored and not name.endswith(_BY_PRODUCTS))
        return digest_text(*sorted(kept))

    def packages(self, name: str) -> str:
        """Return the digest of the names of packages' metadata in a directory."""
        try:
            names = os.listdir(self.layout.path(name))
        except OSError:
            return ABSENT
        return digest_text(*sorted(name for name in names if name.endswith(_PACKAGES)))

    def sizes(self, name: str) -> str:
        """Return the digest of names and metadata of the files in a directory."""
        try:
            with os.scandir(self.layout.path(name)) as entries:
                names = sorted(entry.name for entry in entries)
        except OSError:
            return ABSENT
        found = ((entry, self.metadata(os.path.join(name, entry))) for entry in names)
        return digest_text(*(f"{entry} {data}" for entry, data in found if data.startswith("file")))

    def metadata(self, name: str) -> str:
        """Return type, size and the owner's permissions; time stamps are no inputs."""
        try:
            status = posix.stat(self.layout.path(name))
        except (OSError, ValueError):
            return ABSENT
        if stat.S_ISREG(status.st_mode):
            return f"file {status.st_size} {status.st_mode & stat.S_IRWXU:o}"
        return "directory" if stat.S_ISDIR(status.st_mode) else "special"

    def mode(self, name: str) -> str:
        """Return type and all permissions; those of others depend on who checked a file out."""
        try:
            return f"{posix.stat(self.layout.path(name)).st_mode:o}"
        except (OSError, ValueError):
            return ABSENT

    def existence(self, name: str) -> str:
        """Return the type of what is there, or "absent"."""
        return self.metadata(name).partition(" ")[0]

    def link(self, name: str) -> str:
        """Return where a symbolic link leads, or the type of what is there."""
        try:
            return f"to {posix.readlink(self.layout.path(name))}"
        except OSError:
            return self.existence(name)

    def environment(self, name: str) -> str:
        """Return the digest of the value that a variable had at the start, or "unset"."""
        known = self._variables.get(name)
        if known is None:
            if name.startswith(_OF_WORKERS):
                known = "of a worker" if self.distributed else UNSET
            else:
                value = self._environment.get(os.fsencode(name))
                known = UNSET if value is None else value_fingerprint(name, value)
            self._variables[name] = known
        return known

    def environment_names(self) -> str:
        """Return the digest of the names of all variables that are set, noise left out."""
        names = map(os.fsdecode, self._environment)
        return digest_text(*sorted(name for name in names if not is_noise(name)))

    def program(self, name: str) -> str:
        """Return the digest of the executable file that `name` starts, or "absent"."""
        path = self._environment.get(b"PATH")
        found = import_aside("shutil").which(name, path=None if path is None else os.fsdecode(path))
        return ABSENT if found is None else self.file(found)

    def declared(self, pattern: str) -> str:
        """Return the digest of the names and contents of the files that match `pattern`."""
        return digest_text(
            *(
                part
                for path in self.declared_files(pattern)
                for part in (self.layout.name(path), self.file(path))
            )
        )

    def declared_files(self, pattern: str) -> list[str]:
        """Return the absolute paths of the files that match `pattern`."""
        root = import_aside("pathlib").Path(self.layout.root)
        return [str(path) for path in sorted(root.glob(pattern)) if path.is_file()]
