"""Messages that still have to leave: one row for each message and channel, claimed by lease, sent, then marked.

A row is told at least once: it is marked only after the channel took it, and a lease that ran out (the sender died)
is taken over. It is told at most once unless that happened between sending and marking. Rows of one
(rule, subject, channel) leave in the order they were decided; a waiting one holds back those behind it.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

from monitor.clock import DAY, MINUTE, SECOND
from monitor.episodes import Notice
from monitor.store.silences import held_back

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

    from monitor.store.database import Writer

FIRST_WAIT = SECOND
LONGEST_WAIT = 15 * MINUTE
RETENTION = 7 * DAY
# Why a message was dropped that no channel ever refused.
QUIET = "held back until it was over"
SAME_EPISODE = (
    "(o.rule, o.subject, o.episode, o.channel) = (outbox.rule, outbox.subject, outbox.episode, outbox.channel)"
)
# A row somebody is sending right now is left alone until its lease runs out; ?1 is now. Nobody leases for
# a day or waits longer than a quarter of an hour: what seems to was written by a clock that was ahead, and is free.
FREE = f"state = 'waiting' AND (lease_until_ms IS NULL OR lease_until_ms <= ?1 OR lease_until_ms > ?1 + {DAY})"
DUE = f"(next_try_ms <= ?1 OR next_try_ms > ?1 + {LONGEST_WAIT})"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message on its way to one channel.

    `attempts` counts this one. `unannounced`: a resolved whose firing never left, so this message tells both.
    """

    id: int
    channel: str
    notice: Notice
    attempts: int
    created: int
    unannounced: bool = False


@dataclass(frozen=True, slots=True)
class Lease:
    """Who sends, and until when nobody else may."""

    holder: str
    until: int


@dataclass(frozen=True, slots=True)
class Digest:
    """Whether messages of a channel leave together: those of one rule, or all; after `wait` milliseconds at most."""

    by: Literal["none", "rule", "channel"] = "none"
    wait: int = 0

    def joins(self, one: Outgoing, due: Outgoing) -> bool:
        """Return whether a message leaves with the one that is due."""
        return self.by == "channel" or (self.by == "rule" and one.notice.rule == due.notice.rule)


ONE_BY_ONE = Digest()


@dataclass(frozen=True, slots=True)
class ChannelState:
    """How a channel is doing: `oldest` is when the oldest waiting message was decided, None if none waits."""

    channel: str
    waiting: int
    oldest: int | None
    dead: int
    last_sent: int | None
    last_error: str | None


def enqueue(connection: sqlite3.Connection, notice: Notice, channels: Iterable[str]) -> None:
    """Put a message in the outbox, one row for each channel, in the open transaction."""
    text = json.dumps(asdict(notice), allow_nan=False, sort_keys=True)
    key = (notice.rule, notice.subject, notice.episode, notice.kind, notice.ordinal)
    connection.executemany(
        "INSERT INTO outbox (rule, subject, episode, kind, ordinal, channel, severity, notice, created_ms, next_try_ms)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [(*key, channel, notice.severity, text, notice.time, notice.time) for channel in dict.fromkeys(channels)],
    )


def read_notice(text: str) -> Notice:
    """Return the notice a row of the outbox holds."""
    return Notice(**json.loads(text))


def told_channels(connection: sqlite3.Connection, notice: Notice) -> tuple[str, ...]:
    """Return the channels that were told of an episode, or are still to be."""
    rows = connection.execute(
        "SELECT channel FROM outbox WHERE (rule, subject, episode) = (?, ?, ?) GROUP BY channel ORDER BY min(id)",
        [notice.rule, notice.subject, notice.episode],
    )
    return tuple(channel for (channel,) in rows)


def waiting_channels(connection: sqlite3.Connection, now: int) -> tuple[str, ...]:
    """Return the channels with a message that may be tried now; whether it may leave, `claim` decides."""
    rows = connection.execute(f"SELECT DISTINCT channel FROM outbox WHERE {FREE} AND {DUE}", [now])  # noqa: S608 - constants
    return tuple(sorted(channel for (channel,) in rows))


