"""The figures of a window in exact decimals, and how far the stored ones are from them."""

from __future__ import annotations

from bisect import bisect_left
from decimal import Decimal, localcontext
from typing import TYPE_CHECKING

from monitor.clock import DAY
from monitor.exact import CONTEXT

if TYPE_CHECKING:
    from monitor.clock import Window
    from monitor.turnover.exact_pool import ExactPool, Step

Figures = dict[str, Decimal | None]
Numbers = dict[str, object]

TOLERANCE = 1e-9
ZERO = Decimal(0)
# Differences are told relative to the figure; those that may be the small difference of great sums, relative to the
# window's trade and inventory.
OF_THE_WHOLE = frozenset({"realised_pnl", "fee_basis", "withdrawn_basis", "cogs", "cover_basis"})
# Below a cent relative says nothing.
LEAST = Decimal("0.01")
# Not in the stored answer.
OWN = frozenset({"cost_days"})


def figures(pool: ExactPool | None, window: Window, *, marked: bool = False) -> Figures:
    """Return the figures of a pool over a window; None where a leg or a lot has no value, or nothing is below a ratio.

    `turnover` = relieved_basis / average_inventory, `days_inventory` = days / turnover, `unit_turnover` = units
    relieved / mean units, `cost_days` the integral of inventory cost in currency * days. The market rates are there
    where the pool is `marked`: it knows every price of the window.
    """
    with localcontext(CONTEXT):
        return _figures(pool, window, marked=marked)


def _figures(pool: ExactPool | None, window: Window, *, marked: bool) -> Figures:
    first, last = ({} if pool is None else pool.at(instant) for instant in (window.start, window.end))
    sums = {name: value - first.get(name, ZERO) for name, value in last.items()}

    def money(name: str) -> Decimal | None:
        return None if sums.get("unvalued") else sums.get(name, ZERO)

    cogs, cover = money("cogs"), money("cover_basis")
    relieved = None if cogs is None or cover is None else cogs + cover
    cost = None if sums.get("unpriced_time") else sums.get("cost_time", ZERO)
    average = None if cost is None else cost / window.milliseconds
    turnover = None if relieved is None or not average else relieved / average
    days = Decimal(window.milliseconds) / DAY
    units = sums.get("units_time", ZERO)
    return {
        "cogs": cogs,
        "cover_basis": cover,
        "relieved_basis": relieved,
        "cost_days": None if cost is None else cost / DAY,
        "average_inventory": average,
        "turnover": turnover,
        "days_inventory": ZERO if relieved and average == 0 else days / turnover if turnover else None,
        "unit_turnover": sums["units_relieved"] * window.milliseconds / units if units else None,
        "buy_notional": money("buy_notional"),
        "sell_notional": money("sell_notional"),
        **(_market(money("buy_notional"), money("sell_notional"), sums, window) if marked else {}),
        "realised_pnl": money("realised_pnl"),
        "fee_basis": sums.get("fee_basis", ZERO),
        "withdrawn_basis": sums.get("withdrawn_basis", ZERO),
        "fills": sums.get("fills", ZERO),
        **_ends(pool, window),
    }


def _market(buys: Decimal | None, sells: Decimal | None, sums: dict[str, Decimal], window: Window) -> Figures:
    """Return the two rates at market value; None where a leg, or for some time a position, has no price."""
    average = None if sums.get("unmarked_time") else sums.get("market_time", ZERO) / window.milliseconds
    valued = None if buys is None or sells is None else (buys + sells, min(buys, sells))
    return {
        "average_market_value": average,
        "velocity": valued[0] / average if valued and average else None,
        "portfolio_turnover_rate": valued[1] / average if valued and average else None,
    }


def step_before(pool: ExactPool, instant: int) -> Step | None:
    """Return the state of a pool after all events before an instant, None before its first."""
    place = bisect_left(pool.steps, instant, key=lambda step: step.time)
    return pool.steps[place - 1] if place else None


def _ends(pool: ExactPool | None, window: Window) -> Figures:
    """Return quantity and basis at both ends of the window."""
    ends: Figures = {}
    for name, instant in (("opening", window.start), ("closing", window.end)):
        step = None if pool is None else step_before(pool, instant)
        ends[f"{name}_quantity"] = ZERO if step is None else step.quantity
        ends[f"{name}_basis"] = ZERO if step is None else None if step.unpriced else step.cost
    return ends


def compared(computed: Figures, row: Numbers) -> Numbers:
    """Return the figures beside the stored ones, the greatest difference, and whether all agree within 1e-9."""
    parts = ("average_inventory", "buy_notional", "sell_notional", "relieved_basis")
    whole = sum((computed[name] or ZERO for name in parts), ZERO)  # to 28 digits, which do
    lines = [
        _line(name, value, _stored(row, name), whole if name in OF_THE_WHOLE else ZERO)
        for name, value in computed.items()
        if name not in OWN
    ]
    agrees = [line["agrees"] for line in lines]
    differences = [line["difference"] for line in lines]
    return {
        "agrees": all(agrees),
        "greatest_difference": max((one for one in differences if isinstance(one, float)), default=0.0),
        "tolerance": TOLERANCE,
        "figures": lines,
    }


def _stored(row: Numbers, name: str) -> object:
    end, _, part = name.partition("_")
    position = row.get(end)
    return position.get(part) if isinstance(position, dict) else row[name]


def _line(name: str, exact: Decimal | None, stored: object, whole: Decimal) -> Numbers:
    line: Numbers = {"figure": name, "exact": None if exact is None else float(exact), "stored": stored}
    if exact is None or stored is None:
        # Nobody knows it, or one side alone: that is a difference without a size.
        return line | {"difference": None, "agrees": exact is None and stored is None}
    with localcontext(CONTEXT):
        difference = float(abs(Decimal(str(stored)) - exact) / max(abs(exact), whole, LEAST))
    limit = 0.0 if isinstance(stored, str) else TOLERANCE
    return line | {"difference": difference, "agrees": difference <= limit}
