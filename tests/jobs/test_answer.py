"""The answer, from fills to numbers: each expectation is the arithmetic of the table above it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, cast

import pytest

from monitor.clock import DAY, HOUR, parse_instant
from monitor.errors import UsageError

if TYPE_CHECKING:
    from monitor.jobs.answer import Answer
    from monitor.jobs.question import Options
    from tests.jobs.conftest import Ledger

Numbers = dict[str, object]

FLAT = """
    2024-01-02 buy  2 BTC/USD 100
    2024-01-04 buy  1 BTC/USD 130
    2024-01-05 sell 2 BTC/USD 140
    2024-01-07 sell 1 BTC/USD 120
"""


def rows(answer: Answer) -> list[Numbers]:
    """Return the assets' numbers."""
    return cast("list[Numbers]", answer["assets"])


def row(answer: Answer, asset: str) -> Numbers:
    """Return one asset's numbers."""
    (found,) = [numbers for numbers in rows(answer) if numbers["asset"] == asset]
    return found


def portfolio(answer: Answer) -> Numbers:
    """Return the numbers of all assets together."""
    return cast("Numbers", answer["portfolio"])


def codes(answer: Answer) -> list[tuple[str, str]]:
    """Return (code, subject) of the findings."""
    return [(finding["code"], finding["subject"]) for finding in cast("list[dict[str, str]]", answer["findings"])]


def test_shape(ledger: Ledger) -> None:
    """The answer has the names of the contract, and every value of it is JSON."""
    ledger.add(FLAT)
    ledger.measure()
    answer = ledger.answer("2024-01-01", "2024-01-11")
    told = json.loads(json.dumps(answer, allow_nan=False))
    assert {name: told[name] for name in ("currency", "method", "scope", "unpriced", "findings")} == {
        "currency": "USD",
        "method": "fifo",
        "scope": "portfolio",
        "unpriced": [],
        "findings": [],
    }
    assert told["window"] == {
        "from": "2024-01-01T00:00:00.000Z",
        "to": "2024-01-11T00:00:00.000Z",
        "days": 10.0,
        "unproven": [],
    }
    (btc,) = told["assets"]
    assert {name: btc[name] for name in ("asset", "book", "account", "status", "opening", "freshness")} == {
        "asset": "BTC",
        "book": "spot",
        "account": None,
        "status": "ok",
        "opening": {"quantity": "0", "basis": 0.0},
        "freshness": {"fills_complete_until": "2024-12-31T00:00:00.000Z", "gaps": 0},
    }
    assert told["portfolio"].keys() == btc.keys() - {"asset", "book", "account", "freshness"}


def test_flat_at_both_ends(ledger: Ledger) -> None:
    """A desk flat at both ends of the window has an average all the same (d01)."""
    ledger.add(FLAT)
    ledger.measure()
    btc = row(ledger.answer("2024-01-01", "2024-01-11"), "BTC")
    assert btc["cogs"] == 2 * 100 + 1 * 130
    assert btc["average_inventory"] == pytest.approx((200 * 2 + 330 * 1 + 130 * 2) / 10, rel=1e-12)
    assert btc["turnover"] == pytest.approx(330 / 99, rel=1e-12)
    assert btc["days_inventory"] == pytest.approx((200 * 3 + 130 * 3) / 330, rel=1e-12)
    assert btc["unit_turnover"] == pytest.approx(3 / ((2 * 2 + 3 * 1 + 1 * 2) / 10), rel=1e-12)
    assert (btc["realised_pnl"], btc["active_share"], btc["peak_inventory"]) == (280 - 200 + 120 - 130, 0.5, 330)
    assert cast("Numbers", btc["holding_time"])["mean"] == 3 * 86_400


def test_opening_and_closing_stock(ledger: Ledger) -> None:
    """Lots from before the window keep basis and age; an event at the window's end is not in it (d02)."""
    ledger.add("""
        2024-01-01 buy  10 BTC/USD 10
        2024-02-11 sell  4 BTC/USD 12
        2024-02-21 buy   5 BTC/USD 20
        2024-03-02 sell 11 BTC/USD 25
    """)
    ledger.measure()
    btc = row(ledger.answer("2024-02-01", "2024-03-02"), "BTC")
    assert btc["average_inventory"] == pytest.approx((100 * 10 + 60 * 10 + 160 * 10) / 30, rel=1e-12)
    assert (btc["cogs"], btc["turnover"], btc["days_inventory"]) == pytest.approx((40, 0.375, 80), rel=1e-12)
    assert btc["opening"] == {"quantity": "10", "basis": 100.0}
    assert btc["closing"] == {"quantity": "11", "basis": 160.0}
    age = cast("Numbers", cast("Numbers", btc["age"])["long"])
    assert age["mean"] == pytest.approx((60 * 61 + 100 * 10) / 160)
    assert {name: basis for name, basis in cast("dict[str, float]", age["basis"]).items() if basis} == {
        "30d_to_90d": pytest.approx(60),
        "7d_to_30d": pytest.approx(100),
    }


