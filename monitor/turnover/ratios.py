"""What follows from the sums of a window: turnover, days of inventory and the other ratios, with their status.

Cost is divided by cost, market value by market value, units by units. Missing is None, never 0 and never infinite.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from monitor.clock import Window
    from monitor.schema import State
    from monitor.turnover.measures import Sums

DAYS_PER_YEAR = 365
ESTIMATED_SHARE = 0.05

Metrics = dict[str, object]


def ratio(above: float | None, below: float | None) -> float | None:
    """Return above / below; None where either is missing or nothing is below."""
    return None if above is None or not below else above / below


def days_inventory(turnover: float | None, days: float) -> float | None:
    """Return days / turnover: the basis-weighted mean holding time where the book is in balance (Little's law)."""
    return ratio(days, turnover)


def annualised(turnover: float | None, days: float) -> float | None:
    """Return turnover * 365 / days: crypto trades every day, so never 252."""
    return None if turnover is None else turnover * DAYS_PER_YEAR / days


def status(sums: Sums, *, partial: bool) -> str:
    """Return the status of a window's numbers: the most serious that applies.

    `unpriced` a leg or an open lot has no value; `partial` the window is not proven complete; `estimated` more than
    5 % (exclusive) of the relieved basis or of the average inventory rests on estimated basis; `instantaneous` basis
    was relieved but never held a millisecond; `no_inventory` neither; `idle` nothing was relieved; else `ok`.
    """
    relieved = sums["cogs"] + sums["cover_basis"]
    if sums["unvalued"] or sums["unpriced_time"]:
        return "unpriced"
    if partial:
        return "partial"
    if sums["estimated_relieved"] > ESTIMATED_SHARE * relieved or (
        sums["estimated_time"] > ESTIMATED_SHARE * sums["cost_time"]
    ):
        return "estimated"
    if not sums["cost_time"]:
        return "instantaneous" if relieved else "no_inventory"
    return "ok" if relieved else "idle"


def estimated_share(sums: Sums) -> dict[str, float | None]:
    """Return which share (0..1) of the relieved basis and of the average inventory is estimated, and the greater."""
    relieved = ratio(sums["estimated_relieved"], sums["cogs"] + sums["cover_basis"])
    inventory = ratio(sums["estimated_time"], sums["cost_time"])
    greater = max(relieved or 0.0, inventory or 0.0)
    return {
        "estimated_share": None if relieved is None and inventory is None else greater,
        "estimated_share_of_relieved": relieved,
        "estimated_share_of_inventory": inventory,
    }


def metrics(sums: Sums, window: Window, *, partial: bool) -> Metrics:
    """Return the metrics that follow from the sums over a window, JSON-ready, with their status.

    turnover = relieved_basis / average_inventory; average_inventory = cost_time / window. Null rules: a sum that
    misses the value of a leg is None; turnover is None without inventory, 0 when idle; days_inventory is None when
    idle, 0 when instantaneous.
    """
    valued, priced, length, days = not sums["unvalued"], not sums["unpriced_time"], window.milliseconds, window.days
    relieved = sums["cogs"] + sums["cover_basis"] if valued else None
    average = sums["cost_time"] / length if priced else None
    turnover = ratio(relieved, average)
    pnl = sums["realised_pnl"] if valued else None
    instantaneous = bool(relieved) and average == 0
    return {
        "status": status(sums, partial=partial),
        "cogs": sums["cogs"] if valued else None,
        "cover_basis": sums["cover_basis"] if valued else None,
        "relieved_basis": relieved,
        "average_inventory": average,
        "turnover": turnover,
        "days_inventory": 0.0 if instantaneous else days_inventory(turnover, days),
        "annualised": annualised(turnover, days),
        "unit_turnover": ratio(sums["units_relieved"] * length, sums["units_time"]),
        **_market(sums, length),
        "realised_pnl": pnl,
        "gross_margin_return": ratio(pnl, average),
        "active_share": sums["active_time"] / length,
        "fee_basis": sums["fee_basis"],
        "withdrawn_basis": sums["withdrawn_basis"],
        "fills": int(sums["fills"]),
        **estimated_share(sums),
    }


def _market(sums: Sums, length: int) -> dict[str, float | None]:
    """Return the two-sided and the one-sided market rate; None where a leg or a held position has no price.

    `length` is the window's in milliseconds.
    """
    valued, buys, sells = not sums["unvalued"], sums["buy_notional"], sums["sell_notional"]
    average = None if sums["unmarked_time"] else sums["market_time"] / length
    return {
        "buy_notional": buys if valued else None,
        "sell_notional": sells if valued else None,
        "average_market_value": average,
        "velocity": ratio(buys + sells, average) if valued else None,
        "portfolio_turnover_rate": ratio(min(buys, sells), average) if valued else None,
    }


def position(state: State | None) -> dict[str, str | float | None]:
    """Return the quantity (exact text) and the basis a pool holds; the basis is None if a lot of it has none."""
    if state is None:
        return {"quantity": "0", "basis": 0.0}
    return {"quantity": state.quantity, "basis": None if state.unpriced else state.inventory_cost}
