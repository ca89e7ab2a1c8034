"""Positions, what is stuck and lines under any costing method and of one account, against the exact book."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from monitor.clock import DAY, Window, parse_instant
from monitor.errors import UsageError
from monitor.jobs.exact_figures import figures
from monitor.jobs.exact_lots import Told, left
from monitor.jobs.exact_question import exact_answer, exact_rows
from monitor.jobs.inventory import inventory_answer
from monitor.jobs.question import Question
from monitor.jobs.remeasure import remeasured
from monitor.jobs.series import Wanted, series_answer
from monitor.jobs.stuck import stuck_answer

if TYPE_CHECKING:
    from monitor.jobs.exact_question import ExactAnswer
    from monitor.jobs.question import Options
    from tests.jobs.conftest import Ledger

Numbers = dict[str, object]
METHODS = ("fifo", "lifo", "hifo", "lofo", "wac")
MIXED = """
    2024-01-01 buy  4 BTC/USD 100
    2024-01-02 price BTC/USD 105
    2024-01-03 buy  3 BTC/USD 130
    2024-01-04 transfer 2 BTC other 1.9
    2024-01-05 sell 2.5 BTC/USD 140 fee 0.001 BTC
    2024-01-06 buy 7 ETH/BTC 0.1
    2024-01-07 income 0.5 BTC
    2024-01-08 sell 1 BTC/USD 120
    2024-01-20 buy 3 BTC/USD 90
"""
WINDOW = Window(parse_instant("2024-01-02"), parse_instant("2024-01-12"))


def exact(ledger: Ledger, method: str, account: str | None) -> ExactAnswer:
    """Return the pool of BTC, computed from the ledger in exact decimals."""
    rows = exact_rows(ledger.reader, "BTC", WINDOW, method)
    return exact_answer(rows, (account or "", "BTC", "spot"), WINDOW)


def asked(method: str, account: str | None) -> Options:
    """Return the question about the window under a method, of an account or of all together."""
    return {"assets": ["BTC"], "as_of": WINDOW.end, "method": method, "account": account}


@pytest.mark.parametrize("account", [None, "paper", "other"])
@pytest.mark.parametrize("method", METHODS)
def test_positions_are_those_of_the_exact_book(ledger: Ledger, method: str, account: str | None) -> None:
    """Quantity, basis, number and age of the lots at an instant of the past."""
    ledger.add(MIXED)
    ledger.measure()
    question = asked(method, account)
    with remeasured(ledger.reader, Question(**question), ledger.now) as tracks:
        answer = inventory_answer(tracks, now=ledger.now, **question)
        waiting = stuck_answer(tracks, now=ledger.now, **question)
    (position,) = cast("list[Numbers]", answer["positions"])
    lots = left(Told(exact(ledger, method, account), WINDOW))
    basis = sum(cast("float", lot["basis"]) for lot in lots)
    basis_days = sum(cast("float", lot["basis"]) * cast("float", lot["age"]) for lot in lots)
    assert (answer["method"], position["account"], position["lots"]) == (method, account, len(lots))
    assert float(str(position["quantity"])) == pytest.approx(sum(float(str(lot["quantity"])) for lot in lots))
    assert position["basis"] == pytest.approx(basis, rel=1e-9)
    assert cast("Numbers", position["age"])["mean"] == pytest.approx(basis_days / basis, rel=1e-9)
    (row,) = cast("list[Numbers]", waiting["stuck"])
    assert row["basis_days"] == pytest.approx(basis_days, rel=1e-9)
    kinds = {lot["kind"] for lot in cast("list[Numbers]", row["lots"])}
    assert kinds <= {"buy", "income", "transfer"}


@pytest.mark.parametrize("account", [None, "paper"])
@pytest.mark.parametrize("method", METHODS)
def test_lines_are_those_of_the_exact_book(ledger: Ledger, method: str, account: str | None) -> None:
    """The point at the window's end is the exact turnover of the window."""
    ledger.add(MIXED)
    ledger.measure()
    wanted = Wanted(
        assets=["BTC"], window=10 * DAY, step=DAY, start=WINDOW.end - DAY, end=WINDOW.end, method=method,
        account=account,
    )  # fmt: skip
    with remeasured(ledger.reader, Question(**wanted.options()), ledger.now) as tracks:
        (line,) = series_answer(tracks, wanted, ledger.now)
    turnover = figures(exact(ledger, method, account).pool, WINDOW)["turnover"]
    assert turnover is not None
    assert (line["method"], line["account"]) == (method, account)
    assert cast("list[Numbers]", line["points"])[-1]["value"] == pytest.approx(float(turnover), rel=1e-9)


def test_an_account_is_answered_by_its_own_pools(ledger: Ledger) -> None:
    """Rows and total are those of the account; so is the scope."""
    ledger.add(MIXED)
    ledger.measure()
    span: Options = {"account": "other"}
    answer = ledger.answer("2024-01-02", "2024-01-12", **span)
    (row,) = cast("list[Numbers]", answer["assets"])
    assert (answer["scope"], row["account"], row["asset"]) == ("account", "other", "BTC")
    assert cast("Numbers", answer["portfolio"])["average_inventory"] == row["average_inventory"]


def test_an_unknown_account_is_refused(ledger: Ledger) -> None:
    """With the nearest."""
    ledger.add(MIXED)
    ledger.measure()
    with pytest.raises(UsageError, match="Did you mean 'paper'"):
        inventory_answer(ledger.reader, now=ledger.now, account="papr")
