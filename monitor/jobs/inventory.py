"""What the desk holds: positions at cost and at market, and how old they are.

Market values and basis are positive for longs and shorts alike and never netted; the sign is in the quantity and in
the pnl.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import fsum
from typing import TYPE_CHECKING, Unpack

from monitor.clock import iso
from monitor.jobs import entries
from monitor.jobs.answer import turnover_answer
from monitor.jobs.question import Question
from monitor.jobs.turns import inquire
from monitor.store.answers import snapshot
from monitor.store.averages import average_lot
from monitor.store.lots import held_lots, mark_at
from monitor.store.states import tracks_at
from monitor.turnover.holding import OpenLot, age
from monitor.turnover.ratios import ESTIMATED_SHARE, ratio

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

    from monitor.jobs.question import Options
    from monitor.jobs.turns import Inquiry
    from monitor.schema import State
    from monitor.store.answers import Pool
    from monitor.store.lots import HeldLot, KnownMark

Numbers = dict[str, object]


@dataclass(frozen=True, slots=True)
class Held:
    """One pool that holds something: its last event, its open lots and its mark.

    `earned` is what closing each lot of an inverse contract at the mark would bring.
    """

    pool: Pool
    last: State
    lots: list[HeldLot]
    mark: KnownMark | None
    earned: Sequence[float | None] = ()

    @property
    def side(self) -> str:
        """Long or short."""
        return "short" if self.last.quantity.startswith("-") else "long"

    @property
    def basis(self) -> float | None:
        """Basis of the open lots."""
        return None if self.last.unpriced else self.last.inventory_cost

    @property
    def market_value(self) -> float | None:
        """Size of the position at its mark; the face of an inverse contract is money already."""
        if self.pool.book == "inverse":
            return self.basis
        return abs(float(self.last.quantity)) * self.mark.mark if self.mark else None

    @property
    def unrealised_pnl(self) -> float | None:
        """What closing at the mark would bring; of an inverse contract by the prices its lots were entered at."""
        if self.pool.book == "inverse":
            return whole_sum(self.earned)
        if self.basis is None or self.market_value is None:
            return None
        return (self.market_value - self.basis) * (-1 if self.side == "short" else 1)


def inventory_answer(connection: sqlite3.Connection, *, now: int, **options: Unpack[Options]) -> Numbers:
    """Return every position: quantity, basis, mark, market value, unrealised pnl and age; longs and shorts apart.

    `options` are those of `Question`. The positions are those after all events before `as_of`; of every book, while
    the totals add up spot unless the question says otherwise.

    Raises:
        UsageError: an unknown asset, book, method or scope.
    """
    question = Question(**options)
    with snapshot(connection):
        inquiry = inquire(connection, question, now)
        found = positions(inquiry)
        return told(inquiry) | {
            "total": {side: _total(_summed(found, side, inquiry), side, inquiry) for side in ("long", "short")},
            "positions": [position_row(one, inquiry.window.end) for one in found],
            "findings": turnover_of(inquiry)["findings"],
        }


def positions(inquiry: Inquiry) -> list[Held]:
    """Return every pool asked about that holds something at the end of the window."""
    connection, instant = inquiry.connection, inquiry.window.end
    pools = inquiry.asked(inquiry.question.scope)
    lasts = tracks_at(connection, pools, instant)
    return [_held(inquiry, pool, last) for pool in pools if (last := lasts.get(pool.id)) and last.quantity != "0"]


def _held(inquiry: Inquiry, pool: Pool, last: State) -> Held:
    lots = _lots(inquiry, pool, last)
    earned: list[float | None] = []
    if pool.book == "inverse":
        told = entries.entries(inquiry, pool, lots)
        earned = [entries.earned(inquiry, pool, lot, entry) for lot, entry in zip(lots, told, strict=True)]
    return Held(pool, last, lots, mark_at(inquiry.connection, pool.asset, inquiry.window.end), earned)


def _lots(inquiry: Inquiry, pool: Pool, last: State) -> list[HeldLot]:
    lots = held_lots(inquiry.connection, pool, inquiry.window.end)
    if inquiry.method != "wac" or not lots:
        return lots
    # A weighted average keeps one lot, stored as it stands after the newest event.
    then = average_lot(inquiry.connection, pool, last, inquiry.window.end)
    return [lots[0]._replace(opened=then.opened, quantity=last.quantity, basis=then.basis)]


def turnover_of(inquiry: Inquiry) -> Numbers:
    """Return the turnover of the same pools over the window, with the findings about them."""
    asked = inquiry.question
    return turnover_answer(
        inquiry.connection, now=inquiry.now, window=asked.window, start=asked.start, end=asked.end, as_of=asked.as_of,
        by="account" if asked.by == "account" else "asset", assets=asked.assets, book=asked.book, method=asked.method,
        account=asked.account, detail=False,
    )  # fmt: skip


def told(inquiry: Inquiry) -> Numbers:
    """Return what the numbers rest on."""
    return {
        "currency": inquiry.valuation.currency,
        "method": inquiry.method,
        "scope": inquiry.question.scope,
        "as_of": iso(inquiry.window.end),
    }


def position_row(one: Held, instant: int) -> Numbers:
    """Return one position at an instant, JSON-ready."""
    basis, units = one.basis, abs(float(one.last.quantity))
    return {
        "asset": one.pool.asset,
        "book": one.pool.book,
        "account": one.pool.account or None,
        "side": one.side,
        "status": _status(one),
        "quantity": one.last.quantity,
        "basis": basis,
        "unit_basis": ratio(basis, units),
        "mark": one.mark.mark if one.mark else None,
        "mark_time": iso(one.mark.time) if one.mark else None,
        "mark_source": one.mark.source if one.mark else None,
        "market_value": one.market_value,
        "unrealised_pnl": one.unrealised_pnl,
        "lots": len(one.lots),
        "age": _ages([one], instant)[one.side],
    }


def _status(one: Held) -> str:
    """Return the most serious of: a lot without value, no mark, guessed basis, too small to matter, in order."""
    if one.basis is None:
        return "unpriced"
    if one.market_value is None:
        return "unmarked"
    if not one.last.active:
        return "dust"
    return "estimated" if (ratio(one.last.estimated_cost, one.basis) or 0.0) > ESTIMATED_SHARE else "ok"


def _ages(found: Iterable[Held], instant: int) -> dict[str, object]:
    return age(
        [OpenLot(lot.opened, int(lot.quantity.startswith("-")), lot.basis) for one in found for lot in one.lots],
        instant,
    )


def _summed(found: Iterable[Held], side: str, inquiry: Inquiry) -> list[Held]:
    books = inquiry.question.summed()
    return [one for one in found if one.side == side and one.pool.book in books]


def _total(found: Sequence[Held], side: str, inquiry: Inquiry) -> Numbers:
    """Return the sums of one side; a sum that misses a part is None."""
    return {
        "positions": len(found),
        "basis": whole_sum(one.basis for one in found),
        "market_value": whole_sum(one.market_value for one in found),
        "unrealised_pnl": whole_sum(one.unrealised_pnl for one in found),
        "age": _ages(found, inquiry.window.end)[side],
    }


def whole_sum(parts: Iterable[float | None]) -> float | None:
    """Return a sum, None where a part is missing."""
    parts = list(parts)
    known = [part for part in parts if part is not None]
    return fsum(known) if len(known) == len(parts) else None
