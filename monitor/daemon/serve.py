"""The background service: the desk in a thread of its own, signals in the main one.

The main thread only waits for signals. The work (event loop, scheduler, the one writing connection) lives in a second
thread, so that a signal is heard while a long computation runs: the work gets ten seconds to end its jobs, then the
process leaves; a transaction cut short is rolled back by the next start, as after a crash.

SIGTERM and SIGINT end it. SIGHUP has it read its settings again: with good ones the jobs end, and begin anew with
them; bad ones are told in the log, and the old ones stay. On a terminal SIGHUP says that the terminal is gone, and ends
it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import threading
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from monitor.daemon.service import DRAIN_SECONDS, Service
from monitor.errors import DatabaseLocked, MonitorError

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from monitor.jobs.desk import Desk, Job

# Between two settings the database is nobody's for a moment: a command that writes may hold it that long.
TRIES = 25
PAUSE_SECONDS = 0.2

log = structlog.get_logger("monitor")


@dataclass(frozen=True)
class Plan:
    """What one reading of the settings comes to: how to open the desk, and its jobs."""

    opening: Callable[[], AbstractAsyncContextManager[Desk]]
    jobs: tuple[Job, ...]


def serve(plan: Plan, again: Callable[[], Plan] | None = None) -> int:
    """Run the service until a signal ends it; return the exit code.

    The desk is opened in the working thread: the database's writer belongs to the thread that opened it. `again` reads
    the settings anew; None: there is nothing to read.

    Raises:
        MonitorError: the desk could not be opened (locked, unwritable, too new).
    """
    working = Working(plan, again)
    thread = threading.Thread(target=working.main, name="desk", daemon=True)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: working.stop())
    attended = sys.stdin is not None and sys.stdin.isatty()
    signal.signal(signal.SIGHUP, lambda *_: working.stop() if attended else working.reread())
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

    def __init__(self, plan: Plan, again: Callable[[], Plan] | None = None) -> None:
        """Hold what to run; `main` runs in the thread."""
        self.plan = plan
        self.again = again
        self.service: Service | None = None
        self.stopped = False
        self.failure: BaseException | None = None
        self._next: Plan | None = None
        self._reading: asyncio.Task[None] | None = None

    def stop(self) -> None:
        """Ask the service to end; before it has started, keep it from starting."""
        self.stopped = True
        if self.service:
            with contextlib.suppress(RuntimeError):  # its loop has closed already
                self.service.stop()

    def reread(self) -> None:
        """Ask for the settings to be read again; before the service has started they are new anyway."""
        if self.service:
            with contextlib.suppress(RuntimeError):  # likewise
                self.service.loop.call_soon_threadsafe(self._begin_reading)

    def main(self) -> None:
        """Open, run, close; a failure is kept for the main thread."""
        try:
            asyncio.run(self._work())
        except BaseException as error:  # noqa: BLE001 - raised again in the main thread
            self.failure = error

    async def _work(self) -> None:
        """Run the service over the open desk, and again for as long as there are new settings."""
        plan, proven = self.plan, None
        while not self.stopped:
            async with AsyncExitStack() as stack:
                try:
                    desk = await _opened(plan, stack, tries=1 if proven is None else TRIES)
                except MonitorError as error:
                    if proven is None:
                        raise
                    log.error("settings cannot be used, the old ones stay", error=str(error))  # noqa: TRY400 - a sentence, no trace
                    plan, proven = proven, None
                    continue
                self.service, self._next = Service(desk, plan.jobs), None
                if not self.stopped:
                    await self.service.run()
            if self._next is None:
                return
            plan, proven = self._next, plan

    def _begin_reading(self) -> None:
        """Read in the background, one reading at a time."""
        if self._reading is None or self._reading.done():
            self._reading = asyncio.get_running_loop().create_task(self._read())

    async def _read(self) -> None:
        """Read the settings; end the service for the new ones if they are good."""
        if self.again is None:
            log.warning("settings", note="this service was started without a file to read again")
            return
        try:
            self._next = await asyncio.to_thread(self.again)
        except MonitorError as error:
            log.error("settings have mistakes, the old ones stay", error=str(error))  # noqa: TRY400 - a sentence, no trace
            return
        log.info("settings read again")
        if self.service and not self.stopped:
            self.service.stop(reloading=True)


async def _opened(plan: Plan, stack: AsyncExitStack, tries: int) -> Desk:
    """Open the desk of a plan; if another process writes to its database, try so many times."""
    for _ in range(tries - 1):
        with contextlib.suppress(DatabaseLocked):
            return await stack.enter_async_context(plan.opening())
        await asyncio.sleep(PAUSE_SECONDS)
    return await stack.enter_async_context(plan.opening())
