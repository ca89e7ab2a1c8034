"""The prices file."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from monitor.errors import ImportRejected
from monitor.interchange.prices import Prices, read_prices
from monitor.records import Price

if TYPE_CHECKING:
    from pathlib import Path

NEW_YEAR = 1_767_225_600_000  # 2026-01-01T00:00:00Z


def read(folder: Path, *rows: str, header: str = "time,asset,price") -> Prices:
    """Return what a prices file of these rows holds."""
    path = folder / "prices.csv"
    path.write_text("\n".join([header, *rows, ""]))
    return read_prices(path, "USD")


def test_price(tmp_path: Path) -> None:
    """A row is what one unit cost in the reporting currency, exactly, known from its time on."""
    found = read(tmp_path, "2026-01-01,BTC,90000.10")
    assert found.prices == (Price("BTC", "USD", NEW_YEAR, Decimal("90000.1"), "file", "file"),)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (",BTC,1", "time is missing"),
        ("soon,BTC,1", "time 'soon' is no instant; write 2026-01-31T08:00:00Z or epoch ms"),
        ("2026-01-01,,1", "asset is missing"),
        ("2026-01-01,BTC/USD,1", "asset 'BTC/USD' is no asset"),
        ("2026-01-01,BTC,", "price is missing"),
        ("2026-01-01,BTC,cheap", "price 'cheap' is no decimal number"),
        ("2026-01-01,BTC,0", "price '0' is not above 0"),
        ("2026-01-01,BTC,-1", "price '-1' is not above 0"),
        ("2026-01-01,USD,1.01", "USD is always worth 1"),
        ("2026-01-01,ETH,3", "'ETH' has another price at this instant before"),
        ("2026-01-01,BTC", "has 2 fields, the header names 3"),
    ],
)
def test_bad_price(tmp_path: Path, row: str, reason: str) -> None:
    """A row that is no price is rejected with its line and reason."""
    found = read(tmp_path, "2026-01-01,ETH,2", row)
    assert [(one.line, one.reason) for one in found.rejected] == [(3, reason)]


def test_currency_itself(tmp_path: Path) -> None:
    """The reporting currency at 1 is true and adds nothing."""
    assert read(tmp_path, "2026-01-01,USD,1.00") == Prices()


def test_unknown_column(tmp_path: Path) -> None:
    """A column of another name is refused with the nearest known one."""
    with pytest.raises(ImportRejected, match=r"unknown column 'prize' \(did you mean 'price'\?\)"):
        read(tmp_path, header="time,asset,prize")
