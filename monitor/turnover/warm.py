"""Compile the kernel now, so that nobody waits later: `python -m monitor.turnover.warm`, once after installing."""

from __future__ import annotations

import polars as pl

from monitor.records import Valuation
from monitor.schema import FILLS, MOVEMENTS, PRICES, Columns
from monitor.turnover.track import recompute

PURCHASE: dict[str, str | int] = {
    "id": 1,
    "account": "warm",
    "exchange": "file",
    "key": "1",
    "time_ms": 0,
    "book": "spot",
    "kind": "trade",
    "symbol": "BTC/USD",
    "base": "BTC",
    "quote": "USD",
    "side": "buy",
    "amount": "1",
    "price": "1",
    "inverse": 0,
    "fees": "[]",
}


def warm() -> int:
    """Run one purchase through the whole engine and return how many pools it made."""
    tables = (_table(FILLS, [PURCHASE]), _table(MOVEMENTS, []), _table(PRICES, []))
    return len(recompute(*tables, Valuation()).pools)


def _table(columns: Columns, rows: list[dict[str, str | int]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={name: getattr(pl, kind) for name, kind in columns.items()})


if __name__ == "__main__":
    warm()
