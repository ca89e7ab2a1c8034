"""Balances: each look at an account is noted, a balance only where it changed.

A failed look is stored as such and says nothing about any asset: it is never an empty portfolio.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from monitor.exact import plain
from monitor.records import Balance
from monitor.store.positions import record_positions
from monitor.store.rows import text_or_null

if TYPE_CHECKING:
    import sqlite3

    from monitor.records import Snapshot
    from monitor.store.database import Writer

Told = tuple[str, str | None, str | None]
NOTHING: Told = ("0", None, None)


def commit_snapshot(writer: Writer, snapshot: Snapshot) -> int:
    """Store one look at an account's balances in one transaction; return how many balances changed.

    An asset that is no longer in the answer gets the total 0. An asset that was never held and is 0 is left out.
    """
    with writer.transaction() as connection:
        identity = connection.execute(
            "INSERT INTO snapshots (account, time_ms, error) VALUES (?, ?, ?)",
            [snapshot.account, snapshot.time, snapshot.error],
        ).lastrowid
        if snapshot.error is not None:
            connection.execute(
                "UPDATE accounts SET last_error = ?, last_error_ms = ? WHERE account = ?",
                [snapshot.error, snapshot.time, snapshot.account],
            )
            return 0
        record_positions(connection, snapshot, int(identity or 0))
        changed = _changed(connection, snapshot)
        connection.executemany(
            "INSERT INTO balances (account, asset, snapshot, total, free, used) VALUES (?, ?, ?, ?, ?, ?)",
            [(snapshot.account, asset, identity, *told) for asset, told in changed.items()],
        )
        connection.executemany(
            "INSERT OR IGNORE INTO seen (account, asset, last_ms) VALUES (?, ?, 0)",
            [(snapshot.account, asset) for asset in changed],
        )
    return len(changed)


def held(connection: sqlite3.Connection, account: str) -> dict[str, Balance]:
    """Return the balances of the last good look at an account, zero ones left out."""
    return {
        asset: Balance(asset, Decimal(total), _decimal(free), _decimal(used))
        for asset, (total, free, used) in _latest(connection, account).items()
        if total != "0"
    }


def _changed(connection: sqlite3.Connection, snapshot: Snapshot) -> dict[str, Told]:
    """Return asset -> (total, free, used) where they differ from the last good look."""
    before = _latest(connection, snapshot.account)
    now = {balance.asset: _told(balance) for balance in snapshot.balances}
    assets = dict.fromkeys((*now, *before))
    return {a: now.get(a, NOTHING) for a in assets if now.get(a, NOTHING) != before.get(a, NOTHING)}


def _told(balance: Balance) -> Told:
    """Return a balance as text; a zero is told in one way only, so that 0 and absent are the same."""
    if balance.total == 0 and not balance.free and not balance.used:
        return NOTHING
    return (plain(balance.total), text_or_null(balance.free), text_or_null(balance.used))


def _latest(connection: sqlite3.Connection, account: str) -> dict[str, Told]:
    """Return the newest stored (total, free, used) of each asset: one index seek an asset."""
    newest = connection.execute(
        "SELECT b.asset, b.total, b.free, b.used FROM seen s JOIN balances b ON b.account = s.account"
        " AND b.asset = s.asset AND b.snapshot = (SELECT max(snapshot) FROM balances"
        " WHERE account = s.account AND asset = s.asset) WHERE s.account = ?",
        [account],
    )
    return {asset: (total, free, used) for asset, total, free, used in newest}


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
