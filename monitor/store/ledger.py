"""The ledger: what a window of a stream brought goes in whole or not at all.

Rows, cursor, proven interval, gap, quarantine, findings and the list of assets to restate share one transaction.
The same row twice changes nothing; a row that changed is kept in both forms.
"""

from __future__ import annotations

import hashlib
import zlib
from typing import TYPE_CHECKING

from monitor.errors import UsageError
from monitor.records import Commit
from monitor.store import streams
from monitor.store.doubts import check_copies
from monitor.store.findings import record_finding
from monitor.store.insertion import insert_fills, insert_movements
from monitor.store.prices import commit_prices
from monitor.store.snapshots import commit_snapshot
from monitor.store.spans import without
from monitor.store.sweeping import unswept
from monitor.store.touched import touch

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable
    from typing import Literal

    from monitor.records import Account, Batch, Fill, Movement, Quarantined
    from monitor.store.database import Writer

# One door for everything that is committed, whichever module does it.
__all__ = [
    "assets_seen",
    "check_file_copies",
    "commit_batch",
    "commit_movements",
    "commit_prices",
    "commit_rows",
    "commit_snapshot",
    "mark_account",
    "register_account",
    "store_batch",
]


def register_account(writer: Writer, account: Account, now: int, tier: str | None = None) -> None:
    """Make an account known, or take over its changed start; one of imported files becomes the exchange's.

    `tier` tells how well its venue is known; without one what is stored stays.

    Raises:
        UsageError: the name belongs to an account of another venue that already has rows.
    """
    with writer.transaction() as connection:
        told = connection.execute(
            "SELECT exchange FROM accounts a WHERE account = ?1 AND (EXISTS (SELECT 1 FROM seen WHERE account = ?1)"
            " OR EXISTS (SELECT 1 FROM streams WHERE account = ?1))",
            [account.name],
        ).fetchone()
        if told and told[0] == "file" != account.exchange:
            _adopt(connection, account)
        elif told and told[0] != account.exchange:
            raise UsageError(
                f"Account {account.name!r} is stored as one of {told[0]}, not of {account.exchange}.",
                "Give the new account another name.",
            )
        connection.execute(
            "INSERT INTO accounts (account, exchange, starts_ms, first_seen_ms, tier) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (account) DO UPDATE SET exchange = excluded.exchange, starts_ms = excluded.starts_ms,"
            " tier = coalesce(excluded.tier, tier)",
            [account.name, account.exchange, account.start, now, tier],
        )


def _adopt(connection: sqlite3.Connection, account: Account) -> None:
    """Make imported rows those of the exchange that the account turns out to be of; valuation and order follow."""
    for table in ("fills", "movements"):
        connection.execute(
            f"UPDATE {table} SET exchange = ? WHERE account = ? AND exchange = 'file'",  # noqa: S608  our own names
            [account.exchange, account.name],
        )
    touch(connection, dict.fromkeys(assets_seen(connection, account.name), 0))


def check_file_copies(writer: Writer, account: str, now: int) -> int:
    """Raise, or take back, the finding about imported fills that may be the exchange's; return how many there are."""
    with writer.transaction() as connection:
        return check_copies(connection, account, now)


def mark_account(
    writer: Writer, account: str, state: Literal["active", "paused"] | None, reason: str | None, now: int
) -> None:
    """Set an account's state (None leaves it); a `reason` is kept as its last error, with the time."""
    with writer.transaction() as connection:
        connection.execute(
            "UPDATE accounts SET state = coalesce(?1, state), reason = ?2, last_error = coalesce(?2, last_error),"
            " last_error_ms = iif(?2 IS NULL, last_error_ms, ?3) WHERE account = ?4",
            [state, reason, now, account],
        )


def commit_batch(writer: Writer, batch: Batch, now: int) -> Commit:
    """Store one window of a stream in one transaction and return how many rows were new, known and revised."""
    with unswept(), writer.transaction() as connection:
        return store_batch(connection, batch, now)


def commit_rows(writer: Writer, fills: Iterable[Fill], movements: Iterable[Movement], now: int) -> Commit:
    """Store the rows of an imported file in one transaction: all of it, or nothing."""
    with writer.transaction() as connection:
        one, other = insert_fills(connection, fills, now), insert_movements(connection, movements, now)
    return Commit(new=one.new + other.new, known=one.known + other.known, revised=one.revised + other.revised)


def commit_movements(writer: Writer, movements: Iterable[Movement], now: int) -> Commit:
    """Store movements in one transaction."""
    return commit_rows(writer, (), movements, now)


def store_batch(connection: sqlite3.Connection, batch: Batch, now: int) -> Commit:
    """Store one window of a stream in the open transaction.

    The cursor moves only forward and only with a proof. What the batch's own gap covers is not proven; a row in
    quarantine without a gap that says where it lies voids the whole proof.
    """
    stream = streams.stream_id(connection, batch.stream)
    fills = insert_fills(connection, batch.fills, now)
    movements = insert_movements(connection, batch.movements, now)
    for row in batch.quarantined:
        _quarantine(connection, row, now)
    if batch.proven and (batch.gap or not batch.quarantined):
        for span in without((batch.proven,), (batch.gap.start, batch.gap.end) if batch.gap else (0, 0)):
            streams.prove(connection, stream, span, now)
        _succeed(connection, stream, batch, now)
    if batch.gap:
        streams.record_gap(connection, stream, batch.gap, now)
    for finding in batch.findings:
        record_finding(connection, finding, now)
    return Commit(
        new=fills.new + movements.new, known=fills.known + movements.known, revised=fills.revised + movements.revised
    )


def assets_seen(connection: sqlite3.Connection, account: str) -> set[str]:
    """Return every asset an account ever traded, moved, paid fees in or held."""
    return {asset for (asset,) in connection.execute("SELECT asset FROM seen WHERE account = ?", [account])}


def _succeed(connection: sqlite3.Connection, stream: int, batch: Batch, now: int) -> None:
    """Move the cursor and note the success of stream and account."""
    connection.execute(
        "UPDATE streams SET cursor_ms = iif(?1 IS NULL, cursor_ms, max(coalesce(cursor_ms, ?1), ?1)),"
        " last_success_ms = ?2, last_error = NULL, last_error_ms = NULL WHERE id = ?3",
        [batch.cursor, now, stream],
    )
    connection.execute("UPDATE accounts SET last_success_ms = ? WHERE account = ?", [now, batch.stream.account])


def _quarantine(connection: sqlite3.Connection, row: Quarantined, now: int) -> None:
    """Keep a raw row that could not become a record, once per text."""
    connection.execute(
        "INSERT OR IGNORE INTO quarantine (stream, seen_ms, reason, digest, raw) VALUES (?, ?, ?, ?, ?)",
        [
            streams.stream_id(connection, row.stream),
            now,
            row.reason,
            hashlib.sha256(row.raw.encode()).hexdigest(),
            zlib.compress(row.raw.encode()),
        ],
    )
