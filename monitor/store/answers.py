"""What the derived tables say, read by index: any window costs two seeks a pool, whatever its length.

Standard library only. Rows come back as plain tuples in the order their docstrings state; what they mean is for
monitor.turnover to say. A reader sees one state of the database through `snapshot`.
"""

from __future__ import annotations

import json
import struct
from contextlib import contextmanager
from itertools import groupby, pairwise
from math import fsum
from typing import TYPE_CHECKING, Any, NamedTuple

from monitor.schema import SUMS

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterator

    from monitor.clock import Window

Interval = tuple[int, int]
Mark = tuple[int, float, float]  # since when, the value of one unit, its integral since the first

STATE_COLUMNS = ("time_ms", "ordinal", "segment", "quantity", "inventory_cost", "estimated_cost", "unpriced", "active")
PAIRS = struct.Struct(f"<{2 * len(SUMS)}d")
# The last row before an instant, found by one descent of the primary key for each pool, with the mark that was known at
# its event and the last one before the instant: one statement for all pools, because a statement costs Python more than
# a descent costs SQLite. CROSS JOIN keeps the order. The face of an inverse contract needs no mark.
LAST = (
    f"SELECT {', '.join(f't.{column}' for column in ('pool', *STATE_COLUMNS, *SUMS))},"  # noqa: S608  # our names
    " z.time_ms, z.mark, z.mark_time, a.time_ms, a.mark, a.mark_time FROM json_each(?1) p"
    " CROSS JOIN track t ON t.pool = p.value AND (t.time_ms, t.ordinal) = (SELECT time_ms, ordinal"
    " FROM track WHERE pool = p.value AND time_ms < ?2 ORDER BY time_ms DESC, ordinal DESC LIMIT 1)"
    " CROSS JOIN pools o ON o.id = t.pool"
    " LEFT JOIN marks z ON t.quantity <> '0' AND o.book <> 'inverse' AND z.asset = o.asset"
    " AND z.time_ms = (SELECT max(time_ms) FROM marks WHERE asset = o.asset AND time_ms < ?2)"
    " LEFT JOIN marks a ON z.time_ms > t.time_ms AND a.asset = o.asset"
    " AND a.time_ms = (SELECT max(time_ms) FROM marks WHERE asset = o.asset AND time_ms <= t.time_ms)"
)
# Places in a row of it.
SUMS_AT = 1 + len(STATE_COLUMNS)
MARKS_AT = SUMS_AT + len(SUMS)
MARK = "SELECT time_ms, mark, mark_time FROM marks WHERE asset = ? AND time_ms <= ? ORDER BY time_ms DESC LIMIT 1"
# The integral of a mark is the difference of two that run from its first one: where that is so many times smaller,
# digits are gone, and it is added up mark by mark.
GREATEST_CANCELLATION = 100_000.0


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
    cursor = connection.cursor()
    cursor.row_factory = None
    return tuple(
        Pool._make(row)
        for condition, asset in some
        for row in cursor.execute(
            "SELECT id, scope, account, asset, book FROM pools WHERE scope = ? AND account IN ("  # noqa: S608  # constants
            "SELECT account FROM accounts UNION ALL SELECT '')"
            f" AND method = ? {condition} ORDER BY asset, book, account",
            (scope, method, *asset),
        )
    )


def holders(connection: sqlite3.Connection, method: str, assets: Collection[str] = ()) -> dict[str, set[str]]:
    """Return the accounts that ever held each asset, of all assets or of some."""
    some: list[tuple[str, tuple[str, ...]]] = [("AND asset = ?", (asset,)) for asset in assets] or [("", ())]
    found: dict[str, set[str]] = {}
    cursor = connection.cursor()
    cursor.row_factory = None
    for condition, asset in some:
        rows = cursor.execute(
            "SELECT DISTINCT asset, account FROM pools WHERE scope = 'account' AND account IN ("  # noqa: S608  # constants
            f"SELECT account FROM accounts) AND method = ? {condition}",
            (method, *asset),
        )
        for name, account in rows:
            found.setdefault(name, set()).add(account)
    return found


def has_tracks(connection: sqlite3.Connection, method: str) -> bool:
    """Return whether tracks of a costing method are stored, or none of any method."""
    return (
        connection.execute("SELECT 1 FROM pools WHERE method = ? LIMIT 1", (method,)).fetchone() is not None
        or connection.execute("SELECT 1 FROM pools LIMIT 1").fetchone() is None
    )


def tracks_at(connection: sqlite3.Connection, wanted: Collection[Pool], instant: int) -> dict[int, Row]:
    """Return the last event of pools before `instant` and what their marks added since; pools without one lack."""
    found = _lasts(connection, {pool.id: pool for pool in wanted}, instant)
    return {pool: _with_before(connection, pool, row) for pool, row in found.items()}


def track_at(connection: sqlite3.Connection, pool: Pool, instant: int) -> Row | None:
    """Return the last event of a pool before `instant` with what its mark added since, None if there is none."""
    return tracks_at(connection, (pool,), instant).get(pool.id)


