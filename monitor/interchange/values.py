"""Whole columns of text into exact decimals and instants, with what cannot be read left null.

The common writings (`0.25`, `2026-01-31T08:00:00Z`, `1767225600000`) are read by vectorised expressions; each distinct
odd one (exponents, offsets, basic dates) goes once through the same exact functions that everything else uses.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import polars as pl

from monitor.clock import DATE_DIGITS, parse_instant
from monitor.errors import MonitorError
from monitor.exact import exact, plain

if TYPE_CHECKING:
    from collections.abc import Callable

SIMPLE_NUMBER = r"^-?[0-9]{1,30}(\.[0-9]{1,30})?$"
# A number as it is stored: most files write most of theirs so, and what it takes to see that is all it then takes.
CANONICAL = r"^(?:-?[1-9][0-9]{0,29}(?:\.[0-9]{0,29}[1-9])?|-?0\.[0-9]{0,29}[1-9]|0)$"
ANY_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
# Beyond 40 digits on either side of the point it is a damaged field, and sums of it would no longer be exact.
MOST_DIGITS = 40

SIMPLE_INSTANT = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?Z?$"
EPOCH = r"^[0-9]{11,13}$"
# Ten digits are seconds since 2001, sixteen are microseconds: read as milliseconds they would land in 1970 or the year
# 50000 without a word. The last instant is in the year 2286.
WHOLE_EPOCH = re.compile(r"^([0-9]{11,13})\.0+$")
EPOCH_OTHER_UNIT = re.compile(r"[0-9]{14,}")
LAST_INSTANT = 9_999_999_999_999
# Fewer digits are milliseconds only in a file that counts from the epoch itself: one with nothing after 1973, and with
# something that is neither seconds of this century nor a year or month. `20260131` is a day everywhere.
FEW_DIGITS = r"^[0-9]{1,10}(\.0+)?$"
YEAR_OR_MONTH = r"^(19|20)[0-9]{2}(0[1-9]|1[0-2])?$"
EARLY, LEAST_SECONDS = 100_000_000_000, 1_000_000_000


def decimals(column: pl.Series) -> pl.Series:
    """Return each number's canonical text (no exponent, trailing zeros or minus zero), null where it is none."""
    if column.null_count() == len(column):
        return column
    others = ~column.str.contains(CANONICAL).fill_null(value=True)
    if not others.any():
        return column
    return column.clone().scatter(others.arg_true(), _rewritten(column.filter(others)))


def _rewritten(column: pl.Series) -> pl.Series:
    """Return the canonical text of numbers that were written otherwise."""
    simple = column.str.contains(SIMPLE_NUMBER)
    whole = column.str.replace(r"^(-?)0+([0-9])", "${1}${2}")
    trimmed = whole.str.replace(r"(\.[0-9]*?)0+$", "${1}").str.strip_chars_end(".")
    common = trimmed.replace("-0", "0").zip_with(simple, pl.Series([None], dtype=pl.String))
    return _with_odd_ones(column, common, simple, decimal_text)


def decimal_text(text: str) -> str | None:
    """Return the canonical text of one number, None if it is none or absurdly long."""
    if not ANY_NUMBER.fullmatch(text):
        return None
    number = exact(text)
    exponent = number.as_tuple().exponent
    if number and (number.adjusted() >= MOST_DIGITS or (isinstance(exponent, int) and -exponent > MOST_DIGITS)):
        return None
    return plain(number)


def instants(column: pl.Series) -> pl.Series:
    """Return milliseconds UTC, null where the text is no instant between 1970 and 2286; finer digits are cut."""
    epoch = column.str.contains(EPOCH)
    if epoch.all(ignore_nulls=False):
        return column.cast(pl.Int64)
    written = column.str.contains(SIMPLE_INSTANT)
    moments = column.str.replace("Z", "", literal=True).str.replace(" ", "T", literal=True)
    read = moments.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", strict=False, time_unit="us").dt.epoch("ms")
    nothing = pl.Series([None], dtype=pl.Int64)
    read = read.zip_with(written & (read >= 0), nothing)
    common = column.cast(pl.Int64, strict=False).zip_with(epoch, read)
    return _counted_from_zero(column, _with_odd_ones(column, common, written | epoch, _instant))


def _counted_from_zero(column: pl.Series, read: pl.Series) -> pl.Series:
    """Return instants with those few digits read that can only be milliseconds, see `FEW_DIGITS`."""
    few = column.str.contains(FEW_DIGITS) & read.is_null()
    last = read.max()
    if not few.any() or (isinstance(last, int) and last >= EARLY):
        return read
    counted = column.str.replace(r"\.0+$", "").cast(pl.Int64, strict=False)
    least = counted.filter(few & ~column.str.contains(YEAR_OR_MONTH)).min()
    return counted.zip_with(few, read) if isinstance(least, int) and least < LEAST_SECONDS else read


def _instant(text: str) -> int | None:
    """Return one instant in milliseconds UTC, None if the text is none or in another unit."""
    text = WHOLE_EPOCH.sub(r"\1", text).upper()
    if EPOCH_OTHER_UNIT.fullmatch(text) or (re.match(FEW_DIGITS, text) and not DATE_DIGITS.fullmatch(text)):
        return None
    try:
        instant = parse_instant(text)
    except (MonitorError, OverflowError):
        return None
    return instant if 0 <= instant <= LAST_INSTANT else None


def _with_odd_ones(
    column: pl.Series, common: pl.Series, done: pl.Series, read: Callable[[str], str | int | None]
) -> pl.Series:
    """Return `common`, and where the fast path did not apply what `read` makes of the text."""
    odd = column.filter(~done).drop_nulls().unique().to_list()
    if not odd:
        return common
    found = pl.Series([read(text) for text in odd], dtype=common.dtype)
    slow = column.replace_strict(pl.Series(odd, dtype=pl.String), found, default=None, return_dtype=common.dtype)
    return common.zip_with(done.fill_null(value=False), slow)
