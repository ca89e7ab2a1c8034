"""Where each stream stands: its cursor, what is proven complete, and where rows may be missing.

Intervals are half open and merged; an open gap never lies inside one, so "inside an interval" always means proven.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from monitor.errors import UsageError
from monitor.records import Gap, Stream, StreamKey
from monitor.store.spans import FOREVER, Interval, common, without

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from monitor.records import StreamState
    from monitor.store.database import Writer

LEDGER_KINDS = ("fills", "deposits", "withdrawals")


class OpenGap(NamedTuple):
    """A gap and the stream it is in."""

    stream: StreamKey
    gap: Gap


def stream_id(connection: sqlite3.Connection, key: StreamKey) -> int:
    """Return the row id of a stream, made on first use; inside an open transaction.

    Raises:
        UsageError: its account is not registered.
    """
    place = (key.account, key.kind, key.book, key.symbol)
    find = "SELECT id FROM streams WHERE (account, kind, book, symbol) = (?, ?, ?, ?)"
    row = connection.execute(find, place).fetchone()
    if row:
        return int(row[0])
    if not connection.execute("SELECT 1 FROM accounts WHERE account = ?", [key.account]).fetchone():
        raise UsageError(f"There is no account {key.account!r} in the database.", "Register it before its streams.")
    connection.execute("INSERT INTO streams (account, kind, book, symbol) VALUES (?, ?, ?, ?)", place)
    return int(connection.execute(find, place).fetchone()[0])


def streams(connection: sqlite3.Connection, account: str | None = None) -> tuple[Stream, ...]:
    """Return the streams of one account, or of all, with their cursors and states."""
    rows = connection.execute(
        "SELECT account, kind, book, symbol, state, cursor_ms, last_success_ms, last_error, unreachable_before_ms, cold"
        " FROM streams WHERE ?1 IS NULL OR account = ?1 ORDER BY account, kind, book, symbol",
        [account],
    )
    return tuple(Stream(StreamKey(*row[:4]), *(*row[4:9], bool(row[9]))) for row in map(tuple, rows))


def mark(writer: Writer, key: StreamKey, state: StreamState, error: str | None, now: int) -> None:
    """Set a stream's state; with an `error`, that and its time too, without one the last error stays to be read."""
    with writer.transaction() as connection:
        connection.execute(
            "UPDATE streams SET state = ?1, last_error = coalesce(?2, last_error),"
            " last_error_ms = iif(?2 IS NULL, last_error_ms, ?3) WHERE id = ?4",
            [state, error, now, stream_id(connection, key)],
        )


def succeed(writer: Writer, key: StreamKey, now: int) -> None:
    """Note that a stream without windows, such as the balances, was read."""
    with writer.transaction() as connection:
        connection.execute(
            "UPDATE streams SET state = 'active', last_success_ms = ?, last_error = NULL, last_error_ms = NULL"
            " WHERE id = ?",
            [now, stream_id(connection, key)],
        )


def temper(writer: Writer, keys: Iterable[StreamKey], *, cold: bool) -> None:
    """Note that streams are cold (read at night, holding nothing back), or are so no more."""
    with writer.transaction() as connection:
        connection.executemany(
            "UPDATE streams SET cold = ? WHERE id = ?", [(int(cold), stream_id(connection, key)) for key in keys]
        )


def limit(writer: Writer, key: StreamKey, unreachable_before: int | None) -> None:
    """Note the instant before which the venue serves nothing of a stream."""
    with writer.transaction() as connection:
        connection.execute(
            "UPDATE streams SET unreachable_before_ms = ? WHERE id = ?",
            [unreachable_before, stream_id(connection, key)],
        )


def intervals(connection: sqlite3.Connection, key: StreamKey) -> tuple[Interval, ...]:
    """Return the proven intervals of a stream, merged and in order."""
    rows = connection.execute(
        "SELECT i.start_ms, i.end_ms FROM intervals i JOIN streams s ON s.id = i.stream"
        " WHERE (s.account, s.kind, s.book, s.symbol) = (?, ?, ?, ?) ORDER BY i.start_ms",
        [key.account, key.kind, key.book, key.symbol],
    )
    return tuple((start, end) for start, end in rows)


def gaps(connection: sqlite3.Connection, account: str | None = None) -> tuple[OpenGap, ...]:
    """Return the open gaps of one account, or of all, oldest first."""
    rows = connection.execute(
        "SELECT s.account, s.kind, s.book, s.symbol, g.start_ms, g.end_ms, g.reason FROM gaps g"
        " JOIN streams s ON s.id = g.stream WHERE g.closed_ms IS NULL AND (?1 IS NULL OR s.account = ?1)"
        " ORDER BY g.start_ms, s.account, s.kind, s.book, s.symbol",
        [account],
    )
    return tuple(OpenGap(StreamKey(*row[:4]), Gap(*row[4:])) for row in map(tuple, rows))


