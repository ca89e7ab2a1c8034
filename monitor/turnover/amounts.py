"""Exact amounts: an integer of up to 19 digits and its number of decimals, beside the nearest float64.

0.1 is (1, 1), so that 0.1 + 0.2 - 0.3 is nothing. What no int64 holds has no integer (NO_INTEGER); such a row keeps
its digits as text instead and goes the slow way, with the same result.
"""

from __future__ import annotations

from decimal import Context, Decimal, Inexact
from typing import NamedTuple

import numpy as np
import polars as pl

from monitor.exact import plain
from monitor.turnover.compiled import part
from monitor.turnover.pairs import product

# Below 2 ** 63 with room for the error of the float the bound is tested with.
GREATEST = 9.2e18
MOST_DECIMALS = 18
NO_INTEGER = -(2**63)
# Wide enough for any product of two amounts; a digit lost is an error, never a rounding.
DIGITS = Context(prec=200, traps=[Inexact])
POWERS = np.array([10**k for k in range(MOST_DECIMALS + 1)], dtype=np.int64)
FLOAT_POWERS = np.array([10.0**k for k in range(MOST_DECIMALS + 1)])


class Amount(NamedTuple):
    """An exact amount: value = mantissa / 10 ** decimals; `near` is the float64 next to it."""

    near: float
    mantissa: int
    decimals: int


@part
def bounded(amount: Amount) -> Amount:
    """Return the amount, without its integer where that may have left int64."""
    if amount.mantissa == NO_INTEGER or amount.decimals > MOST_DECIMALS:
        return Amount(amount.near, NO_INTEGER, amount.decimals)
    if abs(amount.near) * FLOAT_POWERS[amount.decimals] < GREATEST:
        return amount
    return Amount(amount.near, NO_INTEGER, amount.decimals)


@part
def times(one: Amount, other: Amount) -> Amount:
    """Return the exact product."""
    near, decimals = one.near * other.near, one.decimals + other.decimals
    if NO_INTEGER in (one.mantissa, other.mantissa):
        return Amount(near, NO_INTEGER, decimals)
    return bounded(Amount(near, one.mantissa * other.mantissa, decimals))


@part
def plus(one: Amount, other: Amount) -> Amount:
    """Return the exact sum; both are bounded at the greater number of decimals before they are added."""
    near, decimals = one.near + other.near, max(one.decimals, other.decimals)
    first = bounded(Amount(2 * one.near, one.mantissa, decimals)).mantissa
    second = bounded(Amount(2 * other.near, other.mantissa, decimals)).mantissa
    if NO_INTEGER in (first, second):
        return Amount(near, NO_INTEGER, decimals)
    scaled = first * POWERS[decimals - one.decimals] + second * POWERS[decimals - other.decimals]
    return Amount(near, scaled, decimals)


@part
def excess(amount: Amount) -> float:
    """Return by how much the exact amount is more than its float64; nothing where it has no integer."""
    whole = float(amount.mantissa)
    if amount.decimals > MOST_DECIMALS or abs(whole) >= GREATEST:
        return 0.0
    power = float(FLOAT_POWERS[amount.decimals])
    high, low = product(amount.near, power)
    return (((whole - high) - low) + float(amount.mantissa - int(whole))) / power


@part
def signed(amount: Amount, sign: int) -> Amount:
    """Return the amount times +1 or -1."""
    mantissa = amount.mantissa if amount.mantissa == NO_INTEGER else amount.mantissa * sign
    return Amount(amount.near * sign, mantissa, amount.decimals)


def read(name: str) -> list[pl.Expr]:
    """Return near, mantissa and decimals (null where no int64 holds it) of a column of decimal texts of any form."""
    text = pl.col(name)
    point = text.str.find(".", literal=True).cast(pl.Int64)
    decimals = (text.str.len_bytes().cast(pl.Int64) - 1 - point).fill_null(0)
    # an exponent or too many digits fail the cast: null, the slow way
    mantissa = text.str.replace(".", "", literal=True).cast(pl.Int64, strict=False)
    return [text.cast(pl.Float64).alias("near"), mantissa.alias("mantissa"), decimals.alias("decimals")]


def split(number: Decimal) -> tuple[int | None, int, str | None]:
    """Return (mantissa, decimals, None), or (None, decimals, text) where no int64 holds it."""
    text = plain(number)
    decimals = len(text.partition(".")[2])
    mantissa = int(text.replace(".", ""))
    if abs(mantissa) < GREATEST and decimals <= MOST_DECIMALS:
        return mantissa, decimals, None
    return None, decimals, text
