"""Quantities of fills that no int64 holds on the way: the same rules, one row at a time, digit by digit.

Signs are turned by `copy_negate`: a plain minus would round to the 28 digits of the default context.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import polars as pl

from monitor.exact import exact
from monitor.turnover.amounts import DIGITS, split

Cells = dict[str, str | int | None]
Wide = Callable[[Cells], Decimal]


def widened(frame: pl.DataFrame, wide: Wide) -> pl.DataFrame:
    """Give the rows whose quantity left int64 on the way their exact one, digit by digit."""
    frame = frame.with_columns(wide=pl.lit(None, dtype=pl.String))
    narrow, rows = frame.filter(pl.col("mantissa").is_not_null()), frame.filter(pl.col("mantissa").is_null())
    if rows.is_empty():
        return frame
    parts = [split(wide(row)) for row in rows.iter_rows(named=True)]
    types = {"mantissa": pl.Int64, "decimals": pl.Int64, "wide": pl.String}
    columns = pl.DataFrame(parts, schema=types, orient="row")
    return pl.concat([narrow, rows.with_columns(columns[name] for name in types)], how="vertical_relaxed")


def _number(row: Cells, name: str) -> Decimal:
    text = row[name]
    return exact("0" if text is None else text)


def wide_base(row: Cells) -> Decimal:
    """Return what a fill does to its base: amount less base fee of a purchase, amount and fee of a sale."""
    size = DIGITS.multiply(_number(row, "amount"), _number(row, "size") if not row["is_coin"] else Decimal(1))
    signed_size = size if row["side"] == "buy" else size.copy_negate()
    return DIGITS.subtract(signed_size, _number(row, "of_base")) if row["is_coin"] else signed_size


def wide_quote(row: Cells) -> Decimal:
    """Return what a fill does to its quote: cost and fee leave on a purchase, cost less fee comes in on a sale."""
    product = DIGITS.multiply(_number(row, "amount"), _number(row, "price_text"))
    cost, fee = product if row["cost"] is None else _number(row, "cost"), _number(row, "of_quote")
    return DIGITS.add(cost, fee).copy_negate() if row["side"] == "buy" else DIGITS.subtract(cost, fee)


def wide_fee(row: Cells) -> Decimal:
    """Return what a fee does to the asset it is paid in."""
    return _number(row, "fee").copy_negate()