def prove(connection: sqlite3.Connection, stream: int, span: Interval, now: int) -> None:
    """Add a proven interval, merge it with those it touches, close the gaps that lie inside the result."""
    start, end = span
    near = connection.execute(
        "SELECT start_ms, end_ms FROM intervals WHERE stream = ? AND start_ms <= ? AND end_ms >= ?",
        [stream, end, start],
    ).fetchall()
    start = min([start, *(first for first, _ in near)])
    end = max([end, *(last for _, last in near)])
    connection.executemany(
        "DELETE FROM intervals WHERE stream = ? AND start_ms = ?", [(stream, first) for first, _ in near]
    )
    connection.execute("INSERT INTO intervals (stream, start_ms, end_ms) VALUES (?, ?, ?)", [stream, start, end])
    connection.execute(
        "UPDATE gaps SET closed_ms = ? WHERE stream = ? AND closed_ms IS NULL AND start_ms >= ? AND end_ms <= ?",
        [now, stream, start, end],
    )


def record_gap(connection: sqlite3.Connection, stream: int, gap: Gap, now: int) -> None:
    """Open a gap (again), and cut it out of what was proven: the venue now says more is there than was seen."""
    connection.execute(
        "INSERT INTO gaps (stream, start_ms, end_ms, reason, found_ms) VALUES (?1, ?2, ?3, ?4, ?5)"
        " ON CONFLICT (stream, start_ms, end_ms) DO UPDATE SET reason = ?4, closed_ms = NULL,"
        " found_ms = iif(closed_ms IS NULL, found_ms, ?5)",
        [stream, gap.start, gap.end, gap.reason, now],
    )
    hit = connection.execute(
        "SELECT start_ms, end_ms FROM intervals WHERE stream = ? AND start_ms < ? AND end_ms > ?",
        [stream, gap.end, gap.start],
    ).fetchall()
    connection.executemany(
        "DELETE FROM intervals WHERE stream = ? AND start_ms = ?", [(stream, first) for first, _ in hit]
    )
    connection.executemany(
        "INSERT INTO intervals (stream, start_ms, end_ms) VALUES (?, ?, ?)",
        [(stream, first, last) for first, last in without(hit, (gap.start, gap.end))],
    )


def coverage(connection: sqlite3.Connection, account: str) -> tuple[Interval, ...]:
    """Return the spans in which every ledger stream of an account (fills, deposits, withdrawals) is proven complete.

    Half open, merged, in order; empty for an unknown account and while a stream has proven nothing. An archived
    stream binds up to the end of its last interval (its market is gone), a cold one not at all, nor does an
    unsupported one of deposits or withdrawals; fills that cannot be read leave nothing proven. Where the account's
    start is known, a span that holds it reaches back to 0. An account of imported files is complete.
    """
    row = connection.execute("SELECT exchange, starts_ms FROM accounts WHERE account = ?", [account]).fetchone()
    if row is None:
        return ()
    if row[0] == "file":
        return ((0, FOREVER),)
    proven = _proven(connection, account)
    if not proven:
        return ()
    spans = proven[0]
    for stream in proven[1:]:
        spans = common(spans, stream)
    starts = row[1]
    return tuple((0 if starts is not None and start <= starts <= end else start, end) for start, end in spans)


def _proven(connection: sqlite3.Connection, account: str) -> list[tuple[Interval, ...]]:
    """Return the proven spans of each ledger stream that binds; an archived one is complete after its last."""
    rows = connection.execute(
        "SELECT s.id, s.state, i.start_ms, i.end_ms FROM streams s LEFT JOIN intervals i ON i.stream = s.id"
        " WHERE s.account = ? AND s.kind IN (?, ?, ?) AND (s.state <> 'unsupported' OR s.kind = 'fills') AND NOT s.cold"
        " ORDER BY s.id, i.start_ms",
        [account, *LEDGER_KINDS],
    )
    spans: dict[int, list[Interval]] = {}
    archived = set()
    for stream, state, start, end in rows:
        found = spans.setdefault(stream, [])
        if start is not None:
            found.append((start, end))
        if state == "archived":
            archived.add(stream)
    for stream in archived:
        last = spans[stream].pop() if spans[stream] else (0, 0)
        spans[stream].append((last[0], FOREVER))
    return [tuple(found) for found in spans.values()]
