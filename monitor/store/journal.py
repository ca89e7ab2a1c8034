"""What the alerts remember: states, episodes, measurements, and the outbox rows that follow from them.

An evaluation is stored by `record_evaluation` inside one transaction, the one in which the previous states were read:
a crash leaves either all of it or nothing, so an episode that exists has its messages waiting, and none without.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

from monitor.episodes import AlertState, Transition
from monitor.store.outbox import enqueue, told_channels

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

    from monitor.episodes import Measurement, Notice

# The fields of AlertState, in order, and the columns they are kept in.
LENGTHS = {"since", "evaluated", "held", "breached", "fired", "told", "blind_since", "blind_held"}
COLUMNS = tuple(f"{field.name}_ms" if field.name in LENGTHS else field.name for field in fields(AlertState))
RANKS = "CASE phase WHEN 'firing' THEN 0 WHEN 'recovering' THEN 1 WHEN 'pending' THEN 2 ELSE 3 END"


@dataclass(frozen=True, slots=True)
class Episode:
    """One stay in trouble, as `alerts history` shows it; `ended` is None while it lasts."""

    rule: str
    subject: str
    episode: int
    kind: str
    severity: str
    metric: str
    unit: str
    since: int
    told: int
    ended: int | None
    value: float | None
    worst: float | None
    threshold: float | None
    reason: str | None
    notes: tuple[str, ...] = ()


def alert_states(connection: sqlite3.Connection) -> tuple[AlertState, ...]:
    """Return where every (rule, subject) stands, the firing ones first."""
    rows = connection.execute(f"SELECT {', '.join(COLUMNS)} FROM rule_states ORDER BY {RANKS}, rule, subject")  # noqa: S608 - constants of this module
    return tuple(AlertState(*row) for row in map(tuple, rows))


def record_evaluation(
    connection: sqlite3.Connection,
    states: Sequence[AlertState],
    transitions: Sequence[Transition],
    measurements: Iterable[Measurement],
) -> None:
    """Store one evaluation in the open transaction: measurements, states, episodes and outbox rows."""
    changed = {(transition.rule, transition.subject) for transition in transitions}
    _record_measurements(connection, measurements, changed)
    marks = ", ".join("?" * len(COLUMNS))
    connection.executemany(
        f"INSERT OR REPLACE INTO rule_states ({', '.join(COLUMNS)}) VALUES ({marks})",  # noqa: S608 - constants
        [tuple(getattr(state, field.name) for field in fields(AlertState)) for state in states],
    )
    for transition in transitions:
        _record_transition(connection, transition)


def _record_measurements(
    connection: sqlite3.Connection, measurements: Iterable[Measurement], changed: set[tuple[str, str]]
) -> None:
    """Store what was measured; the context, the bulk of it, only where something changed by it."""
    connection.executemany(
        "INSERT OR REPLACE INTO measurements (rule, subject, time_ms, value, reason, standing, inventory, fills,"
        " context) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                one.rule,
                one.subject,
                one.time,
                # SQLite would store NaN as null and refuse nothing: neither is a number anybody can compare with.
                one.value if one.value is not None and math.isfinite(one.value) else None,
                one.reason,
                one.standing,
                one.inventory,
                one.fills,
                json.dumps(one.context if (one.rule, one.subject) in changed else {}),
            )
            for one in measurements
        ],
    )


def _record_transition(connection: sqlite3.Connection, transition: Transition) -> None:
    """Open or close the episode of a change, and put its messages in the outbox.

    The end of an episode goes to the channels that were told of it, whatever the rule says by now.
    """
    notice = transition.notice
    if notice and notice.kind in {"firing", "no_data"}:
        _open_episode(connection, notice)
    elif notice:
        notice = _as_begun(connection, notice)
    if transition.ended is not None:
        connection.execute(
            "UPDATE episodes SET ended_ms = ?, worst = coalesce(?, worst), reason = coalesce(?, reason)"
            " WHERE (rule, subject, episode) = (?, ?, ?)",
            [
                transition.time,
                notice.worst if notice else None,
                transition.reason or None,
                transition.rule,
                transition.subject,
                transition.ended,
            ],
        )
    if notice:
        told = told_channels(connection, notice) if notice.kind == "resolved" else transition.channels
        enqueue(connection, notice, told)


def _as_begun(connection: sqlite3.Connection, notice: Notice) -> Notice:
    """Return a notice with the severity its episode began with, and the metric where its rule is gone.

    A receiver that files by severity would else not find what a reminder or an end belongs to.
    """
    row = connection.execute(
        "SELECT severity, metric, unit FROM episodes WHERE (rule, subject, episode) = (?, ?, ?)",
        [notice.rule, notice.subject, notice.episode],
    ).fetchone()
    if row is None:
        return notice
    severity, metric, unit = row
    return replace(notice, severity=severity, metric=notice.metric or metric, unit=notice.unit or unit)


def _open_episode(connection: sqlite3.Connection, notice: Notice) -> None:
    connection.execute(
        "INSERT INTO episodes (rule, subject, episode, kind, severity, metric, unit, since_ms, told_ms, value, worst,"
        " threshold, reason) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            notice.rule,
            notice.subject,
            notice.episode,
            notice.kind,
            notice.severity,
            notice.metric,
            notice.unit,
            notice.since,
            notice.time,
            notice.value,
            notice.worst,
            notice.threshold,
            notice.reason,
        ],
    )


def episodes(connection: sqlite3.Connection, since: int, *, rule: str = "*", subject: str = "*") -> tuple[Episode, ...]:
    """Return the episodes that lasted past `since`, newest first; `rule` and `subject` are patterns (`btc-*`)."""
    rows = connection.execute(
        "SELECT rule, subject, episode, kind, severity, metric, unit, since_ms, told_ms, ended_ms, value, worst,"
        " threshold, reason, notes FROM episodes WHERE (ended_ms IS NULL OR ended_ms >= ?) AND rule GLOB ?"
        " AND subject GLOB ? ORDER BY told_ms DESC, rule, subject, episode DESC",
        [since, rule, subject],
    )
    return tuple(replace(Episode(*row[:-1]), notes=tuple(json.loads(row[-1]))) for row in map(tuple, rows))


def annotate(connection: sqlite3.Connection, asset: str, since: int, note: str) -> int:
    """Note a restatement on the ended episodes it touches, in the open transaction; return how many.

    Touched are those of the asset (in any account) and of the portfolio that ended after `since`.
    """
    done = connection.execute(
        "UPDATE episodes SET notes = json_insert(notes, '$[#]', ?1) WHERE ended_ms > ?2"
        " AND (subject = ?3 OR substr(subject, 1, length(?3) + 1) = ?3 || '@' OR substr(subject, 1, 9) = 'portfolio')",
        [note, since, asset],
    )
    return done.rowcount


def new_restatements(connection: sqlite3.Connection) -> tuple[tuple[str, int, str], ...]:
    """Return (asset, earliest touched instant, cause) of what was restated since this was last asked.

    Call it in the transaction that stores the evaluation: what was returned is not returned again.
    """
    row = connection.execute("SELECT value FROM meta WHERE key = 'alerts:restatement'").fetchone()
    seen = int(row[0]) if row else 0
    rows = connection.execute(
        "SELECT asset, min(since_ms), max(cause), max(id) FROM restatements WHERE id > ? GROUP BY asset ORDER BY asset",
        [seen],
    ).fetchall()
    if rows:
        connection.execute(
            "INSERT INTO meta (key, value) VALUES ('alerts:restatement', ?)"
            " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            [str(max(last for *_, last in rows))],
        )
    return tuple((asset, since, cause) for asset, since, cause, _ in rows)


def prune(connection: sqlite3.Connection, before: int) -> int:
    """Forget measurements, runs and finished messages of ended episodes older than `before`; return how many rows.

    Messages stay while another of their episode waits for the same channel: what it says depends on them.
    """
    gone = connection.execute("DELETE FROM measurements WHERE time_ms < ?", [before]).rowcount
    gone += connection.execute("DELETE FROM job_runs WHERE started_ms < ?", [before]).rowcount
    gone += connection.execute(
        "DELETE FROM outbox WHERE state <> 'waiting' AND finished_ms < ?1 AND EXISTS (SELECT 1 FROM episodes e"
        " WHERE (e.rule, e.subject, e.episode) = (outbox.rule, outbox.subject, outbox.episode) AND e.ended_ms < ?1)"
        " AND NOT EXISTS (SELECT 1 FROM outbox o WHERE (o.rule, o.subject, o.episode, o.channel) ="
        " (outbox.rule, outbox.subject, outbox.episode, outbox.channel) AND o.state = 'waiting')",
        [before],
    ).rowcount
    return gone
