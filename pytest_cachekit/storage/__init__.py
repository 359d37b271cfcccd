"""Floor `storage`: bytes under keys, wherever they are kept."""

from .backend import AsyncBackend as AsyncBackend
from .backend import Backend as Backend
from .backend import BackendSize as BackendSize
from .opening import open_async_backend as open_async_backend
from .opening import open_backend as open_backend
from .opening import stack as stack
from .shelf import Shelf as Shelf

__all__ = [
    "AsyncBackend",
    "Backend",
    "BackendSize",
    "Shelf",
    "open_async_backend",
    "open_backend",
    "stack",
]
