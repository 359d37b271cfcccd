"""pytest-cachekit: replay the tests whose inputs have not changed."""

__version__ = "0.1.0"
__all__ = ["__version__"]
