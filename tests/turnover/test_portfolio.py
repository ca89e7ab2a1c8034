"""Several pools together: sums over sums."""

from __future__ import annotations

import pytest

from monitor.clock import DAY, Window
from monitor.schema import SUMS, State
from monitor.turnover.portfolio import counted_once, portfolio_metrics, total, total_position
from monitor.turnover.ratios import metrics

NOTHING = dict.fromkeys(SUMS, 0.0)
MONTH = Window(0, 30 * DAY)
# Relieved basis and average inventory of A, B and C (d04).
A = NOTHING | {"cogs": 1000.0, "cost_time": 100.0 * 30 * DAY}
B = NOTHING | {"cogs": 100.0, "cost_time": 900.0 * 30 * DAY}
C = NOTHING | {"cogs": 500.0, "cost_time": 50.0 * 30 * DAY}


def test_sums_never_means() -> None:
    """The desk of A (10 turns) and B (1/9 turns) turns 1.1 times, not 5.06 times (d04)."""
    found = portfolio_metrics(total([A, B]), MONTH, partial=False)
    assert found["turnover"] == pytest.approx((1000 + 100) / (100 + 900), rel=1e-12)
    assert found["days_inventory"] == pytest.approx(30 / 1.1, rel=1e-12)


def test_portfolio_is_the_inventory_weighted_mean() -> None:
    """With positive averages the total is the mean of the turnovers weighted by inventory (d04)."""
    single = [metrics(sums, MONTH, partial=False)["turnover"] for sums in (A, B, C)]
    assert single == pytest.approx([10, 1 / 9, 10])
    found = portfolio_metrics(total([A, B, C]), MONTH, partial=False)
    assert found["turnover"] == pytest.approx((10 * 100 + 1 / 9 * 900 + 10 * 50) / 1050, rel=1e-12)
    assert found["turnover"] == pytest.approx(1.523809523810, abs=1e-12)


def test_instantaneous_basis_counts() -> None:
    """Round trips inside one millisecond have no average, yet their basis joins the desk's numerator."""
    quick = NOTHING | {"cogs": 40.0}
    assert portfolio_metrics(total([A, quick]), MONTH, partial=False)["turnover"] == pytest.approx(1040 / 100)


def test_unpriced_pool_makes_the_total_missing() -> None:
    """A pool without a value is never left out to make a smaller desk."""
    found = portfolio_metrics(total([A, NOTHING | {"unvalued": 1.0}]), MONTH, partial=True)
    assert (found["status"], found["turnover"], found["relieved_basis"]) == ("unpriced", None, None)


def test_cross_counts_once() -> None:
    """ETH bought with BTC is a purchase of ETH and a sale of BTC; the desk's notional holds it once."""
    marked = {"market_time": 1000.0 * 30 * DAY, "units_time": 1.0}
    ether = NOTHING | marked | {"buy_notional": 70.0}
    bitcoin = NOTHING | marked | {"buy_notional": 30.0, "sell_notional": 70.0, "cross_sell": 70.0}
    found = portfolio_metrics(counted_once(total([ether, bitcoin])), MONTH, partial=False)
    assert (found["buy_notional"], found["sell_notional"]) == (100, 0)
    assert found["velocity"] == pytest.approx((70 + 30) / 2000)


def test_crosses_alone_leave_nothing_on_the_other_side() -> None:
    """Where all that was sold was sold in crosses, what two roundings leave is no sale, and never one below zero."""
    sums = NOTHING | {"sell_notional": 1e7, "cross_sell": 1e7 + 2e-9, "buy_notional": 1e7 + 0.01, "cross_buy": 1e7}
    once = counted_once(sums)
    assert once["sell_notional"] == 0.0
    assert once["buy_notional"] == pytest.approx(0.01, rel=1e-6)


def test_a_cross_sold_counts_once_too() -> None:
    """ETH sold for BTC is a sale of ETH; that BTC was bought with it is the same trade."""
    ether = NOTHING | {"sell_notional": 70.0}
    bitcoin = NOTHING | {"buy_notional": 70.0 + 20.0, "cross_buy": 70.0}
    found = portfolio_metrics(counted_once(total([ether, bitcoin])), MONTH, partial=False)
    assert (found["buy_notional"], found["sell_notional"]) == (20, 70)


def test_units_do_not_add_up() -> None:
    """Ratios of units belong to one asset."""
    found = portfolio_metrics(total([A, B]), MONTH, partial=False)
    assert (found["unit_turnover"], found["active_share"]) == (None, None)


def test_total_position_needs_every_basis() -> None:
    """The basis of all pools is null as soon as one of them has a lot without a basis."""
    held = State(0, 0, 0, "2", 50.0, 0.0, 0, 1, (), ())
    assert total_position([held, None]) == {"quantity": None, "basis": 50.0}
    assert total_position([held, held._replace(unpriced=1)]) == {"quantity": None, "basis": None}
