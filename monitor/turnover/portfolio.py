"""The numbers of several pools together: sums of basis over sums of inventory, never a mean of ratios.

    turnover_p = sum of relieved_basis / sum of average_inventory

which equals the inventory-weighted mean of the pools' turnovers. Longs are never netted against shorts, and a pool
without a value makes the total unpriced rather than smaller.
"""

from __future__ import annotations

from math import fsum
from operator import itemgetter
from typing import TYPE_CHECKING

from monitor.schema import SUMS
from monitor.turnover.measures import NO_SUMS
from monitor.turnover.ratios import metrics, position

if TYPE_CHECKING:
    from collections.abc import Iterable

    from monitor.clock import Window
    from monitor.schema import State
    from monitor.turnover.measures import Sums
    from monitor.turnover.ratios import Metrics

# Units of different assets do not add up, and half of the assets active is not a share of time.
OF_ONE_POOL = ("unit_turnover", "active_share")
# Differences of running sums are right within this share of themselves (see `lost_sums`): less is left by rounding.
ROUNDING = 2e-11


def total(pools: Iterable[Sums]) -> Sums:
    """Return the sums over all pools."""
    columns = zip(*map(itemgetter(*SUMS), pools), strict=True)
    return NO_SUMS | dict(zip(SUMS, map(fsum, columns), strict=False))


def counted_once(sums: Sums) -> Sums:
    """Return the sums of a whole portfolio without the quote legs of crosses: each fill's notional counts once."""
    sides = {side: sums[f"{side}_notional"] - sums[f"cross_{side}"] for side in ("buy", "sell")}
    return sums | {
        f"{side}_notional": once if abs(once) > ROUNDING * sums[f"cross_{side}"] else 0.0
        for side, once in sides.items()
    }


def portfolio_metrics(sums: Sums, window: Window, *, partial: bool) -> Metrics:
    """Return the metrics of the `total` of several pools, with the names of one; what only one pool has is None.

    Null rules and statuses are those of one pool, applied to the sums: unpriced if any pool is, never a number that
    leaves a pool out.
    """
    return metrics(sums, window, partial=partial) | dict.fromkeys(OF_ONE_POOL)


def total_position(states: Iterable[State | None]) -> dict[str, str | float | None]:
    """Return the basis of all pools together, None if any pool has a lot without one; units do not add up."""
    held = [position(state)["basis"] for state in states]
    known = [basis for basis in held if isinstance(basis, float)]
    return {"quantity": None, "basis": fsum(known) if len(known) == len(held) else None}
