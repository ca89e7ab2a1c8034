"""A number taken apart: every part is the arithmetic of the table above it, and the whole agrees with the tables."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, cast

import pytest

from monitor.clock import parse_instant
from monitor.errors import UsageError
from monitor.jobs.answer import turnover_answer
from monitor.jobs.exact_question import needed_prices
from monitor.jobs.explain import explain_answer, question_of
from monitor.jobs.remeasure import remeasured_answer
from monitor.jobs.thinning import thinned
from monitor.records import Fill
from monitor.store.ledger import commit_rows
from tests.jobs.conftest import spoil_cogs

if TYPE_CHECKING:
    from monitor.jobs.question import Options
    from tests.jobs.conftest import Ledger

Numbers = dict[str, object]

BOOK = """
    2024-01-01 buy  2 BTC/USD 100
    2024-01-03 buy  1 BTC/USD 130
    2024-01-05 sell 2.5 BTC/USD 140
    2024-01-06 withdrawal 0.25 BTC
"""


def explained(
    ledger: Ledger,
    asset: str = "BTC",
    account: str | None = None,
    method: str | None = None,
    book: str | None = None,
) -> Numbers:
    """Return the explanation of the ten days from the second of January 2024."""
    span: Options = {"start": parse_instant("2024-01-02"), "end": parse_instant("2024-01-12"), "method": method}
    span |= {"account": account, "book": book}
    question = question_of(asset, **span)
    ask = remeasured_answer if method else turnover_answer
    answer = explain_answer(ledger.reader, ask(ledger.reader, now=ledger.now, **question), account)
    return cast("Numbers", json.loads(json.dumps(answer, allow_nan=False)))


def rows(answer: Numbers, name: str) -> list[Numbers]:
    """Return a list of the answer."""
    return cast("list[Numbers]", answer[name])


def picked(answer: Numbers, name: str, *keys: str) -> list[tuple[object, ...]]:
    """Return some columns of a list of the answer."""
    return [tuple(row[key] for key in keys) for row in rows(answer, name)]


def test_the_formula_has_its_numbers_in_it(ledger: Ledger) -> None:
    """200 + 65 relieved; 200 for a day, 330 for two, 65 for one, 32.5 for six: 1,120 over ten days."""
    ledger.add(BOOK)
    ledger.measure()
    answer = explained(ledger)
    assert answer["formula"] == [
        "relieved basis = cogs 265 + cover basis 0 = 265",
        "average inventory = integral of basis over time 1,120 (basis x days) / 10 days = 112",
        f"turnover = 265 / 112 = {265 / 112:.10g}",
        f"days inventory = 10 days / {265 / 112:.10g} = {1120 / 265:.10g}",
    ]
    figures = cast("Numbers", answer["figures"])
    assert (figures["withdrawn_basis"], figures["realised_pnl"]) == (32.5, 2.5 * 140 - 265)


def test_the_summary_says_what_a_person_asks_first(ledger: Ledger) -> None:
    """Two parts sold after (200 * 4 + 65 * 2) / 265 days; a quarter is left, nine days old."""
    ledger.add(BOOK)
    ledger.measure()
    most = "at most 330.00 USD from 2024-01-03T00:00:00 on."
    assert explained(ledger)["summary"] == [
        f"Held 2 BTC (200.00 USD at cost) at the start and 0.25 (32.50) at the end, {most}",
        "2 parts of lots were sold or covered after 3.51 d on average by basis, the longest held 4 d.",
        "1 lot is left, 9 d old on average by basis, the oldest 9 d: 100% of the basis-days wait in 1.",
    ]


def test_the_summary_of_what_is_stuck_tells_the_last_sale(ledger: Ledger) -> None:
    """Nothing was sold in the window: when it last was, or that it never was."""
    ledger.add("2023-12-30 buy 2 BTC/USD 100\n2024-01-01 sell 1 BTC/USD 90\n2024-01-01 buy 1 ETH/USD 9")
    ledger.measure()
    told = [cast("list[str]", explained(ledger, asset)["summary"])[1] for asset in ("BTC", "ETH")]
    assert told == [
        "Nothing was sold or covered in the window; last at 2024-01-01T00:00:00, 11.0 d ago.",
        "Nothing was sold or covered in the window nor ever before it.",
    ]


def test_it_agrees_with_what_is_stored(ledger: Ledger) -> None:
    """All figures, quantities to the last digit."""
    ledger.add(BOOK)
    ledger.measure()
    answer = explained(ledger)
    comparison = cast("Numbers", answer["comparison"])
    assert (comparison["agrees"], answer["findings"]) == (True, [])
    closing = next(row for row in rows(comparison, "figures") if row["figure"] == "closing_quantity")
    assert (closing["exact"], closing["stored"]) == (0.25, "0.25")


def test_a_wrong_table_is_found_out(ledger: Ledger) -> None:
    """A relieved basis that is off by a millionth of a cent in ten is told as a critical finding."""
    ledger.add(BOOK)
    ledger.measure()
    spoil_cogs(ledger.writer.connection, 1 + 2e-9)
    answer = explained(ledger)
    assert cast("Numbers", answer["comparison"])["agrees"] is False
    (finding,) = rows(answer, "findings")
    assert (finding["code"], finding["severity"]) == ("exact_disagrees", "critical")
    assert "monitor rebuild" in str(finding["remedy"])


def test_rows_that_await_measurement_are_no_disagreement(ledger: Ledger) -> None:
    """The explanation has them already, the tables not yet: neither right nor wrong."""
    ledger.add(BOOK)
    ledger.measure()
    ledger.add("2024-01-04 buy 1 BTC/USD 1")
    answer = explained(ledger)
    assert cast("Numbers", answer["comparison"])["agrees"] is None
    assert [row["code"] for row in rows(answer, "findings")] == ["restating"]


def test_the_curve_has_every_step(ledger: Ledger) -> None:
    """What was held when the window began, and after each event in it."""
    ledger.add(BOOK)
    ledger.measure()
    assert picked(explained(ledger), "curve", "time", "quantity", "inventory_cost") == [
        ("2024-01-02T00:00:00.000Z", "2", 200),
        ("2024-01-03T00:00:00.000Z", "3", 330),
        ("2024-01-05T00:00:00.000Z", "0.5", 65),
        ("2024-01-06T00:00:00.000Z", "0.25", 32.5),
    ]


def test_lots_opened_relieved_and_left(ledger: Ledger) -> None:
    """With the time they were held; what a withdrawal took is no turnover."""
    ledger.add(BOOK)
    ledger.measure()
    answer = explained(ledger)
    assert picked(answer, "opened", "lot", "quantity", "basis", "unit_basis") == [(1, "1", 130, 130)]
    assert picked(answer, "relieved", "lot", "kind", "counts", "quantity", "basis", "held") == [
        (0, "trade", True, "2", 200, 4 * 86_400),
        (1, "trade", True, "0.5", 65, 2 * 86_400),
        (1, "withdrawal", False, "0.25", 32.5, 3 * 86_400),
    ]
    assert picked(answer, "left", "lot", "opened", "age", "quantity", "basis") == [
        (1, "2024-01-03T00:00:00.000Z", 9, "0.25", 32.5)
    ]


def test_the_fills_behind_it(ledger: Ledger) -> None:
    """Each with the amount and price as stored, and the value it was given."""
    ledger.add(BOOK)
    ledger.measure()
    answer = explained(ledger)
    assert picked(answer, "events", "kind", "side", "amount", "price", "change", "value", "value_source") == [
        ("trade", "buy", "1", "130", "1", 130, "fill"),
        ("trade", "sell", "2.5", "140", "-2.5", 350, "fill"),
        ("withdrawal", None, "0.25", None, "-0.25", None, None),
    ]


def test_prices_with_source_and_age(ledger: Ledger) -> None:
    """A cross is valued by the last price of its quote, a day old."""
    ledger.add("""
        2024-01-01 buy 1 BTC/USD 100
        2024-01-02 price BTC/USD 110
        2024-01-03 buy 2 ETH/BTC 0.1
    """)
    ledger.measure()
    answer = explained(ledger, "ETH")
    assert picked(answer, "events", "value", "value_source", "price_age") == [
        (pytest.approx(2 * 0.1 * 110), "file BTC/USD file", 86_400)
    ]
    assert picked(answer, "prices", "source", "legs", "oldest") == [("file BTC/USD file", 1, 86_400)]


def test_what_is_estimated_is_told(ledger: Ledger) -> None:
    """More was sold than bought: an opening at the price of the first event was assumed."""
    ledger.add("2024-01-03 sell 2 BTC/USD 100\n2024-01-04 buy 1 BTC/USD 90")
    ledger.measure()
    answer = explained(ledger)
    estimated = cast("Numbers", answer["estimated"])
    assert estimated["missing_opening"] == {"quantity": "2", "unit_basis": 100, "clipped": False}
    assert (estimated["share"], cast("Numbers", answer["comparison"])["agrees"]) == (1, True)


def test_what_is_missing_is_told(ledger: Ledger) -> None:
    """A deposit nobody can value stands under what is missing, and the figures are null on both sides."""
    ledger.add("2024-01-03 deposit 2 DOGE")
    ledger.measure()
    answer = explained(ledger, "DOGE")
    unpriced = rows(cast("Numbers", answer["missing"]), "unpriced")
    assert [(row["kind"], row["amount"]) for row in unpriced] == [("deposit", "2")]
    assert cast("Numbers", answer["figures"])["turnover"] is None
    assert cast("Numbers", answer["comparison"])["agrees"] is True


MIXED = """
    2024-01-01 buy  4 BTC/USD 100
    2024-01-02 price BTC/USD 105
    2024-01-02 price BNB/USD 20
    2024-01-02T06 buy 3 BNB/USD 21
    2024-01-03 buy  3 BTC/USD 130 fee 0.01 BNB
    2024-01-04 transfer 2 BTC other 1.9
    2024-01-05 sell 2.5 BTC/USD 140 fee 0.001 BTC
    2024-01-06 buy 7 ETH/BTC 0.1
    2024-01-07 income 0.5 BTC
    2024-01-08 sell 2 BTC/USD 120
