"""Which jobs are late, and who writes: asked by readers, without a right to write."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from monitor.clock import MINUTE, SECOND
from monitor.errors import DatabaseLocked
from monitor.store.database import open_writer
from monitor.store.lock import refuse_second, writer_of
from monitor.store.runs import finish_run, late_jobs, start_run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from monitor.store.database import Writer


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Writer]:
    """Yield an empty database with the right to write."""
    with open_writer(tmp_path / "desk.db", holder="monitor run") as opened:
        yield opened


def ran(writer: Writer, job: str, *starts: int) -> None:
    """Note runs that each took a second."""
    for start in starts:
        finish_run(writer, start_run(writer, job, start), start + SECOND)


def test_a_job_is_late_after_three_of_its_intervals(writer: Writer) -> None:
    """Every ten minutes, last ended at 10 min 1 s: late after 40 min 1 s."""
    ran(writer, "prices", 0, 10 * MINUTE)
    last = 10 * MINUTE + SECOND
    assert late_jobs(writer.connection, last + 30 * MINUTE) == ()
    assert late_jobs(writer.connection, last + 30 * MINUTE + 1) == (("prices", last),)


def test_a_quick_job_has_five_minutes_and_a_hung_one_no_more(writer: Writer) -> None:
    """Every ten seconds; a run that began and did not end is no end."""
    ran(writer, "delivery", 0, 10 * SECOND)
    start_run(writer, "delivery", 20 * SECOND)
    assert late_jobs(writer.connection, 11 * SECOND + 5 * MINUTE) == ()
    assert late_jobs(writer.connection, 11 * SECOND + 5 * MINUTE + 1) == (("delivery", 11 * SECOND),)


def test_a_job_that_ran_once_has_no_interval(writer: Writer) -> None:
    """Nothing is known of when it should run again."""
    ran(writer, "weekly read", 0)
    assert late_jobs(writer.connection, 90 * MINUTE) == ()


def test_who_writes_is_known_while_it_does(tmp_path: Path) -> None:
    """And a second one is refused without touching anything."""
    database = tmp_path / "desk.db"
    assert writer_of(database) is None
    refuse_second(database)
    with open_writer(database, holder="monitor run"):
        assert f"process {os.getpid()} (monitor run, since " in (writer_of(database) or "")
        with pytest.raises(DatabaseLocked, match="monitor run"):
            refuse_second(database)
    assert writer_of(database) is None
    refuse_second(database)
