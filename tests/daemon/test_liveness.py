"""The watchdog is fed by the work: a job that hangs is noticed, a slow one is not."""

from __future__ import annotations

from monitor.daemon.liveness import Liveness


def test_a_job_is_overdue_after_three_intervals() -> None:
    """Every 60 s, last good at 100: overdue after 100 + 3 * 60 = 280."""
    liveness = Liveness({"fills": 60.0}, started=0.0)
    liveness.succeeded("fills", 100.0)
    assert liveness.overdue(280.0) == []
    assert liveness.overdue(280.1) == ["fills"]


def test_a_quick_job_has_two_minutes() -> None:
    """Every 10 s: three intervals are 30 s, but one slow venue is no outage, so 120 s count."""
    liveness = Liveness({"delivery": 10.0}, started=0.0)
    assert liveness.overdue(119.0) == []
    assert liveness.overdue(121.0) == ["delivery"]


def test_a_job_that_never_finished_counts_from_the_start() -> None:
    """A first sync that hangs forever is overdue like any other."""
    liveness = Liveness({"fills": 60.0, "prices": 300.0}, started=1000.0)
    assert liveness.overdue(1181.0) == ["fills"]
