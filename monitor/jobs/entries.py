"""At what price inverse contracts were entered: their lots are face amounts, which do not say.

A long of some face that was entered at one price and is closed at another earns

    face * (1 / entry - 1 / mark) * mark = face * (mark / entry - 1)

in the contract's quote, where the first factor is coins and the last turns them into money; a short the opposite. The
basis of a lot is its face with the fees in cash, so the pnl is face / entry at the mark less the basis.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.store import states
from monitor.store.ledger_rows import fill_rows
from monitor.store.lots import fill_prices, mark_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.jobs.turns import Inquiry
    from monitor.store.answers import Pool
    from monitor.store.ledger_rows import Row
    from monitor.store.lots import HeldLot

WHOLE = 1e-9


def entries(inquiry: Inquiry, pool: Pool, lots: Sequence[HeldLot]) -> list[float | None]:
    """Return at what each open lot of an inverse pool was entered; None where no fill tells it (an adjustment)."""
    if inquiry.method == "wac":
        return [_averaged(inquiry, pool, lot) for lot in lots]
    told = fill_prices(inquiry.connection, [lot.fill for lot in lots if lot.fill is not None])
    found = [None if lot.fill is None else told.get(lot.fill) for lot in lots]
    return [None if one is None else float(one[0]) for one in found]


def earned(inquiry: Inquiry, pool: Pool, lot: HeldLot, entry: float | None) -> float | None:
    """Return what closing an inverse lot at the mark would bring; None without a basis, an entry or a mark."""
    mark = mark_at(inquiry.connection, pool.asset, inquiry.window.end)
    if lot.basis is None or entry is None or mark is None:
        return None
    side = -1 if lot.quantity.startswith("-") else 1
    return side * (abs(float(lot.quantity)) / entry * mark.mark - lot.basis)


def _averaged(inquiry: Inquiry, pool: Pool, lot: HeldLot) -> float | None:
    """Return the entry of an average lot: its face over the coins that its fills stood for."""
    span = (lot.entered, inquiry.window.end)
    before = states.track_at(inquiry.connection, pool, lot.entered)
    face, coins = float(before.quantity) if before else 0.0, 0.0
    for row in sorted(_fills(inquiry, pool, span), key=_place):
        price = float(str(row["price"]))
        change = float(str(row["amount"])) * float(str(row["contract_size"] or 1))
        change = change if row["side"] == "buy" else -change
        if face * change >= 0:
            coins += change / price
        elif abs(change) <= abs(face):
            coins *= (face + change) / face
        else:
            coins = (face + change) / price
        face += change
    # What came in otherwise than by fills has no price, and the average with it none either.
    whole = abs(face - float(lot.quantity)) <= WHOLE * abs(face)
    return face / coins if face and coins and whole else None


def _fills(inquiry: Inquiry, pool: Pool, span: tuple[int, int]) -> list[Row]:
    rows = fill_rows(inquiry.connection, [pool.asset], span)
    return [
        row
        for row in rows
        if (row["base"], row["book"]) == (pool.asset, pool.book) and pool.account in {"", row["account"]}
    ]


def _place(row: Row) -> tuple[object, ...]:
    sequence = row["sequence"]
    return (row["time_ms"], row["exchange"], sequence is None, sequence or 0, row["key"])
