"""CPython's own tests of what a mutable mapping does, over `Cache.as_mapping`."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any

import pytest

from pytest_cachekit.caching import Codec
from pytest_cachekit.plugin.caches import CacheFactory

mapping_tests = pytest.importorskip(
    "test.mapping_tests", reason="this Python came without its own tests"
)

# Values that no other codec keeps: tuples, functions, objects.
CODEC = Codec("pickle", signing_key=b"a key for these tests")


class OverCaches:
    """An empty cache wherever the suite wants an empty mapping.

    Its other half, `TestMappingProtocol`, asks for what dictionaries add to the protocol: `copy`,
    `fromkeys`, keys of any type, `|`. A cache is none of these.
    """

    kind: str
    factory: CacheFactory

    @pytest.fixture(autouse=True)
    def _make(self, cachekit_factory: CacheFactory) -> None:
        self.factory = cachekit_factory

    def type2test(self) -> MutableMapping[str, Any]:
        return self.factory(self.kind, codec=CODEC).as_mapping()


class TestMemory(OverCaches, mapping_tests.BasicTestMappingProtocol):  # type: ignore[misc, name-defined]
    kind = "memory"


class TestFile(OverCaches, mapping_tests.BasicTestMappingProtocol):  # type: ignore[misc, name-defined]
    kind = "file"


class TestRedis(OverCaches, mapping_tests.BasicTestMappingProtocol):  # type: ignore[misc, name-defined]
    kind = "redis"


class TestTiered(OverCaches, mapping_tests.BasicTestMappingProtocol):  # type: ignore[misc, name-defined]
    kind = "tiered"
