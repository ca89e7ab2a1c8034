"""Which assets' derived rows are older than the ledger, and from when: kept in the transaction that made them so."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping


def earliest(moments: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Return the least instant of each asset."""
    since: dict[str, int] = {}
    for asset, instant in moments:
        if instant < since.get(asset, instant + 1):
            since[asset] = instant
    return since


def touch(connection: sqlite3.Connection, since: Mapping[str, int]) -> None:
    """Note that the derived rows of assets are stale from an instant on; an earlier note stays."""
    connection.executemany(
        "INSERT INTO touched (asset, since_ms) VALUES (?, ?)"
        " ON CONFLICT (asset) DO UPDATE SET since_ms = min(since_ms, excluded.since_ms)",
        since.items(),
    )


def touched(connection: sqlite3.Connection) -> dict[str, int]:
    """Return the stale assets and the earliest instant each is stale from."""
    return dict(connection.execute("SELECT asset, since_ms FROM touched ORDER BY asset").fetchall())


def settle(connection: sqlite3.Connection, done: Mapping[str, int]) -> None:
    """Forget notes that have been worked off; one that became earlier meanwhile stays.

    Call it in the transaction that stores the derived rows.
    """
    connection.executemany("DELETE FROM touched WHERE asset = ? AND since_ms >= ?", done.items())
