"""The contract markets an account traded, found without reading every fill."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from monitor.records import Batch, Fill, StreamKey
from monitor.store.ledger import commit_batch
from monitor.store.traded import traded

if TYPE_CHECKING:
    from monitor.records import Book
    from monitor.store.database import Writer


def fill(book: Book, pair: str, number: int) -> Fill:
    base, quote = pair.split("/")
    return Fill(
        account="main", exchange="kraken", key=f"{book}|{base}{quote}|{number}||buy", time=1_000 + number, book=book,
        market=f"{base}{quote}", symbol=f"{pair}:{quote}" if book == "linear" else pair, base=base, quote=quote,
        side="buy", amount=Decimal(1), price=Decimal(2),
    )  # fmt: skip


def test_each_contract_market_is_named_once(writer: Writer) -> None:
    """Many fills of a market are leapt over; spot is no contract, another account's fills are not this one's."""
    fills = [fill("linear", pair, number) for pair in ("BTC/USDT", "BTCDOM/USDT", "ETH/USDT") for number in range(50)]
    fills += [fill("spot", "BTC/USDT", 1), fill("inverse", "BTC/USD", 1)]
    commit_batch(writer, Batch(StreamKey("main", "fills"), tuple(fills)), 1)
    assert traded(writer.connection, "main") == (
        ("inverse", "BTC/USD"), ("linear", "BTC/USDT:USDT"), ("linear", "BTCDOM/USDT:USDT"),
        ("linear", "ETH/USDT:USDT"),
    )  # fmt: skip
    assert traded(writer.connection, "other") == ()


def test_a_market_costs_one_look_at_the_index(writer: Writer) -> None:
    """Two markets of fifty fills take three statements: one for each, and one that finds no more."""
    fills = [fill("linear", pair, number) for pair in ("BTC/USDT", "ETH/USDT") for number in range(50)]
    commit_batch(writer, Batch(StreamKey("main", "fills"), tuple(fills)), 1)
    asked: list[str] = []
    writer.connection.set_trace_callback(asked.append)
    traded(writer.connection, "main")
    writer.connection.set_trace_callback(None)
    assert len([one for one in asked if "linear|" in one]) == 3
