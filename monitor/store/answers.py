"""What the derived tables say, read by index: any window costs two seeks a pool, whatever its length.

Standard library only. Rows come back as plain tuples in the order their docstrings state; what they mean is for
monitor.turnover to say. A reader sees one state of the database through `snapshot`.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from monitor.store.lots import shares_left
from monitor.store.remembered import Reader, remembered

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterator

    from monitor.clock import Window

Interval = tuple[int, int]

# Of a lot of which less is left, the difference of what came and what went lost digits: its units tell it.
FAINT = 1e-5


class Pool(NamedTuple):
    """One pool of lots; `account` is empty in scope portfolio."""

    id: int
    scope: str
    account: str
    asset: str
    book: str


@contextmanager
def snapshot(connection: sqlite3.Connection) -> Iterator[None]:
    """Let everything read in the block come from one state of the database."""
    if connection.in_transaction:
        yield
        return
    connection.execute("BEGIN")
    reader = connection if isinstance(connection, Reader) else None
    try:
        if reader:
            reader.remember()
        yield
    finally:
        if reader:
            reader.forget()
        connection.execute("COMMIT")


def pools(connection: sqlite3.Connection, scope: str, method: str, assets: Collection[str] = ()) -> tuple[Pool, ...]:
    """Return the pools of a scope and costing method, of all assets or of some, by asset, book and account."""
    return _pools(connection, scope, method, tuple(sorted(assets)))


@remembered
def _pools(connection: sqlite3.Connection, scope: str, method: str, assets: tuple[str, ...]) -> tuple[Pool, ...]:
    some: list[tuple[str, tuple[str, ...]]] = [("AND asset = ?", (asset,)) for asset in assets] or [("", ())]
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
    return _holders(connection, method, tuple(sorted(assets)))


@remembered
def _holders(connection: sqlite3.Connection, method: str, assets: tuple[str, ...]) -> dict[str, set[str]]:
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


@remembered
def has_tracks(connection: sqlite3.Connection, method: str) -> bool:
    """Return whether tracks of a costing method are stored, or none of any method."""
    return (
        connection.execute("SELECT 1 FROM pools WHERE method = ? LIMIT 1", (method,)).fetchone() is not None
        or connection.execute("SELECT 1 FROM pools LIMIT 1").fetchone() is None
    )


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


def held(connection: sqlite3.Connection, pool: Pool, window: Window, kinds: Collection[str]) -> list[tuple[int, float]]:
    """Return (held milliseconds, basis) of what a window's events of some kinds relieved, where it has a value."""
    cursor = connection.cursor()
    cursor.row_factory = None  # plain tuples: a busy week has thousands
    return cursor.execute(
        "SELECT held_ms, basis FROM reliefs WHERE pool = ? AND time_ms >= ? AND time_ms < ? AND basis IS NOT NULL"
        " AND kind IN (SELECT value FROM json_each(?))",
        (pool.id, window.start, window.end, json.dumps(list(kinds))),
    ).fetchall()


def open_lots(connection: sqlite3.Connection, pool: Pool, instant: int) -> list[tuple[int, int, float | None]]:
    """Return (opened, 1 if short, basis left) of each lot that is open after all events before `instant`."""
    left = (
        "SELECT l.lot, l.opened_ms, l.quantity LIKE '-%', l.basis, (SELECT coalesce(sum(r.basis), 0) FROM reliefs r"
        " WHERE r.pool = l.pool AND r.lot = l.lot AND r.time_ms < ?2)"
        " FROM lots l INDEXED BY lots_closed WHERE l.pool = ?1 AND l.entered_ms < ?2 AND "
    )
    # Two descents of one index: lots never closed, and those closed later. An OR would read every lot ever opened.
    cursor = connection.cursor()
    cursor.row_factory = None
    rows = cursor.execute(
        f"{left} l.closed_ms IS NULL UNION ALL {left} l.closed_ms >= ?2 ORDER BY 1", (pool.id, instant)
    ).fetchall()
    faint = [lot for lot, _, _, basis, gone in rows if gone and basis and basis - gone < FAINT * basis]
    shares = shares_left(connection, pool, instant, faint) if faint else {}
    return [
        (opened, short, None if basis is None else max(0.0, basis * shares[lot] if lot in shares else basis - gone))
        for lot, opened, short, basis, gone in rows
    ]


@remembered
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
