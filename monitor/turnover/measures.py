"""The sums of one pool and one window, as the difference of two states of its running sums.

    X(t0, t1) = X(t1) - X(t0)

where X(t) is the sum after all events before t, integrals extended from the last event to t. Each state is kept as the
few floats it is made of (the segment's prefix, the row, the extension) and subtracted in one correctly rounded
addition: a small window late in a long history loses no digits between segments. Where it would lose them inside a
segment, `lost_sums` says so and `replay` adds up the window's own events instead.
"""

from __future__ import annotations

from decimal import Decimal
from math import fsum
from operator import itemgetter, neg
from typing import TYPE_CHECKING, NamedTuple

from monitor.schema import SUMS, State

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from monitor.clock import Window

# A row's sum is rounded once, by 1.1e-16 of itself: a difference this many times smaller is right within 1e-10.
GREATEST_CANCELLATION = 100_000.0
# Below this many events even a difference of exactly nothing is cheaper to add up again than to doubt.
FEW_EVENTS = 1_000
RELIEVED_BY_TRADES = frozenset({"trade", "liquidation"})
# What leaves a pool by one of these is no withdrawal: it is turnover, or a fee; in spot also what is still the desk's.
NOT_WITHDRAWN = RELIEVED_BY_TRADES | {"fee"}
MOVED = frozenset({"transfer", "convert"})
HELD_WITHIN = (
    ("held_5s", 0, 5_000),
    ("held_1m", 5_000, 60_000),
    ("held_1h", 60_000, 3_600_000),
    ("held_1d", 3_600_000, 86_400_000),
)
# Sums that a figure is made of. A difference of nothing is doubted only where few events could be added up again, and
# what it was taken from is so great that a ten-millionth of the currency would vanish in it.
TRADED = frozenset({"buy_notional", "sell_notional", "cross_buy", "cross_sell", "realised_pnl"})
JUDGED = (
    *("cogs", "cover_basis", "units_relieved", "cost_time", "units_time", "buy_notional", "sell_notional"),
    *("market_time", "fee_basis", "withdrawn_basis", "held_time", "estimated_time", "cross_buy", "cross_sell"),
)
VALUES, BEFORE = itemgetter(*JUDGED), itemgetter(*map(SUMS.index, JUDGED))
PNL_AT = SUMS.index("realised_pnl")
GREAT = 1e9

# What still runs while nothing happens, in the order `_ran` returns it.
RUNNING = ("cost_time", "estimated_time", "units_time", "active_time", "unpriced_time", "market_time", "unmarked_time")
RUNNING_AT = [(place, JUDGED.index(name)) for place, name in enumerate(RUNNING) if name in JUDGED]
# Of these what vanished counts by the window's length.
INTEGRALS = frozenset({"cost_time", "estimated_time", "units_time"})
NO_SUMS = dict.fromkeys(SUMS, 0.0)

Sums = dict[str, float]


class Step(NamedTuple):
    """The state of a pool from `time` until its next event."""

    time: int
    quantity: str
    inventory_cost: float
    estimated_cost: float = 0.0


class Relief(NamedTuple):
    """A part of a lot that the event `ordinal` relieved: its basis (None: it has no value) and how long it was held."""

    kind: str
    quantity: str
    basis: float | None
    held: int
    short: int
    ordinal: int = -1


def difference(first: State | None, last: State | None, window: Window) -> Sums:
    """Return the sums over `window` from the states at its start and at its end; None: no event before that instant."""
    if last is None:
        return dict(NO_SUMS)
    if first is not None and first.ordinal == last.ordinal:
        sums = NO_SUMS | _quiet(first, last, window)
    elif first is not None and first.segment == last.segment:
        sums = NO_SUMS.copy()
        for name, now, then in zip(SUMS, last.sums, first.sums, strict=True):
            if now != then:
                sums[name] = now - then
        _run_on(sums, first, last, window)
    else:
        sums = dict(zip(SUMS, _parts(first, last), strict=True))
        _run_on(sums, first, last, window)
    if not sums["units_time"]:
        # Where nothing was ever held, neither was its market value: what is left is rounding.
        sums["market_time"] = 0.0
    return sums


def _parts(first: State | None, last: State) -> Iterable[float]:
    """Return for every sum the correctly rounded difference of two states, without what ran on after their events."""
    ends = (last.before[::2], last.before[1::2], last.sums) if last.before else (last.sums,)
    if first is None:
        return map(float, last.sums) if not last.before else map(fsum, zip(*ends, strict=True))
    starts = (first.before[::2], first.before[1::2], first.sums) if first.before else (first.sums,)
    return map(fsum, zip(*ends, *(map(neg, part) for part in starts), strict=True))


def _quiet(first: State, last: State, window: Window) -> Sums:
    """Return the integrals of a window without events: exact products, whatever the time since the event."""
    length, units = window.milliseconds, last.units
    return {
        "cost_time": float(last.inventory_cost * length),
        "estimated_time": float(last.estimated_cost * length),
        "units_time": float(units * length),
        "active_time": float(last.active * length),
        "unpriced_time": float(last.unpriced * length),
        "market_time": units * (last.mark_time - first.mark_time),
        "unmarked_time": float(last.unmarked - first.unmarked),
    }


