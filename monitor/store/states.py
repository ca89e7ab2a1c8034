"""Where pools stood at an instant: two descents of an index a pool, however long its history.

Standard library only. One statement asks for all pools, because a statement costs Python more than a descent costs
SQLite. What the states mean is for monitor.turnover to say.
"""

# ruff: noqa: S608  the names of columns are our own constants; every value is bound

from __future__ import annotations

import json
import struct
from itertools import pairwise
from math import fsum
from typing import TYPE_CHECKING, Any, cast

from monitor.schema import SUMS, State
from monitor.store.remembered import memory_of

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterable, Sequence

    from monitor.clock import Window
    from monitor.store.answers import Interval, Pool

Mark = tuple[int, float, float]  # since when, the value of one unit, its integral since the first
Found = tuple[Any, ...]

STATE_COLUMNS = ("time_ms", "ordinal", "segment", "quantity", "inventory_cost", "estimated_cost", "unpriced", "active")
COLUMNS = (*STATE_COLUMNS, *SUMS)
PAIRS = struct.Struct(f"<{2 * len(SUMS)}d")
# Where the parts of a state stand in a row: its event, the sums, the last mark before the instant, that at its event.
EVENT, TAKEN, MARKED = len(STATE_COLUMNS), len(COLUMNS), len(COLUMNS) + 6
SECOND = 1 + MARKED
TIME, SEGMENT, QUANTITY, COST, UNPRICED = 0, 2, 3, 4, 6
NO_MARK = (None, None, None)
NOT_NEEDED: tuple[tuple[float, ...]] = ((),)


def _last_row(row: str, instant: str, join: str) -> str:
    """Return the join of the last track row before an instant: the primary key is descended once to find it."""
    return (
        f" {join} JOIN track {row} ON {row}.pool = o.id AND ({row}.time_ms, {row}.ordinal) = (SELECT time_ms, ordinal"
        f" FROM track WHERE pool = o.id AND time_ms < {instant} ORDER BY time_ms DESC, ordinal DESC LIMIT 1)"
    )


def _marks_of(row: str, instant: str) -> str:
    """Return the joins of the last mark before an instant and, if it is later than the row's event, of that one's.

    The face of an inverse contract needs no mark.
    """
    return (
        f" LEFT JOIN marks {row}z ON {row}.quantity <> '0' AND o.book <> 'inverse' AND {row}z.asset = o.asset"
        f" AND {row}z.time_ms = (SELECT max(time_ms) FROM marks WHERE asset = o.asset AND time_ms < {instant})"
        f" LEFT JOIN marks {row}a ON {row}z.time_ms > {row}.time_ms AND {row}a.asset = o.asset"
        f" AND {row}a.time_ms = (SELECT max(time_ms) FROM marks WHERE asset = o.asset AND time_ms <= {row}.time_ms)"
    )


def _columns(row: str) -> str:
    """Return the columns of a state, in the places stated above."""
    marks = ", ".join(f"{row}{one}.time_ms, {row}{one}.mark, {row}{one}.mark_time" for one in "za")
    return f"{', '.join(f'{row}.{column}' for column in COLUMNS)}, {marks}"


# CROSS JOIN keeps the order: SQLite would rather read the whole track.
OF_POOLS = "FROM json_each(?1) p CROSS JOIN pools o ON o.id = p.value"
LAST = f"SELECT o.id, {_columns('t')} {OF_POOLS}{_last_row('t', '?2', 'CROSS')}{_marks_of('t', '?2')}"
ENDS = (
    f"SELECT o.id, {_columns('t')}, {_columns('s')} {OF_POOLS}"
    f"{_last_row('t', '?3', 'CROSS')}{_last_row('s', '?2', 'LEFT')}{_marks_of('t', '?3')}{_marks_of('s', '?2')}"
)
BEFORE = (
    "SELECT s.pool, s.segment, s.sums FROM json_each(?) w"
    " CROSS JOIN segments s ON s.pool = json_extract(w.value, '$[0]') AND s.segment = json_extract(w.value, '$[1]')"
)
MARK = "SELECT time_ms, mark, mark_time FROM marks WHERE asset = ? AND time_ms <= ? ORDER BY time_ms DESC LIMIT 1"
# The integral of a mark is the difference of two that run from its first one: where that is so many times smaller,
# digits are gone, and it is added up mark by mark.
GREATEST_CANCELLATION = 100_000.0


def tracks_at(connection: sqlite3.Connection, wanted: Collection[Pool], instant: int) -> dict[int, State]:
    """Return the last event of pools before `instant` and what their marks added since; pools without one lack."""
    rows = _asked(connection, LAST, wanted, instant)
    before = _before(connection, [(row[0], row[1 + SEGMENT]) for row in rows])
    by_id = {pool.id: pool for pool in wanted}
    return {
        row[0]: _state(connection, by_id[row[0]], row[1:], before[row[0], row[1 + SEGMENT]], instant) for row in rows
    }


