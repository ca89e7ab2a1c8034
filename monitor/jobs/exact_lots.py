"""What stands behind the figures of a window: the inventory curve, lots, events and prices of an exact pool."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from monitor.clock import DAY, SECOND, iso
from monitor.exact import plain
from monitor.jobs.exact_figures import step_before
from monitor.turnover.measures import RELIEVED_BY_TRADES

if TYPE_CHECKING:
    from monitor.clock import Window
    from monitor.jobs.exact_question import ExactAnswer
    from monitor.turnover.exact_legs import Leg
    from monitor.turnover.exact_pool import ExactLot, ExactRelief
    from monitor.turnover.exact_prices import Row

Numbers = dict[str, object]
ZERO = Decimal(0)


@dataclass(frozen=True)
class Told:
    """A pool in a window, with the rows of the ledger by their number."""

    exact: ExactAnswer
    window: Window
    fills: dict[int, Row] = field(init=False)
    movements: dict[int, Row] = field(init=False)

    def __post_init__(self) -> None:
        """Index the rows."""
        object.__setattr__(self, "fills", {int(str(row["id"])): row for row in self.exact.rows.fills})
        object.__setattr__(self, "movements", {int(str(row["id"])): row for row in self.exact.rows.movements})

    @property
    def method(self) -> str:
        """Return the costing method."""
        return self.exact.rows.valuation.method

    @property
    def legs(self) -> list[Leg]:
        """Return what happened to the pool in the window, in order."""
        pool = self.exact.pool
        if pool is None:
            return []
        account, asset, book = pool.key
        return [
            leg
            for leg in self.exact.book.legs
            if (leg.asset, leg.book) == (asset, book)
            and self.window.start <= leg.time < self.window.end
            and account in {"", leg.account}
        ]

    @property
    def reliefs(self) -> list[ExactRelief]:
        """Return everything that was relieved of the pool before the window's end."""
        pool = self.exact.pool
        return [] if pool is None else [relief for relief in pool.reliefs if relief.time < self.window.end]

    def text(self, number: Decimal) -> str:
        """Return a quantity as exact text; what a conversion cannot divide evenly is cut after thirty decimals."""
        return plain(number)


def curve(told: Told) -> list[Numbers]:
    """Return position and inventory at cost at the window's start and after each instant with events in it."""
    pool, window = told.exact.pool, told.window
    if pool is None:
        return []
    first = step_before(pool, window.start)
    points = {window.start: (first.quantity, first.cost) if first else (ZERO, ZERO)}
    points |= {step.time: (step.quantity, step.cost) for step in pool.steps if window.start <= step.time < window.end}
    return [
        {"time": iso(time), "quantity": told.text(quantity), "inventory_cost": float(cost)}
        for time, (quantity, cost) in points.items()
    ]


def opened(told: Told) -> list[Numbers]:
    """Return the lots that came in during the window; under wac all of them join one."""
    pool = told.exact.pool
    lots = [] if pool is None else [lot for lot in pool.lots if lot.entered >= told.window.start]
    return [
        _lot(told, lot, lot.came, lot.came_basis) | {"event": _event_of(told, lot.leg)}
        for lot in lots
        if lot.entered < told.window.end
    ]


def relieved(told: Told) -> list[Numbers]:
    """Return every part of a lot that an event of the window relieved; `counts`: it is turnover."""
    lots = {lot.number: lot for lot in told.exact.pool.lots} if told.exact.pool else {}
    return [
        {
            "time": iso(relief.time),
            "kind": relief.kind,
            "counts": relief.kind in RELIEVED_BY_TRADES,
            "lot": relief.lot,
            "opened": iso(relief.time - int(relief.held)),
            "side": "short" if lots[relief.lot].short else "long",
            "quantity": told.text(relief.quantity),
            "basis": None if relief.basis is None else float(relief.basis),
            "held": float(relief.held / SECOND),
        }
        for relief in told.reliefs
        if relief.time >= told.window.start
    ]