def test_short_and_crossing_zero(ledger: Ledger) -> None:
    """A margin book closes, then opens the rest short; both sides count positive (d03)."""
    ledger.add("""
        2024-01-02 buy  1 BTC/USD 100 margin
        2024-01-04 sell 3 BTC/USD 110 margin
        2024-01-09 buy  2 BTC/USD  90 margin
    """)
    ledger.measure()
    btc = row(ledger.answer("2024-01-01", "2024-01-11", book="margin"), "BTC")
    assert (btc["cogs"], btc["cover_basis"], btc["realised_pnl"]) == (100, 220, 10 + 40)
    assert btc["average_inventory"] == pytest.approx((100 * 2 + 220 * 5) / 10, rel=1e-12)
    assert btc["turnover"] == pytest.approx(320 / 130, rel=1e-12)


def test_portfolio_sums(ledger: Ledger) -> None:
    """Both assets together: basis over basis, not the mean of their turnovers."""
    ledger.add("""
        2024-01-01 buy  1 BTC/USD 100
        2024-01-01 buy  9 ETH/USD 100
        2024-01-11 sell 1 BTC/USD 120
        2024-01-11 buy  1 BTC/USD 100
    """)
    ledger.measure()
    answer = ledger.answer("2024-01-01", "2024-01-31")
    assert portfolio(answer)["turnover"] == pytest.approx(100 / (100 + 900), rel=1e-12)
    assert [(numbers["asset"], numbers["status"]) for numbers in rows(answer)] == [("BTC", "ok"), ("ETH", "idle")]
    assert portfolio(answer)["closing"] == {"quantity": None, "basis": 1000.0}


def test_idle_and_flat_assets(ledger: Ledger) -> None:
    """What is held and not sold turns 0 times; what was flat for all of the window has no number."""
    ledger.add("""
        2024-01-01 buy  1 BTC/USD 100
        2024-01-01 buy  1 ETH/USD 100
        2024-01-02 sell 1 ETH/USD 100
        2024-05-01 buy  1 SOL/USD 100
    """)
    ledger.measure()
    answer = ledger.answer("2024-02-01", "2024-03-01")
    found = {n["asset"]: (n["status"], n["turnover"], n["days_inventory"]) for n in rows(answer)}
    assert found == {"BTC": ("idle", 0.0, None), "ETH": ("no_inventory", None, None)}


def test_instantaneous_round_trip(ledger: Ledger) -> None:
    """Bought and sold in one millisecond: no average to divide by, yet the basis counts for the desk."""
    ledger.add("""
        2024-01-01 buy  1 BTC/USD 100
        2024-01-01 sell 1 BTC/USD 110
        2024-01-01 buy  1 ETH/USD 50
    """)
    ledger.measure()
    answer = ledger.answer("2024-01-01", "2024-01-11")
    btc = row(answer, "BTC")
    assert (btc["status"], btc["turnover"], btc["days_inventory"]) == ("instantaneous", None, 0)
    assert portfolio(answer)["turnover"] == pytest.approx(100 / 50, rel=1e-12)


def test_transfer_between_own_accounts(ledger: Ledger) -> None:
    """A transfer changes no number of the desk, and moves the lot with its age between the accounts."""
    ledger.add("2024-01-01 buy 2 BTC/USD 100")
    ledger.add("2024-01-11 sell 2 BTC/USD 150", account="other")
    ledger.add("2024-01-06 transfer 2 BTC other 2")
    ledger.measure()
    answer = ledger.answer("2024-01-01", "2024-01-21", by="account")
    assert portfolio(answer)["turnover"] == pytest.approx(200 / (200 * 10 / 20), rel=1e-12)
    averages = {numbers["account"]: numbers["average_inventory"] for numbers in rows(answer)}
    assert averages == pytest.approx({"paper": 200 * 5 / 20, "other": 200 * 5 / 20}, rel=1e-12)
    other = next(numbers for numbers in rows(answer) if numbers["account"] == "other")
    assert (other["cogs"], cast("Numbers", other["holding_time"])["mean"]) == (200, 10 * 86_400)


