"""Where pools stood at many instants, for lines: one statement a pool, one descent of its index an instant.

Standard library only. How long the history is does not matter, only how many instants are asked for.
"""

# ruff: noqa: S608  the names of columns are our own constants; every value is bound

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from monitor.schema import SUMS
from monitor.store.states import PAIRS, STATE_COLUMNS

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Sequence

    from monitor.store.answers import Pool


class Stand(NamedTuple):
    """A track row: the last event of a pool before an instant, and some of its running sums."""

    time: int
    ordinal: int
    segment: int
    quantity: str
    inventory_cost: float
    estimated_cost: float
    unpriced: int
    active: int
    sums: tuple[float, ...]


def stands(
    connection: sqlite3.Connection, pool: Pool, instants: Collection[int], names: Sequence[str]
) -> dict[int, Stand]:
    """Return where a pool stood at each instant, with the sums `names`; instants before its first event lack."""
    # CROSS JOIN: an instant at a time. SQLite would rather read the whole track and look for each row's instants.
    columns = ", ".join(f"t.{column}" for column in (*STATE_COLUMNS, *names))
    cursor = connection.cursor()
    cursor.row_factory = None  # plain tuples: a hundred thousand rows by name would take twice the time
    rows = cursor.execute(
        f"SELECT g.value, {columns} FROM json_each(?2) g CROSS JOIN track t ON t.pool = ?1 AND (t.time_ms, t.ordinal) ="
        " (SELECT time_ms, ordinal FROM track WHERE pool = ?1 AND time_ms < g.value"
        " ORDER BY time_ms DESC, ordinal DESC LIMIT 1)",
        (pool.id, json.dumps(list(instants))),
    )
    fixed = len(STATE_COLUMNS) + 1
    return {row[0]: Stand._make((*row[1:fixed], row[fixed:])) for row in rows}


def before_segments(
    connection: sqlite3.Connection, pool: Pool, segments: Collection[int], names: Sequence[str]
) -> dict[int, tuple[tuple[float, float], ...]]:
    """Return the sums `names` before the first event of some segments of a pool, each as a pair (high, low)."""
    places = [2 * SUMS.index(name) for name in names]
    rows = connection.execute(
        "SELECT segment, sums FROM segments WHERE pool = ? AND segment IN (SELECT value FROM json_each(?))",
        (pool.id, json.dumps(sorted(segments))),
    )
    unpacked = {segment: PAIRS.unpack(sums) for segment, sums in rows}
    return {segment: tuple((pairs[at], pairs[at + 1]) for at in places) for segment, pairs in unpacked.items()}
