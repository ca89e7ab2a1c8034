"""Spot and margin fills where a venue lists them together: each in one book, once, whichever stream reads it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from monitor.clock import DAY, Window
from monitor.exchanges.families import unread
from monitor.exchanges.pages import Page
from monitor.exchanges.sources import FillSource
from monitor.records import StreamKey
from tests.exchanges.conftest import At, FakeVenue, Reply

if TYPE_CHECKING:
    from monitor.records import Book

NOW = 1_767_225_600_000
SPAN = Window(NOW - DAY, NOW)


def kraken() -> object:
    row = {
        "ordertxid": "O1", "postxid": "P1", "pair": "XXBTZUSD", "time": (NOW - 5000) / 1000, "type": "buy",
        "ordertype": "limit", "price": "2", "cost": "2", "fee": "0", "vol": "1", "margin": "0.0", "misc": "",
    }  # fmt: skip
    return {"error": [], "result": {"trades": {"T1": row, "T2": {**row, "margin": "0.4"}}, "count": 2}}


def bybit() -> object:
    row = {
        "symbol": "BTCUSDT", "execType": "Trade", "execId": "T1", "orderId": "O1", "side": "Buy", "execQty": "1",
        "execPrice": "2", "execFee": "0", "execTime": str(NOW - 5000), "isMaker": False, "isLeverage": "0",
    }  # fmt: skip
    rows = [row, {**row, "execId": "T2", "isLeverage": "1"}]
    return {"retCode": 0, "retMsg": "OK", "result": {"nextPageCursor": "", "list": rows}}


def keys(at_venue: At, exchange: str, body: object, book: Book) -> dict[str, str]:
    """Return the key and book of every fill that the stream of a book gives."""

    async def work(venue: FakeVenue) -> Page:
        async with venue.client(exchange) as client:
            return await FillSource(client, StreamKey("desk", "fills", book)).read(SPAN)

    page = at_venue(lambda _: Reply(json.dumps(body)), work)
    assert isinstance(page, Page)
    assert page.quarantined == ()
    return {fill.key: fill.book for fill in page.fills}


@pytest.mark.parametrize(("exchange", "body"), [("kraken", kraken()), ("bybit", bybit())])
def test_both_streams_know_a_fill_by_one_key(at_venue: At, exchange: str, body: object) -> None:
    """What was borrowed for is margin, the rest spot; read twice, it is stored once."""
    spot, margin = (keys(at_venue, exchange, body, book) for book in ("spot", "margin"))
    assert spot == margin
    assert sorted(spot.values()) == ["margin", "spot"]


def test_margin_is_not_read_where_it_cannot_be_told_from_spot() -> None:
    """Asking for it would give the spot fills once more, in another book: it is said instead."""
    assert unread("bitstamp", "margin")
    assert not unread("kraken", "margin")
    assert not unread("binance", "margin")
    assert not unread("bitstamp", "spot")
