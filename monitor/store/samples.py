"""Where a pool stood at many instants, for lines: two statements a pool, however long its history.

Standard library only. Where few events lie between the instants they are read through; else each instant is a descent
of the index, so that only the number of instants counts.
"""

# ruff: noqa: S608  the names of columns are our own constants; every value is bound

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from monitor.schema import HEAD, SUMS, State, unpacking
from monitor.store.states import EVENT, PAIRS, STATE_COLUMNS

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Collection, Sequence

    from monitor.store.answers import Pool

Found = dict[int, tuple[Any, ...]]

TIME, ORDINAL, SEGMENT = 0, 1, 2
COLUMNS = ", ".join(f"t.{column}" for column in (*STATE_COLUMNS, "sums"))
# A row that is read through costs a third of one that is found by descent.
READ_THROUGH = 2


def stands(
    connection: sqlite3.Connection, pool: Pool, instants: Sequence[int], names: Sequence[str]
) -> dict[int, State]:
    """Return where a pool stood at each of some instants, in order; those before its first event lack.

    `sums` and `before` of a state are those of `names` alone, in their order; its mark is left out.
    """
    rows = _rows(connection, pool, instants)
    before = _before_segments(connection, pool, {row[SEGMENT] for row in rows.values()}, names)
    made: dict[int, State] = {}
    readers: dict[bytes, Callable[[bytes], tuple[float, ...]]] = {}
    for row in rows.values():
        if row[ORDINAL] not in made:
            sums = row[EVENT]
            head = sums[:HEAD]
            if head not in readers:
                readers[head] = unpacking(head, names)
            made[row[ORDINAL]] = State._make((*row[:EVENT], readers[head](sums), before[row[SEGMENT]], 0.0, 0))
    return {instant: made[row[ORDINAL]] for instant, row in rows.items()}


def _rows(connection: sqlite3.Connection, pool: Pool, instants: Sequence[int]) -> Found:
    """Return the last track row before each instant."""
    edges = _found(connection, pool, (instants[0], instants[-1]))
    first, last = edges.get(instants[0]), edges.get(instants[-1])
    if last is None:
        return {}
    events = last[ORDINAL] - (first[ORDINAL] if first else -1)
    if events > READ_THROUGH * len(instants):
        return _found(connection, pool, instants)
    return _read_through(connection, pool, instants, first)


def _found(connection: sqlite3.Connection, pool: Pool, instants: Collection[int]) -> Found:
    # CROSS JOIN: an instant at a time. SQLite would rather read the whole track and look for each row's instants.
    cursor = connection.cursor()
    cursor.row_factory = None  # plain tuples: a hundred thousand rows by name would take twice the time
    rows = cursor.execute(
        f"SELECT {COLUMNS}, g.value FROM json_each(?2) g CROSS JOIN track t ON t.pool = ?1"
        " AND (t.time_ms, t.ordinal) = (SELECT time_ms, ordinal FROM track WHERE pool = ?1 AND time_ms < g.value"
        " ORDER BY time_ms DESC, ordinal DESC LIMIT 1)",
        (pool.id, json.dumps(list(instants))),
    )
    return {row[-1]: row[:-1] for row in rows}


def _read_through(
    connection: sqlite3.Connection,
    pool: Pool,
    instants: Sequence[int],
    standing: tuple[Any, ...] | None,
) -> Found:
    """Read every row between the instants; `standing` is the last one before the first of them."""
    cursor = connection.cursor()
    cursor.row_factory = None
    rows = cursor.execute(
        f"SELECT {COLUMNS} FROM track t WHERE pool = ? AND time_ms >= ? AND time_ms < ? ORDER BY time_ms, ordinal",
        (pool.id, instants[0], instants[-1]),
    )
    found, row = {}, next(rows, None)
    for instant in instants:
        while row is not None and row[TIME] < instant:
            standing, row = row, next(rows, None)
        if standing is not None:
            found[instant] = standing
    return found


def _before_segments(
    connection: sqlite3.Connection, pool: Pool, segments: Collection[int], names: Sequence[str]
) -> dict[int, tuple[float, ...]]:
    """Return the sums `names` before the first event of some segments of a pool, as pairs (high, low)."""
    places = [place for name in names for place in (2 * SUMS.index(name), 2 * SUMS.index(name) + 1)]
    rows = connection.execute(
        "SELECT segment, sums FROM segments WHERE pool = ? AND segment IN (SELECT value FROM json_each(?))",
        (pool.id, json.dumps(sorted(segments))),
    )
    unpacked = {segment: PAIRS.unpack(sums) for segment, sums in rows}
    return {segment: tuple([pairs[at] for at in places]) for segment, pairs in unpacked.items()}
