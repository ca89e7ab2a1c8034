"""Times of few digits: milliseconds in a file that counts from the epoch, another unit in any other."""

from __future__ import annotations

import polars as pl
import pytest

from monitor.clock import DAY, parse_instant
from monitor.errors import UsageError
from monitor.interchange.values import instants


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["0", "1000", "86400000"], [0, 1_000, DAY]),
        # the twentieth day's milliseconds are also seconds of 2024: the first day tells which
        (["86400000", "1728000000", "10000000000"], [DAY, 20 * DAY, 10_000_000_000]),
        (["0", "1970-01-02T00:00:00Z", "2000.0"], [0, DAY, 2_000]),
        (["1728000000", "1728086400"], [None, None]),
        (["1767225600000", "1767225600", "0"], [1_767_225_600_000, None, None]),
        (["2026-01-01T00:00:00Z", "86400000"], [1_767_225_600_000, None]),
        (["2024", "202401"], [None, None]),
        (["20260101", "20260102"], [1_767_225_600_000, 1_767_225_600_000 + DAY]),
        (["20260101", "2026010"], [1_767_225_600_000, None]),
    ],
)
def test_few_digits(texts: list[str], expected: list[int | None]) -> None:
    """They are read only where nothing in the file lies after 1973 and something can be no second of this century."""
    assert instants(pl.Series(texts)).to_list() == expected


@pytest.mark.parametrize(("text", "instant"), [("0", 0), ("86400000", DAY), ("-5", -5), ("19700102", DAY)])
def test_an_instant_that_a_person_gives(text: str, instant: int) -> None:
    """Digits are milliseconds, eight that can be a day are that day."""
    assert parse_instant(text) == instant


@pytest.mark.parametrize("text", ["2024", "202401"])
def test_a_year_is_no_instant(text: str) -> None:
    """As milliseconds it would be two seconds after the epoch, which nobody means."""
    with pytest.raises(UsageError, match="no instant"):
        parse_instant(text)
