"""pytest-cachekit: replay the tests whose inputs have not changed."""

# As type checkers know it; `typing` itself would be loaded by all who install this.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from .actions.analysis import AnalysisCache as AnalysisCache
    from .actions.artifacts import ArtifactCache as ArtifactCache
    from .actions.execution import ExecutionCache as ExecutionCache
    from .actions.plans import PlanCache as PlanCache
    from .plugin.cached_fixture import fixture as fixture
    from .plugin.declared import DeclaredInputs as DeclaredInputs
    from .resources.caches import CacheManager as CacheManager
    from .resources.manager import ResourceManager as ResourceManager

__version__ = "0.1.0"
__all__ = [
    "AnalysisCache",
    "ArtifactCache",
    "CacheManager",
    "DeclaredInputs",
    "ExecutionCache",
    "PlanCache",
    "ResourceManager",
    "__version__",
    "fixture",
]

_HOMES = {
    "AnalysisCache": "actions.analysis",
    "ArtifactCache": "actions.artifacts",
    "CacheManager": "resources.caches",
    "ExecutionCache": "actions.execution",
    "DeclaredInputs": "plugin.declared",
    "PlanCache": "actions.plans",
    "ResourceManager": "resources.manager",
    "fixture": "plugin.cached_fixture",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    found: object = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    return found
