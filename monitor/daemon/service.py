"""The jobs of one desk on their intervals, until the service is stopped; each fails alone, and is tried again.

APScheduler 3.11 has three traps this module works around: `AsyncIOScheduler.shutdown(wait=True)` cancels running jobs
(so the drain is ours), a backward step of the clock stops all jobs even after it was corrected (so a monotonic tick
notices steps and wakes the scheduler), and job stores other than memory unpickle what they find (so: memory).
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import structlog
from apscheduler.executors.asyncio import AsyncIOExecutor
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from monitor.clock import SECOND
from monitor.daemon.liveness import Liveness
from monitor.daemon.memory import give_back, resident
from monitor.daemon.systemd import notify, watchdog_seconds
from monitor.errors import MonitorError
from monitor.jobs.deliver import drain

if TYPE_CHECKING:
    from monitor.jobs.collect import Progress, Step
    from monitor.jobs.desk import Desk, Job

DRAIN_SECONDS = 8.0
LAST_MESSAGES = SECOND
TICK_SECONDS = 1.0
MEMORY_SECONDS = 60.0
MUCH_MEMORY = 32 * 1024 * 1024
STEP_SECONDS = 2.0  # a difference of wall and monotonic clock that no slow tick explains

log = structlog.get_logger("monitor")


class Service:
    """The jobs of one desk on their intervals; `run` returns when `stop` was called and the jobs have ended."""

    def __init__(self, desk: Desk, jobs: tuple[Job, ...]) -> None:
        """Hold the desk; nothing starts before `run`."""
        self.desk = desk
        self.jobs = jobs
        self.running: set[asyncio.Task[object]] = set()
        self.stopping = asyncio.Event()
        self.loop = asyncio.get_running_loop()
        self.scheduler = AsyncIOScheduler(
            timezone=UTC,
            executors={"default": AsyncIOExecutor()},
            job_defaults={"coalesce": True, "misfire_grace_time": None, "max_instances": 1},
        )
        seconds = {job.name: job.interval / SECOND for job in jobs}
        self.liveness = Liveness(seconds, started=time.monotonic())
        self.late: list[str] = []
        self.tidied, self.left = float("-inf"), 0
        self.reloading = False
        desk.progress = Heard(self.liveness, desk.progress)

    def stop(self, *, reloading: bool = False) -> None:
        """End the service, for good or to go on with other settings; may be called from any thread."""
        self.reloading = reloading
        self.loop.call_soon_threadsafe(self.stopping.set)

    async def run(self) -> None:
        """Start every job at once, then keep to the intervals; drain on `stop`."""
        for job in self.jobs:
            self.scheduler.add_job(
                self._perform,
                "interval",
                args=(job,),
                id=job.name,
                seconds=job.interval / SECOND,
                next_run_time=datetime.now(UTC),
            )
        self.scheduler.start()
        notify("READY=1", "STATUS=running")
        log.info("started", database=str(self.desk.writer.path), jobs=[job.name for job in self.jobs])
        ticker = asyncio.create_task(self._tick())
        await self.stopping.wait()
        if self.reloading:
            notify("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")
        else:
            notify("STOPPING=1")
        ticker.cancel()
        await self._drain()

    async def _perform(self, job: Job) -> None:
        """Run one job once; whatever goes wrong stays in this job and is tried again at its next turn."""
        task = asyncio.current_task()
        if task:
            self.running.add(task)
        began = time.monotonic()
        try:
            outcome = await job.perform(self.desk)
            level = log.info if outcome.noteworthy else log.debug
            level(job.name, seconds=round(time.monotonic() - began, 3), **outcome.figures)
            for trouble in outcome.troubles:
                log.warning(job.name, trouble=trouble)
            self.liveness.succeeded(job.name, time.monotonic())
        except MonitorError as error:
            log.error(job.name, error=str(error))  # noqa: TRY400 - our own errors are sentences, not traces
        except Exception:
            log.exception(job.name)
        finally:
            if task:
                self.running.discard(task)
        self._feed()
        self._tidy()

    def _feed(self) -> None:
        """Tell the service manager that the work goes on, unless a job has not finished well for too long."""
        late = self.liveness.overdue(time.monotonic())
        if late != self.late:
            self.late = late
            if late:
                log.error("overdue", jobs=late, note="the watchdog is not fed until they finish well")
        if not late:
            notify("WATCHDOG=1")

    def _tidy(self) -> None:
        """Give back what the jobs needed and nobody needs now, not while another job goes on.

        Once a minute, and at once where a job took much more than was left the last time.
        """
        now = time.monotonic()
        due = now - self.tidied >= MEMORY_SECONDS or resident() >= self.left + MUCH_MEMORY
        if due and not self.running:
            self.desk.writer.forget_pages()
            give_back()
            self.tidied, self.left = now, resident()

    async def _tick(self) -> None:
        """Notice a stepped clock each second, wake the scheduler, whose timers hang on it, and feed the watchdog.

        It is fed between the jobs too, because they may be further apart than it is patient; while one computes and
        holds this loop it is not.
        """
        offset = time.time() - time.monotonic()
        watched = watchdog_seconds() is not None
        while True:
            await asyncio.sleep(TICK_SECONDS)
            if watched:
                self._feed()
            moved = time.time() - time.monotonic() - offset
            if abs(moved) >= STEP_SECONDS:
                offset += moved
                log.warning("clock stepped", seconds=round(moved, 3))
                self._reschedule()

    def _reschedule(self) -> None:
        """Put every job at the present: after a step its next time may be hours away, or hours gone."""
        for job in self.scheduler.get_jobs():
            job.modify(next_run_time=datetime.now(UTC))

    async def _drain(self) -> None:
        """Start no job any more and let the running ones end; after eight seconds cancel what is left."""
        self.scheduler.remove_all_jobs()
        waiting = set(self.running)
        if waiting:
            log.info("stopping", waiting_for=len(waiting))
            _, late = await asyncio.wait(waiting, timeout=DRAIN_SECONDS)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late, timeout=0.5)
        # What a channel has taken must be marked as sent, or it would be told twice.
        await drain(self.desk.writer, self.desk.courier, self.desk.clock, LAST_MESSAGES)
        self.scheduler.shutdown(wait=False)
        log.info("stopped")


class Heard:
    """Reading a long history for the first time takes more than its intervals: each window it commits is life too."""

    def __init__(self, liveness: Liveness, listener: Progress | None) -> None:
        """Tell `listener` as well, if there is one."""
        self.liveness = liveness
        self.listener = listener

    def step(self, step: Step) -> None:
        """Hear of one committed window of the fills."""
        self.liveness.succeeded("fills", time.monotonic())
        if self.listener:
            self.listener.step(step)
