"""Prices as they were known, and which assets a late one revalues."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Literal

import pytest

from monitor.records import Batch, Commit, Fill, Price, StreamKey
from monitor.store import ledger
from monitor.store.touched import settle, touched

if TYPE_CHECKING:
    from monitor.store.database import Writer

Source = Literal["candle", "ticker", "file"]


def price(pair: str, time: int, value: str = "1", source: Source = "candle") -> Price:
    base, _, quote = pair.partition("/")
    return Price(base, quote, time, Decimal(value), "kraken", source)


def fill(pair: str, time: int) -> Fill:
    base, _, quote = pair.partition("/")
    return Fill(
        "main", "kraken", f"{pair} {time}", time, "spot", pair, pair, base, quote, "buy", Decimal(1), Decimal(1)
    )


@pytest.fixture
def traded(writer: Writer) -> Writer:
    """ETH/BTC at 1,000, BTC/USDT at 2,000, BTC/EUR at 2,000, SOL/USD at 2,000; nothing is stale."""
    fills = (fill("ETH/BTC", 1_000), fill("BTC/USDT", 2_000), fill("BTC/EUR", 2_000), fill("SOL/USD", 2_000))
    ledger.commit_batch(writer, Batch(StreamKey("main", "fills"), fills=fills), 1)
    settle(writer.connection, touched(writer.connection))
    return writer


def test_the_same_price_twice_is_known(writer: Writer) -> None:
    """The text is canonical; another value at the same instant revises the first."""
    assert ledger.commit_prices(writer, [price("BTC/USD", 1, "1.50"), price("BTC/USD", 2, "2")]) == Commit(new=2)
    again = [price("BTC/USD", 1, "1.5"), price("BTC/USD", 2, "3"), price("BTC/EUR", 2, "3")]
    assert ledger.commit_prices(writer, again) == Commit(new=1, known=1, revised=1)
    told = writer.connection.execute("SELECT time_ms, price FROM prices WHERE quote = 'USD'").fetchall()
    assert told == [(1, "1.5"), (2, "3")]


@pytest.mark.parametrize(
    ("pair", "time", "stale"),
    [
        ("SOL/USD", 1_500, {"SOL": 1_500}),  # values SOL alone: the currency passes nothing on
        ("SOL/USD", 2_000, {"SOL": 2_000}),  # at the instant of its last row
        ("SOL/USD", 2_001, {"SOL": 2_001}),  # after it: no basis can change, but what is held has a new mark
        ("BTC/USD", 500, {"BTC": 500, "ETH": 500, "USDT": 500, "EUR": 500}),  # ETH is valued through BTC
        ("BTC/USD", 1_500, {"BTC": 1_500, "ETH": 1_500, "USDT": 1_500, "EUR": 1_500}),  # marks of ETH follow too
        # BTC bought with EUR costs what EUR is worth, and over BTC/EUR ETH too
        ("EUR/USD", 1_500, {"BTC": 1_500, "ETH": 1_500, "USDT": 1_500, "EUR": 1_500}),
        ("USDT/USD", 1_500, {"USDT": 1_500}),  # a pegged asset's worth is its peg
        ("DOT/USD", 500, {}),  # nobody has it
    ],
)
def test_a_late_price_touches_what_it_may_value(traded: Writer, pair: str, time: int, stale: dict[str, int]) -> None:
    """The pair's assets and those traded against them, as far as the ledger has them."""
    ledger.commit_prices(traded, [price(pair, time)])
    assert touched(traded.connection) == stale


def test_a_known_price_touches_nothing(traded: Writer) -> None:
    """Only what is new or changed can change a value."""
    ledger.commit_prices(traded, [price("SOL/USD", 500)])
    settle(traded.connection, touched(traded.connection))
    ledger.commit_prices(traded, [price("SOL/USD", 500), price("SOL/USD", 1_500)])
    assert touched(traded.connection) == {"SOL": 1_500}


def test_a_late_row_does_not_hide_a_newer_one(traded: Writer) -> None:
    """SOL's newest row stays at 2,000 when one of 100 comes in."""
    ledger.commit_rows(traded, [fill("SOL/USD", 100)], (), 2)
    settle(traded.connection, touched(traded.connection))
    ledger.commit_prices(traded, [price("SOL/USD", 1_500)])
    assert touched(traded.connection) == {"SOL": 1_500}


def test_a_bridge_of_prices_touches_what_hangs_on_it(traded: Writer) -> None:
    """SOL is priced in XBT: a price of XBT reaches it, though nobody traded the pair."""
    ledger.commit_prices(traded, [price("SOL/XBT", 5_000)])
    ledger.commit_prices(traded, [price("XBT/USD", 1_500)])
    assert touched(traded.connection) == {"SOL": 1_500}
