"""What is stuck: the positions whose money waits longest, and why.

    basis-days = sum over open lots of basis left * age in days

is what waiting costs: a small old lot and a large young one may weigh the same.
"""

from __future__ import annotations

from math import fsum
from typing import TYPE_CHECKING, Unpack, cast

from monitor.clock import DAY, iso
from monitor.jobs.inventory import position_row, positions, told, turnover_of, whole_sum
from monitor.jobs.question import Question
from monitor.jobs.turns import inquire
from monitor.store.answers import snapshot
from monitor.store.lots import last_relief, origin
from monitor.turnover.measures import RELIEVED_BY_TRADES
from monitor.turnover.ratios import ratio

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from monitor.jobs.inventory import Held, Numbers
    from monitor.jobs.question import Options
    from monitor.jobs.turns import Inquiry
    from monitor.store.lots import HeldLot

STUCK_WINDOW = 30 * DAY
# The lots that are named as the reason hold at least this share of the basis-days.
MOST = 0.5


def stuck_answer(connection: sqlite3.Connection, *, now: int, **options: Unpack[Options]) -> Numbers:
    """Return what holds most basis-days, the most first: share, oldest lot, last sale, days of inventory, lots, why.

    `options` are those of `Question`; `window` is the one days of inventory are measured over, 30 days unless given.
    A position with a lot that has no value has no basis-days and stands last.

    Raises:
        UsageError: an unknown asset, book, method or scope, or an empty window.
    """
    if options.get("window") is None and options.get("start") is None:
        options["window"] = STUCK_WINDOW
    with snapshot(connection):
        inquiry = inquire(connection, Question(**options), now)
        answer = turnover_of(inquiry)
        turns = {_key(row): row for row in cast("list[Numbers]", answer["assets"])}
        rows = [_stuck(inquiry, one, turns) for one in positions(inquiry)]
    rows.sort(key=lambda row: -1.0 if row["basis_days"] is None else _number(row, "basis_days"), reverse=True)
    every = fsum(_number(row, "basis_days") for row in rows if row["basis_days"] is not None)
    return told(inquiry) | {
        "window": answer["window"],
        "basis_days": every,
        "stuck": [
            row | {"share": ratio(cast("float | None", row["basis_days"]), every), "why": why(row, inquiry)}
            for row in rows
        ],
        "findings": answer["findings"],
    }


def _key(row: Numbers) -> tuple[object, ...]:
    return (row["asset"], row["book"], row["account"])


def _number(row: Numbers, name: str) -> float:
    return cast("float", row[name])


def _stuck(inquiry: Inquiry, one: Held, turns: dict[tuple[object, ...], Numbers]) -> Numbers:
    """Return how long the money of one position waits, and what its turnover is."""
    instant = inquiry.window.end
    turn = turns.get((one.pool.asset, one.pool.book, one.pool.account or None), {})
    lots = sorted((_lot(inquiry, one, lot) for lot in one.lots), key=lambda lot: str(lot["opened"]))
    sold = last_relief(inquiry.connection, one.pool, instant, RELIEVED_BY_TRADES)
    position = position_row(one, instant)
    waiting = whole_sum(cast("float | None", lot["basis_days"]) for lot in lots)
    return {
        **{name: position[name] for name in ("asset", "book", "account", "side", "status", "quantity", "basis")},
        "mark": position["mark"],
        "unrealised_pnl": one.unrealised_pnl,
        "basis_days": waiting,
        "mean_age": ratio(waiting, one.basis),
        "oldest": lots[0] if lots else None,
        "last_sale": None if sold is None else iso(sold),
        "days_since_sale": None if sold is None else (instant - sold) / DAY,
        "turnover": turn.get("turnover"),
        "days_inventory": turn.get("days_inventory"),
        "turnover_status": turn.get("status"),
        "lots": lots,
    }


def _lot(inquiry: Inquiry, one: Held, lot: HeldLot) -> Numbers:
    source = origin(inquiry.connection, lot)
    days, units = (inquiry.window.end - lot.opened) / DAY, abs(float(lot.quantity))
    return {
        "opened": iso(lot.opened),
        "age": days,
        "quantity": lot.quantity,
        "basis": lot.basis,
        "unit_basis": ratio(lot.basis, units),
        "basis_days": None if lot.basis is None else lot.basis * days,
        "under_water": _under_water(one, lot, units),
        "estimated": bool(lot.estimated),
        "account": source.account if source else None,
        "kind": source.kind if source else "opening",
        "symbol": source.symbol if source else one.pool.asset,
        "price": source.price if source else None,
    }


def _under_water(one: Held, lot: HeldLot, units: float) -> bool | None:
    """Return whether selling (covering) a lot at the mark would lose money, None where that is not known."""
    if one.pool.book == "inverse":
        made = one.earned[one.lots.index(lot)]
        return None if made is None else made < 0
    if lot.basis is None or one.mark is None:
        return None
    worth = units * one.mark.mark
    return worth > lot.basis if one.side == "short" else worth < lot.basis


def why(row: Numbers, inquiry: Inquiry) -> str:
    """Return in two sentences why a position is stuck: its heavy lots, what they cost, the mark, the last sale."""
    lots = [lot for lot in cast("list[Numbers]", row["lots"]) if lot["basis_days"] is not None]
    if not row["basis_days"]:
        return "Nothing of it is old." if lots else "Its lots have no value, so their weight is not known."
    heavy = _heavy(lots, MOST * _number(row, "basis_days"))
    share = fsum(_number(lot, "basis_days") for lot in heavy) / _number(row, "basis_days")
    count = f"{len(heavy)} of {len(lots)} lots" if len(lots) > 1 else "one lot"
    oldest = f"the oldest {_number(heavy[0], 'age'):,.1f} d old" if len(heavy) > 1 else ""
    alone = "" if oldest else f"{_number(heavy[0], 'age'):,.1f} d old"
    price = _against_mark(row, heavy, inquiry.valuation.currency)
    return f"{share:.0%} of its basis-days are {count}, {oldest or alone}{price}. {_last_sale(row)}"


def _against_mark(row: Numbers, lots: Sequence[Numbers], currency: str) -> str:
    """Return what lots cost a unit, and how far the mark is from that."""
    basis, units = fsum(_number(lot, "basis") for lot in lots), fsum(abs(float(str(lot["quantity"]))) for lot in lots)
    if row["mark"] is None or row["book"] == "inverse" or not basis:
        return ""
    gap = _number(row, "mark") * units / basis - 1
    where = "under water" if (gap < 0) == (row["side"] == "long") else "in profit"
    return f", at {basis / units:,.6g} {currency} against a mark of {_number(row, 'mark'):,.6g}: {abs(gap):.1%} {where}"


def _last_sale(row: Numbers) -> str:
    what = "sale" if row["side"] == "long" else "cover"
    return (
        f"No {what} yet." if row["last_sale"] is None else f"Last {what} {_number(row, 'days_since_sale'):,.1f} d ago."
    )


def _heavy(lots: Sequence[Numbers], wanted: float) -> list[Numbers]:
    """Return the fewest lots that hold `wanted` basis-days, the oldest first."""
    chosen: list[Numbers] = []
    for lot in sorted(lots, key=lambda lot: -_number(lot, "basis_days")):
        if fsum(_number(one, "basis_days") for one in chosen) >= wanted:
            break
        chosen.append(lot)
    return sorted(chosen, key=lambda lot: str(lot["opened"]))
