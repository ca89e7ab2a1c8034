"""The background service: every job on its interval, until a signal ends it.

The main thread only waits for signals. The work (event loop, scheduler, the one writing connection) lives in a second
thread, so that a signal is heard while a long computation runs: the work gets ten seconds to end its jobs, then the
process leaves; a transaction cut short is rolled back by the next start, as after a crash.

APScheduler 3.11 has three traps this module works around: `AsyncIOScheduler.shutdown(wait=True)` cancels running jobs
(so the drain is ours), a backward step of the clock stops all jobs even after it was corrected (so a monotonic tick
notices steps and wakes the scheduler), and job stores other than memory unpickle what they find (so: memory).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import structlog
from apscheduler.executors.asyncio import AsyncIOExecutor
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from monitor.clock import SECOND
from monitor.daemon.liveness import Liveness
from monitor.daemon.systemd import notify
from monitor.errors import MonitorError
from monitor.jobs.deliver import drain

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from monitor.jobs.desk import Desk, Job

    Opening = Callable[[], AbstractAsyncContextManager[Desk]]

DRAIN_SECONDS = 8.0
LAST_MESSAGES = SECOND
TICK_SECONDS = 1.0
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

    def stop(self) -> None:
        """End the service; may be called from any thread."""
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
        if not self.liveness.overdue(time.monotonic()):
            notify("WATCHDOG=1")

    async def _tick(self) -> None:
        """Notice a stepped clock each second, and wake the scheduler, whose timers hang on the wall clock."""
        offset = time.time() - time.monotonic()
        while True:
            await asyncio.sleep(TICK_SECONDS)
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


def serve(opening: Opening, jobs: tuple[Job, ...]) -> int:
    """Run the service until SIGTERM or SIGINT; return the exit code.

    `opening` opens the desk in the working thread: the database's writer belongs to the thread that opened it.

    Raises:
        MonitorError: the desk could not be opened (locked, unwritable, too new).
    """
    working = Working(opening, jobs)
    thread = threading.Thread(target=working.main, name="desk", daemon=True)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: working.stop())
    thread.start()
    while thread.is_alive() and not working.stopped:
        thread.join(timeout=0.2)
    thread.join(timeout=DRAIN_SECONDS + 1.5)
    if thread.is_alive():
        # A computation that cannot be interrupted: leaving is safe, its transaction is rolled back.
        log.warning("stopped", note="a job did not end in time and was cut off")
        os._exit(0)
    if working.failure:
        raise working.failure
    return 0


class Working:
    """The working thread: opens the desk, runs the service, closes the desk, keeps what went wrong."""

    def __init__(self, opening: Opening, jobs: tuple[Job, ...]) -> None:
        """Hold what to run; `main` runs in the thread."""
        self.opening = opening
        self.jobs = jobs
        self.service: Service | None = None
        self.stopped = False
        self.failure: BaseException | None = None

    def stop(self) -> None:
        """Ask the service to end; before it has started, keep it from starting."""
        self.stopped = True
        if self.service:
            with contextlib.suppress(RuntimeError):  # its loop has closed already
                self.service.stop()

    def main(self) -> None:
        """Open, run, close; a failure is kept for the main thread."""
        try:
            asyncio.run(self._work())
        except BaseException as error:  # noqa: BLE001 - raised again in the main thread
            self.failure = error

    async def _work(self) -> None:
        """Run the service over the open desk."""
        async with self.opening() as desk:
            self.service = Service(desk, self.jobs)
            if not self.stopped:
                await self.service.run()
