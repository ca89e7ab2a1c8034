"""Which pools' derived rows are older than the ledger, and from when: kept in the transaction that made them so."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from monitor.store.remembered import remembered

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping

NOTE = (
    "INSERT INTO touched (asset, account, book, since_ms, whole, priced) VALUES (?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (asset, account, book) DO UPDATE SET since_ms = min(since_ms, excluded.since_ms),"
    " whole = max(whole, excluded.whole), priced = max(priced, excluded.priced)"
)
Place = tuple[str, str, str]


class Note(NamedTuple):
    """Pools of an asset that are stale from an instant on; an empty account or book means every one.

    `whole`: a row of the ledger was replaced, so that nothing computed with it may be kept. `priced`: a price came in.
    """

    account: str
    book: str
    since: int
    whole: bool
    priced: bool


def earliest(moments: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Return the least instant of each asset."""
    since: dict[str, int] = {}
    for asset, instant in moments:
        if instant < since.get(asset, instant + 1):
            since[asset] = instant
    return since


def touch(
    connection: sqlite3.Connection, since: Mapping[str, int], *, whole: bool = False, priced: bool = False
) -> None:
    """Note that all derived rows of assets are stale from an instant on; an earlier note stays."""
    connection.executemany(NOTE, [(asset, "", "", instant, whole, priced) for asset, instant in since.items()])


def touch_pools(connection: sqlite3.Connection, since: Mapping[Place, int]) -> None:
    """Note that the pools of one (asset, account, book) are stale from an instant on; an earlier note stays."""
    connection.executemany(NOTE, [(*place, instant, 0, 0) for place, instant in since.items()])


@remembered
def touched(connection: sqlite3.Connection) -> dict[str, int]:
    """Return the stale assets and the earliest instant each is stale from."""
    query = "SELECT asset, min(since_ms) FROM touched GROUP BY asset ORDER BY asset"
    return dict(connection.execute(query).fetchall())


def notes(connection: sqlite3.Connection) -> dict[str, list[Note]]:
    """Return what is noted about each stale asset."""
    found: dict[str, list[Note]] = {}
    query = "SELECT asset, account, book, since_ms, whole, priced FROM touched ORDER BY asset, account, book"
    for asset, account, book, since, whole, priced in connection.execute(query):
        found.setdefault(asset, []).append(Note(account, book, since, bool(whole), bool(priced)))
    return found


def settle(connection: sqlite3.Connection, done: Mapping[str, int]) -> None:
    """Forget notes that have been worked off; one that became earlier meanwhile stays.

    Call it in the transaction that stores the derived rows.
    """
    connection.executemany("DELETE FROM touched WHERE asset = ? AND since_ms >= ?", done.items())
