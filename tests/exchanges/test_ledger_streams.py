"""Funding, ledgers and conversions of more venues, in their wire forms: each event once, nothing told twice."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from monitor.clock import DAY, Window
from monitor.exchanges.extra_source import ExtraSource
from monitor.exchanges.extras import EXTRAS
from monitor.exchanges.pages import Page
from monitor.records import Book, StreamKey
from tests.exchanges.conftest import Asked, At, FakeVenue, Reply, market

if TYPE_CHECKING:
    from monitor.exchanges.extra import Extra
    from monitor.records import Movement

NOW = 1_767_225_600_000
SPAN = Window(NOW - DAY, NOW)
AT = NOW - 5_000
MARKETS = {
    "okx": ("BTC-USDT-SWAP", "BTC/USDT:USDT"),
    "gate": ("BTC_USDT", "BTC/USDT:USDT"),
    "krakenfutures": ("PF_XBTUSD", "BTC/USD:USD"),
    "hyperliquid": ("0", "BTC/USDC:USDC"),
    "bingx": ("BTC-USDT", "BTC/USDT:USDT"),
    "bitget": ("BTCUSDT", "BTC/USDT"),
    "bybit": ("BTCUSDT", "BTC/USDT:USDT"),
}


def extra(exchange: str, kind: str) -> Extra:
    return next(one for one in EXTRAS[exchange] if one.kind == kind)


def read(at_venue: At, exchange: str, kind: str, body: object, asked: list[Asked] | None = None) -> Page:
    """Return what one reading of a stream makes of a body."""
    book: Book = "linear" if kind == "funding" else "spot"

    def answer(one: Asked) -> Reply:
        if asked is not None:
            asked.append(one)
        return Reply(json.dumps(body))

    async def work(venue: FakeVenue) -> Page:
        client = venue.client(exchange)
        client.exchange.set_markets([market(*MARKETS[exchange])])
        client.exchange.apiKey, client.exchange.password, client.exchange.walletAddress = "k", "p", "0x" + "1" * 40
        async with client:
            source = ExtraSource(client, StreamKey("desk", kind, book), extra(exchange, kind))  # type: ignore[arg-type]
            return await source.read(SPAN)

    page = at_venue(answer, work)
    assert isinstance(page, Page)
    return page


def told(page: Page) -> list[tuple[str, str, str, str | None, str | None]]:
    def one(move: Movement) -> tuple[str, str, str, str | None, str | None]:
        received = None if move.received is None else str(move.received)
        return move.kind, move.asset, str(move.amount), move.to_asset, received

    return [one(move) for move in page.movements]


FUNDING = {
    "okx": {"code": "0", "data": [
        {"billId": "7", "instId": "BTC-USDT-SWAP", "ccy": "USDT", "balChg": "-0.0123", "ts": str(AT), "type": "8"}]},
    "gate": [{"time": AT / 1000, "change": "-0.0123", "balance": "9", "text": "BTC_USDT:1", "type": "fund"}],
    "krakenfutures": {"logs": [{
        "id": 7, "date": "2025-12-31T23:59:55.000Z", "asset": "usd", "contract": "pf_xbtusd",
        "info": "funding rate change", "realized_funding": -0.0123, "booking_uid": "u"}]},
    "hyperliquid": [{"time": AT, "hash": "0x" + "0" * 64, "delta": {
        "type": "funding", "coin": "BTC", "usdc": "-0.0123", "szi": "1", "fundingRate": "0.1"}}],
    "bingx": {"code": 0, "data": [{
        "symbol": "BTC-USDT", "incomeType": "FUNDING_FEE", "income": "-0.0123", "asset": "USDT", "time": AT,
        "tranId": "7", "tradeId": ""}]},
}  # fmt: skip


@pytest.mark.parametrize("exchange", FUNDING)
def test_a_funding_payment_is_one_signed_movement(at_venue: At, exchange: str) -> None:
    """Paid is negative, in what the contract settles in."""
    page = read(at_venue, exchange, "funding", FUNDING[exchange])
    assert page.quarantined == ()
    (move,) = page.movements
    assert (move.kind, move.amount, move.time) == ("funding", Decimal("-0.0123"), AT)
    assert move.asset == {"krakenfutures": "USD", "hyperliquid": "USDC"}.get(exchange, "USDT")


def test_hyperliquids_payments_share_a_hash_of_zeros_and_are_two(at_venue: At) -> None:
    """A payment each hour for the same coin: the hash names neither."""
    (row,) = FUNDING["hyperliquid"]
    page = read(at_venue, "hyperliquid", "funding", [row, {**row, "time": AT - 3_600_000}])  # type: ignore[dict-item]
    assert len({move.key for move in page.movements}) == 2


@pytest.mark.parametrize(
    ("exchange", "first", "last"),
    [("okx", ("begin", SPAN.start), ("end", SPAN.end - 1)),
     ("gate", ("from", SPAN.start // 1000 - 1), ("to", SPAN.end // 1000 - 1))],
)  # fmt: skip
def test_a_window_is_asked_for_in_the_venues_own_words(
    at_venue: At, exchange: str, first: tuple[str, int], last: tuple[str, int]
) -> None:
    """Ccxt sends no `since` to OKX's bills and no end to Gate's book; the parameters are named by hand, in its unit."""
    asked: list[Asked] = []
    read(at_venue, exchange, "funding", FUNDING[exchange], asked)
    params = asked[-1].params
    assert [int(float(params[name])) for name, _ in (first, last)] == [first[1], last[1]]


def log(said: str, change: str, **more: str) -> dict[str, str]:
    return {
        "id": f"{said}1", "symbol": "", "category": "linear", "transactionTime": str(AT), "type": said,
        "currency": "BTC", "cashFlow": change, "change": change, "cashBalance": "1", "fee": "0", **more,
    }  # fmt: skip


def test_bybits_log_tells_only_what_no_other_stream_has(at_venue: At) -> None:
    """Trades, funding and wallet transfers are passed over, interest and gifts kept, an unknown type put aside."""
    rows = [
        log("TRADE", "0.5", fee="0.001"), log("SETTLEMENT", "-0.1"), log("TRANSFER_IN", "1"), log("INTEREST", "-0.002"),
        log("AIRDROP", "0.3"), log("FEE_REFUND", "0.04"), log("BONUS_RECOLLECT", "-0.05"), log("CURRENCY_SELL", "-0.6"),
        log("SOMETHING_NEW", "-7"),
    ]  # fmt: skip
    body = {"retCode": 0, "retMsg": "OK", "result": {"nextPageCursor": "", "list": rows}}
    page = read(at_venue, "bybit", "ledger", body)
    assert told(page) == [
        ("fee", "BTC", "0.002", None, None),
        ("income", "BTC", "0.3", None, None),
        ("rebate", "BTC", "0.04", None, None),
        ("fee", "BTC", "0.05", None, None),
        ("adjust", "BTC", "-0.6", None, None),
    ]
    assert ["SOMETHING_NEW" in one.reason for one in page.quarantined] == [True]


def test_okxs_purchase_gives_the_quote_for_the_base(at_venue: At) -> None:
    """Ccxt tells a conversion from base to quote whatever its side; one that was rejected changed nothing."""
    row = {
        "tradeId": "1", "ts": str(AT), "instId": "ETH-USDT", "baseCcy": "ETH", "quoteCcy": "USDT", "fillBaseSz": "0.01",
        "fillQuoteSz": "29.5", "fillPx": "2950", "side": "buy", "state": "fullyFilled",
    }  # fmt: skip
    rows = [row, {**row, "tradeId": "2", "side": "sell"}, {**row, "tradeId": "3", "state": "rejected"}]
    page = read(at_venue, "okx", "convert", {"code": "0", "data": rows})
    assert told(page)[:2] == [
        ("convert", "USDT", "29.5", "ETH", "0.01"),
        ("convert", "ETH", "0.01", "USDT", "29.5"),
    ]
    assert [move.status for move in page.movements] == ["ok", "ok", "failed"]
    assert page.quarantined == ()


def test_bitgets_conversion_is_one_movement_of_two_assets(at_venue: At) -> None:
    """What was given up and what was received, with its id."""
    row = {
        "id": "1", "ts": str(AT), "fromCoin": "USDT", "fromCoinSize": "10", "toCoin": "BTC", "toCoinSize": "0.0001",
        "cnvtPrice": "100000", "fee": "0",
    }  # fmt: skip
    page = read(at_venue, "bitget", "convert", {"code": "00000", "data": {"dataList": [row], "endId": "1"}})
    assert (told(page), page.quarantined) == ([("convert", "USDT", "10", "BTC", "0.0001")], ())
