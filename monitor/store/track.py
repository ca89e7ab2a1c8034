"""The derived tables: what the engine computed goes in whole, in the transaction that takes its assets off `touched`.

Rows come as plain tuples in the order of `monitor.schema`, so that nothing here knows how they were computed. Of a
long history only what may have changed is written. Everything can be deleted and computed again.
"""

# ruff: noqa: S608  the names of tables and columns are our own constants; every value is bound

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import takewhile
from typing import TYPE_CHECKING, NamedTuple

from monitor.schema import MARKS, SEGMENTS, TRACK
from monitor.store.rewriting import TABLES, replace_pool, same_but_peak, write
from monitor.store.streams import coverage

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Mapping, Sequence

    from monitor.store.rewriting import Row, Rows


class PoolKey(NamedTuple):
    """What tells pools of lots apart; `account` is empty in scope portfolio."""

    scope: str
    account: str
    asset: str
    book: str
    method: str


class Tail(NamedTuple):
    """From when on a pool was computed (`anew`: all of it), and from when on it may differ from what is stored.

    `begun`: it went on in the middle of a segment, which began at that instant.
    """

    start: int
    since: int
    anew: bool
    begun: int | None = None


@dataclass(frozen=True, slots=True)
class Derived:
    """What a computation brings: the rows of each table of `TABLES` by pool, the marks by asset, where pools stand."""

    pools: Mapping[PoolKey, Mapping[str, Rows]]
    marks: Mapping[str, Rows] = field(default_factory=dict)
    tips: Mapping[PoolKey, bytes] = field(default_factory=dict)


def replace_tracks(
    connection: sqlite3.Connection,
    derived: Derived,
    assets: Collection[str] | None,
    since: Mapping[str, int] | None = None,
) -> None:
    """Put what was computed in the place of all derived rows of `assets` (None: of all), in the open transaction.

    `since` tells from when on an asset's rows may differ: where the stored row before that instant is the computed
    one, to the last bit of every running sum, nothing before it is written again.
    """
    since = since or {}
    _delete_others(connection, derived.pools, derived.marks, assets)
    pools = {key: _pool(connection, key) for key in derived.pools}
    cuts = {
        key: _unchanged_until(connection, pools[key], tables, since.get(key.asset))
        for key, tables in derived.pools.items()
    }
    # Lots move between pools: where the past of one is another, that of a mate may be without a sum that shows it.
    mates = converted_with(connection, {key.asset for key, cut in cuts.items() if cut is None and key.asset in since})
    for key, tables in derived.pools.items():
        replace_pool(connection, pools[key], tables, None if key.asset in mates else cuts[key])
    for asset, rows in derived.marks.items():
        start = since.get(asset)
        same = start is not None and _same_mark(connection, asset, rows, start)
        write(connection, ("marks", "asset"), asset, rows, start if same else None)


def extend_tracks(connection: sqlite3.Connection, derived: Derived, tails: Mapping[PoolKey, Tail]) -> frozenset[str]:
    """Put what was computed from a start on in the place of what is stored since, in the open transaction.

    Pools without a tail are stored whole. Returns the assets of which nothing was written, because the stored row
    before the instant is not the computed one: they must be computed from their first event.
    """
    cuts: dict[PoolKey, tuple[int, int] | None] = {}
    odd: set[str] = set()
    for key, tables in derived.pools.items():
        tail = tails.get(key)
        if tail is not None:
            cuts[key] = _cut(connection, _pool(connection, key), tables, tail)
            odd.update([key.asset] if cuts[key] is None and not tail.anew else [])
    for key, tables in derived.pools.items():
        if key.asset not in odd:
            pool = _pool(connection, key)
            replace_pool(connection, pool, tables, cuts.get(key))
            _note_tip(connection, pool, derived.tips.get(key))
    return frozenset(odd)


def _note_tip(connection: sqlite3.Connection, pool: int, tip: bytes | None) -> None:
    """Note where a pool stands after its last event."""
    if tip is not None:
        connection.execute(
            "INSERT INTO tips (pool, time_ms, events, tip) SELECT pool, time_ms, ordinal + 1, ?2 FROM track"
            " WHERE pool = ?1 ORDER BY time_ms DESC, ordinal DESC LIMIT 1",
            (pool, tip),
        )


def extend_marks(connection: sqlite3.Connection, asset: str, rows: Sequence[Row], since: int) -> None:
    """Put marks in the place of the stored ones from an instant on."""
    connection.execute("DELETE FROM marks WHERE asset = ? AND time_ms >= ?", (asset, since))
    connection.executemany(f"INSERT INTO marks ({', '.join(MARKS)}) VALUES (?, ?, ?, ?, ?)", rows)


