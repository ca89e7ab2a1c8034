"""The ledger as frames: the columns of the schema, exact text, whole or the part that some assets need."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from monitor import schema
from monitor.records import Batch, Fee, Fill, Movement, Price, StreamKey
from monitor.store import ledger
from monitor.store.frames import CHUNK, ledger_frames
from monitor.store.matches import match_transfers

if TYPE_CHECKING:
    from monitor.store.database import Writer


def fill(pair: str, fee_asset: str, amount: str = "0.100000000000000000001") -> Fill:
    base, _, quote = pair.partition("/")
    return Fill(
        "main", "kraken", pair, 1_000, "spot", pair, pair, base, quote, "buy", Decimal(amount), Decimal(2),
        fees=(Fee(fee_asset, Decimal("0.1")),),
    )  # fmt: skip


@pytest.fixture
def desk(writer: Writer) -> Writer:
    """Three fills, a matched transfer of BTC, a deposit with its fee in BNB, prices."""
    fills = (fill("BTC/USD", "USD"), fill("ETH/BTC", "BNB"), fill("SOL/USDT", "SOL"))
    ledger.commit_batch(writer, Batch(StreamKey("main", "fills"), fills=fills), 1)
    moves = [
        Movement("main", "kraken", "w", 5_000, "withdrawal", "BTC", Decimal(1)),
        Movement("other", "binance", "d", 4_000, "deposit", "BTC", Decimal("1.0")),
        Movement("main", "kraken", "s", 6_000, "deposit", "SOL", Decimal(3), fees=(Fee("BNB", Decimal(1)),)),
    ]
    ledger.commit_movements(writer, moves, 1)
    match_transfers(writer, 1)
    pairs = (("BTC", "USD"), ("ETH", "USD"), ("BNB", "USDT"), ("SOL", "BTC"), ("DOT", "USD"))
    ledger.commit_prices(writer, [Price(b, q, 1_000, Decimal("1.50"), "kraken", "candle") for b, q in pairs])
    return writer


def test_the_frames_have_the_columns_and_types_of_the_schema(writer: Writer) -> None:
    """Also for an empty database."""
    for frame, columns in zip(
        ledger_frames(writer.connection), (schema.FILLS, schema.MOVEMENTS, schema.PRICES), strict=True
    ):
        assert {name: str(kind) for name, kind in frame.schema.items()} == columns


def test_amounts_are_the_exact_text(desk: Writer) -> None:
    """Twenty-one decimals, no float on the way."""
    fills, _, prices = ledger_frames(desk.connection)
    assert set(fills["amount"]) == {"0.100000000000000000001"}
    assert fills["fees"].to_list() == ['[["USD","0.1"]]', '[["BNB","0.1"]]', '[["SOL","0.1"]]']
    assert set(prices["price"]) == {"1.5"}


@pytest.mark.parametrize("odd", ['"', "a\nb", "a\r\nb", "\t, ;", " blank ", "# é €", "null", "\\", "a\x1eb", "a\x1fb"])
def test_odd_signs_in_a_text_stay_in_it(writer: Writer, odd: str) -> None:
    """Quotes, line ends, even the separators that the rows travel with."""
    rows = [replace(fill("BTC/USD", odd), key=odd, settle=None), replace(fill("ETH/USD", "USD"), key="plain")]
    ledger.commit_batch(writer, Batch(StreamKey("main", "fills"), fills=tuple(rows)), 1)
    frame = ledger_frames(writer.connection).fills
    assert frame["key"].to_list() == [odd, "plain"]
    assert [json.loads(fees) for fees in frame["fees"]] == [[[odd, "0.1"]], [["USD", "0.1"]]]
    assert frame["settle"].to_list() == [None, None]


def test_more_rows_than_a_chunk_stay_in_order(writer: Writer) -> None:
    """One more than a chunk holds."""
    writer.connection.execute(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
        " INSERT INTO prices SELECT 'BTC', 'USD', i, 'kraken', i, 'candle' FROM n",
        [CHUNK + 1],
    )
    assert ledger_frames(writer.connection).prices["time_ms"].to_list() == list(range(1, CHUNK + 2))


def test_a_matched_pair_is_told_on_its_withdrawal(desk: Writer) -> None:
    """Where it went, when it arrived (never before it left) and how much; the deposit is flagged."""
    columns = ("key", "matched_account", "arrived_ms", "matched_received", "is_matched_deposit")
    assert ledger_frames(desk.connection).movements.select(columns).rows() == [
        ("w", "other", 5_000, "1", 0),
        ("d", None, None, None, 1),
        ("s", None, None, None, 0),
    ]


@pytest.mark.parametrize(
    ("asset", "fills", "movements", "prices"),
    [
        ("BTC", {"BTC/USD", "ETH/BTC"}, {"w", "d"}, {"BTC/USD", "ETH/USD", "SOL/BTC"}),
        ("ETH", {"ETH/BTC"}, set(), {"ETH/USD", "BTC/USD", "SOL/BTC"}),
        ("BNB", {"ETH/BTC"}, {"s"}, {"BNB/USDT"}),  # a fee in a third asset moves it too
        ("SOL", {"SOL/USDT"}, {"s"}, {"SOL/BTC", "BTC/USD"}),
        ("XRP", set(), set(), set()),
    ],
)
def test_some_assets_need_a_part_of_it(
    desk: Writer, asset: str, fills: set[str], movements: set[str], prices: set[str]
) -> None:
    """Rows with a leg in the asset, and the prices of it and of what it was traded against."""
    part = ledger_frames(desk.connection, [asset])
    assert set(part.fills["symbol"]) == fills
    assert set(part.movements["key"]) == movements
    assert {f"{base}/{quote}" for base, quote in part.prices.select("base", "quote").rows()} >= prices


def test_a_revised_fee_moves_its_fill_to_another_asset(desk: Writer) -> None:
    """The fee was in BNB, now it is in KCS."""
    ledger.commit_batch(desk, Batch(StreamKey("main", "fills"), fills=(fill("ETH/BTC", "KCS"),)), 2)
    assert ledger_frames(desk.connection, ["BNB"]).fills.height == 0
    assert ledger_frames(desk.connection, ["KCS"]).fills["symbol"].to_list() == ["ETH/BTC"]
