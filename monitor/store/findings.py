"""Findings: what a person must know about the data, one row per code and subject until it is gone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.records import Finding
from monitor.store.remembered import remembered

if TYPE_CHECKING:
    import sqlite3

    from monitor.store.database import Writer


def raise_finding(writer: Writer, finding: Finding, now: int) -> None:
    """Store a finding in a transaction of its own."""
    with writer.transaction() as connection:
        record_finding(connection, finding, now)


def record_finding(connection: sqlite3.Connection, finding: Finding, now: int) -> None:
    """Store a finding in the open transaction: its first time stays while it lasts, text and severity follow."""
    connection.execute(
        "INSERT INTO findings (code, subject, severity, message, remedy, first_ms, last_ms)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6) ON CONFLICT (code, subject) DO UPDATE SET severity = excluded.severity,"
        " message = excluded.message, remedy = excluded.remedy, last_ms = excluded.last_ms, resolved_ms = NULL,"
        " first_ms = iif(resolved_ms IS NULL, first_ms, excluded.first_ms)",
        [finding.code, finding.subject, finding.severity, finding.message, finding.remedy, now],
    )


def resolve(writer: Writer, code: str, subject: str, now: int) -> bool:
    """Note that a finding is gone; return whether there was one."""
    with writer.transaction() as connection:
        return resolve_finding(connection, code, subject, now)


def resolve_finding(connection: sqlite3.Connection, code: str, subject: str, now: int) -> bool:
    """Note in the open transaction that a finding is gone; return whether there was one."""
    done = connection.execute(
        "UPDATE findings SET resolved_ms = ? WHERE (code, subject) = (?, ?) AND resolved_ms IS NULL",
        [now, code, subject],
    )
    return done.rowcount > 0


@remembered
def findings(connection: sqlite3.Connection) -> tuple[Finding, ...]:
    """Return the findings that stand, the most severe first, then the oldest."""
    rows = connection.execute(
        "SELECT code, subject, message, remedy, severity FROM findings WHERE resolved_ms IS NULL"
        " ORDER BY CASE severity WHEN 'critical' THEN 0 WHEN 'warning' THEN 1 ELSE 2 END, first_ms, code, subject"
    )
    return tuple(Finding(*row) for row in map(tuple, rows))