"""


@pytest.mark.parametrize("method", ["fifo", "lifo", "hifo", "lofo", "wac"])
@pytest.mark.parametrize("asset", ["BTC", "ETH", "BNB"])
def test_any_method_agrees(ledger: Ledger, method: str, asset: str) -> None:
    """Two computations without common code: also for a method whose tracks are not stored."""
    ledger.add(MIXED)
    ledger.measure()
    answer = explained(ledger, asset, method=method)
    assert cast("Numbers", answer["comparison"])["agrees"] is True
    assert rows(answer, "left")
    quantity = sum(float(str(row["quantity"])) for row in rows(answer, "left"))
    assert quantity == pytest.approx(float(str(rows(answer, "curve")[-1]["quantity"])))


@pytest.mark.parametrize("account", ["paper", "other"])
def test_an_account_is_explained_by_its_own_lots(ledger: Ledger, account: str) -> None:
    """What came by transfer kept its basis and age."""
    ledger.add(MIXED)
    ledger.measure()
    answer = explained(ledger, account=account)
    assert cast("Numbers", answer["comparison"])["agrees"] is True
    assert {row["account"] for row in rows(answer, "events")} == {account}
    if account == "other":
        assert picked(answer, "left", "opened", "quantity", "basis") == [("2024-01-01T00:00:00.000Z", "1.9", 190)]


def test_an_account_without_the_asset_is_refused(ledger: Ledger) -> None:
    """It names the account."""
    ledger.add(BOOK)
    ledger.measure()
    with pytest.raises(UsageError, match="'other' never held it"):
        explained(ledger, account="other")


def test_only_prices_that_value_something_are_read() -> None:
    """Of each venue the last at or before each instant: 10 and 30 for 15 and 30, none for 5."""
    one = {"base": "BTC", "quote": "USD", "exchange": "kraken", "source": "candle"}
    prices = [{**one, "time_ms": time} for time in (40, 10, 30, 20)]
    assert [row["time_ms"] for row in needed_prices(prices, [5, 15, 30])] == [10, 30]


def test_an_option_is_explained_by_its_own_fills(ledger: Ledger) -> None:
    """Two calls bought at 0.05 BTC, one sold at 0.04, of a Bitcoin at 60,000; a spot fill is not among them."""
    ledger.add("2024-01-01 price BTC/USD 60000\n2024-01-04 buy 1 BTC/USD 61000")
    name = "BTC/USD:BTC-240329-60000-C"
    fills = [
        Fill(
            account="paper", exchange="file", key=side, time=parse_instant(day), book="option", market=name,
            symbol=name, base="BTC", quote="USD", settle="BTC", side="buy" if side == "buy" else "sell",
            amount=Decimal(amount), price=Decimal(price), contract_size=Decimal(1), inverse=True,
        )
        for day, side, amount, price in (("2024-01-03", "buy", 2, "0.05"), ("2024-01-05", "sell", 1, "0.04"))
    ]  # fmt: skip
    commit_rows(ledger.writer, fills, [], ledger.now)
    ledger.measure()
    answer = explained(ledger, name, book="option")
    assert cast("Numbers", answer["comparison"])["agrees"] is True
    figures = cast("Numbers", answer["figures"])
    assert (figures["cogs"], figures["realised_pnl"]) == (0.05 * 60_000, pytest.approx((0.04 - 0.05) * 60_000))
    assert len(rows(answer, "events")) == 2


def test_a_thinned_curve_keeps_its_ends_and_its_peak() -> None:
    """Six points of a hundred: first, last, highest, and even places between."""
    steps = [{"at": place, "height": float(place == 37)} for place in range(100)]
    assert [row["at"] for row in thinned(steps, "height", 6)] == [0, 25, 37, 50, 74, 99]
    assert thinned(steps[:6], "height", 6) == steps[:6]
