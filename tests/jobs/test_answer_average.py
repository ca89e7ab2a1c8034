"""The one lot of a weighted average at an instant of the past: each expectation is the arithmetic of its table."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from monitor.clock import parse_instant
from monitor.jobs.answer import turnover_answer
from monitor.jobs.inventory import inventory_answer
from monitor.records import Valuation
from monitor.store.settings import save_valuation
from monitor.store.touched import touch

if TYPE_CHECKING:
    from tests.jobs.conftest import Ledger

Numbers = dict[str, object]

# Mean day of acquisition, counted from the first of January, after each: 0, (200 * 0 + 600 * 10) / 800 = 7.5, the same,
# (600 * 7.5 + 200 * 20) / 800 = 10.625, and whatever the last makes of it.
GROWING = """
    2024-01-01 buy  2 BTC/USD 100
    2024-01-11 buy  2 BTC/USD 300
    2024-01-16 sell 1 BTC/USD 400
    2024-01-21 buy  4 BTC/USD 50
    2024-01-26 buy  1 BTC/USD 9000
    2024-01-28 sell 2 BTC/USD 400
"""


def ages(ledger: Ledger, end: str, account: str | None = None) -> tuple[object, object]:
    """Return mean age [days] and basis of the open lots at an instant, as the answer and the inventory have them."""
    answer = turnover_answer(
        ledger.reader, now=ledger.now, start=parse_instant("2023-12-01"), end=parse_instant(end), assets=["BTC"],
        by="account" if account else "asset",
    )  # fmt: skip
    (row,) = (row for row in cast("list[Numbers]", answer["assets"]) if row["account"] == account)
    told = cast("dict[str, Numbers]", row["age"])
    basis = sum(cast("dict[str, float]", told["long"]["basis"]).values())
    basis += sum(cast("dict[str, float]", told["short"]["basis"]).values())
    held = inventory_answer(
        ledger.reader, now=ledger.now, as_of=parse_instant(end), assets=["BTC"], by="account" if account else "asset"
    )
    for position in cast("list[Numbers]", held["positions"]):
        if position["account"] == account:
            assert cast("Numbers", position["age"])["mean"] == told["mean"]
            assert position["basis"] == pytest.approx(basis)
    return told["mean"], basis


def averaged(ledger: Ledger, table: str) -> None:
    """Measure a table with weighted averages."""
    save_valuation(ledger.writer, Valuation(method="wac"))
    ledger.add(table)
    ledger.measure()


@pytest.mark.parametrize(
    ("end", "age", "basis"),
    [
        ("2024-01-05", 4, 200),
        ("2024-01-13", 12 - 7.5, 800),
        ("2024-01-16", 15 - 7.5, 800),
        ("2024-01-18", 17 - 7.5, 600),
        ("2024-01-21", 20 - 7.5, 600),
        ("2024-01-24", 23 - 10.625, 800),
        ("2024-01-27", 26 - (800 * 10.625 + 9_000 * 25) / 9_800, 9_800),
        ("2024-01-31", 30 - (800 * 10.625 + 9_000 * 25) / 9_800, 9_800 * 6 / 8),
    ],
)
def test_age_and_basis_are_those_of_then(ledger: Ledger, end: str, age: float, basis: float) -> None:
    """What joined the lot later makes it neither dearer nor younger before."""
    averaged(ledger, GROWING)
    found = ages(ledger, end)
    assert found == (pytest.approx(age, abs=1e-8), pytest.approx(basis))


def test_after_crossing_zero_the_lot_is_a_new_one(ledger: Ledger) -> None:
    """Three sold short of one held: the two that are left are as old as that sale, the third joins them."""
    averaged(
        ledger,
        """
        2024-01-01 buy  1 BTC/USD 100 margin
        2024-01-11 sell 3 BTC/USD 50 margin
        2024-01-21 sell 1 BTC/USD 300 margin
        2024-01-26 buy  4 BTC/USD 300 margin
        """,
    )
    assert ages(ledger, "2024-01-16") == (pytest.approx(5), pytest.approx(100))
    assert ages(ledger, "2024-01-22") == (pytest.approx(21 - (100 * 10 + 300 * 20) / 400), pytest.approx(400))


def test_what_came_by_transfer_kept_its_age(ledger: Ledger) -> None:
    """100 of the sender's, on average five days older than the day they came, join 300 bought there the day before."""
    averaged(
        ledger,
        """
        2024-01-01 buy  1 BTC/USD 100
        2024-01-11 buy  1 BTC/USD 100
        2024-01-11 transfer 1 BTC other 1
        """,
    )
    ledger.add("2024-01-10 buy 1 BTC/USD 300\n2024-01-21 buy 1 BTC/USD 1000", account="other")
    ledger.measure()
    opened = (300 * 9 + 100 * 5) / 400
    assert ages(ledger, "2024-01-16", "other") == (pytest.approx(15 - opened), pytest.approx(400))
    assert ages(ledger, "2024-01-16", "paper") == (pytest.approx(15 - 5), pytest.approx(100))