def _cut(connection: sqlite3.Connection, pool: int, tables: Mapping[str, Rows], tail: Tail) -> tuple[int, int] | None:
    """Return from when on a pool's rows and segments are written; None where its past is not what was computed."""
    if tail.begun is not None:
        return tail.since, tail.begun
    query = "SELECT max(time_ms) FROM track WHERE pool = ? AND time_ms < ?"
    (last,) = connection.execute(query, (pool, tail.since)).fetchone()
    if last is None or last < tail.start:
        # Of this pool nothing was computed before the instant that could be compared.
        return tail.since, tail.since
    return _unchanged_until(connection, pool, tables, tail.since)


def delete_others(connection: sqlite3.Connection, pools: Collection[PoolKey], marked: Collection[str]) -> None:
    """Delete all pools but these and the marks of all assets but `marked`, in the open transaction."""
    _delete_others(connection, pools, marked, None)


def _delete_others(
    connection: sqlite3.Connection, pools: Collection[PoolKey], marks: Collection[str], assets: Collection[str] | None
) -> None:
    """Delete pools and marks of the assets that brought none; pools that are filled again keep their ids."""
    for pool, *key in connection.execute("SELECT id, scope, account, asset, book, method FROM pools").fetchall():
        ours = assets is None or key[2] in assets
        if ours and PoolKey(*key) not in pools:
            for table in (*TABLES, "tips"):
                connection.execute(f"DELETE FROM {table} WHERE pool = ?", (pool,))
            connection.execute("DELETE FROM pools WHERE id = ?", (pool,))
    marked = connection.execute("SELECT DISTINCT asset FROM marks").fetchall() if assets is None else zip(assets)
    gone = [(asset,) for (asset,) in marked if asset not in marks]
    connection.executemany("DELETE FROM marks WHERE asset = ?", gone)


def _pool(connection: sqlite3.Connection, key: PoolKey) -> int:
    find = "SELECT id FROM pools WHERE (scope, account, asset, book, method) = (?, ?, ?, ?, ?)"
    found = connection.execute(find, key).fetchone()
    if found is None:
        connection.execute("INSERT INTO pools (scope, account, asset, book, method) VALUES (?, ?, ?, ?, ?)", key)
        found = connection.execute(find, key).fetchone()
    return int(found[0])


def _unchanged_until(
    connection: sqlite3.Connection, pool: int, tables: Mapping[str, Rows], since: int | None
) -> tuple[int, int] | None:
    """Return from when on the rows of a pool, and those of its segments, must be written; None: all of them."""
    if since is None:
        return None
    stored = connection.execute(
        f"SELECT {', '.join(TRACK)} FROM track WHERE pool = ?1 AND time_ms ="
        " (SELECT max(time_ms) FROM track WHERE pool = ?1 AND time_ms < ?2) ORDER BY ordinal",
        (pool, since),
    ).fetchall()
    if not stored:
        return None
    last, segment = stored[0][0], stored[0][2]
    if [*takewhile(lambda row: row[0] == last, tables["track"](last))] != stored:
        return None
    before = connection.execute(
        f"SELECT {', '.join(SEGMENTS)} FROM segments WHERE pool = ? AND segment = ?", (pool, segment)
    ).fetchone()
    begun = int(before[2])
    computed = next(iter(tables["segments"](begun)), ())
    return (since, begun) if same_but_peak(before, computed) else None


def _same_mark(connection: sqlite3.Connection, asset: str, rows: Rows, since: int) -> bool:
    """Return whether the last stored mark before an instant is the computed one."""
    stored = connection.execute(
        f"SELECT {', '.join(MARKS)} FROM marks WHERE asset = ? AND time_ms < ? ORDER BY time_ms DESC LIMIT 1",
        (asset, since),
    ).fetchone()
    return stored is not None and next(iter(rows(stored[1])), None) == stored


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


def converted_with(
    connection: sqlite3.Connection, assets: Collection[str], cash: Collection[str] = ()
) -> frozenset[str]:
    """Return assets and all that convert into one another with them: they share lots and are computed together.

    What was converted to or from `cash`, which has no lots, shares none.
    """
    pairs = [
        pair
        for pair in map(
            tuple,
            connection.execute(
                "SELECT DISTINCT asset, to_asset FROM movements INDEXED BY movements_to WHERE to_asset IS NOT NULL"
            ),
        )
        if not set(pair).intersection(cash)
    ]
    reached, more = set(assets), True
    while more:
        ends = {end for pair in pairs if reached.intersection(pair) for end in pair}
        more = not ends <= reached
        reached |= ends
    return frozenset(reached)
