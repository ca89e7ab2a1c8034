"""A small window behind great ones: its sums from its own events, where the difference of running sums lost digits.

Basis, units and their integrals follow from the window's track rows and reliefs. What was traded, and what it earned,
the track tells only as running sums: that is taken from the ledger's rows themselves.
"""

from __future__ import annotations

from decimal import Decimal, localcontext
from math import fsum
from typing import TYPE_CHECKING, NamedTuple

from monitor.exact import CONTEXT
from monitor.store import answers, states
from monitor.store.ledger_rows import fill_rows, movement_rows, price_rows, valuing
from monitor.turnover.exact_legs import Ledger
from monitor.turnover.exact_prices import Prices
from monitor.turnover.measures import TRADED, Relief, Step, replay

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from monitor.clock import Window
    from monitor.records import Valuation
    from monitor.schema import State
    from monitor.store.answers import Pool
    from monitor.turnover.exact_legs import Leg
    from monitor.turnover.measures import Sums

ZERO = Decimal(0)


class Doubt(NamedTuple):
    """A window whose `sums`, differences of running sums, `lost` digits; `first` is the pool's state at its start."""

    first: State
    window: Window
    sums: Sums
    lost: set[str]


def replayed(connection: sqlite3.Connection, valuation: Valuation, pool: Pool, doubt: Doubt) -> Sums:
    """Return the sums of a pool that can be added up from a window's events."""
    first, window = doubt.first, doubt.window
    steps = [Step(*step) for step in answers.steps(connection, pool, window)]
    reliefs = [Relief(*relief) for relief in answers.reliefs(connection, pool, window)]
    found = replay(first, steps, reliefs, window, spot=pool.book == "spot")
    if found["units_time"]:
        found["market_time"] = _market_time(connection, pool, first, steps, window)
    # An option's pool is named by its symbol, and the ledger is not ordered by that.
    if pool.book == "option" or doubt.lost.isdisjoint(TRADED):
        return found
    legs = _legs(connection, valuation, pool, window)
    if sum(leg.does == "trade" for leg in legs) != doubt.sums["fills"]:
        # The ledger is ahead of the tracks.
        return found
    found |= _traded(legs)
    if len(legs) == len(steps) and pool.book != "inverse":
        found["realised_pnl"] = _earned(legs, reliefs, first.ordinal + 1)
    return found


def _market_time(
    connection: sqlite3.Connection, pool: Pool, first: State, steps: Sequence[Step], window: Window
) -> float:
    """Return the integral of market value over the window, event by event."""
    path = [Step(window.start, first.quantity, first.inventory_cost), *steps]
    ends = [*(step.time for step in steps), window.end]
    parts = []
    for step, end in zip(path, ends, strict=True):
        if step.quantity == "0" or end == step.time:
            continue
        if pool.book == "inverse":
            parts.append(step.inventory_cost * (end - step.time))
        else:
            mark_time, _ = states.mark_integral(connection, pool.asset, step.time, end)
            parts.append(abs(float(step.quantity)) * mark_time)
    return fsum(parts)


def _legs(connection: sqlite3.Connection, valuation: Valuation, pool: Pool, window: Window) -> list[Leg]:
    """Return what happened to a pool in a window by the ledger, in order, valued."""
    span = (window.start, window.end)
    with localcontext(CONTEXT):
        ledger = Ledger(valuation, Prices((), valuation))
        legs = [leg for row in fill_rows(connection, [pool.asset], span) for leg in ledger.fill_legs(row)]
        legs += [leg for row in movement_rows(connection, [pool.asset], span) for leg in ledger.movement_legs(row)]
        legs = sorted((leg for leg in legs if _is_of(leg, pool, window)), key=lambda leg: leg.place)
        trades = [leg for leg in legs if leg.does == "trade"]
        if any(leg.worth is not None and leg.worth.asset not in ledger.prices.money for leg in trades):
            money = ledger.prices.money.keys()
            ledger.prices = Prices(price_rows(connection, valuing(connection, [pool.asset], money)), valuation)
        for leg in trades:
            ledger.value(leg)
    return legs


def _is_of(leg: Leg, pool: Pool, window: Window) -> bool:
    return (
        (leg.asset, leg.book) == (pool.asset, pool.book)
        and bool(leg.quantity)
        and window.start <= leg.time < window.end
        and (leg.account == pool.account if pool.account else not leg.local)
    )


def _traded(legs: Sequence[Leg]) -> Sums:
    """Return the notional bought and sold, and the part of it that crosses count in both assets."""
    found = {}
    for name, sign in (("buy", 1), ("sell", -1)):
        side = [leg for leg in legs if leg.does == "trade" and leg.quantity * sign > 0]
        found[f"{name}_notional"] = float(sum((leg.gross or ZERO for leg in side), ZERO))
        found[f"cross_{name}"] = float(sum((leg.gross or ZERO for leg in side if leg.cross), ZERO))
    return found


def _earned(legs: Sequence[Leg], reliefs: Sequence[Relief], begun: int) -> float:
    """Return proceeds less basis of what trades relieved; `begun` is the ordinal of the first leg."""
    by_event: dict[int, list[Relief]] = {}
    for relief in reliefs:
        by_event.setdefault(relief.ordinal, []).append(relief)
    earned = []
    for ordinal, leg in enumerate(legs, start=begun):
        parts = by_event.get(ordinal, [])
        if leg.does != "trade" or leg.value is None:
            continue
        closed = sum((Decimal(part.quantity) for part in parts), ZERO)
        # What is sold of spot beyond what is held is cut off: the proceeds are those of the rest.
        size = closed if leg.book == "spot" and leg.quantity < 0 else abs(leg.quantity)
        for part in parts:
            if part.basis is not None:
                side = -1 if part.short else 1
                earned += [side * float(leg.value * Decimal(part.quantity) / size), -side * part.basis]
    return fsum(earned)
