"""Dated futures and options: every family of a book is asked for, and their rows land with size and book."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from monitor.clock import Window
from monitor.exchanges.pages import Page
from monitor.exchanges.sources import FillSource
from monitor.records import Book, StreamKey
from tests.exchanges.conftest import Asked, At, FakeVenue, Reply, market

if TYPE_CHECKING:
    from collections.abc import Callable

AT = 1_767_225_595_000
SPAN = Window(AT - 60_000, AT + 1)


def read(
    at_venue: At, exchange: str, book: Book, answer: Callable[[Asked], object], *markets: dict[str, object]
) -> tuple[Page, list[Asked]]:
    """Return what reading a book's fills gives, and what was asked."""
    asked: list[Asked] = []

    async def work(venue: FakeVenue) -> Page:
        client = venue.client(exchange)
        client.exchange.set_markets(list(markets), {code: currency(code) for code in ("BTC", "ETH", "USDC", "USDT")})
        client.exchange.password = "p"
        async with client:
            return await FillSource(client, StreamKey("desk", "fills", book)).read(SPAN)

    def respond(one: Asked) -> Reply:
        asked.append(one)
        return Reply(json.dumps(answer(one)))

    page = at_venue(respond, work)
    assert isinstance(page, Page)
    return page, asked


def currency(code: str) -> dict[str, object]:
    return {"id": code, "code": code, "precision": "0.00000001", "info": {}}


def okx_row(kind: str, identity: str) -> dict[str, str]:
    return {
        "instType": kind, "instId": identity, "tradeId": f"t{identity}", "ordId": "o", "billId": f"b{identity}",
        "fillPx": "100000", "fillSz": "3", "side": "buy", "execType": "T", "feeCcy": "USDT", "fee": "-1.5",
        "ts": str(AT), "fillPnl": "-12.5", "posSide": "long",
    }  # fmt: skip


def test_okxs_dated_futures_are_asked_for_beside_the_perpetuals(at_venue: At) -> None:
    """Two lists, each of linear and inverse contracts: contracts * contract size, in the book of the contract."""
    rows = {
        "SWAP": [okx_row("SWAP", "BTC-USDT-SWAP")],
        "FUTURES": [okx_row("FUTURES", "BTC-USDT-260327"), okx_row("FUTURES", "BTC-USD-260327")],
    }
    page, asked = read(
        at_venue, "okx", "linear", lambda one: {"code": "0", "data": rows[one.params["instType"]]},
        market("BTC-USDT-SWAP", "BTC/USDT:USDT", contractSize="0.01"),
        market("BTC-USDT-260327", "BTC/USDT:USDT-260327", settle="USDT", contractSize="0.01"),
        market("BTC-USD-260327", "BTC/USD:BTC-260327", settle="BTC", contractSize="100", linear=False, inverse=True),
    )  # fmt: skip
    assert [one.params["instType"] for one in asked] == ["SWAP", "FUTURES"]
    assert {(fill.symbol, fill.book, fill.amount * (fill.contract_size or 0)) for fill in page.fills} == {
        ("BTC/USDT:USDT", "linear", Decimal("0.03")),
        ("BTC/USDT:USDT-260327", "linear", Decimal("0.03")),
        ("BTC/USD:BTC-260327", "inverse", Decimal(300)),
    }
    assert page.quarantined == ()


def test_deribits_options_are_read_by_currency_and_expired_ones_too(at_venue: At) -> None:
    """One call a currency instead of one a market; an option that is no longer listed keeps its strike and its coin."""
    row = {
        "trade_id": "71", "timestamp": AT, "price": 0.025, "order_id": "o", "liquidity": "T", "fee_currency": "BTC",
        "instrument_name": "BTC-26DEC25-100000-C", "fee": 0.00003, "direction": "buy", "amount": 0.5,
    }  # fmt: skip

    def answer(one: Asked) -> object:
        rows = [row] if one.params["currency"] == "BTC" else []
        return {"jsonrpc": "2.0", "result": {"trades": rows, "has_more": False}}

    page, asked = read(at_venue, "deribit", "option", answer, market("BTC-PERPETUAL", "BTC/USD:BTC", contractSize="10"))
    assert [(one.params["currency"], one.params["kind"]) for one in asked] == [
        ("BTC", "option"), ("ETH", "option"), ("USDC", "option"),
    ]  # fmt: skip
    assert asked[0].params["end_timestamp"] == str(SPAN.end - 1)
    (fill,) = page.fills
    assert (fill.symbol, fill.book) == ("BTC/USD:BTC-251226-100000-C", "option")
    assert (fill.amount, fill.contract_size, fill.price) == (Decimal("0.5"), Decimal(1), Decimal("0.025"))
    assert page.quarantined == ()


@pytest.mark.parametrize(("book", "settle"), [("linear", "usdt"), ("inverse", "btc")])
def test_gates_books_are_settled_in_their_own_coin(at_venue: At, book: Book, settle: str) -> None:
    """What settles in bitcoin is another list, which ccxt asks for only if it is told so."""
    _, asked = read(at_venue, "gate", book, lambda _one: [], market("BTC_USDT", "BTC/USDT:USDT"))
    assert [f"/futures/{settle}/" in one.path for one in asked] == [True]
