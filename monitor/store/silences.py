"""Silences and acknowledgements: they hold back sending, never states, and say who asked for it and why."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from monitor.errors import UsageError

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from monitor.episodes import Notice


@dataclass(frozen=True, slots=True)
class Silence:
    """What is held back (patterns such as `btc-*`), the half-open span [start, until), who asked and why."""

    start: int
    until: int
    who: str
    why: str
    rule: str = "*"
    subject: str = "*"
    severity: str = "*"
    id: int = 0

    @property
    def about(self) -> str:
        """Return in words what is held back."""
        rule = "every rule" if self.rule == "*" else f"rule {self.rule}"
        subject = "" if self.subject == "*" else f" for {self.subject}"
        return f"{rule}{subject}" if self.severity == "*" else f"{rule}{subject} of severity {self.severity}"

    def covers(self, notice: Notice) -> bool:
        """Return whether the silence is about a message."""
        pairs = ((notice.rule, self.rule), (notice.subject, self.subject), (notice.severity, self.severity))
        return all(fnmatchcase(word, pattern) for word, pattern in pairs)


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """Who cares for what fires under a (rule, subject), and why; `until` None: until it is resolved."""

    rule: str
    subject: str
    who: str
    why: str
    time: int
    until: int | None = None


@dataclass(frozen=True, slots=True)
class Lift:
    """The end of a silence before its time."""

    number: int


def add_silence(connection: sqlite3.Connection, silence: Silence, now: int) -> int:
    """Store a silence in the open transaction and return its number.

    Raises:
        UsageError: it ends before it begins, or has ended already.
    """
    if silence.until <= max(silence.start, now):
        raise UsageError("The silence would be over before it begins.", "Give an end in the future: --for 2h.")
    row = (silence.rule, silence.subject, silence.severity, silence.start, silence.until, silence.who, silence.why, now)
    done = connection.execute(
        "INSERT INTO silences (rule, subject, severity, from_ms, until_ms, who, why, created_ms)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        row,
    )
    return int(done.lastrowid or 0)


def lift_silence(connection: sqlite3.Connection, number: int, now: int) -> None:
    """End a silence before its time, in the open transaction.

    Raises:
        UsageError: there is no such silence, or it is over.
    """
    done = connection.execute(
        "UPDATE silences SET lifted_ms = ?1 WHERE id = ?2 AND lifted_ms IS NULL AND until_ms > ?1", [now, number]
    )
    if not done.rowcount:
        raise UsageError(f"There is no silence {number} to lift.", "List them with: monitor alerts silence --list")


def silences(connection: sqlite3.Connection, now: int) -> tuple[Silence, ...]:
    """Return the silences that are in force or still to come, the first to end first."""
    rows = connection.execute(
        "SELECT from_ms, until_ms, who, why, rule, subject, severity, id FROM silences"
        " WHERE lifted_ms IS NULL AND until_ms > ? ORDER BY until_ms, id",
        [now],
    )
    return tuple(Silence(*row) for row in map(tuple, rows))


def acknowledge(connection: sqlite3.Connection, ack: Acknowledgement) -> int:
    """Note, in the open transaction, that somebody cares for the open episode of a (rule, subject); return its number.

    While that holds nothing more of it is sent but its end.

    Raises:
        UsageError: nothing fires there.
    """
    row = connection.execute(
        "SELECT episode FROM rule_states WHERE (rule, subject) = (?, ?) AND episode IS NOT NULL",
        [ack.rule, ack.subject],
    ).fetchone()
    if row is None:
        raise UsageError(f"{ack.rule} does not fire for {ack.subject}.", "See what does: monitor alerts list")
    connection.execute(
        "INSERT OR REPLACE INTO acks (rule, subject, episode, who, why, time_ms, until_ms)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        [ack.rule, ack.subject, row[0], ack.who, ack.why, ack.time, ack.until],
    )
    return int(row[0])


def acknowledged(connection: sqlite3.Connection, now: int) -> dict[tuple[str, str, int], str]:
    """Return who acknowledged which (rule, subject, episode)."""
    rows = connection.execute(
        "SELECT rule, subject, episode, who FROM acks WHERE until_ms IS NULL OR until_ms > ?", [now]
    )
    return {(rule, subject, episode): who for rule, subject, episode, who in map(tuple, rows)}


def held_back(connection: sqlite3.Connection, now: int) -> Callable[[Notice], bool]:
    """Return the question whether a message must wait: silenced, or acknowledged and not its episode's end."""
    quiet = [silence for silence in silences(connection, now) if silence.start <= now]
    known = acknowledged(connection, now)

    def held(notice: Notice) -> bool:
        acked = notice.kind != "resolved" and (notice.rule, notice.subject, notice.episode) in known
        return acked or any(silence.covers(notice) for silence in quiet)

    return held
