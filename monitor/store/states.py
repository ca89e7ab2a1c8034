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

from monitor.schema import HEAD, SUMS, State, unpacking
from monitor.store.remembered import memory_of

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterable, Sequence

    from monitor.clock import Window
    from monitor.store.answers import Pool

Found = tuple[Any, ...]

STATE_COLUMNS = ("time_ms", "ordinal", "segment", "quantity", "inventory_cost", "estimated_cost", "unpriced", "active")
COLUMNS = (*STATE_COLUMNS, "sums")
PAIRS = struct.Struct(f"<{2 * len(SUMS)}d")
# The integral of a mark is the difference of two that run from its first one: where that is so many times smaller,
# digits are gone, and it is added up mark by mark.
GREATEST_CANCELLATION = 100_000.0
# Where the parts of a state end in a row: its event, the sums, and what is told of the mark.
EVENT, TAKEN, MARKED = len(STATE_COLUMNS), len(COLUMNS), len(COLUMNS) + 2
SECOND = 1 + MARKED
TIME, SEGMENT, QUANTITY, COST, UNPRICED = 0, 2, 3, 4, 6
NOT_NEEDED: tuple[tuple[float, ...]] = ((),)


def _last_row(row: str, instant: str, join: str) -> str:
    """Return the join of the last track row before an instant: the primary key is descended once to find it."""
    return (
        f" {join} JOIN track {row} ON {row}.pool = o.id AND ({row}.time_ms, {row}.ordinal) = (SELECT time_ms, ordinal"
        f" FROM track WHERE pool = o.id AND time_ms < {instant} ORDER BY time_ms DESC, ordinal DESC LIMIT 1)"
    )


def _marks_of(row: str, instant: str) -> str:
    """Return the joins of the last mark before an instant and, if it is later than the row's event, of that one's.

    The face of an inverse contract needs no mark. SQLite looks for the key first and at other conditions afterwards:
    in a CASE, what need not be looked for is not.
    """
    last = f"(SELECT max(time_ms) FROM marks WHERE asset = o.asset AND time_ms < {instant})"
    first = f"(SELECT max(time_ms) FROM marks WHERE asset = o.asset AND time_ms <= {row}.time_ms)"
    return (
        f" LEFT JOIN marks {row}z ON {row}z.asset = o.asset"
        f" AND {row}z.time_ms = CASE WHEN {row}.quantity <> '0' AND o.book <> 'inverse' THEN {last} END"
        f" LEFT JOIN marks {row}a ON {row}a.asset = o.asset"
        f" AND {row}a.time_ms = CASE WHEN {row}z.time_ms > {row}.time_ms THEN {first} END"
    )


def _columns(row: str, instant: str) -> str:
    """Return the columns of a state: the event, its sums, what the mark adds until the instant, since when it is known.

    The integral is null where one of the marks is missing or digits would be lost: `mark_integral` knows it then.
    """
    last, first = f"{row}z", f"{row}a"
    grown = (
        f"({last}.mark_time - {first}.mark_time) + {last}.mark * ({instant} - {last}.time_ms)"
        f" - {first}.mark * ({row}.time_ms - {first}.time_ms)"
    )
    integral = (
        f"CASE WHEN {last}.time_ms <= {row}.time_ms THEN {last}.mark * ({instant} - {row}.time_ms)"
        f" WHEN ({grown}) * {GREATEST_CANCELLATION} >= {last}.mark_time THEN {grown} END"
    )
    return f"{', '.join(f'{row}.{column}' for column in COLUMNS)}, {integral}, {last}.time_ms"


# CROSS JOIN keeps the order: SQLite would rather read the whole track.
OF_POOLS = "FROM json_each(?1) p CROSS JOIN pools o ON o.id = p.value"
LAST = f"SELECT o.id, {_columns('t', '?2')} {OF_POOLS}{_last_row('t', '?2', 'CROSS')}{_marks_of('t', '?2')}"
ENDS = (
    f"SELECT o.id, {_columns('t', '?3')}, {_columns('s', '?2')} {OF_POOLS}"
    f"{_last_row('t', '?3', 'CROSS')}{_last_row('s', '?2', 'LEFT')}{_marks_of('t', '?3')}{_marks_of('s', '?2')}"
)
BEFORE = (
    "SELECT s.pool, s.segment, s.sums FROM json_each(?) w"
    " CROSS JOIN segments s ON s.pool = json_extract(w.value, '$[0]') AND s.segment = json_extract(w.value, '$[1]')"
)
MARK = "SELECT time_ms, mark, mark_time FROM marks WHERE asset = ? AND time_ms <= ? ORDER BY time_ms DESC LIMIT 1"


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
    integral, unmarked = row[TAKEN], 0
    if integral is None:
        integral, unmarked = _marked(connection, pool, row, instant)
    sums = row[EVENT]
    return State._make((*row[:EVENT], unpacking(sums[:HEAD])(sums), before, integral, unmarked))


def _marked(connection: sqlite3.Connection, pool: Pool, row: Found, instant: int) -> tuple[float, int]:
    """Return what the mark adds to a state whose row does not tell it, and how long there was none."""
    if row[QUANTITY] == "0":
        return 0.0, 0
    elapsed = instant - row[TIME]
    if pool.book == "inverse":
        # The face of an inverse contract is money already: its market value is what it stands for.
        return row[COST] / abs(float(row[QUANTITY])) * elapsed, elapsed if row[UNPRICED] else 0
    if row[TAKEN + 1] is None:
        return 0.0, elapsed
    return mark_integral(connection, pool.asset, row[TIME], instant)


def mark_integral(connection: sqlite3.Connection, asset: str, start: int, end: int) -> tuple[float, int]:
    """Return the integral of an asset's mark over [start, end) and the milliseconds of it before its first mark."""
    last = connection.execute(MARK, (asset, end - 1)).fetchone()
    if end == start or last is None:
        return 0.0, end - start
    since, mark, area = last
    if since <= start:
        return mark * (end - start), 0
    first = connection.execute(MARK, (asset, start)).fetchone()
    if first is None:
        begun = connection.execute("SELECT min(time_ms) FROM marks WHERE asset = ?", (asset,)).fetchone()[0]
        return area + mark * (end - since), begun - start
    had_since, had_mark, had_area = first
    grown = (area - had_area) + mark * (end - since) - had_mark * (start - had_since)
    if grown * GREATEST_CANCELLATION < area:
        inside = connection.execute(
            "SELECT time_ms, mark FROM marks WHERE asset = ? AND time_ms > ? AND time_ms < ? ORDER BY time_ms",
            (asset, start, end),
        )
        path = [(start, had_mark), *map(tuple, inside), (end, 0.0)]
        grown = fsum(value * (until - time) for (time, value), (until, _) in pairwise(path))
    return grown, 0
