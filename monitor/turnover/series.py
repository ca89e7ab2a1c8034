"""A metric as a rolling line: at every instant t of a grid its value over [t - window, t).

    X(t - window, t) = X(t) - X(t - window)

by the rule of `monitor.turnover.measures`, but for the sums alone that a metric is made of: a chart asks for a hundred
thousand windows at once, and most of a window's numbers are not in it. The value is the one that the answer gives for
the same window; the stocks `inventory` and `quantity` are those at t.
"""

from __future__ import annotations

from math import fsum
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple, Protocol

from monitor.clock import DAY
from monitor.errors import UsageError
from monitor.turnover.measures import FEW_EVENTS, GREAT, GREATEST_CANCELLATION
from monitor.turnover.ratios import annualised, days_inventory, ratio, status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from monitor.clock import Window
    from monitor.turnover.measures import Sums

    Formula = Callable[[Sums, int], float | None]

GREATEST_POINTS = 10_000
GROWS: dict[str, Callable[[Stand], float]] = {
    "cost_time": attrgetter("inventory_cost"),
    "estimated_time": attrgetter("estimated_cost"),
    "units_time": lambda stand: abs(float(stand.quantity)),
    "active_time": attrgetter("active"),
    "unpriced_time": attrgetter("unpriced"),
}
# What a status is made of besides basis and inventory. In most ledgers nothing is estimated and everything has a
# price: then these are 0 from the first event to the last, and need not be read at each point.
DOUBTS = ("unvalued", "unpriced_time", "estimated_relieved", "estimated_time")
STATUS = ("cogs", "cover_basis", "cost_time")
NO_DOUBT = dict.fromkeys(DOUBTS, 0.0)


class Stand(Protocol):
    """What the last event before an instant left behind: a row of the track."""

    @property
    def quantity(self) -> str:
        """Signed position."""
        ...

    @property
    def inventory_cost(self) -> float:
        """Basis of the open lots."""
        ...

    @property
    def estimated_cost(self) -> float:
        """The estimated part of it."""
        ...

    @property
    def unpriced(self) -> int:
        """1 while a lot without a basis is open."""
        ...

    @property
    def active(self) -> int:
        """1 while the position is above dust."""
        ...


class Sample(NamedTuple):
    """A pool at an instant: its last event before it, with the sums that a metric is made of.

    `sums` run from the start of the segment, `before` are the pairs (high, low) before it, and `running` is what each
    grows by in a millisecond without events; all three in the order of the metric's names.
    """

    time: int
    ordinal: int
    quantity: str
    inventory_cost: float
    estimated_cost: float
    unpriced: int
    sums: tuple[float, ...]
    before: tuple[tuple[float, float], ...]
    running: tuple[float, ...]


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
    return ratio(_relieved(sums, length), _average(sums, length))


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
    "fills": (("fills",), lambda sums, _: sums["fills"]),
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


def sums_of(metric: str) -> tuple[str, ...]:
    """Return the sums that a metric and its status are made of, where nothing is in doubt."""
    return (*STATUS, *(FLOWS[metric][0] if metric in FLOWS else ()))


def grown(names: Sequence[str], stand: Stand) -> tuple[float, ...]:
    """Return what each of these sums grows by in a millisecond in which nothing happens."""
    if stand.quantity == "0":
        return (0.0,) * len(names)
    return tuple([GROWS[name](stand) if name in GROWS else 0.0 for name in names])


def between(first: Sample | None, last: Sample | None, window: Window) -> list[float] | None:
    """Return the sums of `window` from the samples at its start and its end; None: no event before its end."""
    if last is None:
        return None
    ran = window.end - last.time
    if first is None:
        whole = [fsum((*pair, value)) for pair, value in zip(last.before, last.sums, strict=True)]
        return [fsum((value, grows * ran)) for value, grows in zip(whole, last.running, strict=True)]
    if first.ordinal == last.ordinal:
        return [grows * window.milliseconds for grows in last.running]
    if first.before is last.before:
        whole = [one - other for one, other in zip(last.sums, first.sums, strict=True)]
    else:
        whole = [
            fsum((high, low, value, -first_high, -first_low, -first_value))
            for (high, low), value, (first_high, first_low), first_value in zip(
                last.before, last.sums, first.before, first.sums, strict=True
            )
        ]
    had_run = window.start - first.time
    return [
        fsum((value, grows * ran, -grew * had_run)) if grows or grew else value
        for value, grows, grew in zip(whole, last.running, first.running, strict=True)
    ]


def lost_digits(names: Sequence[str], sums: Sequence[float], first: Sample, last: Sample, window: Window) -> set[str]:
    """Return the sums that are so small beside what they were taken from that digits are gone.

    `monitor.turnover.measures.lost_sums` asks the same of all sums.
    """
    if first.ordinal == last.ordinal:
        return set()
    few, had_run = last.ordinal - first.ordinal <= FEW_EVENTS, window.start - first.time
    lost = set()
    for name, value, taken, grew in zip(names, sums, first.sums, first.running, strict=True):
        before = abs(taken + grew * had_run)
        if before > GREATEST_CANCELLATION * abs(value) and (
            value or (few and before > GREAT * (window.milliseconds if grew else 1))
        ):
            lost.add(name)
    return lost


def point(names: Sequence[str], sums: Sequence[float] | None, last: Sample | None) -> Point:
    """Return a point of a line; without an event before it all sums are 0."""
    if sums is None or last is None:
        return Point(NO_DOUBT | dict.fromkeys(names, 0.0), 0.0, 0.0)
    held = None if last.unpriced else last.inventory_cost
    return Point({**NO_DOUBT, **dict(zip(names, sums, strict=True))}, held, float(last.quantity))


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
