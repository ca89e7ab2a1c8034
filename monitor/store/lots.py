"""Open lots, the prices they are marked with and the events they came from, for inventory and its ages.

Standard library only; every read is a few descents of an index.
"""

from __future__ import annotations

import json
from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from monitor.exact import CONTEXT, plain

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection

    from monitor.store.answers import Pool

ZERO = Decimal(0)
# Two descents of one index: lots never closed, and those closed later. An OR would read every lot ever opened.
OPEN = (
    "SELECT lot, opened_ms, entered_ms, quantity, basis, estimated, fill, movement FROM lots INDEXED BY lots_closed"
    " WHERE pool = ?1 AND entered_ms < ?2 AND "
)


class HeldLot(NamedTuple):
    """What is left of a lot at an instant.

    `quantity` is signed and exact, `basis` in the reporting currency (None: it has no value), `estimated` 1 where the
    basis is a guess; `fill` or `movement` is the row of the ledger that opened it, both None for an implied opening.
    """

    lot: int
    opened: int
    entered: int
    quantity: str
    basis: float | None
    estimated: int
    fill: int | None
    movement: int | None


class KnownMark(NamedTuple):
    """The value of one unit in the reporting currency, since when it is known and from where."""

    time: int
    mark: float
    source: str


class Origin(NamedTuple):
    """The event that opened a lot: its account, what it was, and its price where it is a fill."""

    account: str
    kind: str
    symbol: str
    price: str | None


def held_lots(connection: sqlite3.Connection, pool: Pool, instant: int) -> list[HeldLot]:
    """Return the lots of a pool that are open after all events before `instant`, by number."""
    found = connection.execute(f"{OPEN} closed_ms IS NULL UNION ALL {OPEN} closed_ms >= ?2", (pool.id, instant))
    lots = [HeldLot(*row) for row in map(tuple, found)]
    gone = _gone(connection, pool, instant, [lot.lot for lot in lots])
    return sorted(_left(lot, *gone.get(lot.lot, (ZERO, 0.0))) for lot in lots)


def _gone(
    connection: sqlite3.Connection, pool: Pool, instant: int, lots: Collection[int]
) -> dict[int, tuple[Decimal, float]]:
    """Return the units and the basis that were relieved of some lots before an instant."""
    parts: dict[int, list[tuple[str, float | None]]] = defaultdict(list)
    rows = connection.execute(
        # A join, because an IN before a bound on the next column lets SQLite 3.40 tell rows beyond the bound.
        "SELECT r.lot, r.quantity, r.basis FROM json_each(?2) w CROSS JOIN reliefs r INDEXED BY reliefs_lot"
        " ON r.pool = ?1 AND r.lot = w.value AND r.time_ms < ?3",
        (pool.id, json.dumps(list(lots)), instant),
    )
    for lot, quantity, basis in rows:
        parts[lot].append((quantity, basis))
    return {
        lot: (sum((Decimal(quantity) for quantity, _ in some), ZERO), sum(basis or 0.0 for _, basis in some))
        for lot, some in parts.items()
    }


def _left(lot: HeldLot, units: Decimal, basis: float) -> HeldLot:
    came = Decimal(lot.quantity)
    rest = CONTEXT.subtract(came, units.copy_sign(came))
    return lot._replace(quantity=plain(rest), basis=None if lot.basis is None else max(0.0, lot.basis - basis))


def last_relief(connection: sqlite3.Connection, pool: Pool, instant: int, kinds: Collection[str]) -> int | None:
    """Return when an event of one of these kinds last relieved a lot of a pool before `instant`, None if never."""
    row = connection.execute(
        "SELECT time_ms FROM reliefs WHERE pool = ? AND time_ms < ? AND kind IN (SELECT value FROM json_each(?))"
        " ORDER BY time_ms DESC LIMIT 1",
        (pool.id, instant, json.dumps(sorted(kinds))),
    ).fetchone()
    return None if row is None else int(row[0])


def mark_at(connection: sqlite3.Connection, asset: str, instant: int) -> KnownMark | None:
    """Return the last known price of an asset at or before `instant`, None if there is none."""
    row = connection.execute(
        "SELECT time_ms, mark, source FROM marks WHERE asset = ? AND time_ms <= ? ORDER BY time_ms DESC LIMIT 1",
        (asset, instant),
    ).fetchone()
    return None if row is None else KnownMark(*row)


def fill_prices(connection: sqlite3.Connection, fills: Collection[int]) -> dict[int, tuple[str, str]]:
    """Return the price of some fills and the asset it is in, by their ids."""
    rows = connection.execute(
        "SELECT id, price, quote FROM fills WHERE id IN (SELECT value FROM json_each(?))", (json.dumps(list(fills)),)
    )
    return {identity: (price, quote) for identity, price, quote in rows}


def origin(connection: sqlite3.Connection, lot: HeldLot) -> Origin | None:
    """Return the event that opened a lot, None where the ledger does not tell it."""
    if lot.fill is not None:
        found = connection.execute("SELECT account, side, symbol, price FROM fills WHERE id = ?", (lot.fill,))
    elif lot.movement is not None:
        found = connection.execute("SELECT account, kind, asset, NULL FROM movements WHERE id = ?", (lot.movement,))
    else:
        return None
    row = found.fetchone()
    return None if row is None else Origin(*row)
