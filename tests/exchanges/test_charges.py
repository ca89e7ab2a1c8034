"""Fills of venues whose fees, amounts or times this ccxt reads wrongly, in their wire forms: exact, with the sign."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from monitor.exchanges.normalise import Origin, Rows, fills
from monitor.records import Book, StreamKey
from tests.exchanges.conftest import At, FakeVenue, Reply, market

if TYPE_CHECKING:
    from monitor.records import Fill

AT = 1_767_225_595_000
USDT = "BTC/USDT:USDT"


def read(at_venue: At, exchange: str, listed: dict[str, object], body: object, symbol: str | None = None) -> Rows:
    """Return what the normaliser makes of a body of fills at a venue with one market."""

    async def work(venue: FakeVenue) -> Rows:
        client = venue.client(exchange)
        client.exchange.set_markets([listed])
        client.exchange.password, client.exchange.walletAddress = "p", "0x" + "1" * 40
        book: Book = "linear" if listed["contract"] else "spot"
        kind = {} if symbol or not listed["contract"] else {"type": "swap", "subType": "linear"}
        async with client:
            answer = await client.call("fetch_my_trades", symbol, AT - 1000, None, kind)
            return fills(answer.parsed, answer.rows, Origin(StreamKey("desk", "fills", book), exchange), client.market)

    rows = at_venue(lambda _asked: Reply(json.dumps(body)), work)
    assert isinstance(rows, Rows)
    return rows


def charged(fill: Fill) -> list[tuple[str, Decimal]]:
    return [(fee.asset, fee.amount) for fee in fill.fees]


def bitget(detail: object, **more: str) -> dict[str, object]:
    return {
        "tradeId": "31", "symbol": "BTCUSDT", "orderId": "o", "price": "100000", "baseVolume": "0.01", "side": "sell",
        "feeDetail": detail, "quoteVolume": "1000", "tradeScope": "taker", "cTime": str(AT), **more,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("detail", "fees"),
    [
        ([{"feeCoin": "USDT", "totalFee": "-0.6"}], [("USDT", Decimal("0.6"))]),
        (
            [{"deduction": "yes", "feeCoin": "BGB", "totalFee": "-0.02"}, {"feeCoin": "USDT", "totalFee": "-0.1"}],
            [("BGB", Decimal("0.02")), ("USDT", Decimal("0.1"))],
        ),
        ([{"feeCoin": "USDT", "fee": "0.00642032"}], [("USDT", Decimal("0.00642032"))]),
        ([{"feeCoin": "USDT", "totalFee": "0.05"}], [("USDT", Decimal("-0.05"))]),
    ],
)
def test_bitgets_fees_are_read_entry_by_entry(at_venue: At, detail: object, fees: list[tuple[str, Decimal]]) -> None:
    """Paid in BGB and for the rest in USDT; a unified account states a charge above zero; a rebate is negative."""
    body = {"code": "00000", "data": {"fillList": [bitget(detail, posMode="one_way_mode")], "endId": "1"}}
    (fill,) = read(at_venue, "bitget", market("BTCUSDT", USDT), body, USDT).fills
    assert charged(fill) == fees


@pytest.mark.parametrize(("commission", "fee"), [("-0.05", "0.05"), ("0.02", "-0.02")])
def test_bingxs_rebate_is_no_charge(at_venue: At, commission: str, fee: str) -> None:
    """A commission below zero is charged; the time stands in a field of its own, with its zone."""
    row = {
        "volume": "0.001", "price": "100000", "amount": "100", "commission": commission, "currency": "USDT",
        "orderId": "o1", "filledTime": "2026-01-01T07:59:55.000+0800", "symbol": "BTC-USDT", "side": "BUY",
    }  # fmt: skip
    body = {"code": 0, "msg": "", "data": {"fill_orders": [row]}}
    (fill,) = read(at_venue, "bingx", market("BTC-USDT", USDT), body, USDT).fills
    assert (charged(fill), fill.time) == ([("USDT", Decimal(fee))], AT)


def test_hyperliquids_fee_holds_the_builders(at_venue: At) -> None:
    """0.055 in all, of which 0.01 went to the builder; dust conversions share the id 0 and are two fills."""
    row = {
        "coin": "@107", "px": "20", "sz": "0.5", "side": "A", "time": AT, "oid": 7, "tid": 92, "crossed": True,
        "fee": "0.055", "builderFee": "0.01", "feeToken": "USDC", "dir": "Sell", "hash": "0x0", "closedPnl": "0",
        "startPosition": "1",
    }  # fmt: skip
    dust = {**row, "tid": 0, "fee": "0.0", "dir": "Spot Dust Conversion", "builderFee": None}
    rows = read(at_venue, "hyperliquid", market("@107", "HYPE/USDC"), [row, dust, {**dust, "sz": "0.25"}])
    assert sorted(charged(fill)[0][1] for fill in rows.fills) == [0, 0, Decimal("0.055")]
    assert len({fill.key for fill in rows.fills}) == 3


def test_bybits_extra_fees_are_fees_too(at_venue: At) -> None:
    """What a country adds stands in a list of its own, as text."""
    extra = '[{"feeCoin":"BTC","feeType":"UNKNOWN","subFeeType":"UNKNOWN","feeRate":"0.0001","fee":"0.00002"}]'
    row = {
        "symbol": "BTCUSDT", "execId": "e1", "orderId": "o1", "side": "Buy", "execPrice": "100000", "execQty": "0.1",
        "execFee": "0.0001", "feeCurrency": "BTC", "execTime": str(AT), "execType": "Trade", "extraFees": extra,
    }  # fmt: skip
    body = {"retCode": 0, "retMsg": "OK", "result": {"category": "spot", "list": [row], "nextPageCursor": ""}}
    (fill,) = read(at_venue, "bybit", market("BTCUSDT", "BTC/USDT"), body).fills
    assert charged(fill) == [("BTC", Decimal("0.0001")), ("BTC", Decimal("0.00002"))]


@pytest.mark.parametrize(
    ("symbol", "size", "amount"), [("BTC/USD:BTC", "10", "10"), ("BTC/USDC:USDC", "0.001", "0.01")]
)
def test_deribits_amounts_are_units_whatever_a_contract_is(at_venue: At, symbol: str, size: str, amount: str) -> None:
    """Ten US dollars of the inverse perpetual are one contract of ten; amount * contract size must stay ten."""
    row = {
        "trade_id": "71", "timestamp": AT, "price": 100000, "order_id": "o", "liquidity": "M", "fee_currency": "BTC",
        "instrument_name": "BTC-PERPETUAL", "fee": "-0.00000002", "direction": "sell", "amount": float(amount),
    }  # fmt: skip
    body = {"jsonrpc": "2.0", "result": {"trades": [row], "has_more": False}}
    (fill,) = read(at_venue, "deribit", market("BTC-PERPETUAL", symbol, contractSize=size), body, symbol).fills
    assert fill.contract_size is not None
    assert fill.amount * fill.contract_size == Decimal(amount)
    assert charged(fill) == [("BTC", Decimal("-0.00000002"))]


@pytest.mark.parametrize(("identity", "symbol"), [("PF_XBTUSD", "BTC/USD:USD"), ("PI_XBTUSD", "BTC/USD:BTC")])
def test_krakens_futures_tell_no_fee_and_are_given_none(at_venue: At, identity: str, symbol: str) -> None:
    """Ccxt would guess one from the market's rate, and leaves the amount of inverse contracts out."""
    row = {
        "fill_id": "f1", "symbol": identity.lower(), "side": "buy", "order_id": "o", "size": 100, "price": 100000.5,
        "fillTime": "2025-12-31T23:59:55.000Z", "fillType": "taker",
    }  # fmt: skip
    body = {"result": "success", "fills": [row]}
    rows = read(at_venue, "krakenfutures", market(identity, symbol, taker="0.0005", maker="0.0002"), body)
    (fill,) = rows.fills
    assert (fill.symbol, fill.amount, charged(fill)) == (symbol, Decimal(100), [])


