"""Is the work going on? Answered from the last success of each job, never from an idle thread.

A job is overdue when it has not finished well for three of its intervals (at least two minutes, so that one slow
venue is no outage). While any job is overdue the watchdog is not fed, and the service manager restarts the daemon.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

PATIENCE = 3
LEAST_SECONDS = 120.0


@dataclass
class Liveness:
    """When each job last finished well, on a clock that never steps (seconds)."""

    intervals: Mapping[str, float]
    started: float
    finished: dict[str, float] = field(default_factory=dict)

    def succeeded(self, job: str, instant: float) -> None:
        """Note that a job finished without failing."""
        self.finished[job] = instant

    def overdue(self, instant: float) -> list[str]:
        """Return the jobs that should have finished well by now and did not, sorted by name."""
        return sorted(
            job
            for job, interval in self.intervals.items()
            if instant - self.finished.get(job, self.started) > max(PATIENCE * interval, LEAST_SECONDS)
        )