def test_account_totals_come_from_their_own_pools(ledger: Ledger) -> None:
    """By account, each account relieves its own lots; the desk's total stays that of the common pool."""
    ledger.add("2024-01-01 buy 1 BTC/USD 100")
    ledger.add("2024-01-02 buy 1 BTC/USD 300\n2024-01-03 sell 1 BTC/USD 400", account="other")
    ledger.measure()
    answer = ledger.answer("2024-01-01", "2024-01-11", by="account")
    totals = {numbers["account"]: numbers["cogs"] for numbers in cast("list[Numbers]", answer["accounts"])}
    assert (answer["scope"], totals) == ("account", {"other": 300, "paper": 0})
    assert portfolio(answer)["cogs"] == 100


def test_by_portfolio_has_the_total_alone(ledger: Ledger) -> None:
    """One row for all."""
    ledger.add(FLAT)
    ledger.measure()
    answer = ledger.answer("2024-01-01", "2024-01-11", by="portfolio")
    assert (rows(answer), portfolio(answer)["cogs"]) == ([], 330)


def test_cross_counts_once_in_the_portfolio(ledger: Ledger) -> None:
    """10 ETH for 0.5 BTC, worth 500: a purchase of ETH, a sale of BTC, and 500 of the desk's notional."""
    ledger.add("""
        2024-01-01 buy  1 BTC/USD 1000
        2024-01-02 price BTC/USD 1000
        2024-01-02 price ETH/USD 50
        2024-01-03 buy 10 ETH/BTC 0.05
    """)
    ledger.measure()
    answer = ledger.answer("2024-01-02", "2024-01-04")
    assert (row(answer, "ETH")["buy_notional"], row(answer, "BTC")["sell_notional"]) == (500, 500)
    assert (portfolio(answer)["buy_notional"], portfolio(answer)["sell_notional"]) == (500, 0)
    assert portfolio(answer)["velocity"] == pytest.approx(500 / 1000, rel=1e-12)
    assert row(answer, "BTC")["velocity"] == pytest.approx(500 / ((1000 + 500) / 2), rel=1e-12)


def test_unpriced_asset_is_listed_not_left_out(ledger: Ledger) -> None:
    """An asset without a value makes its own number and the desk's missing, by name."""
    ledger.add("""
        2024-01-01 buy  1 BTC/USD 100
        2024-01-01 buy  1 FOO/BAR 3
    """)
    ledger.measure()
    answer = ledger.answer("2024-01-01", "2024-01-11")
    assert answer["unpriced"] == ["BAR", "FOO"]
    assert (portfolio(answer)["status"], portfolio(answer)["turnover"]) == ("unpriced", None)
    assert row(answer, "BTC")["status"] == "idle"
    assert ("unpriced", "FOO") in codes(answer)


def test_named_assets_alone(ledger: Ledger) -> None:
    """Naming assets answers about them and their total, without findings about others."""
    ledger.add("2024-01-01 buy 1 BTC/USD 100\n2024-01-01 buy 1 ETH/USD 50\n2024-01-02 sell 9 SOL/USD 7")
    ledger.measure()
    answer = ledger.answer("2024-01-01", "2024-01-11", assets=["btc"])
    assert [numbers["asset"] for numbers in rows(answer)] == ["BTC"]
    assert portfolio(answer)["average_inventory"] == 100
    assert codes(answer) == []
    assert ("missing_opening", "SOL") in codes(ledger.answer("2024-01-01", "2024-01-11"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"assets": ["BTCC"]}, r"There is no asset 'BTCC' in the ledger\. Did you mean 'BTC'\?"),
        ({"assets": ["USDT"]}, "USDT counts as cash"),
        ({"assets": ["BTC"], "book": "linear"}, r"BTC has no linear inventory\. Ask with --book spot"),
        ({"method": "lifo"}, r"No tracks are stored for the costing method lifo"),
        ({"start": 5, "end": 5}, "is empty"),
    ],
)
def test_what_is_not_there(ledger: Ledger, options: Options, message: str) -> None:
    """What cannot be answered is said with what could be asked instead."""
    ledger.add(FLAT)
    ledger.measure()
    with pytest.raises(UsageError, match=message):
        ledger.answer(**options)


