"""How high a pool's inventory went in a window, and where it stood on an even grid.

Few events are read through; of many, segments tell their peaks and the grid is read by index: a window costs what it
holds, and a long one no more than the edges and the grid, however long the history.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3

    from monitor.clock import Window
    from monitor.schema import State
    from monitor.store.answers import Interval, Pool

# Steps of the even grid the half-life is read on.
GRID = 240
# A row that is read through costs a third of a descent of the index.
READ_THROUGH = 3 * GRID

Course = tuple[float, list[float]]


def course(
    connection: sqlite3.Connection, pool: Pool, window: Window, ends: tuple[State | None, State | None]
) -> Course:
    """Return the greatest inventory cost in a window, and the signed position at `GRID` + 1 even instants of it.

    `ends` are the pool's last events before the window's start and before its end. The instants go from the start to
    the end; a position is that before the events of its instant.
    """
    first, last = ends
    quantity, cost = (first.quantity, first.inventory_cost) if first else ("0", 0.0)
    if last is None or (first and last.ordinal == first.ordinal):
        return cost, [float(quantity)] * (GRID + 1)
    if last.ordinal - (first.ordinal if first else -1) <= READ_THROUGH:
        highest, positions = _read_through(connection, pool, window, quantity)
    else:
        segments = (first.segment if first else 0, last.segment)
        highest, positions = peak(connection, pool, window, segments), grid(connection, pool, window, GRID)
    return max(cost, highest), positions


def _read_through(connection: sqlite3.Connection, pool: Pool, window: Window, opening: str) -> Course:
    """Return the same from the events of a window, of which there is at least one."""
    cursor = connection.cursor()
    cursor.row_factory = None
    rows = cursor.execute(
        "SELECT time_ms, quantity, inventory_cost FROM track WHERE pool = ? AND time_ms >= ? AND time_ms < ?"
        " ORDER BY time_ms, ordinal",
        (pool.id, window.start, window.end),
    ).fetchall()
    times, positions = [row[0] for row in rows], [float(opening), *(float(row[1]) for row in rows)]
    instants = [window.start + window.milliseconds * step // GRID for step in range(GRID + 1)]
    return max(row[2] for row in rows), [positions[bisect_left(times, instant)] for instant in instants]


def peak(connection: sqlite3.Connection, pool: Pool, window: Window, segments: Interval) -> float:
    """Return the greatest inventory cost after any event of a window, 0 if it has none.

    Whole segments answer by their stored peak; only the two at the edges are read row by row. `segments` are the
    numbers of those that the window begins and ends in, both inclusive.
    """
    rows = connection.execute(
        "SELECT time_ms, peak, lead(time_ms) OVER (ORDER BY segment) FROM segments"
        " WHERE pool = ? AND segment BETWEEN ? AND ?",
        (pool.id, *segments),
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
