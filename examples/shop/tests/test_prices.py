"""The shop's tests: every backend, time that passes, a server that goes away."""

import asyncio

import pytest
from shop.prices import HOUR, Prices, price_soon


class Supplier:
    def __init__(self):
        self.asked = []

    def __call__(self, item):
        self.asked.append(item)
        return len(item) * 1.5

    async def soon(self, item):
        await asyncio.sleep(0)
        return self(item)


@pytest.fixture
def supplier():
    return Supplier()


def test_the_supplier_is_asked_once_an_hour(cachekit, cachekit_clock, supplier):
    prices = Prices(cachekit, supplier)
    assert [prices.price("tea"), prices.price("tea")] == [4.5, 4.5]
    cachekit_clock.advance(HOUR - 60)
    assert prices.price("tea") == 4.5
    assert supplier.asked == ["tea"]
    cachekit_clock.advance(61)
    prices.price("tea")
    assert supplier.asked == ["tea", "tea"]


def test_forgetting_prices_keeps_the_sales(cachekit, supplier):
    prices = Prices(cachekit, supplier)
    prices.price("tea")
    prices.sold("tea")
    prices.forget()
    assert cachekit.keys() == ["sold:tea"]
    assert prices.sold("tea") == 2


def test_two_shops_on_one_server(cachekit_factory, supplier):
    one, other = (Prices(cachekit_factory("redis"), supplier) for _ in range(2))
    assert [one.sold("tea"), one.sold("tea"), other.sold("tea")] == [1, 2, 1]


def test_the_shop_sells_on_while_the_server_is_away(cachekit_tiered, cachekit_outage, supplier):
    prices = Prices(cachekit_tiered, supplier)
    prices.price("tea")
    with cachekit_outage.begin():
        assert prices.price("tea") == 4.5
        assert prices.price("cake") == 6.0
    assert prices.price("cake") == 6.0
    assert supplier.asked == ["tea", "cake"]


@pytest.mark.cachekit_backends("memory", "redis")
def test_waiting_customers_ask_once(cachekit_async, supplier):
    async def customers():
        async with cachekit_async as cache:
            asked = (price_soon(cache, "tea", supplier.soon) for _ in range(10))
            return await asyncio.gather(*asked)

    assert asyncio.run(customers()) == [4.5] * 10
    assert supplier.asked == ["tea"]
