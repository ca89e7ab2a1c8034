"""A prices file: what one unit of an asset was worth in the reporting currency, known from `time` on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING

import polars as pl

from monitor.interchange.columns import PRICE_COLUMNS
from monitor.interchange.symbols import ASSET
from monitor.interchange.table import LINE, Rejected, read_table
from monitor.interchange.values import decimals, instants
from monitor.records import Price

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Prices:
    """What a prices file holds; `lines` are those of `prices`, one each."""

    prices: tuple[Price, ...] = ()
    lines: tuple[int, ...] = ()
    rejected: tuple[Rejected, ...] = ()


def read_prices(path: Path, currency: str) -> Prices:
    """Read a prices file, CSV or Parquet; `currency` is the reporting currency its prices are in.

    Two different prices of one asset at one instant are an error: which of them is true is not ours to choose.

    Raises:
        UsageError: there is no such file.
        ImportRejected: it is neither, or its columns are not `time,asset,price`.
    """
    table = read_table(path, PRICE_COLUMNS, PRICE_COLUMNS)
    frame = table.frame.with_columns(
        instants(table.frame["time"]).alias("time_ms"), decimals(table.frame["price"]).alias("price_exact")
    )
    frame = frame.with_columns(reason=pl.concat_str(_checks(currency), separator="; ", ignore_nulls=True))
    told = frame.filter(pl.col("reason") != "").select(LINE, "reason")
    # The currency itself at 1 is true, and says nothing.
    good = frame.filter((pl.col("reason") == "") & (pl.col("asset") != currency))
    rejected = [*table.rejected, *(Rejected(*row) for row in told.iter_rows())]
    rows = good.select("asset", "time_ms", "price_exact").iter_rows()
    return Prices(
        tuple(Price(asset, currency, time, Decimal(price), "file", "file") for asset, time, price in rows),
        tuple(good[LINE].to_list()),
        tuple(replace(row, file=str(path)) for row in sorted(rejected, key=lambda row: row.line)),
    )


def _checks(currency: str) -> list[pl.Expr]:
    """Return what can be wrong with a row of a prices file."""
    text = pl.col("asset")
    unread = pl.col("price").is_not_null() & pl.col("price_exact").is_null()
    low = pl.col("price_exact").str.starts_with("-") | (pl.col("price_exact") == "0")
    no_time = pl.col("time").is_not_null() & pl.col("time_ms").is_null()
    first = pl.col("price_exact").first().over("asset", "time_ms")
    twice = pl.col("time_ms").is_not_null() & (pl.col("price_exact") != first)
    return [
        *(pl.when(pl.col(name).is_null()).then(pl.lit(f"{name} is missing")) for name in PRICE_COLUMNS),
        pl.when(no_time).then(pl.format("time '{}' is no instant; write 2026-01-31T08:00:00Z or epoch ms", "time")),
        pl.when(~text.str.contains(f"^(?:{ASSET})$")).then(pl.format("asset '{}' is no asset", "asset")),
        pl.when((text == currency) & (pl.col("price_exact") != "1")).then(pl.lit(f"{currency} is always worth 1")),
        pl.when(unread).then(pl.format("price '{}' is no decimal number", "price")),
        pl.when(low).then(pl.format("price '{}' is not above 0", "price")),
        pl.when(twice).then(pl.format("'{}' has another price at this instant before", "asset")),
    ]