def _run_on(sums: Sums, first: State | None, last: State, window: Window) -> None:
    """Add what the integrals ran on after the last event, less what had run on after the first."""
    had = None if first is None or first.quantity == "0" else _ran(first, window.start)
    has = None if last.quantity == "0" else _ran(last, window.end)
    if has and had:
        for name, value, taken in zip(RUNNING, has, had, strict=True):
            if value or taken:
                sums[name] = fsum((sums[name], value, -taken))
    elif has:
        for name, value in zip(RUNNING, has, strict=True):
            sums[name] += value
    elif had:
        for name, taken in zip(RUNNING, had, strict=True):
            sums[name] -= taken


def _ran(state: State, instant: int) -> tuple[float, ...]:
    """Return what each of `RUNNING` grew by from the state's event to `instant`."""
    elapsed, units = instant - state.time, state.units
    return (
        state.inventory_cost * elapsed,
        state.estimated_cost * elapsed,
        units * elapsed,
        state.active * elapsed,
        state.unpriced * elapsed,
        units * state.mark_time,
        state.unmarked,
    )


def lost_sums(sums: Sums, first: State | None, last: State | None, window: Window) -> set[str]:
    """Return the sums that are so much smaller than what they were taken from that digits are gone."""
    if first is None or last is None or first.ordinal == last.ordinal:
        return set()
    taken = list(BEFORE(first.sums))
    if first.quantity != "0":
        ran = _ran(first, window.start)
        for place, at in RUNNING_AT:
            taken[at] += ran[place]
    few, length = last.ordinal - first.ordinal <= FEW_EVENTS, window.milliseconds
    lost = {
        name
        for name, value, before in zip(JUDGED, VALUES(sums), taken, strict=True)
        if abs(before) > GREATEST_CANCELLATION * abs(value)
        and (value or (few and abs(before) > GREAT * (length if name in INTEGRALS else 1)))
    }
    relieved = sums["cogs"] + sums["cover_basis"]
    # Units without basis, or basis without units: one of the two has vanished.
    if few and bool(sums["units_relieved"]) != bool(relieved):
        lost |= {"cogs", "units_relieved"}
    if few and bool(sums["units_time"]) != bool(sums["cost_time"]):
        lost |= {"cost_time", "units_time"}
    # A profit is judged beside what was relieved: it may be the small difference of great amounts.
    if abs(first.sums[PNL_AT]) > GREATEST_CANCELLATION * max(relieved, abs(sums["realised_pnl"])) > 0:
        lost.add("realised_pnl")
    # A holding time weighs the basis that was relieved: where there was none, there is none to be doubted.
    return set() if lost == {"held_time"} and not relieved and not sums["held_time"] else lost


def lost_marks(first: State, last: State) -> bool:
    """Return whether a window without events lies so long after the last one that the mark's integral lost digits."""
    return (
        first.ordinal == last.ordinal
        and last.quantity != "0"
        and ((last.mark_time - first.mark_time) * GREATEST_CANCELLATION < last.mark_time)
    )


def replay(
    first: State, steps: Sequence[Step], reliefs: Iterable[Relief], window: Window, *, spot: bool = True
) -> Sums:
    """Return the sums that follow from the window's own events alone: `steps` are its track rows in order.

    In a `spot` pool transfers and conversions move lots; in others they give them up.
    """
    kept = NOT_WITHDRAWN | MOVED if spot else NOT_WITHDRAWN
    path = [Step(window.start, first.quantity, first.inventory_cost, first.estimated_cost), *steps]
    spans = [after - before.time for before, after in zip(path, [*(s.time for s in steps), window.end], strict=True)]
    reliefs = list(reliefs)
    traded = [relief for relief in reliefs if relief.kind in RELIEVED_BY_TRADES]
    units_time = fsum(abs(float(step.quantity)) * span for step, span in zip(path, spans, strict=True))
    return {
        "cogs": fsum(relief.basis or 0.0 for relief in traded if not relief.short),
        "cover_basis": fsum(relief.basis or 0.0 for relief in traded if relief.short),
        "units_relieved": float(sum((Decimal(relief.quantity) for relief in traded), Decimal(0))),
        "fee_basis": fsum(relief.basis or 0.0 for relief in reliefs if relief.kind == "fee"),
        "withdrawn_basis": fsum(relief.basis or 0.0 for relief in reliefs if relief.kind not in kept),
        "held_time": fsum((relief.basis or 0.0) * relief.held for relief in traded),
        **{name: fsum(r.basis or 0.0 for r in traded if low <= r.held < high) for name, low, high in HELD_WITHIN},
        "cost_time": fsum(step.inventory_cost * span for step, span in zip(path, spans, strict=True)),
        "estimated_time": fsum(step.estimated_cost * span for step, span in zip(path, spans, strict=True)),
        "units_time": units_time,
        **({} if units_time else {"market_time": 0.0}),
    }