def track_at(connection: sqlite3.Connection, pool: Pool, instant: int) -> State | None:
    """Return the last event of a pool before `instant` with what its mark added since, None if there is none."""
    return tracks_at(connection, (pool,), instant).get(pool.id)


def ends(
    connection: sqlite3.Connection, wanted: Collection[Pool], window: Window
) -> dict[int, tuple[State | None, State]]:
    """Return the last event of pools before a window's start (None: there is none) and before its end.

    The sums before their segments are only there where the two differ in them: else the difference needs none.
    """
    rows, start, end = _asked(connection, ENDS, wanted, window.start, window.end), window.start, window.end
    before = _before(connection, [pair for row in rows for pair in _apart(row)])
    by_id = {pool.id: pool for pool in wanted}
    found: dict[int, tuple[State | None, State]] = {}
    for row in rows:
        number, first, last = row[0], None, row[1:SECOND]
        pool, sums = by_id[number], [before[pair] for pair in _apart(row)] or NOT_NEEDED
        if row[SECOND] is not None:
            first = _state(connection, pool, row[SECOND:], sums[-1], start)
        found[number] = (first, _state(connection, pool, last, sums[0], end))
    return found


def _apart(row: Found) -> Sequence[tuple[int, int]]:
    """Return the segments of a row of `ENDS`, the last one's first, if they differ: sums before them are needed."""
    pool, last, first = row[0], row[1 + SEGMENT], row[SECOND + SEGMENT]
    # Before the first segment, or without a row, there is nothing.
    if last == (first or 0):
        return ()
    return ((pool, last),) if first is None else ((pool, last), (pool, first))


def _asked(connection: sqlite3.Connection, statement: str, wanted: Iterable[Pool], *instants: int) -> list[Found]:
    cursor = connection.cursor()
    cursor.row_factory = None  # plain tuples: rows by name take half as long again
    return cursor.execute(statement, (json.dumps([pool.id for pool in wanted]), *instants)).fetchall()


def _before(
    connection: sqlite3.Connection, segments: Collection[tuple[int, int]]
) -> dict[tuple[int, int], tuple[float, ...]]:
    """Return the sums before some segments, by pool and segment, as pairs (high, low)."""
    memory = memory_of(connection)
    if missing := [segment for segment in segments if segment not in memory]:
        rows = connection.execute(BEFORE, (json.dumps(missing),))
        memory.update({(pool, segment): PAIRS.unpack(sums) for pool, segment, sums in rows})
    return cast("dict[tuple[int, int], tuple[float, ...]]", memory)


def _state(connection: sqlite3.Connection, pool: Pool, row: Found, before: tuple[float, ...], instant: int) -> State:
    """Return a row as the state of its pool at an instant."""
    if row[QUANTITY] == "0":
        integral, unmarked = 0.0, 0
    elif pool.book == "inverse":
        # The face of an inverse contract is money already: its market value is what it stands for.
        elapsed = instant - row[TIME]
        integral, unmarked = row[COST] / abs(float(row[QUANTITY])) * elapsed, elapsed if row[UNPRICED] else 0
    else:
        last, first = row[TAKEN : TAKEN + 3], row[TAKEN + 3 : MARKED]
        integral, unmarked = _integral(connection, pool.asset, (row[TIME], instant), last, first)
    return State._make((*row[:EVENT], row[EVENT:TAKEN], before, integral, unmarked))


def mark_integral(connection: sqlite3.Connection, asset: str, start: int, end: int) -> tuple[float, int]:
    """Return the integral of an asset's mark over [start, end) and the milliseconds of it before its first mark."""
    last = connection.execute(MARK, (asset, end - 1)).fetchone()
    first = connection.execute(MARK, (asset, start)).fetchone()
    return _integral(connection, asset, (start, end), last or NO_MARK, first or NO_MARK)


def _integral(
    connection: sqlite3.Connection, asset: str, span: Interval, last: Found, first: Found
) -> tuple[float, int]:
    """Return the integral of a mark over a span from the last one before its end and the last one at its start.

    Both are (since when, the value of one unit, its integral since the first), all None if there is none.
    """
    start, end = span
    if end == start:
        return 0.0, 0
    since, mark, area = last
    if since is None:
        return 0.0, end - start
    if since <= start:
        return mark * (end - start), 0
    had_since, had_mark, had_area = first
    if had_since is None:
        begun = connection.execute("SELECT min(time_ms) FROM marks WHERE asset = ?", (asset,)).fetchone()[0]
        return area + mark * (end - since), begun - start
    grown = (area - had_area) + mark * (end - since) - had_mark * (start - had_since)
    if grown * GREATEST_CANCELLATION < area:
        inside = connection.execute(
            "SELECT time_ms, mark FROM marks WHERE asset = ? AND time_ms > ? AND time_ms < ? ORDER BY time_ms",
            (asset, start, end),
        )
        path = [(start, had_mark), *map(tuple, inside), (end, 0.0)]
        grown = fsum(value * (until - time) for (time, value), (until, _) in pairwise(path))
    return grown, 0
