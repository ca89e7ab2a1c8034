"""Every number of one pool and one window, as the difference of two states of its running sums.

    X(t0, t1) = X(t1) - X(t0)

where X(t) is the sum after all events before t, integrals extended from the last event to t. Each state is kept as the
few floats it is made of (the segment's prefix, the row, the extension) and subtracted in one correctly rounded
addition: a small window late in a long history loses no digits between segments. Where it would lose them inside a
segment, `needs_replay` says so and `replay` adds up the window's own events instead.

Cost is divided by cost, market value by market value, units by units. Missing is None, never 0 and never infinite.
"""

from __future__ import annotations

from decimal import Decimal
from math import fsum
from operator import neg, sub
from typing import TYPE_CHECKING, NamedTuple

from monitor.schema import SUMS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from monitor.clock import Window

DAYS_PER_YEAR = 365
# A row's sum is rounded once, by 1.1e-16 of itself: a difference this many times smaller is right within 1e-10.
GREATEST_CANCELLATION = 100_000.0
# Below this many events even a difference of exactly nothing is cheaper to add up again than to doubt.
FEW_EVENTS = 1_000
ESTIMATED_SHARE = 0.05
RELIEVED_BY_TRADES = frozenset({"trade", "liquidation"})

# What still runs while nothing happens, and the state it runs with.
INTEGRALS = {
    "cost_time": "inventory_cost",
    "estimated_time": "estimated_cost",
    "units_time": "units",
    "active_time": "active",
    "unpriced_time": "unpriced",
}

Sums = dict[str, float]
Metrics = dict[str, object]


class State(NamedTuple):
    """A pool at an instant: its last event before it, and what the segment and the mark add to that.

    `sums` run from the start of the segment in the order of `schema.SUMS`; `before` holds the sums before the segment
    as pairs (high, low). `mark_time` is the integral of the mark from the event to the instant in currency *
    milliseconds a unit, `unmarked` the milliseconds of that span before the asset's first mark.
    """

    time: int
    ordinal: int
    segment: int
    quantity: str
    inventory_cost: float
    estimated_cost: float
    unpriced: int
    active: int
    sums: tuple[float, ...]
    before: tuple[float, ...]
    mark_time: float = 0.0
    unmarked: int = 0

    @property
    def units(self) -> float:
        """Size of the position, long or short."""
        return abs(float(self.quantity))


class Step(NamedTuple):
    """The state of a pool from `time` until its next event."""

    time: int
    quantity: str
    inventory_cost: float


class Relief(NamedTuple):
    """A part of a lot that an event relieved: its basis (None: it has no value) and how long it was held."""

    kind: str
    quantity: str
    basis: float | None
    held: int
    short: int


def difference(first: State | None, last: State | None, window: Window) -> Sums:
    """Return the sums over `window` from the states at its start and at its end; None: no event before that instant."""
    if last is None:
        return dict.fromkeys(SUMS, 0.0)
    if first is not None and first.segment == last.segment:
        sums = dict(zip(SUMS, map(sub, last.sums, first.sums), strict=True))
    else:
        sums = dict(zip(SUMS, map(fsum, _parts(first, last)), strict=True))
    for name, running in _running(first, last, window).items():
        sums[name] = fsum((sums[name], *running))
    # Where nothing was ever held, neither was its market value: what is left is rounding.
    return sums if sums["units_time"] else {**sums, "market_time": 0.0}


def _parts(first: State | None, last: State) -> Iterable[tuple[float, ...]]:
    """Return for every sum the floats whose exact sum is the difference of two states."""
    ends = (last.before[::2], last.before[1::2], last.sums)
    if first is None:
        return zip(*ends, strict=True)
    starts = (first.before[::2], first.before[1::2], first.sums)
    return zip(*ends, *(map(neg, part) for part in starts), strict=True)


def _running(first: State | None, last: State, window: Window) -> dict[str, tuple[float, ...]]:
    """Return what the integrals ran on after the last event, less what had run on after the first."""
    if first is not None and first.ordinal == last.ordinal:
        # A window without events: exact products, whatever the time since the event.
        length = window.milliseconds
        quiet: dict[str, tuple[float, ...]] = {
            name: (float(getattr(last, value) * length),) for name, value in INTEGRALS.items()
        }
        market, unmarked = last.mark_time - first.mark_time, last.unmarked - first.unmarked
        return quiet | {"market_time": (last.units * market,), "unmarked_time": (float(unmarked),)}
    ran = _ran(last, window.end)
    if first is None:
        return {name: (value,) for name, value in ran.items()}
    return {name: (ran[name], -value) for name, value in _ran(first, window.start).items()}


def _ran(state: State, instant: int) -> dict[str, float]:
    """Return what each integral grew by from the state's event to `instant`."""
    elapsed = instant - state.time
    return {name: float(getattr(state, value) * elapsed) for name, value in INTEGRALS.items()} | {
        "market_time": state.units * state.mark_time,
        "unmarked_time": float(state.unmarked),
    }


