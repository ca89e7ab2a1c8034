"""What is held and what is stuck: each expectation is the arithmetic of the table above it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, cast

import pytest

from monitor.clock import parse_instant
from monitor.errors import UsageError
from monitor.jobs.inventory import inventory_answer
from monitor.jobs.stuck import stuck_answer
from monitor.records import Valuation
from monitor.store.settings import save_valuation

if TYPE_CHECKING:
    from tests.jobs.conftest import Ledger

Numbers = dict[str, object]

BOOK = """
    2024-01-01 buy  4 BTC/USD 100
    2024-01-11 buy  2 BTC/USD 130
    2024-01-21 sell 1 BTC/USD 140
    2024-01-21 sell 3 ETH/USD  50 margin
    2024-01-30 price BTC/USD 90
    2024-01-30 price ETH/USD 40
"""
END = parse_instant("2024-01-31")


def held(ledger: Ledger, *assets: str, account: bool = False) -> list[Numbers]:
    """Return the positions at the end of January 2024."""
    answer = inventory_answer(
        ledger.reader, now=ledger.now, as_of=END, assets=assets, by="account" if account else "asset"
    )
    json.dumps(answer, allow_nan=False)
    return cast("list[Numbers]", answer["positions"])


def stuck(ledger: Ledger, *assets: str) -> list[Numbers]:
    """Return what is stuck at the end of January 2024."""
    answer = stuck_answer(ledger.reader, now=ledger.now, as_of=END, assets=assets)
    json.dumps(answer, allow_nan=False)
    return cast("list[Numbers]", answer["stuck"])


def lots(ledger: Ledger, asset: str) -> list[tuple[object, object]]:
    """Return quantity and basis of the open lots at the end of January 2024, the oldest first."""
    (row,) = stuck(ledger, asset)
    return [(lot["quantity"], lot["basis"]) for lot in cast("list[Numbers]", row["lots"])]


def test_a_position_at_cost_and_at_market(ledger: Ledger) -> None:
    """Three of the lot at 100 and two at 130 are left, marked at 90."""
    ledger.add(BOOK)
    ledger.measure()
    (btc,) = held(ledger, "BTC")
    names = ("side", "status", "quantity", "basis", "mark", "mark_time", "mark_source", "market_value", "lots")
    assert {name: btc[name] for name in names} == {
        "side": "long",
        "status": "ok",
        "quantity": "5",
        "basis": 3 * 100 + 2 * 130,
        "mark": 90,
        "mark_time": "2024-01-30T00:00:00.000Z",
        "mark_source": "file BTC/USD file",
        "market_value": 5 * 90,
        "lots": 2,
    }
    assert btc["unit_basis"] == pytest.approx(560 / 5)
    assert btc["unrealised_pnl"] == pytest.approx(5 * 90 - 560)
    age = cast("Numbers", btc["age"])
    assert age["mean"] == pytest.approx((300 * 30 + 260 * 20) / 560)
    # Thirty days old is not under thirty days: buckets are half open.
    assert {name: basis for name, basis in cast("Numbers", age["basis"]).items() if basis} == {
        "7d_to_30d": 260,
        "30d_to_90d": 300,
    }


def test_a_short_gains_when_the_mark_falls(ledger: Ledger) -> None:
    """Its basis is what was received for it, positive; the quantity carries the sign."""
    ledger.add(BOOK)
    ledger.measure()
    (eth,) = held(ledger, "ETH")
    assert (eth["side"], eth["book"], eth["quantity"]) == ("short", "margin", "-3")
    assert (eth["basis"], eth["market_value"], eth["unrealised_pnl"]) == (150, 120, 150 - 120)


def test_longs_and_shorts_are_never_netted(ledger: Ledger) -> None:
    """Each side has a total of its own."""
    ledger.add(BOOK)
    ledger.measure()
    answer = inventory_answer(ledger.reader, now=ledger.now, as_of=END, book="all")
    total = cast("dict[str, Numbers]", answer["total"])
    assert (total["long"]["basis"], total["short"]["basis"]) == (560, 150)
    assert (total["long"]["unrealised_pnl"], total["short"]["unrealised_pnl"]) == (pytest.approx(-110), 30)


def test_totals_are_spot_unless_a_book_is_asked_for(ledger: Ledger) -> None:
    """Every position is listed, the margin short too; the totals add up the book of the headline, or the one named."""
    ledger.add(BOOK)
    ledger.measure()
    for book, basis in ((None, (560, 0)), ("margin", (0, 150)), ("all", (560, 150))):
        answer = inventory_answer(ledger.reader, now=ledger.now, as_of=END, book=book)
        total = cast("dict[str, Numbers]", answer["total"])
        assert (total["long"]["basis"], total["short"]["basis"]) == basis
        assert len(cast("list[Numbers]", answer["positions"])) == (1 if book == "margin" else 2)


def test_nothing_flat_is_listed(ledger: Ledger) -> None:
    """What was sold is no position; before it was sold it was one."""
    ledger.add("""
        2024-01-02 buy 1 BTC/USD 100
        2024-02-02 sell 1 BTC/USD 110
    """)
    ledger.measure()
    assert len(held(ledger)) == 1
    assert inventory_answer(ledger.reader, now=ledger.now)["positions"] == []


def test_accounts_have_their_own_lots(ledger: Ledger) -> None:
    """A transfer takes the oldest lot along, with basis and age."""
    ledger.add("""
        2024-01-01 buy 1 BTC/USD 100
        2024-01-11 buy 1 BTC/USD 130
        2024-01-21 transfer 1 BTC other 1
    """)
    ledger.measure()
    rows = {row["account"]: (row["basis"], cast("Numbers", row["age"])["mean"]) for row in held(ledger, account=True)}
    assert rows == {"paper": (130, 20), "other": (100, 30)}


def test_what_nobody_can_price_is_missing_not_zero(ledger: Ledger) -> None:
    """No basis, no mark, no value, and no total either."""
    ledger.add("2024-01-02 deposit 5 DOGE\n2024-01-02 buy 1 BTC/USD 100")
    ledger.measure()
    _, doge = held(ledger)
    missing = ("basis", "unit_basis", "mark", "market_value", "unrealised_pnl")
    assert (doge["status"], [doge[name] for name in missing]) == ("unpriced", [None] * 5)
    answer = inventory_answer(ledger.reader, now=ledger.now, as_of=END)
    assert cast("dict[str, Numbers]", answer["total"])["long"]["basis"] is None


def test_a_mark_may_be_missing_where_the_basis_is_known(ledger: Ledger) -> None:
    """A fill's price is no mark for later."""
    ledger.add("2024-01-02 buy 1 BTC/USD 100")
    ledger.measure()
    (btc,) = held(ledger)
    assert (btc["status"], btc["basis"], btc["market_value"], btc["unrealised_pnl"]) == ("unmarked", 100, None, None)