def ends(connection: sqlite3.Connection, wanted: Collection[Pool], window: Window) -> dict[int, tuple[Row | None, Row]]:
    """Return the last event of pools before a window's start (None: there is none) and before its end.

    The sums before their segments are only there where the two differ in them: else the difference needs none.
    """
    by_id = {pool.id: pool for pool in wanted}
    firsts, lasts = (_lasts(connection, by_id, instant) for instant in (window.start, window.end))
    found: dict[int, tuple[Row | None, Row]] = {}
    for pool, last in lasts.items():
        first = firsts.get(pool)
        if first is None:
            found[pool] = (None, _with_before(connection, pool, last) if last.segment else last)
        elif first.segment == last.segment:
            found[pool] = (first, last)
        else:
            found[pool] = (_with_before(connection, pool, first), _with_before(connection, pool, last))
    return found


def _lasts(connection: sqlite3.Connection, by_id: dict[int, Pool], instant: int) -> dict[int, Row]:
    """Return the last events before an instant, without the sums before their segments."""
    cursor = connection.cursor()
    cursor.row_factory = None  # plain tuples: rows by name take half as long again
    found: dict[int, Row] = {}
    for row in cursor.execute(LAST, (json.dumps(list(by_id)), instant)):
        integral, unmarked = 0.0, 0
        if row[4] != "0":
            integral, unmarked = _mark_since(connection, by_id[row[0]], row, instant)
        found[row[0]] = Row._make((*row[1:SUMS_AT], row[SUMS_AT:MARKS_AT], (), integral, unmarked))
    return found


def _with_before(connection: sqlite3.Connection, pool: int, row: Row) -> Row:
    """Return a row with the sums before its segment."""
    (sums,) = connection.execute(
        "SELECT sums FROM segments WHERE pool = ? AND segment = ?", (pool, row.segment)
    ).fetchone()
    return row._replace(before=PAIRS.unpack(sums))


def _mark_since(connection: sqlite3.Connection, pool: Pool, row: tuple[Any, ...], instant: int) -> tuple[float, int]:
    """Return the integral of the mark from a row of `LAST` to an instant, and for how long there was none."""
    start = row[1]
    if pool.book == "inverse":
        # The face of an inverse contract is money already: its market value is what it stands for.
        return row[5] / abs(float(row[4])) * (instant - start), instant - start if row[7] else 0
    last, first = row[MARKS_AT : MARKS_AT + 3], row[MARKS_AT + 3 :]
    return _integral(
        connection,
        pool.asset,
        (start, instant),
        last if last[0] is not None else None,
        first if first[0] is not None else None,
    )


def mark_integral(connection: sqlite3.Connection, asset: str, start: int, end: int) -> tuple[float, int]:
    """Return the integral of an asset's mark over [start, end) and the milliseconds of it before its first mark."""
    last = connection.execute(MARK, (asset, end - 1)).fetchone()
    first = connection.execute(MARK, (asset, start)).fetchone()
    return _integral(connection, asset, (start, end), last, first)


def _integral(
    connection: sqlite3.Connection, asset: str, span: Interval, last: Mark | None, first: Mark | None
) -> tuple[float, int]:
    """Return the integral of a mark over a span from the last one before its end and the last one at its start."""
    start, end = span
    if end == start:
        return 0.0, 0
    if last is None:
        return 0.0, end - start
    since, mark, area = last
    if since <= start:
        return mark * (end - start), 0
    if first is None:
        begun = connection.execute("SELECT min(time_ms) FROM marks WHERE asset = ?", (asset,)).fetchone()[0]
        return area + mark * (end - since), begun - start
    grown = (area - first[2]) + mark * (end - since) - first[1] * (start - first[0])
    if grown * GREATEST_CANCELLATION < area:
        inside = connection.execute(
            "SELECT time_ms, mark FROM marks WHERE asset = ? AND time_ms > ? AND time_ms < ? ORDER BY time_ms",
            (asset, start, end),
        )
        path = [(start, first[1]), *map(tuple, inside), (end, 0.0)]
        grown = fsum(value * (until - time) for (time, value), (until, _) in pairwise(path))
    return grown, 0


def steps(connection: sqlite3.Connection, pool: Pool, window: Window) -> list[tuple[int, str, float, float]]:
    """Return (time, quantity, inventory cost, the estimated part of it) after each event of a window, in order."""
    return [
        tuple(row)
        for row in connection.execute(
            "SELECT time_ms, quantity, inventory_cost, estimated_cost FROM track"
            " WHERE pool = ? AND time_ms >= ? AND time_ms < ? ORDER BY time_ms, ordinal",
            (pool.id, window.start, window.end),
        )
    ]


def reliefs(
    connection: sqlite3.Connection, pool: Pool, window: Window
) -> list[tuple[str, str, float | None, int, int, int]]:
    """Return what a window's events relieved: (kind, quantity, basis, held milliseconds, 1 if short, ordinal)."""
    return [
        tuple(row)
        for row in connection.execute(
            "SELECT r.kind, r.quantity, r.basis, r.held_ms, l.quantity LIKE '-%', r.ordinal"
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
