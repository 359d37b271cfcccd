"""Floor `storage`: bytes under keys, wherever they are kept."""

from .backend import Backend as Backend
from .backend import BackendSize as BackendSize
from .opening import open_backend as open_backend

__all__ = ["Backend", "BackendSize", "open_backend"]
