"""When each job ran and how it went: for `status`, for the rule metric job_failed, and for the watchdog."""

# ruff: noqa: S608  the parts of the statements are our own constants; every value is bound

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from monitor.clock import MINUTE

if TYPE_CHECKING:
    import sqlite3

    from monitor.store.database import Writer

PATIENCE = 3
LEAST = 5 * MINUTE


@dataclass(frozen=True, slots=True)
class JobState:
    """A job's last finished run, and since when it fails: `failures` in a row, 0 when the last one succeeded."""

    job: str
    started: int
    finished: int | None
    ok: bool | None
    error: str | None
    committed: int | None
    failures: int


def start_run(writer: Writer, job: str, now: int) -> int:
    """Note that a job began; return the number to finish it with."""
    with writer.transaction() as connection:
        done = connection.execute("INSERT INTO job_runs (job, started_ms) VALUES (?, ?)", [job, now])
        return int(done.lastrowid or 0)


def finish_run(writer: Writer, run: int, now: int, error: str | None = None, committed: int | None = None) -> None:
    """Note how a run ended: with an `error`, or well; `committed` is the instant of its last commit."""
    with writer.transaction() as connection:
        connection.execute(
            "UPDATE job_runs SET finished_ms = ?, ok = ?, error = ?, committed_ms = ? WHERE id = ?",
            [now, int(error is None), error, committed, run],
        )


def job_states(connection: sqlite3.Connection) -> tuple[JobState, ...]:
    """Return the last finished run of every job, with how many failed in a row; by the job's name."""
    states = (_state(connection, job) for job in _jobs(connection))
    return tuple(state for state in states if state is not None)


def late_jobs(connection: sqlite3.Connection, now: int) -> tuple[tuple[str, int], ...]:
    """Return (job, its last end) of every job that ended no run for three times the longest of its last intervals.

    At least five minutes, so that a long read is no failure. A job that cannot even note its runs (the disk is full,
    it hangs) shows here alone; it says nothing unless the service runs.
    """
    late = []
    for job in _jobs(connection):
        rows = connection.execute(
            "SELECT started_ms, finished_ms FROM job_runs WHERE job = ? ORDER BY id DESC LIMIT 4", [job]
        ).fetchall()
        ends = [end for _, end in rows if end is not None]
        intervals = [later - earlier for (later, _), (earlier, _) in pairwise(rows)]
        if ends and intervals and now - max(ends) > max(PATIENCE * max(intervals), LEAST):
            late.append((job, max(ends)))
    return tuple(late)


def _jobs(connection: sqlite3.Connection) -> list[str]:
    """Return the names of all jobs, stepping over the index: delivery alone runs thousands of times a day."""
    rows = connection.execute(
        "WITH RECURSIVE names (job) AS (SELECT min(job) FROM job_runs UNION ALL"
        " SELECT (SELECT min(job) FROM job_runs r WHERE r.job > names.job) FROM names WHERE job IS NOT NULL)"
        " SELECT job FROM names WHERE job IS NOT NULL"
    )
    return [job for (job,) in rows]


def _state(connection: sqlite3.Connection, job: str) -> JobState | None:
    """Return where a job stands, None if no run of it has finished; each search ends at the first row that fits."""
    newest = "ORDER BY id DESC LIMIT 1"
    row = connection.execute(
        "SELECT ?1, started_ms, finished_ms, ok, error,"
        f" (SELECT committed_ms FROM job_runs WHERE job = ?1 AND committed_ms IS NOT NULL {newest}),"
        " (SELECT count(*) FROM job_runs f WHERE f.job = ?1 AND f.ok = 0 AND f.id >"
        f" coalesce((SELECT id FROM job_runs WHERE job = ?1 AND ok = 1 {newest}), 0))"
        f" FROM job_runs WHERE job = ?1 AND finished_ms IS NOT NULL {newest}",
        [job],
    ).fetchone()
    if row is None:
        return None
    _, started, finished, ok, error, committed, failures = row
    return JobState(job, started, finished, bool(ok), error, committed, failures)
