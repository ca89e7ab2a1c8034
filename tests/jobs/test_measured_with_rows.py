"""New fills bring their tracks along: one transaction holds both, and what is late waits for the next measurement."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings

from monitor.jobs.arrivals import commit_measured
from monitor.jobs.measure import measure, rebuild
from monitor.records import Account, Batch, Fee, Fill, Movement, Price, StreamKey
from monitor.store.database import open_writer
from monitor.store.findings import findings
from monitor.store.ledger import commit_prices, commit_rows, register_account
from monitor.store.touched import touched
from tests.jobs.test_late import ACCOUNTS, BOOKS, DAY, NOW, Drawn, compare, state, trade

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from monitor.store.database import Writer


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Writer]:
    """Yield a database in which two accounts bought bitcoin for ten days, all of it measured."""
    with open_writer(tmp_path / "desk.db", holder="test") as opened:
        for account in ACCOUNTS[:2]:
            register_account(opened, Account(account, "file"), 1)
        commit_rows(opened, [trade("main", f"b{day}", day * DAY, "buy") for day in range(1, 11)], (), NOW)
        measure(opened, NOW)
        yield opened


def page(*fills: Fill) -> Batch:
    """Return fills of one account as a window of its stream."""
    return Batch(StreamKey(fills[0].account, "fills"), fills=fills)


def waiting(writer: Writer) -> dict[str, int]:
    """Return what is to be measured, and since when; cash has no tracks."""
    return {asset: since for asset, since in touched(writer.connection).items() if asset != "USD"}


def events(writer: Writer) -> int:
    """Return how many events the portfolio's tracks hold."""
    query = "SELECT count(*) FROM track JOIN pools ON id = pool WHERE scope = 'portfolio'"
    return int(writer.connection.execute(query).fetchone()[0])


def test_the_end_of_a_history_grows_with_its_fills(writer: Writer) -> None:
    """Nothing is left to measure, and every derived row is that of a run from nothing."""
    commit_measured(writer, page(trade("main", "new", 11 * DAY, "sell"), trade("main", "newer", 12 * DAY, "buy")), NOW)
    assert (events(writer), waiting(writer)) == (12, {})
    grown = state(writer)
    rebuild(writer, NOW)
    assert state(writer) == grown


def test_what_is_late_waits(writer: Writer) -> None:
    """A fill before the last event of another account is stored and said to be missing, and so is all that follows."""
    commit_measured(writer, page(trade("second", "late", 9 * DAY + 1, "buy")), NOW)
    assert (events(writer), waiting(writer)) == (10, {"BTC": 9 * DAY + 1})
    commit_measured(writer, page(trade("main", "new", 11 * DAY, "buy")), NOW)
    assert (events(writer), waiting(writer)) == (10, {"BTC": 9 * DAY + 1})
    assert measure(writer, NOW).restatements
    assert (events(writer), waiting(writer)) == (12, {})


def test_a_new_asset_and_a_revision_wait(writer: Writer) -> None:
    """Of a new asset there is nothing to go on from; a row that was replaced may lie anywhere."""
    ether = replace(trade("main", "e", 11 * DAY, "buy"), base="ETH", symbol="ETH/USD", market="ETH/USD")
    commit_measured(writer, page(ether), NOW)
    assert waiting(writer) == {"ETH": 11 * DAY}
    measure(writer, NOW)
    commit_measured(writer, page(replace(trade("main", "b10", 10 * DAY, "buy"), price=Decimal(99))), NOW)
    assert waiting(writer) == {"BTC": 10 * DAY}


def test_rows_are_stored_whatever_the_engine_meets(writer: Writer) -> None:
    """An old row that is damaged costs no new one: it stays to be measured, where the damage is told."""
    writer.connection.execute("UPDATE fills SET amount = 'x' WHERE key = 'b3'")
    commit_measured(writer, page(trade("main", "new", 11 * DAY, "buy")), NOW)
    (count,) = writer.connection.execute("SELECT count(*) FROM fills").fetchone()
    assert (count, events(writer), waiting(writer)) == (11, 10, {"BTC": 11 * DAY})


def test_a_sale_of_more_than_is_known_waits(writer: Writer) -> None:
    """The deposit that explains it may be read a moment later: no opening is guessed, and nothing is found missing."""
    commit_measured(writer, page(replace(trade("main", "big", 11 * DAY, "sell"), amount=Decimal(30))), NOW)
    assert (events(writer), waiting(writer)) == (10, {"BTC": 11 * DAY})
    assert findings(writer.connection) == ()
    moved = Movement("main", "file", "d", 10 * DAY + 1, "deposit", "BTC", amount=Decimal(20), value=Decimal(1))
    commit_rows(writer, (), [moved], NOW)
    measure(writer, NOW)
    assert findings(writer.connection) == ()


@pytest.mark.parametrize(
    "change", [{"quote": "EUR"}, {"quote": "SOL"}, {"fees": (Fee("BNB", Decimal("-0.1")),)}, {"quote": "USDT"}]
)
def test_what_needs_a_price_of_the_market_waits(writer: Writer, change: dict[str, object]) -> None:
    """The price of its instant is read after it; at an older one it would be worth something else a moment later."""
    commit_prices(writer, [Price(asset, "USD", DAY, Decimal(7), "file", "file") for asset in ("EUR", "SOL", "BNB")])
    held = [replace(trade("main", asset, 2 * DAY, "buy"), base=asset, amount=Decimal(900)) for asset in ("SOL", "BNB")]
    commit_rows(writer, held, (), NOW)
    measure(writer, NOW)
    commit_measured(writer, page(replace(trade("main", "new", 11 * DAY, "buy"), **change)), NOW)  # type: ignore[arg-type]
    assert ("BTC" in waiting(writer)) == (change != {"quote": "USDT"})


@pytest.mark.parametrize("method", ["fifo", "hifo", "wac"])
@settings(max_examples=2, derandomize=True, deadline=None, database=None)
@given(book=BOOKS)
def test_fill_by_fill_or_from_nothing(book: list[tuple[str, int, int, int]], method: str) -> None:
    """Whichever of them came along with their tracks: shorts, crossings, fees, transfers, prices, late ones."""
    compare([Drawn(*one) for one in book], method, priced=True, along=True)