def claim(writer: Writer, channel: str, lease: Lease, now: int, digest: Digest = ONE_BY_ONE) -> tuple[Outgoing, ...]:
    """Take what leaves next on a channel: one message, or with a digest all that leave as one; empty if none may.

    Skipped are rows whose time to try again has not come, rows behind an earlier one of their (rule, subject), and
    what a silence or an acknowledgement holds back.
    """
    if channel not in waiting_channels(writer.connection, now):
        return ()
    with writer.transaction() as connection:
        _collapse(connection, channel, now)
        held = held_back(connection, now)
        free = [one for row in _heads(connection, channel, now) if not held((one := _outgoing(connection, row)).notice)]
        due = next((one for one in free if not now - digest.wait < one.created <= now), None)
        if due is None:
            return ()
        taken = tuple(one for one in free if one.id == due.id or digest.joins(one, due))
        connection.executemany(
            "UPDATE outbox SET holder = ?, lease_until_ms = ?, attempts = attempts + 1 WHERE id = ?",
            [(lease.holder, lease.until, one.id) for one in taken],
        )
        return taken


def _collapse(connection: sqlite3.Connection, channel: str, now: int) -> None:
    """Drop what later news made pointless: a firing never sent before its end, a reminder of what was never sent."""
    resolved = f"EXISTS (SELECT 1 FROM outbox o WHERE {SAME_EPISODE} AND o.state = 'waiting' AND o.kind = 'resolved')"  # noqa: S608 - constants
    acked = (
        "kind = 'reminder' AND EXISTS (SELECT 1 FROM acks a WHERE (a.rule, a.subject, a.episode) ="
        " (outbox.rule, outbox.subject, outbox.episode) AND (a.until_ms IS NULL OR a.until_ms > ?1))"
    )
    overtaken = (
        f"kind = 'reminder' AND EXISTS (SELECT 1 FROM outbox o WHERE {SAME_EPISODE} AND o.state = 'waiting'"  # noqa: S608 - constants
        " AND (o.kind = 'firing' OR (o.kind = 'reminder' AND o.id > outbox.id)))"
    )
    for pointless in (f"kind IN ('firing', 'reminder') AND {resolved}", overtaken, acked):
        connection.execute(
            f"UPDATE outbox SET state = 'collapsed', finished_ms = ?1 WHERE {FREE} AND channel = ?2 AND {pointless}",  # noqa: S608 - constants
            [now, channel],
        )


def _heads(connection: sqlite3.Connection, channel: str, now: int) -> list[tuple[int, str, str, int, int]]:
    """Return (id, channel, notice, attempts, created) of the rows that are first of their (rule, subject), in order."""
    return connection.execute(
        f"SELECT id, channel, notice, attempts, created_ms FROM outbox WHERE {FREE} AND {DUE} AND channel = ?2"  # noqa: S608 - constants
        " AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.state = 'waiting' AND o.id < outbox.id"
        " AND (o.channel, o.rule, o.subject) = (outbox.channel, outbox.rule, outbox.subject)) ORDER BY id",
        [now, channel],
    ).fetchall()


def _outgoing(connection: sqlite3.Connection, row: tuple[int, str, str, int, int]) -> Outgoing:
    """Read a row; a resolved one is told whether its firing ever left for this channel."""
    number, channel, text, attempts, created = row
    notice = read_notice(text)
    unannounced = False
    if notice.kind == "resolved":
        sent = connection.execute(
            "SELECT 1 FROM outbox WHERE (rule, subject, episode, channel) = (?, ?, ?, ?) AND state = 'sent'"
            " AND kind IN ('firing', 'reminder')",
            [notice.rule, notice.subject, notice.episode, channel],
        ).fetchone()
        unannounced = sent is None
    return Outgoing(number, channel, notice, attempts + 1, created, unannounced)


