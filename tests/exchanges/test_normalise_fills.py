"""Rows become fills exactly, or are kept whole with the reason."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from monitor.exchanges.normalise import Origin, fills
from monitor.records import Fee, StreamKey
from tests.exchanges.conftest import market

if TYPE_CHECKING:
    from collections.abc import Mapping

MARKETS: dict[str, Mapping[str, object]] = {
    "BTC/USDT": market("BTCUSDT", "BTC/USDT"),
    "BTC/USD:BTC": market("BTCUSD_PERP", "BTC/USD:BTC", contractSize="100"),
}
SPOT = Origin(StreamKey("desk", "fills"), "binance")
INVERSE = Origin(StreamKey("desk", "fills", "inverse"), "binance")
INFO = {"symbol": "BTCUSDT", "id": 7, "qty": "0.10", "price": "27000.1", "quoteQty": "2700.01"}
ROW: dict[str, object] = {
    "info": INFO, "timestamp": 1_700_000_000_123, "symbol": "BTC/USDT", "id": "7", "order": "9", "side": "buy",
    "takerOrMaker": "maker", "price": "27000.1", "amount": "0.10", "cost": "2700.01",
    "fees": [{"cost": "0.001", "currency": "BNB"}, {"cost": "-0.02", "currency": "USDT"}],
}  # fmt: skip


def test_a_row_becomes_a_fill() -> None:
    """Every field keeps the venue's own digits; each fee is kept, a rebate negative."""
    (fill,) = fills([ROW], [INFO], SPOT, MARKETS.get).fills
    assert (fill.time, fill.side, fill.market, fill.base, fill.quote) == (
        1_700_000_000_123,
        "buy",
        "BTCUSDT",
        "BTC",
        "USDT",
    )
    assert (str(fill.amount), str(fill.price), str(fill.cost)) == ("0.10", "27000.1", "2700.01")
    assert fill.fees == (Fee("BNB", Decimal("0.001")), Fee("USDT", Decimal("-0.02")))
    assert (fill.key, fill.sequence, fill.liquidity) == ("spot|BTCUSDT|7|9|buy", 7, "maker")


def test_an_amount_of_many_digits_is_kept_whole() -> None:
    """Eleven digits before the point and eighteen behind it are all there, signed or not."""
    digits = "12345678901.123456789012345678"
    (fill,) = fills([{**ROW, "amount": f"-{digits}", "cost": None}], [INFO], SPOT, MARKETS.get).fills
    assert str(fill.amount) == digits


def test_a_row_of_another_market_among_many_is_found() -> None:
    """What the first rows of a page were called says nothing of the next: it names a market of its own."""
    other = {**INFO, "id": 8, "symbol": "ETHUSDT"}
    found = fills([ROW, {**ROW, "info": other, "id": "8"}, ROW], [INFO, other], SPOT, MARKETS.get)
    assert [fill.trade_id for fill in found.fills] == ["7", "7"]
    assert "'ETHUSDT'" in found.quarantined[0].reason


def test_a_cost_that_ccxt_worked_out_is_left_out() -> None:
    """Only the venue's own figure is stored as cost."""
    info = {name: value for name, value in INFO.items() if name != "quoteQty"}
    (fill,) = fills([{**ROW, "info": info}], [info], SPOT, MARKETS.get).fills
    assert fill.cost is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"timestamp": None}, "time"),
        ({"timestamp": 17}, "time"),
        ({"side": None}, "side"),
        ({"price": None, "cost": None}, "price is missing"),
        ({"price": "-1"}, "price is -1"),
        ({"amount": "0"}, "amount is 0"),
        ({"amount": "much"}, "amount is 'much'"),
        ({"symbol": "XYZ/USDT"}, "unknown"),
        ({"fees": [{"cost": "0.1", "currency": None}]}, "names no asset"),
        ({"info": {"symbol": "ETHUSDT"}}, "'ETHUSDT'"),
    ],
)
def test_an_incomplete_row_is_kept_in_quarantine(change: dict[str, object], reason: str) -> None:
    """Nothing is guessed: the row is kept with the reason."""
    row = {**ROW, **change}
    found = fills([row], [row["info"]], SPOT, MARKETS.get)
    assert found.fills == ()
    assert reason in found.quarantined[0].reason


def test_a_row_that_ccxt_dropped_is_kept_in_quarantine() -> None:
    """Each raw row of the body is accounted for; rows that are declared to be no trades are not missed."""
    other = {"symbol": "BTCUSDT", "id": 8}
    assert fills([ROW], [INFO, other], SPOT, MARKETS.get).quarantined[0].reason == "ccxt dropped the row"
    told = Origin(SPOT.stream, "bitstamp", (("id", ("8",)),))
    assert fills([ROW], [INFO, other], told, MARKETS.get).quarantined == ()


@pytest.mark.parametrize("identity", [None, "0", ""])
def test_rows_without_an_id_are_told_apart(identity: str | None) -> None:
    """Two identical fills are two fills, with the same two keys whenever the page is read."""
    row = {**ROW, "id": identity}
    keys = [
        [fill.key for fill in fills([row, dict(row)], [INFO, dict(INFO)], SPOT, MARKETS.get).fills] for _ in range(2)
    ]
    assert keys[0] == keys[1]
    assert len(set(keys[0])) == 2


def test_an_inverse_fill_keeps_contracts_and_size() -> None:
    """Contracts, contract size and the inverse flag are stored; ccxt's cost is not believed."""
    info = {"symbol": "BTCUSD_PERP", "qty": "3", "price": "27000", "baseQty": "0.011"}
    row = {**ROW, "info": info, "symbol": "BTC/USD:BTC", "amount": "3", "price": "27000", "cost": "0.011"}
    (fill,) = fills([row], [info], INVERSE, MARKETS.get).fills
    assert (fill.book, fill.inverse, fill.contract_size, fill.cost) == ("inverse", True, Decimal(100), None)
    assert fill.settle == "BTC"
