"""Where a pool's computation may go on, read by index: the last segment before an instant, and what forbids to use it.

Nothing here depends on the length of a history: a few seeks for each pool.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from monitor.store.frames import FILLS_SINCE, MOVEMENTS_SINCE

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Sequence

# Between accounts only the spot book moves lots; in the others a transfer is a disposal and a gain.
MOVED = (
    "FROM movements m WHERE m.asset = ?1 AND m.book = 'spot' AND m.status = 'ok' AND CAST(m.amount AS REAL) > 0"
    " AND (EXISTS (SELECT 1 FROM matches WHERE withdrawal = m.id) OR m.kind = 'transfer'"
    " AND m.to_account <> m.account AND CAST(coalesce(m.received, m.amount) AS REAL) > 0)"
)
UNDER_WAY = (
    "SELECT 1 FROM movements d JOIN matches x ON x.deposit = d.id JOIN movements w ON w.id = x.withdrawal"
    " WHERE d.asset = ?1 AND d.time_ms >= ?2 AND w.time_ms < ?2 LIMIT 1"
)


class StoredPool(NamedTuple):
    """A pool with tracks: its number, its key, the instants of its first and last event, and how many there are."""

    id: int
    key: tuple[str, str, str, str, str]
    first: int
    last: int
    events: int


class Segment(NamedTuple):
    """A stretch of a pool's events and where the pool stood before it."""

    number: int
    ordinal: int
    time: int
    sums: bytes
    state: bytes


def stored_pools(connection: sqlite3.Connection, assets: Collection[str], method: str) -> list[StoredPool]:
    """Return the pools of assets that have tracks of a costing method."""
    rows = connection.execute(
        "SELECT p.id, p.scope, p.account, p.asset, p.book, (SELECT min(time_ms) FROM track WHERE pool = p.id),"
        " t.time_ms, t.ordinal + 1 FROM pools p JOIN track t ON t.pool = p.id AND (t.time_ms, t.ordinal) ="
        " (SELECT time_ms, ordinal FROM track WHERE pool = p.id ORDER BY time_ms DESC, ordinal DESC LIMIT 1)"
        " WHERE p.method = ? AND p.asset IN (SELECT value FROM json_each(?)) ORDER BY p.id",
        (method, json.dumps(sorted(assets))),
    )
    return [StoredPool(row[0], (row[1], row[2], row[3], row[4], method), *row[5:]) for row in rows]


def tip(connection: sqlite3.Connection, pool: int, last: int, events: int) -> bytes | None:
    """Return where a pool stands after its last event, None if that is not stored."""
    query = "SELECT tip FROM tips WHERE pool = ? AND time_ms = ? AND events = ?"
    row = connection.execute(query, (pool, last, events)).fetchone()
    return None if row is None else bytes(row[0])


def segment_before(connection: sqlite3.Connection, pool: int, instant: int) -> Segment | None:
    """Return the last segment of a pool that begins before an instant."""
    row = connection.execute(
        "SELECT segment, first_ordinal, time_ms, sums, state FROM segments WHERE pool = ? AND time_ms < ?"
        " ORDER BY segment DESC LIMIT 1",
        (pool, instant),
    ).fetchone()
    return None if row is None else Segment(*row)


def segment_from(connection: sqlite3.Connection, pool: int, number: int) -> Segment | None:
    """Return the first segment of a pool with a number of at least `number`."""
    row = connection.execute(
        "SELECT segment, first_ordinal, time_ms, sums, state FROM segments WHERE pool = ? AND segment >= ?"
        " ORDER BY segment LIMIT 1",
        (pool, number),
    ).fetchone()
    return None if row is None else Segment(*row)


