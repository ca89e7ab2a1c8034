"""What a venue answered where reading stopped, kept whole for a look, and how often it did not let an account in."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, NamedTuple

from monitor.records import StreamKey
from monitor.store.streams import stream_id

if TYPE_CHECKING:
    import sqlite3

    from monitor.store.database import Writer

# Answers kept of one stream; a venue that fails each minute must not fill the disk.
KEPT = 10


class KeptAnswer(NamedTuple):
    """A body that stopped its stream; `raw` without secrets, cut at 64 KiB."""

    stream: StreamKey
    time: int
    reason: str
    raw: str


def keep_answer(writer: Writer, key: StreamKey, told: tuple[str, str], now: int) -> None:
    """Keep an answer, `told` as (reason, body), with its stream; the oldest beyond ten goes."""
    reason, raw = told
    if not raw:
        return
    with writer.transaction() as connection:
        stream = stream_id(connection, key)
        connection.execute(
            "INSERT INTO refusals (stream, seen_ms, reason, raw) VALUES (?, ?, ?, ?)",
            [stream, now, reason, zlib.compress(raw.encode())],
        )
        connection.execute(
            "DELETE FROM refusals WHERE stream = ?1 AND id NOT IN"
            " (SELECT id FROM refusals WHERE stream = ?1 ORDER BY id DESC LIMIT ?2)",
            [stream, KEPT],
        )


def kept_answers(connection: sqlite3.Connection, limit: int = 100) -> tuple[KeptAnswer, ...]:
    """Return the newest kept answers, the newest first."""
    rows = connection.execute(
        "SELECT s.account, s.kind, s.book, s.symbol, r.seen_ms, r.reason, r.raw FROM refusals r"
        " JOIN streams s ON s.id = r.stream ORDER BY r.id DESC LIMIT ?",
        [limit],
    )
    return tuple(
        KeptAnswer(StreamKey(*row[:4]), row[4], row[5], zlib.decompress(row[6]).decode()) for row in map(tuple, rows)
    )


def count_blocked(writer: Writer, account: str) -> int:
    """Count one more answer that did not let the account in; return how many there are since it was last read whole."""
    with writer.transaction() as connection:
        connection.execute("UPDATE accounts SET blocked = blocked + 1 WHERE account = ?", [account])
        row = connection.execute("SELECT blocked FROM accounts WHERE account = ?", [account]).fetchone()
    return int(row[0]) if row else 0


def forget_blocked(writer: Writer, account: str) -> None:
    """Begin to count anew: the account was read whole."""
    with writer.transaction() as connection:
        connection.execute("UPDATE accounts SET blocked = 0 WHERE account = ? AND blocked > 0", [account])
