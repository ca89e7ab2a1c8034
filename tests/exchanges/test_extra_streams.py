"""Streams beside fills, deposits and withdrawals, through real ccxt classes over HTTP: each event once, in its kind."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from monitor.clock import DAY, Window
from monitor.exchanges.extra_source import ExtraSource
from monitor.exchanges.extras import EXTRAS, unread
from monitor.exchanges.pages import Page
from monitor.exchanges.sources import FillSource
from monitor.records import Account, Fee, StreamKey
from tests.exchanges.conftest import Reply, market

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from monitor.exchanges.extra import Extra
    from tests.exchanges.conftest import Asked, At, FakeVenue

NOW = 1_767_225_600_000
SPAN = Window(NOW - DAY, NOW)
EXECUTIONS = {
    "Trade": ("t1", "Buy", "2", "100", "0.11"),
    "BustTrade": ("t2", "Sell", "1.5", "90", "0.5"),
    "AdlTrade": ("t3", "Sell", "0.5", "91", "0"),
    "Funding": ("f1", "Sell", "2", "100", "-0.10232512"),
}


def execution(said: str) -> dict[str, object]:
    identity, side, quantity, price, fee = EXECUTIONS[said]
    return {
        "symbol": "BTCUSDT", "execType": said, "execId": identity, "orderId": f"o{identity}", "side": side,
        "execQty": quantity, "execPrice": price, "execFee": fee, "execTime": str(NOW - 1000), "isMaker": False,
        "feeRate": "0.0001", "execValue": "", "createType": "", "orderQty": "0", "orderPrice": "0",
    }  # fmt: skip


def paged(at_venue: At, answer: Callable[[Asked], Reply], work: Callable[[FakeVenue], Awaitable[Page]]) -> Page:
    """Return what one reading beside a venue gives."""
    page = at_venue(answer, work)
    assert isinstance(page, Page)
    return page


def bybit(leaked: tuple[str, ...] = ()) -> Callable[[Asked], Reply]:
    """Return a venue that lists executions of the type asked for, and `leaked` types among ordinary trades."""

    def answer(asked: Asked) -> Reply:
        said = asked.params.get("execType", "")
        kinds = (said, *leaked) if said == "Trade" else (said,)
        rows = [execution(kind) for kind in kinds if kind in EXECUTIONS]
        return Reply(json.dumps({"retCode": 0, "retMsg": "OK", "result": {"nextPageCursor": "", "list": rows}}))

    return answer


def extra(exchange: str, kind: str, method: str | None = None) -> Extra:
    return next(one for one in EXTRAS[exchange] if one.kind == kind and method in (None, one.method))


async def bybit_fills(venue: FakeVenue) -> Page:
    client = venue.client("bybit")
    client.exchange.set_markets([market("BTCUSDT", "BTC/USDT:USDT")])
    async with client:
        return await FillSource(client, StreamKey("desk", "fills", "linear")).read(SPAN)


async def bybit_funding(venue: FakeVenue) -> Page:
    client = venue.client("bybit")
    client.exchange.set_markets([market("BTCUSDT", "BTC/USDT:USDT")])
    async with client:
        source = ExtraSource(client, StreamKey("desk", "funding", "linear"), extra("bybit", "funding"))
        return await source.read(SPAN)


def test_bybits_forced_closes_are_read_too(at_venue: At) -> None:
    """Each execution type is asked for by name; liquidation and ADL are fills that say what they are."""
    page = paged(at_venue, bybit(), bybit_fills)
    assert {(one.trade_id, one.side, one.amount, one.kind) for one in page.fills} == {
        ("t1", "buy", Decimal(2), "trade"),
        ("t2", "sell", Decimal("1.5"), "liquidation"),
        ("t3", "sell", Decimal("0.5"), "liquidation"),
    }
    assert page.raw_rows == 1


def test_bybits_funding_among_trades_is_the_payment_of_the_funding_stream(at_venue: At) -> None:
    """Shaped as a trade or asked for as funding: no fill, one movement, one key; a negative fee is received."""
    leaked = paged(at_venue, bybit(leaked=("Funding",)), bybit_fills)
    asked = paged(at_venue, bybit(), bybit_funding)
    assert [one.trade_id for one in leaked.fills if one.trade_id == "f1"] == []
    (one,), (other,) = leaked.movements, asked.movements
    assert (one.key, one.kind, one.asset, one.amount) == (other.key, "funding", "USDT", Decimal("0.10232512"))
    assert other.amount == one.amount
    assert (leaked.quarantined, asked.quarantined) == ((), ())


def kraken_row(said: str, asset: str, amount: str, **more: str) -> dict[str, str]:
    return {
        "refid": "R1", "time": f"{NOW // 1000 - 60}.1234", "type": said, "subtype": "", "aclass": "currency",
        "asset": asset, "amount": amount, "fee": "0", "balance": "1", **more,
    }  # fmt: skip


LEDGER = {
    "L1": kraken_row("trade", "XXBT", "0.5"),
    "L2": kraken_row("deposit", "XXBT", "1"),
    "L3": kraken_row("withdrawal", "XXBT", "-1"),
    "L4": kraken_row("staking", "XETH", "0.25", fee="0.01"),
    "L5": kraken_row("spend", "ZUSD", "-100", refid="S1", fee="1.5"),
    "L6": kraken_row("receive", "XETH", "0.04", refid="S1"),
    "L7": kraken_row("rollover", "ZUSD", "0", fee="0.2"),
    "L8": kraken_row("transfer", "XXBT", "-0.3", subtype="spottofutures"),
    "L9": kraken_row("something new", "XXBT", "-0.7"),
}


async def kraken_ledger(venue: FakeVenue) -> Page:
    async with venue.client("kraken") as client:
        return await ExtraSource(client, StreamKey("desk", "ledger"), extra("kraken", "ledger")).read(SPAN)


def kraken(rows: dict[str, dict[str, str]]) -> Callable[[Asked], Reply]:
    return lambda _asked: Reply(json.dumps({"error": [], "result": {"ledger": rows, "count": len(rows)}}))


def test_krakens_ledger_without_what_other_streams_have(at_venue: At) -> None:
    """Trades, deposits and withdrawals are passed over; rewards, conversions, charges and transfers out are told."""
    page = paged(at_venue, kraken(LEDGER), kraken_ledger)
    told = {(one.kind, one.asset, one.amount, one.to_asset, one.received, one.fees) for one in page.movements}
    assert told == {
        ("income", "ETH", Decimal("0.25"), None, None, (Fee("ETH", Decimal("0.01")),)),
        ("convert", "USD", Decimal(100), "ETH", Decimal("0.04"), (Fee("USD", Decimal("1.5")),)),
        ("settlement", "USD", Decimal(0), None, None, (Fee("USD", Decimal("0.2")),)),
        ("withdrawal", "BTC", Decimal("0.3"), None, None, ()),
        ("adjust", "BTC", Decimal("-0.7"), None, None, ()),
    }
    assert (page.raw_rows, page.quarantined) == (9, ())


def test_half_a_conversion_is_no_conversion(at_venue: At) -> None:
    """The row that was spent without the one received is kept for a look, and its window is not proven."""
    page = paged(at_venue, kraken({"L5": LEDGER["L5"]}), kraken_ledger)
    assert (page.movements, len(page.quarantined)) == ((), 1)


DUST = {
    "total": 1,
    "userAssetDribblets": [
        {"operateTime": NOW - 500, "transId": 7, "userAssetDribbletDetails": [
            {"fromAsset": "ETH", "amount": "0.001", "transferedAmount": "0.005", "serviceChargeAmount": "0.0001",
             "operateTime": NOW - 500, "transId": 7},
            {"fromAsset": "USDT", "amount": "0.9", "transferedAmount": "0.0015", "serviceChargeAmount": "0.00003",
             "operateTime": NOW - 500, "transId": 7}]}],
}  # fmt: skip


async def binance_dust(venue: FakeVenue) -> Page:
    client = venue.client("binance")
    client.exchange.set_markets([market("BNBUSDT", "BNB/USDT"), market("ETHBTC", "ETH/BTC")])
    async with client:
        return await ExtraSource(client, StreamKey("desk", "dust"), extra("binance", "dust")).read(SPAN)


def test_dust_is_given_for_bnb_whichever_way_the_market_is_named(at_venue: At) -> None:
    """USDT given for BNB is a purchase in BNB/USDT to ccxt; it left all the same."""
    page = paged(at_venue, lambda _asked: Reply(json.dumps(DUST)), binance_dust)
    assert {(one.kind, one.asset, one.amount, one.to_asset, one.received) for one in page.movements} == {
        ("convert", "ETH", Decimal("0.001"), "BNB", Decimal("0.005")),
        ("convert", "USDT", Decimal("0.9"), "BNB", Decimal("0.0015")),
    }
    assert page.quarantined == ()


FLOW = {"list": [
    {"quoteId": "q1", "orderId": 1, "orderStatus": "SUCCESS", "fromAsset": "USDT", "fromAmount": "20", "toAsset": "BNB",
     "toAmount": "0.06", "createTime": NOW - 100},
    {"quoteId": "q2", "orderId": 2, "orderStatus": "FAIL", "fromAsset": "USDT", "fromAmount": "30", "toAsset": "BNB",
     "toAmount": "0.09", "createTime": NOW - 90}], "limit": 1000, "moreData": False}  # fmt: skip


async def binance_convert(venue: FakeVenue) -> Page:
    async with venue.client("binance") as client:
        return await ExtraSource(client, StreamKey("desk", "convert"), extra("binance", "convert")).read(SPAN)


def test_a_conversion_that_failed_changed_nothing(at_venue: At) -> None:
    """It is kept with its state."""
    page = paged(at_venue, lambda _asked: Reply(json.dumps(FLOW)), binance_convert)
    assert [(one.amount, one.status) for one in page.movements] == [(Decimal(20), "ok"), (Decimal(30), "failed")]


@pytest.mark.parametrize(
    ("exchange", "books", "missing"),
    [
        ("kraken", ("spot",), ()),
        ("binance", ("spot",), ("ledger",)),
        ("bybit", ("linear",), ()),
        ("okx", ("linear",), ()),
        ("gate", ("linear",), ("transfers", "ledger", "convert", "dust")),
        ("gemini", ("spot",), ("transfers", "ledger", "convert", "dust")),
    ],
)
def test_what_is_not_read_is_known(exchange: str, books: tuple[str, ...], missing: tuple[str, ...]) -> None:
    """Kinds nothing is read of; funding concerns contracts only."""
    assert unread(Account("a", exchange, books=books)) == missing  # type: ignore[arg-type]  # texts in a table


async def kraken_reward(venue: FakeVenue) -> Page:
    async with venue.client("kraken") as client:
        source = ExtraSource(client, StreamKey("desk", "ledger"), extra("kraken", "ledger"))
        return await source.read(SPAN)


def test_krakens_reward_has_the_key_its_export_is_read_under(at_venue: At) -> None:
    """An imported ledger and the venue's list tell one income: one row, whatever the asset is called in either."""
    row = {
        "refid": "R1", "time": (NOW - 5000) / 1000, "type": "staking", "subtype": "", "aclass": "currency",
        "asset": "DOT.S", "amount": "0.01", "fee": "0", "balance": "1",
    }  # fmt: skip
    body = {"error": [], "result": {"ledger": {"L1": row}, "count": 1}}
    page = paged(at_venue, lambda _asked: Reply(json.dumps(body)), kraken_reward)
    assert [(move.key, move.kind) for move in page.movements] == [("ledger|kraken|L1", "income")]