def common_starts(connection: sqlite3.Connection, pools: Sequence[int], instant: int) -> list[tuple[int, int]]:
    """Return (number, time of its first event) of the last segments that begin before an instant, latest first.

    The pools are those of one asset and book, of accounts that moved lots to each other: they share the numbers.
    """
    rows = connection.execute(
        "SELECT segment, min(time_ms) FROM segments WHERE pool IN (SELECT value FROM json_each(?))"
        " GROUP BY segment HAVING min(time_ms) < ? ORDER BY segment DESC LIMIT 20",
        (json.dumps(list(pools)), instant),
    )
    return [(number, time) for number, time in rows]


def moved_between_accounts(connection: sqlite3.Connection, asset: str, since: int) -> bool | None:
    """Tell whether lots of an asset moved between accounts; None if they did, but only since an instant."""
    if connection.execute(f"SELECT 1 {MOVED} AND m.time_ms < ?2 LIMIT 1", (asset, since)).fetchone():
        return True
    return None if connection.execute(f"SELECT 1 {MOVED} LIMIT 1", (asset,)).fetchone() else False


def under_way(connection: sqlite3.Connection, asset: str, instant: int) -> bool:
    """Tell whether a transfer of an asset had left one account and not yet reached the other."""
    return connection.execute(UNDER_WAY, (asset, instant)).fetchone() is not None


def open_lot_count(connection: sqlite3.Connection, pool: int) -> int:
    """Return how many lots of a pool are open after its last event."""
    query = "SELECT count(*) FROM lots INDEXED BY lots_closed WHERE pool = ? AND closed_ms IS NULL"
    return int(connection.execute(query, (pool,)).fetchone()[0])


def was_empty(connection: sqlite3.Connection, pool: int, before: int) -> bool:
    """Tell whether a pool's position ever was zero after an event before an instant."""
    query = "SELECT 1 FROM track WHERE pool = ? AND time_ms < ? AND quantity = '0' LIMIT 1"
    return connection.execute(query, (pool, before)).fetchone() is not None


def known_marks(
    connection: sqlite3.Connection, asset: str, start: int, end: int
) -> list[tuple[str, int, float, float, str]]:
    """Return an asset's marks (schema.MARKS) of [start, end) and the last one at or before `start`."""
    return [
        tuple(row)
        for row in connection.execute(
            "SELECT asset, time_ms, mark, mark_time, source FROM marks WHERE asset = ?1 AND time_ms < ?3"
            " AND time_ms >= coalesce((SELECT max(time_ms) FROM marks WHERE asset = ?1 AND time_ms <= ?2), ?2)"
            " ORDER BY time_ms",
            (asset, start, end),
        )
    ]


def convertible(connection: sqlite3.Connection, assets: Collection[str], cash: Collection[str]) -> frozenset[str]:
    """Return those of some assets that were ever converted from or into another that is no cash: they share lots."""
    wanted = json.dumps(sorted(assets))
    rows = connection.execute(
        "SELECT asset, to_asset FROM movements WHERE to_asset IS NOT NULL"
        " AND to_asset IN (SELECT value FROM json_each(?1))"
        " UNION SELECT asset, to_asset FROM movements INDEXED BY movements_to WHERE to_asset IS NOT NULL"
        " AND asset IN (SELECT value FROM json_each(?1))",
        (wanted,),
    )
    return frozenset(end for pair in map(tuple, rows) if not set(pair) & set(cash) for end in pair)


def has_rows_since(connection: sqlite3.Connection, asset: str, instant: int) -> bool:
    """Tell whether the ledger has a fill or movement that may move an asset from an instant on."""
    return any(
        connection.execute(f"{query} LIMIT 1", bound).fetchone()
        for query, bound in (
            (FILLS_SINCE, (asset.partition("/")[0], asset, instant)),
            (MOVEMENTS_SINCE, (asset, instant)),
        )
    )


def option_symbols(connection: sqlite3.Connection, asset: str) -> list[str]:
    """Return the options on an asset, or settled in it, that have tracks: they are assets of their own."""
    found = connection.execute("SELECT DISTINCT asset FROM pools WHERE book = 'option' ORDER BY asset")
    return [symbol for (symbol,) in found if asset in symbol.replace(":", "/").replace("-", "/").split("/")]
