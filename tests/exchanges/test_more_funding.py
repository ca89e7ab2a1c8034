"""Funding of Bitget, HTX, KuCoin and MEXC in their wire forms: asked for whole, each payment once, signed."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from monitor.clock import DAY, Window
from monitor.exchanges.extra_source import ExtraSource
from monitor.exchanges.extras import EXTRAS, extras_of
from monitor.exchanges.pages import Page
from monitor.records import Account, StreamKey
from tests.exchanges.conftest import Asked, At, FakeVenue, Reply, market

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitor.exchanges.extra import Extra
    from monitor.records import Book

NOW = 1_767_225_600_000
SPAN = Window(NOW - DAY, NOW)
AT = NOW - 5_000
LINEAR, INVERSE = "BTC/USDT:USDT", "BTC/USD:BTC"
IDS = {
    "bitget": {LINEAR: "BTCUSDT", INVERSE: "BTCUSD"},
    "htx": {LINEAR: "BTC-USDT", INVERSE: "BTC-USD"},
    "kucoin": {LINEAR: "XBTUSDTM", INVERSE: "XBTUSDM"},
    "mexc": {LINEAR: "BTC_USDT", INVERSE: "BTC_USD"},
}


def read(
    at_venue: At, exchange: str, extra: Extra, answer: Callable[[Asked], object], where: tuple[Book, str]
) -> tuple[Page, list[Asked]]:
    """Return one reading of a funding stream in (book, symbol), and what was asked."""
    asked: list[Asked] = []
    book, symbol = where

    def reply(one: Asked) -> Reply:
        asked.append(one)
        return Reply(json.dumps(answer(one)))

    async def work(venue: FakeVenue) -> Page:
        client = venue.client(exchange)
        client.exchange.set_markets([market(identity, one) for one, identity in IDS[exchange].items()])
        client.exchange.apiKey, client.exchange.password = "k", "p"
        async with client:
            source = ExtraSource(client, StreamKey("desk", "funding", book, symbol), extra, symbol)
            return await source.read(SPAN)

    page = at_venue(reply, work)
    assert isinstance(page, Page)
    return page, asked


def funding_of(exchange: str, book: Book, name: str = "") -> Extra:
    return next(
        one for one in EXTRAS[exchange] if one.kind == "funding" and book in one.books and name in ("", one.name)
    )


def bitget(product: str) -> object:
    row = {"billId": "7", "symbol": "BTCUSDT", "amount": "-0.0123", "fee": "0", "coin": "USDT", "cTime": str(AT)}
    bills = [{**row, "businessType": "contract_settle_fee"}] if product == "USDT-FUTURES" else []
    return {"code": "00000", "msg": "success", "data": {"bills": bills, "endId": "7"}}


def test_bitgets_bills_need_no_market(at_venue: At) -> None:
    """All markets of a product line in one call, in a window and with the type of bill named."""
    extra = funding_of("bitget", "linear", "USDT-FUTURES")
    page, asked = read(at_venue, "bitget", extra, lambda one: bitget(one.params["productType"]), ("linear", ""))
    assert [(move.kind, move.asset, move.amount) for move in page.movements] == [
        ("funding", "USDT", Decimal("-0.0123"))
    ]
    assert asked[-1].params == {
        "productType": "USDT-FUTURES", "businessType": "contract_settle_fee", "startTime": str(SPAN.start),
        "endTime": str(SPAN.end - 1), "limit": "100",
    }  # fmt: skip


def test_bitgets_bill_of_another_kind_is_put_aside(at_venue: At) -> None:
    """A venue that forgot the filter would list trades and transfers: none of them is a payment."""
    bill = {"billId": "8", "businessType": "open_long", "amount": "-5", "coin": "USDT", "cTime": str(AT), "symbol": ""}
    body = {"code": "00000", "data": {"bills": [bill], "endId": "8"}}
    page, _ = read(at_venue, "bitget", funding_of("bitget", "linear"), lambda _: body, ("linear", ""))
    assert (page.movements, ["open_long" in one.reason for one in page.quarantined]) == ((), [True])


def test_bitgets_unified_account_is_asked_for_its_records(at_venue: At) -> None:
    """`uta` of the settings decides which list is read; of its records only payments are taken."""
    unified = Account("a", "bitget", books=("linear",), options={"uta": True})
    (extra, _) = [one for one in extras_of(unified) if one.kind == "funding"]
    row = {"category": "USDT-FUTURES", "symbol": "BTCUSDT", "coin": "USDT", "fee": "0", "balance": "1", "ts": str(AT)}
    rows = [
        {**row, "id": "1", "type": "CONTRACT_MAIN_SETTLE_FEE_USER_OUT", "amount": "-0.0123"},
        {**row, "id": "2", "type": "OPEN_LONG", "amount": "-5"},
    ]
    body = {"code": "00000", "data": {"list": rows, "cursor": "2"}}
    page, asked = read(at_venue, "bitget", extra, lambda _: body, ("linear", ""))
    assert ([str(move.amount) for move in page.movements], page.quarantined) == (["-0.0123"], ())
    assert (asked[-1].path, asked[-1].params["category"]) == ("/api/v3/account/financial-records", "USDT-FUTURES")


def htx_linear(_: Asked) -> object:
    row = {"id": "7", "type": "30", "currency": "USDT", "amount": "-0.0123", "contract_code": "BTC-USDT"}
    return {"code": 200, "message": "Success", "data": [{**row, "margin_mode": "cross", "created_time": str(AT)}]}


def htx_inverse(_: Asked) -> object:
    row = {
        "query_id": 9,
        "id": 7,
        "type": 31,
        "amount": "-0.0123",
        "ts": AT,
        "contract_code": "BTC-USD",
        "asset": "BTC",
    }
    return {"code": 200, "msg": "", "data": [row], "ts": NOW}


def kucoin(_: Asked) -> object:
    row = {"id": 7, "symbol": "XBTUSDTM", "timePoint": AT, "funding": "-0.0123", "settleCurrency": "USDT"}
    return {"code": "200000", "data": {"dataList": [row], "hasMore": False}}


BY_MARKET = [
    ("htx", htx_linear, ("linear", LINEAR), ("start_time", "end_time")),
    ("htx", htx_inverse, ("inverse", INVERSE), ("start_time", "end_time")),
    ("kucoin", kucoin, ("linear", LINEAR), ("startAt", "endAt")),
]


@pytest.mark.parametrize(("exchange", "answer", "where", "names"), BY_MARKET)
def test_a_venue_that_wants_a_market_is_asked_for_each_that_was_traded(
    at_venue: At, exchange: str, answer: Callable[[Asked], object], where: tuple[Book, str], names: tuple[str, str]
) -> None:
    """The window reaches the venue under its own names, and paid is negative."""
    extra = funding_of(exchange, where[0])
    assert extra.per_market
    page, asked = read(at_venue, exchange, extra, answer, where)
    (move,) = page.movements
    asset = "BTC" if where[0] == "inverse" else "USDT"
    assert (move.kind, move.asset, move.amount, page.quarantined) == ("funding", asset, Decimal("-0.0123"), ())
    assert IDS[exchange][where[1]] in asked[-1].params.values()
    assert [int(asked[-1].params[name]) for name in names] == [SPAN.start, SPAN.end - 1]


def test_a_market_is_known_by_the_fills_in_it(at_venue: At) -> None:
    """One stream for each perpetual of the account's books that was ever traded; dated futures pay no funding."""
    del at_venue
    account = Account("a", "htx", books=("linear",))
    markets: list[tuple[Book, str]] = [
        ("linear", LINEAR), ("linear", f"{LINEAR}-260327"), ("inverse", INVERSE), ("linear", "ETH/USDT:USDT"),
    ]  # fmt: skip
    streams = [one for extra in extras_of(account) for one in extra.streams(account, markets)]
    assert streams == [
        ("linear", f"{symbol} {mode}", symbol) for mode in ("cross", "isolated") for symbol in (LINEAR, "ETH/USDT:USDT")
    ]