def mark_sent(writer: Writer, attempt: Sequence[Outgoing], now: int) -> None:
    """Note that messages left; true even if the lease ran out meanwhile."""
    with writer.transaction() as connection:
        connection.executemany(
            "UPDATE outbox SET state = 'sent', finished_ms = ?, last_error = NULL, holder = NULL,"
            " lease_until_ms = NULL WHERE id = ?",
            [(now, one.id) for one in attempt],
        )


def mark_failed(writer: Writer, attempt: Sequence[Outgoing], error: str, now: int, chance: float) -> None:
    """Note a failed attempt and when to try again; `chance` in [0, 1) spreads the tries of many messages."""
    with writer.transaction() as connection:
        connection.executemany(
            "UPDATE outbox SET next_try_ms = ?, last_error = ?, holder = NULL, lease_until_ms = NULL"
            " WHERE id = ? AND state = 'waiting'",
            [(now + backoff(one.attempts, chance), error, one.id) for one in attempt],
        )


def backoff(attempts: int, chance: float) -> int:
    """Return how long to wait after the n-th failure: 1 s doubling to 15 min, the upper half of it by chance."""
    ceiling = min(LONGEST_WAIT, 2 * FIRST_WAIT << min(attempts - 1, 30))
    return ceiling // 2 + int(chance * (ceiling // 2))


def expire(writer: Writer, now: int, retention: int = RETENTION) -> int:
    """Give up what a channel refused for the whole retention; return how many dead letters that made.

    What was never tried is not given up, however old: the machine was off, not the channel. Nor is what people hold
    back; of that is dropped, without a dead letter, what began and ended unseen.
    """
    rows = writer.connection.execute(
        f"SELECT id, channel, notice, attempts, created_ms, last_error FROM outbox WHERE {FREE} AND created_ms <= ?2",  # noqa: S608 - constants
        [now, now - retention],
    ).fetchall()
    if not rows:
        return 0
    with writer.transaction() as connection:
        held = held_back(connection, now)
        old = [(_outgoing(connection, row[:5]), row[5]) for row in rows]
        dead = [one.id for one, error in old if error and not held(one.notice)]
        quiet = [one.id for one, _ in old if held(one.notice) and _over_unseen(connection, one)]
        connection.executemany(
            "UPDATE outbox SET state = 'dead', finished_ms = ? WHERE id = ?", [(now, number) for number in dead]
        )
        connection.executemany(
            "UPDATE outbox SET state = 'collapsed', finished_ms = ?, last_error = ? WHERE id = ?",
            [(now, QUIET, number) for number in quiet],
        )
    return len(dead)


def _over_unseen(connection: sqlite3.Connection, one: Outgoing) -> bool:
    """Return whether an episode has ended of which this channel never heard."""
    key = [one.notice.rule, one.notice.subject, one.notice.episode]
    ended = connection.execute(
        "SELECT 1 FROM episodes WHERE (rule, subject, episode) = (?, ?, ?) AND ended_ms IS NOT NULL", key
    ).fetchone()
    seen = connection.execute(
        "SELECT 1 FROM outbox WHERE (rule, subject, episode, channel) = (?, ?, ?, ?) AND state = 'sent'",
        [*key, one.channel],
    ).fetchone()
    return ended is not None and seen is None


def given_up_since(connection: sqlite3.Connection, instant: int) -> int:
    """Return how many messages were given up at or after an instant."""
    row = connection.execute(
        "SELECT count(*) FROM outbox WHERE state = 'dead' AND finished_ms >= ?", [instant]
    ).fetchone()
    return int(row[0])


def channel_states(connection: sqlite3.Connection) -> tuple[ChannelState, ...]:
    """Return how every channel that ever had a message is doing; `last_error` is that of a message still waiting."""
    rows = connection.execute(
        "SELECT channel, count(*) FILTER (WHERE state = 'waiting'), min(created_ms) FILTER (WHERE state = 'waiting'),"
        " count(*) FILTER (WHERE state = 'dead'), max(finished_ms) FILTER (WHERE state = 'sent'),"
        " max(last_error) FILTER (WHERE state IN ('waiting', 'dead')) FROM outbox GROUP BY channel ORDER BY channel"
    )
    return tuple(ChannelState(*row) for row in map(tuple, rows))
