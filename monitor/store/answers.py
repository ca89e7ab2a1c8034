"""What the derived tables say, read by index: any window costs two seeks a pool, whatever its length.

Standard library only. Rows come back as plain tuples in the order their docstrings state; what they mean is for
monitor.turnover to say. A reader sees one state of the database through `snapshot`.
"""

from __future__ import annotations

import json
import struct
from contextlib import contextmanager
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from monitor.schema import SUMS

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterator

    from monitor.clock import Window

Interval = tuple[int, int]

STATE_COLUMNS = ("time_ms", "ordinal", "segment", "quantity", "inventory_cost", "estimated_cost", "unpriced", "active")
PAIRS = struct.Struct(f"<{2 * len(SUMS)}d")
# The last row before an instant, found by one descent of the primary key for each pool: one statement for all of them,
# because a statement of so many columns costs Python more than the descents cost SQLite.
LAST = (
    f"SELECT {', '.join(f't.{column}' for column in ('pool', *STATE_COLUMNS, *SUMS))}, s.sums"  # noqa: S608  # our names
    " FROM json_each(?1) p JOIN track t ON t.pool = p.value AND (t.time_ms, t.ordinal) = (SELECT time_ms, ordinal"
    " FROM track WHERE pool = p.value AND time_ms < ?2 ORDER BY time_ms DESC, ordinal DESC LIMIT 1)"
    " JOIN segments s ON s.pool = t.pool AND s.segment = t.segment"
)
MARK = "SELECT time_ms, mark, mark_time FROM marks WHERE asset = ? AND time_ms <= ? ORDER BY time_ms DESC LIMIT 1"


class Pool(NamedTuple):
    """One pool of lots; `account` is empty in scope portfolio."""

    id: int
    scope: str
    account: str
    asset: str
    book: str


class Row(NamedTuple):
    """A track row with the sums before its segment: see `monitor.turnover.measures.State`, which it becomes."""

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
    mark_time: float
    unmarked: int


@contextmanager
def snapshot(connection: sqlite3.Connection) -> Iterator[None]:
    """Let everything read in the block come from one state of the database."""
    if connection.in_transaction:
        yield
        return
    connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.execute("COMMIT")


def pools(connection: sqlite3.Connection, scope: str, method: str, assets: Collection[str] = ()) -> tuple[Pool, ...]:
    """Return the pools of a scope and costing method, of all assets or of some, by asset, book and account."""
    some: list[tuple[str, tuple[str, ...]]] = [("AND asset = ?", (asset,)) for asset in sorted(assets)] or [("", ())]
    return tuple(
        Pool(*row)
        for condition, asset in some
        for row in connection.execute(
            "SELECT id, scope, account, asset, book FROM pools WHERE scope = ? AND account IN ("  # noqa: S608  # constants
            "SELECT account FROM accounts UNION ALL SELECT '')"
            f" AND method = ? {condition} ORDER BY asset, book, account",
            (scope, method, *asset),
        )
    )


def has_tracks(connection: sqlite3.Connection, method: str) -> bool:
    """Return whether tracks of a costing method are stored, or none of any method."""
    return (
        connection.execute("SELECT 1 FROM pools WHERE method = ? LIMIT 1", (method,)).fetchone() is not None
        or connection.execute("SELECT 1 FROM pools LIMIT 1").fetchone() is None
    )


def tracks_at(connection: sqlite3.Connection, wanted: Collection[Pool], instant: int) -> dict[int, Row]:
    """Return the last event of pools before `instant` and what their marks added since; pools without one lack."""
    by_id = {pool.id: pool for pool in wanted}
    found: dict[int, Row] = {}
    for row in connection.execute(LAST, (json.dumps(list(by_id)), instant)):
        pool, time, ordinal, segment, quantity, cost, estimated, unpriced, active, *sums, before = row
        state = (time, ordinal, segment, quantity, cost, estimated, unpriced, active)
        last = Row(*state, tuple(sums), PAIRS.unpack(before), mark_time=0.0, unmarked=0)
        found[pool] = last if quantity == "0" else _marked(connection, by_id[pool], last, instant)
    return found


def track_at(connection: sqlite3.Connection, pool: Pool, instant: int) -> Row | None:
    """Return the last event of a pool before `instant` with what its mark added since, None if there is none."""
    return tracks_at(connection, (pool,), instant).get(pool.id)


def _marked(connection: sqlite3.Connection, pool: Pool, last: Row, instant: int) -> Row:
    """Return a row with what its mark adds up to until `instant`."""
    if pool.book == "inverse":
        # The face of an inverse contract is money already: its market value is what it stands for.
        elapsed = instant - last.time
        integral = last.inventory_cost / abs(float(last.quantity)) * elapsed
        return last._replace(mark_time=integral, unmarked=elapsed if last.unpriced else 0)
    integral, unmarked = mark_integral(connection, pool.asset, last.time, instant)
    return last._replace(mark_time=integral, unmarked=unmarked)


