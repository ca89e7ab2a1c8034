"""A metric as a rolling line: at every instant t of a grid its value over [t - window, t).

    X(t - window, t) = X(t) - X(t - window)

by the rule of `monitor.turnover.measures`, but for the sums alone that a metric is made of: a chart asks for a hundred
thousand windows at once, and most of a window's numbers are not in it. The value is the one that the answer gives for
the same window; the stocks `inventory` and `quantity` are those at t.
"""

from __future__ import annotations

from math import fsum
from operator import attrgetter, neg, sub
from typing import TYPE_CHECKING, NamedTuple

from monitor.clock import DAY
from monitor.errors import UsageError
from monitor.schema import SUMS
from monitor.turnover.measures import FEW_EVENTS, GREAT, GREATEST_CANCELLATION
from monitor.turnover.ratios import annualised, days_inventory, ratio, status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from monitor.clock import Window
    from monitor.schema import State
    from monitor.turnover.measures import Sums

    Formula = Callable[[Sums, int], float | None]

GREATEST_POINTS = 10_000
# What each sum grows by in a millisecond in which nothing happens, while something is held.
GROWS: dict[str, Callable[[State], float]] = {
    "cost_time": attrgetter("inventory_cost"),
    "estimated_time": attrgetter("estimated_cost"),
    "units_time": attrgetter("units"),
    "active_time": attrgetter("active"),
    "unpriced_time": attrgetter("unpriced"),
}
# What a status is made of besides basis and inventory. In most ledgers nothing is estimated and everything has a
# price: then these are 0 from the first event to the last, and need not be read at each point.
DOUBTS = ("unvalued", "unpriced_time", "estimated_relieved", "estimated_time")
STATUS = ("cogs", "cover_basis", "cost_time")
NO_DOUBT = dict.fromkeys(DOUBTS, 0.0)
DOUBTS_AT = {name: SUMS.index(name) for name in DOUBTS}


class Need(NamedTuple):
    """The sums that the points of a line are made of: `growing` holds the places of those that grow, and by what.

    The states of a line hold these sums alone, in this order.
    """

    names: tuple[str, ...]
    growing: tuple[tuple[int, Callable[[State], float]], ...]
    nothing: Sums


class Point(NamedTuple):
    """The sums of a window that ends at a point of the line, and what is held there."""

    sums: Sums
    inventory: float | None
    quantity: float | None


def _relieved(sums: Sums, _: int) -> float | None:
    return None if sums["unvalued"] else sums["cogs"] + sums["cover_basis"]


def _average(sums: Sums, length: int) -> float | None:
    return None if sums["unpriced_time"] else sums["cost_time"] / length


def _turnover(sums: Sums, length: int) -> float | None:
    # The same as of the two above, written out: a chart asks for a hundred thousand.
    if sums["unvalued"] or sums["unpriced_time"] or not (average := sums["cost_time"] / length):
        return None
    return (sums["cogs"] + sums["cover_basis"]) / average


def _days(sums: Sums, length: int) -> float | None:
    if _average(sums, length) == 0 and _relieved(sums, length):
        return 0.0
    return days_inventory(_turnover(sums, length), length / DAY)


def _annualised(sums: Sums, length: int) -> float | None:
    return annualised(_turnover(sums, length), length / DAY)


def _unit_turnover(sums: Sums, length: int) -> float | None:
    return ratio(sums["units_relieved"] * length, sums["units_time"])


def _valued(name: str) -> Formula:
    """Return the formula of a sum that is missing where a leg of it has no value."""
    return lambda sums, _: None if sums["unvalued"] else sums[name]


def _margin(sums: Sums, length: int) -> float | None:
    return ratio(_valued("realised_pnl")(sums, length), _average(sums, length))


def _active(sums: Sums, length: int) -> float | None:
    return sums["active_time"] / length


# Metric: the sums it needs beside those of the status, and its formula; null rules as in `ratios.metrics`.
FLOWS: dict[str, tuple[tuple[str, ...], Formula]] = {
    "turnover": ((), _turnover),
    "days_inventory": ((), _days),
    "annualised": ((), _annualised),
    "relieved_basis": ((), _relieved),
    "average_inventory": ((), _average),
    "cogs": ((), _valued("cogs")),
    "cover_basis": ((), _valued("cover_basis")),
    "unit_turnover": (("units_relieved", "units_time"), _unit_turnover),
    "realised_pnl": (("realised_pnl", "fills"), _valued("realised_pnl")),
    "gross_margin_return": (("realised_pnl", "fills"), _margin),
    "active_share": (("active_time",), _active),
    "fee_basis": (("fee_basis",), lambda sums, _: sums["fee_basis"]),
    "withdrawn_basis": (("withdrawn_basis",), lambda sums, _: sums["withdrawn_basis"]),
    "fills": (("fills",), lambda sums, _: int(sums["fills"])),
}
STOCKS = ("inventory", "quantity")
# Of several pools together there is none.
OF_ONE_POOL = frozenset({"unit_turnover", "active_share", "quantity"})