def test_without_detail_the_sums_are_the_same(ledger: Ledger) -> None:
    """The quick form leaves out what reads single lots, and changes nothing else."""
    ledger.add(FLAT)
    ledger.measure()
    full, quick = (row(ledger.answer("2024-01-01", "2024-01-11", detail=detail), "BTC") for detail in (True, False))
    assert full.keys() - quick.keys() == {"peak_inventory", "half_life", "half_life_reason", "age"}
    same = quick.keys() - {"holding_time"}
    assert {name: quick[name] for name in same} == {name: full[name] for name in same}
    assert cast("Numbers", quick["holding_time"])["shares"] == cast("Numbers", full["holding_time"])["shares"]


def test_default_window(ledger: Ledger) -> None:
    """Without a window it is the last seven days up to now, imported files being complete."""
    ledger.add("2024-12-30 buy 1 BTC/USD 700")
    ledger.measure()
    assert row(ledger.answer(), "BTC")["average_inventory"] == pytest.approx(700 * 1 / 7, rel=1e-12)


def test_half_life_and_peak_of_a_reverting_book(ledger: Ledger) -> None:
    """Four hours long, four hours flat: a quarter of the hours changes sides, b = -1/2, and half is gone in an hour."""
    trades = [
        f"2024-01-{day:02}T{hour:02} {'sell' if hour % 8 else 'buy'} 8 BTC/USD 3"
        for day in range(1, 11)
        for hour in range(0, 24, 4)
    ]
    ledger.add("\n".join(trades))
    ledger.measure()
    btc = row(ledger.answer("2024-01-01", "2024-01-11"), "BTC")
    assert (btc["peak_inventory"], btc["half_life_reason"]) == (8 * 3, None)
    assert btc["half_life"] == pytest.approx(HOUR / 1_000, rel=0.02)


def test_nothing_known(ledger: Ledger) -> None:
    """An empty database answers that there is nothing, not an error."""
    ledger.measure()
    answer = ledger.answer("2024-01-01", "2024-01-11")
    assert (rows(answer), portfolio(answer)["status"], portfolio(answer)["turnover"]) == ([], "no_inventory", None)


def test_rows_not_measured_yet_are_told(ledger: Ledger) -> None:
    """Stored rows that the numbers do not hold yet are a finding, unless they lie after the window."""
    ledger.add(FLAT)
    ledger.measure()
    ledger.add("2024-01-08 buy 1 BTC/USD 1")
    assert codes(ledger.answer("2024-01-01", "2024-01-11")) == [("restating", "BTC")]
    assert codes(ledger.answer("2024-01-01", "2024-01-08")) == []
    ledger.measure()
    assert codes(ledger.answer("2024-01-01", "2024-01-11")) == []


def test_as_of_ends_the_window(ledger: Ledger) -> None:
    """An instant given as the present ends the window there."""
    ledger.add(FLAT)
    ledger.measure()
    answer = ledger.answer(as_of=parse_instant("2024-01-05"), window=DAY)
    assert (answer["as_of"], row(answer, "BTC")["average_inventory"]) == ("2024-01-05T00:00:00.000Z", 330)


@pytest.mark.parametrize(("price", "share"), [("0.01", 0.0), ("0.011", 0.5)])
def test_a_position_worth_just_dust_is_not_active(ledger: Ledger, price: str, share: float) -> None:
    """Dust is a cent and less; half of the ten days something was held."""
    ledger.add(f"2024-01-06 buy 1 CAT/USD {price}")
    ledger.measure()
    cat = row(ledger.answer("2024-01-01", "2024-01-11"), "CAT")
    assert cat["active_share"] == share


def test_the_fee_of_a_transfer_leaves_before_a_sale_of_the_same_instant(ledger: Ledger) -> None:
    """What a transfer loses on its way is of the oldest lot, whatever the sale is called."""
    ledger.add("""
        2024-01-01 buy  1 BTC/USD 100
        2024-01-02 buy  2 BTC/USD 200
        2024-01-05 sell 1 BTC/USD 300
        2024-01-05 transfer 1 BTC other 0.9
    """)
    ledger.measure()
    btc = row(ledger.answer("2024-01-01", "2024-01-11"), "BTC")
    assert btc["fee_basis"] == pytest.approx(0.1 * 100)
    assert btc["cogs"] == pytest.approx(0.9 * 100 + 0.1 * 200)