def mark_integral(connection: sqlite3.Connection, asset: str, start: int, end: int) -> tuple[float, int]:
    """Return the integral of an asset's mark over [start, end) and the milliseconds of it before its first mark."""
    if end == start:
        return 0.0, 0
    last = connection.execute(MARK, (asset, end - 1)).fetchone()
    if last is None:
        return 0.0, end - start
    since, mark, integral = last
    if since <= start:
        return mark * (end - start), 0
    first = connection.execute(MARK, (asset, start)).fetchone()
    if first is None:
        begun = connection.execute("SELECT min(time_ms) FROM marks WHERE asset = ?", (asset,)).fetchone()[0]
        return integral + mark * (end - since), begun - start
    return (integral - first[2]) + mark * (end - since) - first[1] * (start - first[0]), 0


def steps(connection: sqlite3.Connection, pool: Pool, window: Window) -> list[tuple[int, str, float]]:
    """Return (time, quantity, inventory cost) after each event of a window, in order."""
    return [
        (time, quantity, cost)
        for time, quantity, cost in connection.execute(
            "SELECT time_ms, quantity, inventory_cost FROM track"
            " WHERE pool = ? AND time_ms >= ? AND time_ms < ? ORDER BY time_ms, ordinal",
            (pool.id, window.start, window.end),
        )
    ]


def reliefs(
    connection: sqlite3.Connection, pool: Pool, window: Window
) -> list[tuple[str, str, float | None, int, int]]:
    """Return (kind, quantity, basis, held milliseconds, 1 if of a short lot) of what a window's events relieved."""
    return [
        tuple(row)
        for row in connection.execute(
            "SELECT r.kind, r.quantity, r.basis, r.held_ms, l.quantity LIKE '-%'"
            " FROM reliefs r JOIN lots l ON l.pool = r.pool AND l.lot = r.lot"
            " WHERE r.pool = ? AND r.time_ms >= ? AND r.time_ms < ?",
            (pool.id, window.start, window.end),
        )
    ]


def open_lots(connection: sqlite3.Connection, pool: Pool, instant: int) -> list[tuple[int, int, float | None]]:
    """Return (opened, 1 if short, basis left) of each lot that is open after all events before `instant`."""
    left = (
        "SELECT l.lot, l.opened_ms, l.quantity LIKE '-%', l.basis, (SELECT coalesce(sum(r.basis), 0) FROM reliefs r"
        " WHERE r.pool = l.pool AND r.lot = l.lot AND r.time_ms < ?2)"
        " FROM lots l INDEXED BY lots_closed WHERE l.pool = ?1 AND l.entered_ms < ?2 AND "
    )
    # Two descents of one index: lots never closed, and those closed later. An OR would read every lot ever opened.
    rows = connection.execute(
        f"{left} l.closed_ms IS NULL UNION ALL {left} l.closed_ms >= ?2 ORDER BY 1", (pool.id, instant)
    )
    return [
        (opened, short, None if basis is None else max(0.0, basis - relieved))
        for _, opened, short, basis, relieved in rows
    ]


def peak(connection: sqlite3.Connection, pool: Pool, window: Window) -> float:
    """Return the greatest inventory cost after any event of a window, 0 if it has none.

    Whole segments answer by their stored peak; only the two at the edges are read row by row.
    """
    rows = connection.execute(
        "SELECT time_ms, peak, lead(time_ms) OVER (ORDER BY segment) FROM segments WHERE pool = ?", (pool.id,)
    )
    greatest = 0.0
    for first, highest, following in map(tuple, rows):
        if first >= window.end or (following is not None and following < window.start):
            continue
        # The next segment may begin in the millisecond this one ends in: only strictly inside is all of it inside.
        inside = first >= window.start and following is not None and following < window.end
        last = window.end if following is None else min(window.end, following + 1)
        span = (max(first, window.start), last)
        greatest = max(greatest, highest if inside else _highest(connection, pool, span))
    return greatest


def _highest(connection: sqlite3.Connection, pool: Pool, span: Interval) -> float:
    row = connection.execute(
        "SELECT max(inventory_cost) FROM track WHERE pool = ? AND time_ms >= ? AND time_ms < ?", (pool.id, *span)
    ).fetchone()
    return float(row[0] or 0.0)


def grid(connection: sqlite3.Connection, pool: Pool, window: Window, count: int) -> list[float]:
    """Return the signed position at `count` + 1 even instants from the start to the end of a window."""
    rows = connection.execute(
        "WITH RECURSIVE grid (step) AS (SELECT 0 UNION ALL SELECT step + 1 FROM grid WHERE step < ?4)"
        " SELECT (SELECT quantity FROM track WHERE pool = ?1 AND time_ms < ?2 + (?3 - ?2) * step / ?4"
        " ORDER BY time_ms DESC, ordinal DESC LIMIT 1) FROM grid",
        (pool.id, window.start, window.end, count),
    )
    return [float(quantity or 0) for (quantity,) in rows]


def coverage(connection: sqlite3.Connection) -> dict[str, tuple[Interval, ...] | None]:
    """Return the proven intervals of every account, in order; None for an account of imported files."""
    proven: dict[str, tuple[Interval, ...]] = {
        account: tuple((start, end) for _, start, end in rows)
        for account, rows in groupby(
            map(tuple, connection.execute("SELECT account, start_ms, end_ms FROM coverage ORDER BY account, start_ms")),
            key=lambda row: row[0],
        )
    }
    accounts = connection.execute("SELECT account, exchange FROM accounts ORDER BY account")
    return {account: None if exchange == "file" else proven.get(account, ()) for account, exchange in accounts}
