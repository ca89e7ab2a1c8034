"""Rows of every book, a headline of spot alone: a book's contracts are never added to coins unless somebody asks."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from monitor.jobs.answer import Answer
    from tests.jobs.conftest import Ledger

EVENTS = """
    2024-01-01 buy  1 BTC/USD 100
    2024-01-02 sell 1 BTC/USD 120
    2024-01-01 buy  1 BTC/USD 40 margin
    2024-01-03 sell 1 BTC/USD 50 margin
"""


def cogs(answer: Answer) -> tuple[dict[str, float], float]:
    """Return the cost of goods sold of each book's row, and of the portfolio."""
    rows = cast("list[dict[str, object]]", answer["assets"])
    total = cast("dict[str, float]", answer["portfolio"])
    return {str(row["book"]): cast("float", row["cogs"]) for row in rows}, total["cogs"]


def test_the_headline_sums_spot_and_shows_every_book(ledger: Ledger) -> None:
    """Spot sold what had cost 100, margin what had cost 40: both are rows, the portfolio has 100."""
    ledger.add(EVENTS)
    ledger.measure()
    assert cogs(ledger.answer("2024-01-01", "2024-01-11")) == ({"spot": 100.0, "margin": 40.0}, 100.0)


def test_a_book_asked_for_is_shown_and_summed_alone_and_all_together_on_request(ledger: Ledger) -> None:
    """--book margin has 40, --book all 100 + 40."""
    ledger.add(EVENTS)
    ledger.measure()
    assert cogs(ledger.answer("2024-01-01", "2024-01-11", book="margin")) == ({"margin": 40.0}, 40.0)
    assert cogs(ledger.answer("2024-01-01", "2024-01-11", book="all"))[1] == 100.0 + 40.0
