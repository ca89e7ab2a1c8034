"""Whole quantities: the legs of a partition in units of their own decimals, and what a pool must have opened with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np

from monitor.turnover import amounts, arrays, compiled
from monitor.turnover.amounts import POWERS
from monitor.turnover.arrays import REMAKE
from monitor.turnover.compiled import bare, compile_cached

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from monitor.turnover.leg_records import Records
    from monitor.turnover.texts import Integers

# Half of int64: a position and one more fill still fit.
ROOM = 4.0e18
SPARE = 12  # decimals more where lots are converted


class Legs(NamedTuple):
    """The legs of one partition in order, as records (`monitor.turnover.legs.LEG`).

    `pool` is the place in the partition's pools, `transit` numbers the transfers from 0 on, -1 for other legs; `wide`
    has the texts of quantities that no int64 holds.
    """

    records: NDArray[np.void]
    pool: Integers
    transit: Integers
    wide: dict[int, str]

    @property
    def size(self) -> int:
        """Return how many legs there are."""
        return len(self.records)


@dataclass(frozen=True, slots=True)
class Shortfall:
    """More was given up than the ledger brought in: `quantity` units of a pool, worth `mark` each when it began."""

    pool: int
    quantity: int
    first: int
    mark: float
    clipped: bool


def whole(legs: Legs, pools: int, least: int = 0, held: float = 0.0) -> tuple[int, Integers]:
    """Return the scale of a partition and its quantities in units of 10 ** -scale.

    They are int64 where every quantity and every position on the way holds in it, else Python integers. `least` is the
    smallest scale that will do, `held` the greatest size that was there before.
    """
    records, unbounded = legs.records, bool(legs.wide)
    reach, decimals, remakes = surveyed(records, legs.pool, pools)
    scale, reach = max(least, decimals), reach + held
    # a conversion spreads what was received over lots in proportion: that takes digits nobody wrote
    spare = SPARE if remakes else 0
    if not unbounded and reach * 10.0**scale < ROOM and scale < len(POWERS):
        while scale + spare >= len(POWERS) or reach * 10.0 ** (scale + spare) >= ROOM:
            spare -= 1
        scale += spare
        return scale, scaled(records, scale)
    exact, places = records["mantissa"].astype(object), records["decimals"]
    for place, text in legs.wide.items():
        exact[place] = int(text.replace(".", ""))
    # a product such as 0.5 * 2.000 has more decimals than it needs
    while np.any(ending := (places > 0) & (exact % 10 == 0)):
        exact, places = np.where(ending, exact // 10, exact), np.where(ending, places - 1, places)
    scale = max(least, int(places.max(initial=0))) + spare
    exact = exact * np.array([10**power for power in (scale - places).tolist()], dtype=object)
    fits = scale < len(POWERS) and reach * 10.0**scale < ROOM
    return scale, cast("Integers", exact.astype(np.int64) if fits else exact)


def _surveyed(records: Records, pool: Integers, pools: int) -> tuple[float, int, bool]:
    """Return the greatest quantity or position there is on the way, the most decimals, and if a leg is a conversion."""
    legs, numbers, held = bare(records), bare(pool), np.zeros(pools)
    positions, reach, decimals, remakes = bare(held), 0.0, 0, False
    for place in range(len(legs)):
        leg, number = legs[place], numbers[place]
        positions[number] += leg.units
        reach = max(reach, abs(leg.units), abs(positions[number]))
        decimals = max(decimals, leg.decimals)
        remakes = remakes or leg.action == REMAKE
    return reach, decimals, remakes


surveyed = compile_cached(_surveyed, amounts, arrays, compiled)


def _scaled(records: Records, scale: int) -> Integers:
    """Return quantities in units of 10 ** -scale."""
    quantity, legs = np.empty(len(records), np.int64), bare(records)
    for place in range(len(legs)):
        quantity[place] = legs[place].mantissa * POWERS[scale - legs[place].decimals]
    return quantity


scaled = compile_cached(_scaled, amounts, arrays, compiled)


def _lowest(quantity: Integers, pool: Integers, pools: int) -> tuple[Integers, Integers]:
    """Return each pool's first leg, -1 if it has none, and its lowest position, 0 if it is never below."""
    first, lowest, held = np.full(pools, -1, np.int64), np.zeros(pools, np.int64), np.zeros(pools, np.int64)
    firsts, lows, positions, amounts, numbers = bare(first), bare(lowest), bare(held), bare(quantity), bare(pool)
    for place in range(len(amounts)):
        number = numbers[place]
        if firsts[number] < 0:
            firsts[number] = place
        positions[number] += amounts[place]
        lows[number] = min(lows[number], positions[number])
    return first, lowest


lowest = compile_cached(_lowest, amounts, arrays, compiled)


def shortfalls(legs: Legs, quantity: Integers, unit: float, pools: int, dust: float) -> tuple[Shortfall, ...]:
    """Return what each pool of a book that cannot be short gave up beyond what it had.

    Up to `dust` it is clipped where it happens; more is an opening the ledger does not tell, at the first mark.
    """
    found, small = [], quantity.dtype != object
    firsts, lows = lowest(quantity, legs.pool, pools) if small else _lowest_of_any_size(quantity, legs.pool, pools)
    for pool, (first, low) in enumerate(zip(firsts.tolist(), lows.tolist(), strict=True)):
        if low < 0:
            mark = float(legs.records["mark"][first])
            found.append(Shortfall(pool, -low, first, mark, clipped=-low / unit * mark <= dust))
    return tuple(found)


def _lowest_of_any_size(quantity: Integers, pool: Integers, pools: int) -> tuple[Integers, Integers]:
    """Return the same of Python's integers."""
    first, low = np.full(pools, -1, np.int64), np.zeros(pools, dtype=object)
    for number in range(pools):
        places = np.flatnonzero(pool == number)
        if len(places):
            first[number], low[number] = places[0], min(0, int(np.cumsum(quantity[places]).min()))
    return first, low