def test_weighted_average_keeps_one_lot(ledger: Ledger) -> None:
    """Of an earlier instant its units and basis are those of then, not of now."""
    save_valuation(ledger.writer, Valuation(method="wac"))
    ledger.add(BOOK + "2024-02-02 buy 5 BTC/USD 10")
    ledger.measure()
    (btc,) = held(ledger, "BTC")
    assert (btc["quantity"], btc["lots"], btc["basis"]) == ("5", 1, pytest.approx((400 + 260) * 5 / 6))
    assert lots(ledger, "BTC") == [("5", pytest.approx(550))]


def test_basis_days_weigh_money_by_its_age(ledger: Ledger) -> None:
    """300 for 30 days and 260 for 20 wait longer than 150 for 10."""
    ledger.add(BOOK)
    ledger.measure()
    btc, eth = stuck(ledger)
    assert (btc["asset"], btc["basis_days"]) == ("BTC", pytest.approx(300 * 30 + 260 * 20))
    assert (eth["asset"], eth["basis_days"], eth["last_sale"]) == ("ETH", pytest.approx(150 * 10), None)
    assert btc["share"] == pytest.approx(14_200 / (14_200 + 1_500))
    assert btc["mean_age"] == pytest.approx(14_200 / 560)
    assert (btc["last_sale"], btc["days_since_sale"]) == ("2024-01-21T00:00:00.000Z", 10)
    oldest = cast("Numbers", btc["oldest"])
    told = (oldest["age"], oldest["quantity"], oldest["basis"], oldest["under_water"], oldest["price"])
    assert told == (30, "3", 300, True, "100")