def test_coinbases_reversals_are_kept_aside(at_venue: At) -> None:
    """A row that takes another fill back is no purchase; which one it means only a person can tell."""
    row = {
        "entry_id": "e1", "trade_id": "101", "order_id": "o", "trade_time": "2025-12-31T23:59:55.000Z", "price": "10",
        "trade_type": "FILL", "size": "100", "commission": "0.6", "product_id": "BTC-USD", "size_in_quote": True,
        "side": "BUY", "liquidity_indicator": "TAKER",
    }  # fmt: skip
    body = {"fills": [row, {**row, "trade_id": "102", "trade_type": "REVERSAL"}], "cursor": ""}
    rows = read(at_venue, "coinbase", market("BTC-USD", "BTC/USD"), body)
    assert [(fill.amount, fill.cost) for fill in rows.fills] == [(Decimal(10), Decimal(100))]
    assert ["REVERSAL" in one.reason for one in rows.quarantined] == [True]


@pytest.mark.parametrize(("tax", "expected"), [("0.03", ["0.5", "0.03"]), ("0", ["0.5"]), ("", ["0.5"])])
def test_kucoins_tax_is_charged_beside_the_fee(at_venue: At, tax: str, expected: list[str]) -> None:
    """Some regions are charged a tax, which the fee does not hold."""
    row = {
        "symbol": "BTC-USDT", "tradeId": "7", "orderId": "o", "counterOrderId": "c", "side": "buy",
        "forceTaker": False, "liquidity": "taker", "price": "100000", "size": "0.005", "funds": "500", "fee": "0.5",
        "feeRate": "0.001", "feeCurrency": "USDT", "stop": "", "type": "limit", "createdAt": AT, "taxRate": "0",
        "tax": tax, "tradeType": "TRADE",
    }  # fmt: skip
    body = {"code": "200000", "data": {"currentPage": 1, "pageSize": 50, "totalNum": 1, "totalPage": 1, "items": [row]}}
    (fill,) = read(at_venue, "kucoin", market("BTC-USDT", "BTC/USDT"), body).fills
    assert charged(fill) == [("USDT", Decimal(amount)) for amount in expected]