def left(told: Told) -> list[Numbers]:
    """Return the lots that are open at the window's end, with age in days and basis-days, the oldest first."""
    pool, end = told.exact.pool, told.window.end
    step = None if pool is None else step_before(pool, end)
    if pool is None or step is None or step.quantity == 0:
        return []
    if told.method == "wac":
        # One lot, which tells how it stands after the newest event: of an earlier instant the step does.
        lot = next(lot for lot in reversed(pool.lots) if lot.entered < end)
        opened = step.opened or ZERO
        row = _lot(told, lot, abs(step.quantity), None if step.unpriced else step.cost)
        return [row | {"opened": iso(int(opened)), **_weight(step.cost if not step.unpriced else None, end - opened)}]
    gone: dict[int, list[ExactRelief]] = {}
    for relief in told.reliefs:
        gone.setdefault(relief.lot, []).append(relief)
    found = []
    for lot in pool.lots:
        if lot.entered >= end or (lot.closed is not None and lot.closed < end):
            continue
        parts = gone.get(lot.number, [])
        if units := lot.came - sum((part.quantity for part in parts), ZERO):
            taken = sum((part.basis or ZERO for part in parts), ZERO)
            basis = None if lot.came_basis is None else lot.came_basis - taken
            row = _lot(told, lot, units, basis) | _weight(basis, end - lot.opened)
            found.append((lot, row | {"event": _event_of(told, lot.leg)}))
    return [row for _, row in sorted(found, key=lambda one: (one[0].opened, one[0].number))]


def _weight(basis: Decimal | None, age: Decimal) -> Numbers:
    return {"age": float(age / DAY), "basis_days": None if basis is None else float(basis * age / DAY)}


def _lot(told: Told, lot: ExactLot, units: Decimal, basis: Decimal | None) -> Numbers:
    return {
        "lot": lot.number,
        "opened": iso(int(lot.opened)),
        "side": "short" if lot.short else "long",
        "quantity": told.text(units),
        "basis": None if basis is None else float(basis),
        "unit_basis": None if basis is None else float(basis / units),
        "estimated": bool(lot.guessed),
    }


def events(told: Told) -> list[Numbers]:
    """Return the legs of the pool in the window: what each did, by which fill or movement, and what valued it.

    `counts`: it is a trade, or brings in a lot, and so needs a value; `price_age` in seconds.
    """
    return [
        {
            **_event_of(told, leg),
            "does": leg.does,
            "counts": leg.does in ("trade", "gain"),
            "change": told.text(leg.quantity),
            "value": None if leg.value is None else float(leg.value),
            "value_source": leg.source,
            "price_age": None if leg.known is None else (leg.time - leg.known) / SECOND,
        }
        for leg in told.legs
    ]


def _event_of(told: Told, leg: Leg | None) -> Numbers:
    """Return the row of the ledger behind a leg, as it is stored."""
    if leg is None:
        return {}
    row: Row = {}
    if leg.fill is not None:
        row = told.fills[leg.fill]
    elif leg.movement is not None:
        row = told.movements[leg.movement]
    fees = json.loads(str(row.get("fees") or "[]"))
    return {
        "time": iso(leg.time),
        "kind": leg.kind,
        "account": leg.account,
        "id": row.get("key"),
        **{name: row.get(name) for name in ("symbol", "side", "amount", "price")},
        "fees": [{"asset": asset, "amount": amount} for asset, amount in fees],
    }


def prices_used(told: Told) -> list[Numbers]:
    """Return what valued the legs of the window: by source how many, and the age of the oldest price in seconds."""
    used: dict[str, list[Leg]] = {}
    for leg in told.legs:
        if leg.source is not None:
            used.setdefault(leg.source, []).append(leg)
    return [
        {
            "source": source,
            "legs": len(legs),
            "value": float(sum((abs(leg.value or ZERO) for leg in legs), ZERO)),
            "oldest": max(((leg.time - leg.known) / SECOND for leg in legs if leg.known is not None), default=None),
        }
        for source, legs in sorted(used.items())
    ]