def grid(start: int | None, end: int, step: int, count: int) -> list[int]:
    """Return the instants of a line: from `start` in steps up to `end` (inclusive), or `count` that end at `end`.

    Raises:
        UsageError: the start lies after the end, or there are more than 10,000 instants.
    """
    if start is None:
        return [end - step * back for back in reversed(range(count))]
    if start > end:
        raise UsageError("The line would start after its end.", "Give --from before --to.")
    wanted = (end - start) // step + 1
    if wanted > GREATEST_POINTS:
        raise UsageError(
            f"The line would have {wanted:,} points.", f"Take a longer --step: {GREATEST_POINTS:,} at most."
        )
    return [start + step * number for number in range(wanted)]


def needed(metric: str, newest: State | None) -> Need:
    """Return the sums that a metric and its status are made of, in a line that ends after the event `newest`.

    Sums of doubt are among them only if they are, or become, anything but 0 anywhere in the line.
    """
    names = (*STATUS, *(FLOWS[metric][0] if metric in FLOWS else ()), *(_doubts(newest) if newest else ()))
    growing = tuple((place, GROWS[name]) for place, name in enumerate(names) if name in GROWS)
    return Need(names, growing, NO_DOUBT | dict.fromkeys(names, 0.0))


def _doubts(newest: State) -> list[str]:
    return [
        name
        for name, at in DOUBTS_AT.items()
        if newest.sums[at]
        or newest.before[2 * at]
        or newest.before[2 * at + 1]
        or (newest.quantity != "0" and name in GROWS and GROWS[name](newest))
    ]


def between(need: Need, first: State | None, last: State | None, window: Window) -> list[float] | None:
    """Return the sums of `window` from the states at its start and its end; None: no event before its end."""
    if last is None:
        return None
    runs, had = last.quantity != "0", first is not None and first.quantity != "0"
    if first is not None and first.ordinal == last.ordinal:
        sums = [0.0] * len(need.names)
        for place, grows in need.growing if runs else ():
            sums[place] = grows(last) * window.milliseconds
        return sums
    sums = _taken(first, last)
    for place, grows in need.growing if runs or had else ():
        ran = grows(last) * (window.end - last.time) if runs else 0.0
        taken = grows(first) * (window.start - first.time) if first is not None and had else 0.0
        sums[place] = fsum((sums[place], ran, -taken))
    return sums


def _taken(first: State | None, last: State) -> list[float]:
    """Return the differences of the sums of two states, each rounded once."""
    if first is None:
        return [*map(fsum, zip(last.sums, last.before[::2], last.before[1::2], strict=True))]
    if first.segment == last.segment:
        return [*map(sub, last.sums, first.sums)]
    ends = (last.sums, last.before[::2], last.before[1::2])
    starts = (map(neg, part) for part in (first.sums, first.before[::2], first.before[1::2]))
    return [*map(fsum, zip(*ends, *starts, strict=True))]


def lost_digits(need: Need, sums: Sequence[float], first: State, last: State, window: Window) -> set[str]:
    """Return the sums that are so small beside what they were taken from that digits are gone.

    `monitor.turnover.measures.lost_sums` asks the same of all sums.
    """
    if first.ordinal == last.ordinal:
        return set()
    taken, growing = list(first.sums), need.growing if first.quantity != "0" else ()
    for place, grows in growing:
        taken[place] += grows(first) * (window.start - first.time)
    suspects = [place for place, value in enumerate(sums) if abs(taken[place]) > GREATEST_CANCELLATION * abs(value)]
    if not suspects:
        return set()
    few, grown = last.ordinal - first.ordinal <= FEW_EVENTS, {place for place, grows in growing if grows(first)}
    return {
        need.names[place]
        for place in suspects
        if sums[place] or (few and abs(taken[place]) > GREAT * (window.milliseconds if place in grown else 1))
    }


def point(need: Need, sums: Sequence[float] | None, last: State | None) -> Point:
    """Return a point of a line; without an event before it all sums are 0."""
    if sums is None or last is None:
        return Point(need.nothing, 0.0, 0.0)
    found = need.nothing.copy()
    found.update(zip(need.names, sums, strict=True))
    return Point(found, None if last.unpriced else last.inventory_cost, float(last.quantity))


def total(points: Iterable[Point]) -> Point:
    """Return the point of several pools together: sums of sums; the inventory is missing if that of any is."""
    points = list(points)
    names = dict.fromkeys(name for one in points for name in one.sums)
    sums = {name: fsum(one.sums.get(name, 0.0) for one in points) for name in names}
    held = [one.inventory for one in points if one.inventory is not None]
    return Point(
        {**NO_DOUBT, **dict.fromkeys(STATUS, 0.0), **sums}, fsum(held) if len(held) == len(points) else None, None
    )


def value(metric: str, one: Point, length: int, *, partial: bool) -> tuple[float | None, str]:
    """Return the value of a metric at a point, None where it is missing, and the status of its window.

    `length` is the window's in milliseconds.
    """
    if metric == "inventory":
        found = one.inventory
    elif metric == "quantity":
        found = one.quantity
    else:
        found = FLOWS[metric][1](one.sums, length)
    return found, status(one.sums, partial=partial)
