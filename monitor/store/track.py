"""The derived tables: what the engine computed goes in whole, in the transaction that takes its assets off `touched`.

Rows come as plain tuples in the order of `monitor.schema`, each after the place of its pool in `Derived.pools`, so
that nothing here knows how they were computed. Everything can be deleted and computed again.
"""

# ruff: noqa: S608  the names of tables and columns are our own constants; every value is bound

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from monitor.schema import LOTS, MARKS, RELIEFS, SEGMENTS, TRACK
from monitor.store.streams import coverage

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterable, Mapping, Sequence

TERMS = "measured_with"
Value = str | int | float | bytes | None

# Tables of one pool each, in the order they are filled: lots before what was relieved of them.
TABLES = {"track": TRACK, "segments": SEGMENTS, "lots": LOTS, "reliefs": RELIEFS}


class PoolKey(NamedTuple):
    """What tells pools of lots apart; `account` is empty in scope portfolio."""

    scope: str
    account: str
    asset: str
    book: str
    method: str


@dataclass(frozen=True, slots=True)
class Derived:
    """What a computation brings: pools, the rows of each table of `TABLES` (the pool's place first), and marks."""

    pools: Sequence[PoolKey]
    rows: Mapping[str, Iterable[Sequence[Value]]] = field(default_factory=dict)
    marks: Iterable[Sequence[Value]] = ()


def replace_tracks(connection: sqlite3.Connection, derived: Derived, assets: Collection[str] | None) -> None:
    """Put what was computed in the place of all derived rows of `assets` (None: of all), in the open transaction."""
    _delete(connection, assets)
    connection.executemany(
        "INSERT INTO pools (scope, account, asset, book, method) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        derived.pools,
    )
    ids = [
        connection.execute(
            "SELECT id FROM pools WHERE (scope, account, asset, book, method) = (?, ?, ?, ?, ?)", key
        ).fetchone()[0]
        for key in derived.pools
    ]
    for table, columns in TABLES.items():
        rows = ((ids[int(str(row[0]))], *row[1:]) for row in derived.rows.get(table, ()))
        connection.executemany(
            f"INSERT INTO {table} (pool, {', '.join(_quoted(columns))}) VALUES (?{', ?' * len(columns)})", rows
        )
    connection.executemany(
        f"INSERT INTO marks ({', '.join(MARKS)}) VALUES (?{', ?' * (len(MARKS) - 1)})", derived.marks
    )


def _delete(connection: sqlite3.Connection, assets: Collection[str] | None) -> None:
    """Delete the derived rows of assets; pools that are filled again keep their ids, so that nothing else moves."""
    if assets is None:
        for table in (*TABLES, "pools", "marks"):
            connection.execute(f"DELETE FROM {table}")
        return
    for asset in sorted(assets):
        pools = [row[0] for row in connection.execute("SELECT id FROM pools WHERE asset = ?", (asset,))]
        for table in TABLES:
            connection.executemany(f"DELETE FROM {table} WHERE pool = ?", ((pool,) for pool in pools))
        connection.executemany("DELETE FROM pools WHERE id = ?", ((pool,) for pool in pools))
        connection.execute("DELETE FROM marks WHERE asset = ?", (asset,))


def _quoted(columns: Iterable[str]) -> list[str]:
    return [f'"{column}"' for column in columns]


def refresh_coverage(connection: sqlite3.Connection) -> bool:
    """Copy what is proven complete of every account, in the open transaction; return whether it changed."""
    accounts = connection.execute("SELECT account FROM accounts WHERE exchange <> 'file' ORDER BY account").fetchall()
    proven = [(account, start, end) for (account,) in accounts for start, end in coverage(connection, account)]
    stored = connection.execute("SELECT account, start_ms, end_ms FROM coverage ORDER BY account, start_ms").fetchall()
    if [tuple(row) for row in stored] == proven:
        return False
    connection.execute("DELETE FROM coverage")
    connection.executemany("INSERT INTO coverage (account, start_ms, end_ms) VALUES (?, ?, ?)", proven)
    return True


def converted_with(connection: sqlite3.Connection, assets: Collection[str]) -> frozenset[str]:
    """Return assets and all that convert into one another with them: they share lots and are computed together."""
    pairs = connection.execute("SELECT DISTINCT asset, to_asset FROM movements WHERE to_asset IS NOT NULL").fetchall()
    reached, more = set(assets), True
    while more:
        ends = {end for pair in map(tuple, pairs) if reached.intersection(pair) for end in pair}
        more = not ends <= reached
        reached |= ends
    return frozenset(reached)


def measured_with(connection: sqlite3.Connection) -> str | None:
    """Return the terms the tracks were computed with, None before the first computation."""
    row = connection.execute("SELECT value FROM meta WHERE key = ?", (TERMS,)).fetchone()
    return None if row is None else str(row[0])


def note_measured_with(connection: sqlite3.Connection, terms: str) -> None:
    """Note the terms that all tracks are computed with."""
    connection.execute(
        "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        (TERMS, terms),
    )
