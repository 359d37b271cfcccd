"""Prices, asked for once an hour."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from pytest_cachekit.caching import AsyncCache, Cache

HOUR = 3600


class Prices:
    """What things cost, as the supplier said within the last hour."""

    def __init__(self, cache: Cache, ask: Callable[[str], float]) -> None:
        self._cache = cache
        self._ask = ask

    def price(self, item: str) -> float:
        price: float = self._cache.get_or_set(f"price:{item}", lambda: self._ask(item), HOUR)
        return price

    def sold(self, item: str) -> int:
        """Count one sale; return how many there were."""
        return self._cache.incr(f"sold:{item}")

    def forget(self) -> None:
        self._cache.delete_many(self._cache.keys("price:"))


async def price_soon(cache: AsyncCache, item: str, ask: Callable[[str], Awaitable[float]]) -> float:
    """Return what `item` costs, for those who await."""
    price: float = await cache.get_or_set(f"price:{item}", lambda: ask(item), HOUR)
    return price
