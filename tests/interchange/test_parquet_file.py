"""Events files as Parquet: the same columns, with the types that come natural there."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import polars as pl
import pytest

from monitor.interchange.events import read_events
from monitor.interchange.prices import read_prices

if TYPE_CHECKING:
    from pathlib import Path

NEW_YEAR = 1_767_225_600_000  # 2026-01-01T00:00:00Z


@pytest.mark.parametrize(
    "time",
    [
        ["2026-01-01T00:00:00Z"],
        [NEW_YEAR],
        [datetime(2026, 1, 1, tzinfo=UTC)],
        pl.Series([datetime(2026, 1, 1)]).dt.cast_time_unit("ms"),  # noqa: DTZ001  Parquet has times without a zone too
        [datetime(2026, 1, 1).date()],  # noqa: DTZ001  and days
    ],
    ids=["text", "milliseconds", "UTC", "no zone", "day"],
)
@pytest.mark.parametrize("amount", [["0.10"], [0.1], [Decimal("0.10")]], ids=["text", "float", "decimal"])
def test_types(tmp_path: Path, time: object, amount: list[object]) -> None:
    """Texts, integers, decimals and instants are read alike; a float counts as its shortest exact writing."""
    path = tmp_path / "events.parquet"
    pl.DataFrame({"time": time, "account": "main", "kind": "deposit", "amount": amount, "asset": "BTC"}).write_parquet(
        path
    )
    events = read_events(path)
    assert events.rejected == ()
    assert events.movements.select("time_ms", "asset", "amount").rows() == [(NEW_YEAR, "BTC", "0.1")]


def test_floats_of_a_data_frame(tmp_path: Path) -> None:
    """Whole milliseconds kept as floats are instants, and a float that is no number is a field without a value."""
    path = tmp_path / "events.parquet"
    pl.DataFrame(
        {"time": [float(NEW_YEAR)], "account": "a", "kind": "deposit", "amount": 1.5, "asset": "BTC",
         "value": [float("nan")]}
    ).write_parquet(path)  # fmt: skip
    events = read_events(path)
    assert events.rejected == ()
    assert events.movements.select("time_ms", "amount", "value").rows() == [(NEW_YEAR, "1.5", None)]


def test_rows_count_from_one(tmp_path: Path) -> None:
    """A Parquet file has no header line: its first row is row 1."""
    path = tmp_path / "events.parquet"
    pl.DataFrame(
        {"time": ["2026-01-01", ""], "account": "a", "kind": "fee", "amount": 1, "asset": "BTC"}
    ).write_parquet(path)
    assert [(row.line, row.reason) for row in read_events(path).rejected] == [(2, "time is missing")]


def test_prices(tmp_path: Path) -> None:
    """A prices file may be Parquet too."""
    path = tmp_path / "prices.parquet"
    pl.DataFrame({"time": [NEW_YEAR], "asset": ["BTC"], "price": [90_000.5]}).write_parquet(path)
    assert [str(price.price) for price in read_prices(path, "USD").prices] == ["90000.5"]
