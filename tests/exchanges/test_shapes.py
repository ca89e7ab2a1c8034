"""An empty list from an endpoint that answers with objects is a fault."""

from __future__ import annotations

import asyncio

import pytest

from monitor.errors import VenueUnavailable
from monitor.exchanges import shapes
from monitor.exchanges.guard import guarded
from tests.exchanges.conftest import Reply, running

BINANCE = guarded("binance").venue
PLACE = (("private",), "GET", "myTrades")


def test_the_declared_kind_counts_until_one_was_seen() -> None:
    """Binance's fills are a list, its account is an object; a body that holds something is believed above that."""
    account = (("private",), "GET", "account")
    assert shapes.in_kind(BINANCE, PLACE, [])
    assert not shapes.in_kind(BINANCE, account, [])
    assert shapes.in_kind(BINANCE, account, [{"a": 1}])
    assert shapes.in_kind(BINANCE, account, [])


def test_what_was_seen_is_remembered() -> None:
    """After an object, `[]` is no answer of that endpoint any more."""
    assert shapes.in_kind(BINANCE, PLACE, {"rows": []})
    assert not shapes.in_kind(BINANCE, PLACE, [])


@pytest.mark.parametrize("first", ['{"orders": [{"id": 1}]}', None])
def test_an_empty_list_after_an_object_is_an_error_over_http(first: str | None) -> None:
    """The memory belongs to the venue, not to one client."""

    async def ask(text: str) -> list[object]:
        async with running(lambda _asked: Reply(text)) as venue, venue.client("binance") as client:
            return list((await client.call("fetch_my_trades", "BTC/USDT")).parsed)

    if first is None:
        assert asyncio.run(ask("[]")) == []
    else:
        asyncio.run(ask(first))
        with pytest.raises(VenueUnavailable, match="does not say"):
            asyncio.run(ask("[]"))
