"""Floor `resources`: the machine that caches run on, and what keeps them within limits."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .cgroups import ContainerLimits as ContainerLimits
    from .cgroups import container_limits as container_limits
    from .cleanup import Cleaner as Cleaner
    from .cleanup import CleanupResult as CleanupResult
    from .cleanup import CleanupTask as CleanupTask
    from .limits import ResourceLimits as ResourceLimits
    from .limits import Violation as Violation
    from .manager import ResourceManager as ResourceManager
    from .monitor import ResourceMonitor as ResourceMonitor
    from .reading import ResourceReader as ResourceReader
    from .reading import ResourceReading as ResourceReading

_HOMES = {
    "Cleaner": "cleanup",
    "CleanupResult": "cleanup",
    "CleanupTask": "cleanup",
    "ContainerLimits": "cgroups",
    "ResourceLimits": "limits",
    "ResourceManager": "manager",
    "ResourceMonitor": "monitor",
    "ResourceReader": "reading",
    "ResourceReading": "reading",
    "Violation": "limits",
    "container_limits": "cgroups",
}
__all__ = [
    "Cleaner",
    "CleanupResult",
    "CleanupTask",
    "ContainerLimits",
    "ResourceLimits",
    "ResourceManager",
    "ResourceMonitor",
    "ResourceReader",
    "ResourceReading",
    "Violation",
    "container_limits",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