def test_a_lot_is_what_was_left_of_it_then(ledger: Ledger) -> None:
    """Two of three short are left after a cover; what is relieved after the instant is still there."""
    ledger.add(BOOK + "2024-01-22 buy 1 ETH/USD 45 margin\n2024-02-02 sell 4 BTC/USD 150")
    ledger.measure()
    assert lots(ledger, "ETH") == [("-2", 100)]
    assert lots(ledger, "BTC") == [("3", 300), ("2", 260)]


def test_lots_relieved_together_later_are_whole_then(ledger: Ledger) -> None:
    """One unit of the first lot is gone by then; more of it follows, and with its last the second and third leave."""
    ledger.add("""
        2024-01-01 buy  9 BTC/USD 100
        2024-01-02 buy  2 BTC/USD 130
        2024-01-03 buy  1 BTC/USD 150
        2024-01-21 sell 1 BTC/USD 140
        2024-02-21 sell 1 BTC/USD 140
        2024-02-22 sell 1 BTC/USD 140
        2024-02-23 sell 1 BTC/USD 140
        2024-02-24 sell 8 BTC/USD 140
    """)
    ledger.measure()
    with ledger.writer.transaction() as connection:
        connection.execute("ANALYZE")  # as every import does: SQLite plans by what it then knows of the tables
    assert lots(ledger, "BTC") == [("8", 8 * 100), ("2", 2 * 130), ("1", 150)]


def test_days_of_inventory_are_those_of_the_answer(ledger: Ledger) -> None:
    """Over the thirty days before: 100 relieved, (400 * 10 + 660 * 10 + 560 * 10) / 30 held on average."""
    ledger.add(BOOK)
    ledger.measure()
    (btc,) = stuck(ledger, "BTC")
    assert btc["days_inventory"] == pytest.approx(30 * (16_200 / 30) / 100)


def test_the_reason_names_the_heavy_lots(ledger: Ledger) -> None:
    """The fewest lots that hold half of the basis-days: the one at 100, 9,000 of 14,200, 10 % above the mark."""
    ledger.add(BOOK)
    ledger.measure()
    btc, eth = (row["why"] for row in stuck(ledger))
    assert btc == (
        "63% of its basis-days are 1 of 2 lots, 30.0 d old, at 100 USD against a mark of 90: 10.0% under water."
        " Last sale 10.0 d ago."
    )
    assert str(eth).endswith("at 50 USD against a mark of 40: 20.0% in profit. No cover yet.")


def test_what_has_no_value_stands_last(ledger: Ledger) -> None:
    """Its weight is not known, and said to be."""
    ledger.add("2024-01-02 deposit 5 DOGE\n2024-01-02 buy 1 BTC/USD 100")
    ledger.measure()
    btc, doge = stuck(ledger)
    assert (btc["asset"], btc["share"]) == ("BTC", 1)
    assert (doge["basis_days"], doge["why"]) == (None, "Its lots have no value, so their weight is not known.")


def test_an_unknown_asset_is_refused(ledger: Ledger) -> None:
    """As in every other question."""
    ledger.add(BOOK)
    ledger.measure()
    with pytest.raises(UsageError, match="Did you mean 'BTC'"):
        stuck(ledger, "BTX")
