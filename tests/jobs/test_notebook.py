"""The desk as frames: types, exact decimals, and the numbers of the answers."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import polars as pl
import pytest

import monitor
from monitor.clock import DAY, FixedClock
from monitor.errors import DatabaseMissing, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from monitor.notebook.desk import Desk
    from tests.jobs.conftest import Ledger

BOOK = """
    2024-01-01 price BNB/USD 20
    2024-01-01 buy  2.5 BTC/USD 100
    2024-01-03 buy  0.25 BTC/USD 130 fee 0.1 BNB
    2024-01-05 sell 2 BTC/USD 140
    2024-01-06 sell 3 ETH/USD 50 margin
    2024-01-30 price BTC/USD 90
    2024-01-30 price ETH/USD 40
"""


@pytest.fixture
def desk(ledger: Ledger) -> Desk:
    """Return the open desk of a small book."""
    ledger.add(BOOK)
    ledger.measure()
    return monitor.open(ledger.writer.path, clock=FixedClock(ledger.now))


def test_turnover_is_a_row_an_asset(desk: Desk) -> None:
    """With the answer's names, nested ones joined, quantities exact, instants typed."""
    with desk:
        frame = desk.turnover("BTC", start="2024-01-02", end=datetime(2024, 1, 12, tzinfo=UTC))
    (row,) = frame.rows(named=True)
    assert (row["asset"], row["cogs"], row["status"]) == ("BTC", 200, "ok")
    assert row["turnover"] == pytest.approx(200 / ((250 * 1 + 282.5 * 2 + 82.5 * 7) / 10))
    assert (row["opening_quantity"], row["closing_quantity"]) == (Decimal("2.5"), Decimal("0.75"))
    assert frame.schema["freshness_fills_complete_until"] == pl.Datetime("ms", "UTC")
    assert frame.schema["account"] == pl.String
    assert not [name for name, kind in frame.schema.items() if kind == pl.Null]


def test_turnover_of_the_portfolio_is_one_row(desk: Desk) -> None:
    """Spot alone, as everywhere."""
    with desk:
        frame = desk.turnover(window=timedelta(days=365), by="portfolio")
    assert (frame.height, frame["cogs"].item()) == (1, 200)


def test_series_is_a_row_a_point(desk: Desk) -> None:
    """Inventory at cost at three midnights, for each asset asked about."""
    with desk:
        frame = desk.series("BTC", metric="inventory", window="1d", step=DAY, start="2024-01-02", end="2024-01-04")
    assert frame.columns == ["asset", "book", "account", "time", "value", "status"]
    assert frame["value"].to_list() == [250, 250, 282.5]
    assert frame["time"].to_list()[0] == datetime(2024, 1, 2, tzinfo=UTC)


def test_open_lots_with_what_they_are_worth(desk: Desk) -> None:
    """What is left of each lot at cost and at its mark; a short gains when its mark is lower."""
    with desk:
        frame = desk.lots(as_of="2024-01-31")
    names = ("asset", "book", "age", "quantity", "basis", "mark", "market_value", "unrealised_pnl")
    assert frame.select(names).rows() == [
        ("BTC", "spot", 30.0, Decimal("0.5"), 50, 90, 45, -5),
        ("BTC", "spot", 28.0, Decimal("0.25"), 32.5, 90, 22.5, -10),
        ("ETH", "margin", 25.0, Decimal(-3), 150, 40, 120, 30),
    ]


def test_any_method_and_one_account(desk: Desk) -> None:
    """The last in is the first out: 0.25 at 130 and 1.75 at 100 are sold, in the account's own lots."""
    with desk:
        turns = desk.turnover("BTC", start="2024-01-02", end="2024-01-12", method="lifo", account="paper")
        lots = desk.lots("BTC", as_of="2024-01-31", method="lifo", account="paper")
        line = desk.series(
            "BTC", metric="cogs", window="10d", start="2024-01-12", end="2024-01-12", method="lifo", account="paper"
        )
    assert turns.select("account", "cogs").rows() == [("paper", 0.25 * 130 + 1.75 * 100)]
    assert lots.select("account", "quantity", "basis").rows() == [("paper", Decimal("0.75"), 75)]
    assert line.select("account", "value").rows() == [("paper", 0.25 * 130 + 1.75 * 100)]


def test_it_says_what_it_is(desk: Desk, ledger: Ledger) -> None:
    """As it is opened."""
    with desk:
        assert repr(desk) == f"monitor.open('{ledger.writer.path}')"


def test_fills_are_exact(desk: Desk) -> None:
    """Amounts keep their digits, fees are a list of asset and amount, the end is exclusive."""
    with desk:
        frame = desk.fills("BTC", start="2024-01-02", end="2024-01-05")
        assert desk.fills().height == 4
        assert desk.fills(account="other").height == 0
    (row,) = frame.rows(named=True)
    assert (row["amount"], row["price"], row["side"]) == (Decimal("0.25"), Decimal(130), "buy")
    assert row["fees"] == [{"asset": "BNB", "amount": "0.1"}]
    assert row["time"] == datetime(2024, 1, 3, tzinfo=UTC)


def test_more_digits_than_a_decimal_holds_stay_text(ledger: Ledger) -> None:
    """Nothing is rounded to fit."""
    ledger.add(f"2024-01-01 buy 1{'0' * 20} PEPE/USD 0.{'0' * 18}1\n2024-01-02 buy 0.{'0' * 19}1 PEPE/USD 1")
    with monitor.open(ledger.writer.path) as desk:
        frame = desk.fills("PEPE")
    assert frame.schema["amount"] == pl.String
    assert frame["amount"].to_list() == ["1" + "0" * 20, "0." + "0" * 19 + "1"]


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """With the remedy, as on the command line."""
    with pytest.raises(DatabaseMissing, match=r"nowhere\.db"):
        monitor.open(tmp_path / "nowhere.db")


def test_words_are_checked_as_on_the_command_line(desk: Desk) -> None:
    """An unknown asset names the nearest."""
    with desk, pytest.raises(UsageError, match="Did you mean 'BTC'"):
        desk.lots("BTX")


def test_importing_the_package_brings_no_frames_along() -> None:
    """Only `monitor.open` does."""
    code = "import sys, monitor; print('polars' in sys.modules); monitor.open; print('polars' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["False", "True"]


def test_an_unknown_name_is_an_attribute_error() -> None:
    """As of any module."""
    with pytest.raises(AttributeError, match="no attribute 'close'"):
        monitor.close  # noqa: B018
