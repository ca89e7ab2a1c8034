"""What a person asks first of a number taken apart, in sentences: what was held, what left, what is left, how old."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, cast

from monitor.clock import DAY, iso
from monitor.turnover.measures import RELIEVED_BY_TRADES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.jobs.exact_lots import Numbers, Told

# The lots that are named as the reason hold at least this share of the basis-days.
MOST = 0.5


def summary(told: Told, steps: Sequence[Numbers], lots: Sequence[Numbers], currency: str) -> list[str]:
    """Return sentences about the curve, what was relieved and the lots left; none of a pool without events."""
    if told.exact.pool is None or not steps:
        return []
    return [_held(told, steps, currency), _left_by_trades(told), *_waiting(lots)]


def _held(told: Told, steps: Sequence[Numbers], currency: str) -> str:
    first, last, highest = steps[0], steps[-1], max(steps, key=lambda step: _number(step, "inventory_cost"))
    asset = told.exact.pool.key[1] if told.exact.pool else ""
    return (
        f"Held {_units(first)} {asset} ({_number(first, 'inventory_cost'):,.2f} {currency} at cost) at the start and"
        f" {_units(last)} ({_number(last, 'inventory_cost'):,.2f}) at the end,"
        f" at most {_number(highest, 'inventory_cost'):,.2f} {currency} from {str(highest['time'])[:19]} on."
    )


def _left_by_trades(told: Told) -> str:
    """Say how long what was sold (or covered) had been held; of nothing, when the last sale was."""
    end = told.window.end
    traded = [relief for relief in told.reliefs if relief.kind in RELIEVED_BY_TRADES]
    inside = [relief for relief in traded if relief.time >= told.window.start]
    basis = sum((relief.basis or Decimal(0) for relief in inside), Decimal(0))
    if not inside:
        if not traded:
            since = ", and before it since it was last flat" if told.exact.book.first else " nor ever before it"
            return f"Nothing was sold or covered in the window{since}."
        days = float(Decimal(end - traded[-1].time) / DAY)
        return f"Nothing was sold or covered in the window; last at {iso(traded[-1].time)[:19]}, {days:,.1f} d ago."
    if not basis:
        return f"{len(inside):,} parts of lots were sold or covered; they have no basis."
    mean = sum(((relief.basis or Decimal(0)) * relief.held for relief in inside), Decimal(0)) / basis
    longest = max(inside, key=lambda relief: relief.held)
    return (
        f"{len(inside):,} parts of lots were sold or covered after {float(mean / DAY):,.3g} d on average by basis,"
        f" the longest held {float(longest.held / DAY):,.3g} d."
    )


def _waiting(lots: Sequence[Numbers]) -> list[str]:
    """Say which of the lots left hold most basis-days."""
    weights = sorted((_number(lot, "basis_days") for lot in lots if lot["basis_days"] is not None), reverse=True)
    whole = sum(weights)
    if not whole:
        return []
    count, reached = 0, 0.0
    while reached < MOST * whole:
        reached += weights[count]
        count += 1
    basis = sum(_number(lot, "basis") for lot in lots if lot["basis"] is not None)
    left = "1 lot is left" if len(lots) == 1 else f"{len(lots):,} lots are left"
    oldest = max(_number(lot, "age") for lot in lots)
    age = f"{whole / basis:,.3g} d old on average by basis, the oldest {oldest:,.3g} d"
    return [f"{left}, {age}: {reached / whole:.0%} of the basis-days wait in {count:,}."]


def _number(row: Numbers, name: str) -> float:
    return cast("float", row[name])


def _units(row: Numbers) -> str:
    return f"{Decimal(str(row['quantity'])):,}"