def test_what_was_bought_in_the_instant_of_a_transfer_is_new(ledger: Ledger) -> None:
    """Both join the lot on the eleventh: 300 bought then, and 100 that are told apart by what they had cost."""
    averaged(
        ledger,
        """
        2024-01-01 buy  1 BTC/USD 100
        2024-01-11 transfer 1 BTC other 1
        """,
    )
    ledger.add("2024-01-10 buy 1 BTC/USD 600\n2024-01-11 buy 1 BTC/USD 300", account="other")
    ledger.measure()
    opened = (600 * 9 + 300 * 10 + 100 * 0) / 1_000
    assert ages(ledger, "2024-01-16", "other") == (pytest.approx(15 - opened), pytest.approx(1_000))


def test_what_is_relieved_is_as_much_of_a_guess_as_the_average(ledger: Ledger) -> None:
    """A unit of 100 bought and one of 300 adjusted: three quarters of whatever is sold are guessed."""
    averaged(
        ledger,
        """
        2024-01-01 buy    1 BTC/USD 100
        2024-01-02 adjust 1 BTC 300
        2024-01-03 sell   1 BTC/USD 400
        """,
    )
    (row,) = cast("list[Numbers]", ledger.answer("2024-01-01", "2024-01-05")["assets"])
    assert (row["cogs"], row["estimated_share_of_relieved"]) == (200, pytest.approx(300 / 400))


def test_the_lots_of_other_pools_tell_nothing(ledger: Ledger) -> None:
    """A short of another coin that was covered says nothing of a long that was sold in part."""
    averaged(
        ledger,
        """
        2024-01-01 sell 2 AVAX/USD 10 margin
        2024-01-02 buy  1 AVAX/USD 10 margin
        2024-01-01 buy  2 BTC/USD 100
        2024-01-11 sell 1 BTC/USD 100
        """,
    )
    assert ages(ledger, "2024-01-16") == (pytest.approx(15), pytest.approx(100))


def test_what_was_converted_kept_its_age(ledger: Ledger) -> None:
    """Two thirds of the old coin become the new one, as old as they were."""
    averaged(ledger, "2024-01-01 buy 3 OLD/USD 100\n2024-01-26 buy 1 BTC/USD 1000")
    with ledger.writer.transaction() as connection:
        connection.execute(
            "INSERT INTO movements (account, exchange, key, time_ms, kind, asset, amount, to_asset, received, source,"
            " first_seen_ms) VALUES ('paper', 'file', 'c', ?, 'convert', 'OLD', '2', 'BTC', '20', 'file', 1)",
            [parse_instant("2024-01-11")],
        )
        touch(connection, {"OLD": 0, "BTC": 0})
    ledger.measure()
    assert ages(ledger, "2024-01-16") == (pytest.approx(15), pytest.approx(200))
