"""Exact amounts in columns: an integer of up to 19 digits and its number of decimals, beside the nearest float64.

0.1 is (1, 1), so that 0.1 + 0.2 - 0.3 is nothing. What no int64 holds has no integer (null); such a row keeps its
digits as text instead and goes the slow way, with the same result.
"""

from __future__ import annotations

from decimal import Context, Decimal, Inexact
from typing import NamedTuple

import numpy as np
import polars as pl

from monitor.exact import plain

# Below 2 ** 63 with room for the error of the float the bound is tested with.
GREATEST = 9.2e18
MOST_DECIMALS = 18
# Wide enough for any product of two amounts; a digit lost is an error, never a rounding.
DIGITS = Context(prec=200, traps=[Inexact])
POWERS = np.array([10**k for k in range(MOST_DECIMALS + 1)], dtype=np.int64)
FLOAT_POWERS = np.array([10.0**k for k in range(MOST_DECIMALS + 1)])


class Amount(NamedTuple):
    """A column of exact amounts: value = mantissa / 10 ** decimals; `near` is the float64 next to it."""

    near: pl.Expr
    mantissa: pl.Expr
    decimals: pl.Expr

    def named(self, name: str) -> list[pl.Expr]:
        """Return the three columns, named for storing in a frame."""
        return [
            self.near.alias(f"{name}_near"),
            self.mantissa.alias(f"{name}_mantissa"),
            self.decimals.alias(f"{name}_decimals"),
        ]


def stored(name: str) -> Amount:
    """Return the amount that `Amount.named` put into a frame."""
    return Amount(pl.col(f"{name}_near"), pl.col(f"{name}_mantissa"), pl.col(f"{name}_decimals"))


def read(name: str) -> Amount:
    """Return the amounts a column of decimal texts stands for."""
    text = pl.col(name)
    point = text.str.find(".", literal=True).cast(pl.Int64)
    decimals = (text.str.len_bytes().cast(pl.Int64) - 1 - point).fill_null(0)
    # an exponent or too many digits fail the cast: null, the slow way
    mantissa = text.str.replace(".", "", literal=True).cast(pl.Int64, strict=False)
    return Amount(text.cast(pl.Float64), mantissa, decimals)


def bounded(amount: Amount) -> Amount:
    """Return the amounts with null mantissas where their integers may have left int64."""
    power = pl.lit(pl.Series(FLOAT_POWERS)).gather(amount.decimals.clip(0, MOST_DECIMALS))
    fits = (amount.decimals <= MOST_DECIMALS) & (amount.near.abs() * power < GREATEST)
    return amount._replace(mantissa=pl.when(fits).then(amount.mantissa))


def times(one: Amount, other: Amount) -> Amount:
    """Return the exact products."""
    return bounded(
        Amount(one.near * other.near, one.mantissa * other.mantissa, one.decimals + other.decimals),
    )


def plus(one: Amount, other: Amount) -> Amount:
    """Return the exact sums; both are bounded at the greater number of decimals before they are added."""
    decimals = pl.max_horizontal(one.decimals, other.decimals)
    wide = [bounded(amount._replace(near=amount.near * 2, decimals=decimals)).mantissa for amount in (one, other)]
    scaled = [
        mantissa * pl.lit(pl.Series(POWERS)).gather((decimals - amount.decimals).clip(0, MOST_DECIMALS))
        for mantissa, amount in zip(wide, (one, other), strict=True)
    ]
    return Amount(one.near + other.near, scaled[0] + scaled[1], decimals)


def signed(amount: Amount, sign: pl.Expr) -> Amount:
    """Return the amounts times +1 or -1."""
    return Amount(amount.near * sign, amount.mantissa * sign, amount.decimals)


def either(condition: pl.Expr, one: Amount, other: Amount) -> Amount:
    """Return the first amount where the condition holds, else the second."""
    return Amount(*(pl.when(condition).then(a).otherwise(b) for a, b in zip(one, other, strict=True)))


def split(number: Decimal) -> tuple[int | None, int, str | None]:
    """Return (mantissa, decimals, None), or (None, decimals, text) where no int64 holds it."""
    text = plain(number)
    decimals = len(text.partition(".")[2])
    mantissa = int(text.replace(".", ""))
    if abs(mantissa) < GREATEST and decimals <= MOST_DECIMALS:
        return mantissa, decimals, None
    return None, decimals, text
