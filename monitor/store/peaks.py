"""How high a pool's inventory went in a window, and where it stood on an even grid: read by index, not by scan."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3

    from monitor.clock import Window
    from monitor.store.answers import Interval, Pool


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