def needs_replay(sums: Sums, first: State | None, last: State | None, window: Window) -> bool:
    """Return whether a headline sum is so much smaller than what it was taken from that digits are gone."""
    if first is None or last is None or first.ordinal == last.ordinal:
        return False
    taken = dict(zip(SUMS, first.sums, strict=True))
    for name in ("cost_time", "units_time"):
        taken[name] += getattr(first, INTEGRALS[name]) * (window.start - first.time)
    few = last.ordinal - first.ordinal <= FEW_EVENTS
    return any(
        abs(taken[name]) > GREATEST_CANCELLATION * abs(sums[name])
        for name in ("cogs", "cover_basis", "units_relieved", "cost_time", "units_time")
        if sums[name] or few
    )


def replay(first: State, steps: Sequence[Step], reliefs: Iterable[Relief], window: Window) -> Sums:
    """Return the headline sums added up from the window's own events: `steps` are its track rows in order."""
    path = [Step(window.start, first.quantity, first.inventory_cost), *steps]
    spans = [after - before.time for before, after in zip(path, [*(s.time for s in steps), window.end], strict=True)]
    traded = [relief for relief in reliefs if relief.kind in RELIEVED_BY_TRADES]
    units_time = fsum(abs(float(step.quantity)) * span for step, span in zip(path, spans, strict=True))
    return {
        "cogs": fsum(relief.basis or 0.0 for relief in traded if not relief.short),
        "cover_basis": fsum(relief.basis or 0.0 for relief in traded if relief.short),
        "units_relieved": float(sum((Decimal(relief.quantity) for relief in traded), Decimal(0))),
        "cost_time": fsum(step.inventory_cost * span for step, span in zip(path, spans, strict=True)),
        "units_time": units_time,
        **({} if units_time else {"market_time": 0.0}),
    }


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
    if (estimated_share(sums)["estimated_share"] or 0.0) > ESTIMATED_SHARE:
        return "estimated"
    if not sums["cost_time"]:
        return "instantaneous" if relieved else "no_inventory"
    return "ok" if relieved else "idle"


def estimated_share(sums: Sums) -> dict[str, float | None]:
    """Return which share (0..1) of the relieved basis and of the average inventory is estimated, and the greater."""
    relieved = ratio(sums["estimated_relieved"], sums["cogs"] + sums["cover_basis"])
    inventory = ratio(sums["estimated_time"], sums["cost_time"])
    known = [share for share in (relieved, inventory) if share is not None]
    return {
        "estimated_share": max(known) if known else None,
        "estimated_share_of_relieved": relieved,
        "estimated_share_of_inventory": inventory,
    }


def metrics(sums: Sums, window: Window, *, partial: bool) -> Metrics:
    """Return the metrics that follow from the sums over a window, JSON-ready, with their status.

    turnover = relieved_basis / average_inventory; average_inventory = cost_time / window. Null rules: a sum that
    misses the value of a leg is None; turnover is None without inventory, 0 when idle; days_inventory is None when
    idle, 0 when instantaneous.
    """
    valued, priced = not sums["unvalued"], not sums["unpriced_time"]
    relieved = sums["cogs"] + sums["cover_basis"] if valued else None
    average = sums["cost_time"] / window.milliseconds if priced else None
    turnover = ratio(relieved, average)
    instantaneous = bool(relieved) and average == 0
    return {
        "status": status(sums, partial=partial),
        "cogs": sums["cogs"] if valued else None,
        "cover_basis": sums["cover_basis"] if valued else None,
        "relieved_basis": relieved,
        "average_inventory": average,
        "turnover": turnover,
        "days_inventory": 0.0 if instantaneous else days_inventory(turnover, window.days),
        "annualised": annualised(turnover, window.days),
        "unit_turnover": ratio(sums["units_relieved"] * window.milliseconds, sums["units_time"]),
        **_market(sums, window),
        "realised_pnl": sums["realised_pnl"] if valued else None,
        "gross_margin_return": ratio(sums["realised_pnl"] if valued else None, average),
        "active_share": sums["active_time"] / window.milliseconds,
        "fee_basis": sums["fee_basis"],
        "withdrawn_basis": sums["withdrawn_basis"],
        "fills": int(sums["fills"]),
        **estimated_share(sums),
    }


def _market(sums: Sums, window: Window) -> dict[str, float | None]:
    """Return the two-sided and the one-sided market rate; None where a leg or a held position has no price."""
    valued = not sums["unvalued"]
    buys = sums["buy_notional"] if valued else None
    sells = sums["sell_notional"] if valued else None
    average = None if sums["unmarked_time"] else sums["market_time"] / window.milliseconds
    traded = None if buys is None or sells is None else buys + sells
    least = None if buys is None or sells is None else min(buys, sells)
    return {
        "buy_notional": buys,
        "sell_notional": sells,
        "average_market_value": average,
        "velocity": ratio(traded, average),
        "portfolio_turnover_rate": ratio(least, average),
    }


def position(state: State | None) -> dict[str, str | float | None]:
    """Return the quantity (exact text) and the basis a pool holds; the basis is None if a lot of it has none."""
    if state is None:
        return {"quantity": "0", "basis": 0.0}
    return {"quantity": state.quantity, "basis": None if state.unpriced else state.inventory_cost}
