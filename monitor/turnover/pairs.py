"""Numbers as (high, low) pairs of float64, together about 32 digits; in the subset of Python that is compiled.

A small profit between two great amounts is still right to all of its digits.
"""

from __future__ import annotations

from monitor.turnover.compiled import part

SPLITTER = 2.0**27 + 1.0
# What so small a part of two amounts keeps them apart is how their divisions were rounded: they are equal.
NOTHING = 2.0**-98


@part
def product(one: float, other: float) -> tuple[float, float]:
    """Return an exact product as a (high, low) pair: Dekker's splitting into halves of 26 bits."""
    high = one * other
    lifted = SPLITTER * one
    one_high = lifted - (lifted - one)
    one_low = one - one_high
    lifted = SPLITTER * other
    other_high = lifted - (lifted - other)
    other_low = other - other_high
    return high, ((one_high * other_high - high) + one_high * other_low + one_low * other_high) + one_low * other_low


@part
def lost(one: float, other: float) -> float:
    """Return what the float64 sum of two numbers loses: Knuth's two-sum."""
    total = one + other
    back = total - one
    return (one - (total - back)) + (other - back)


@part
def share(high: float, low: float, units: int, whole: int) -> tuple[float, float]:
    """Return the part of a pair that falls on some of all units, as a pair: all of it on all of them."""
    if units == whole:
        return high, low
    some, all_of_it = float(units), float(whole)
    # integers beyond 2 ** 53 do not fit a float: what is cut off counts in the low part
    some_low, all_low = float(units - int(some)), float(whole - int(all_of_it))
    top, bottom = product(high, some)
    bottom += high * some_low + low * some
    quotient = top / all_of_it
    back, back_low = product(quotient, all_of_it)
    rest = (((top - back) - back_low) + bottom - quotient * all_low) / all_of_it
    return quotient + rest, rest - ((quotient + rest) - quotient)


@part
def difference(one: tuple[float, float], other: tuple[float, float]) -> tuple[float, float]:
    """Return one pair less another, nothing where 32 digits do not tell them apart."""
    high = one[0] - other[0]
    low = lost(one[0], -other[0]) + (one[1] - other[1])
    if abs(high + low) <= NOTHING * abs(one[0]):
        return 0.0, 0.0
    return high, low