def mexc_page(number: int, rows: int) -> object:
    """Return a page of MEXC's list: newest first, an hour apart, 250 in all, every second one coin-margined."""
    found = [
        {
            "id": 1000 - at, "symbol": "BTC_USD" if at % 2 else "BTC_USDT", "positionType": 1, "positionValue": 1,
            "funding": -0.0123, "rate": 0.1, "settleTime": AT - at * 3_600_000,
        }
        for at in range((number - 1) * 100, min(number * 100, rows))
    ]  # fmt: skip
    return {"success": True, "code": 0, "data": {"pageSize": 100, "currentPage": number, "resultList": found}}


def test_mexcs_list_without_times_is_read_by_page_until_it_is_older_than_the_window(at_venue: At) -> None:
    """A day lies on the first page; 250 hours on three."""
    extra = funding_of("mexc", "linear")
    page, asked = read(at_venue, "mexc", extra, lambda one: mexc_page(int(one.params["page_num"]), 250), ("linear", ""))
    assert [one.params["page_num"] for one in asked] == ["1"]
    assert {(move.asset, move.book) for move in page.movements} == {("USDT", "linear"), ("BTC", "inverse")}
    inside = [move for move in page.movements if move.time >= SPAN.start]
    assert (len(inside), page.raw_rows, page.quarantined) == (24, 0, ())


def test_mexcs_whole_list_is_read_where_the_window_is_long(at_venue: At) -> None:
    """Pages are followed to the last one, which is not full."""
    extra = funding_of("mexc", "linear")

    async def work(venue: FakeVenue) -> Page:
        client = venue.client("mexc")
        client.exchange.set_markets([market(identity, one) for one, identity in IDS["mexc"].items()])
        async with client:
            return await ExtraSource(client, StreamKey("desk", "funding", "linear"), extra).read(Window(0, NOW))

    page = at_venue(lambda one: Reply(json.dumps(mexc_page(int(one.params["page_num"]), 250))), work)
    assert isinstance(page, Page)
    assert (len(page.movements), page.calls) == (250, 3)
