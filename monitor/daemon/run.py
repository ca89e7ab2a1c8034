"""`monitor run`: settings in, service out."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

import structlog

from monitor.clock import SystemClock
from monitor.daemon.logs import configure
from monitor.daemon.service import serve
from monitor.jobs.cycle import jobs_of, open_desk, run_once

if TYPE_CHECKING:
    from monitor.config.settings import Settings
    from monitor.jobs.desk import Job


def run(settings: Settings, *, once: bool = False, more: tuple[Job, ...] = ()) -> int:
    """Run the service in the foreground until a signal, or every job once; return the exit code.

    `more` are jobs of the caller's, beside those of the schedule.

    Raises:
        StoreError: the database is locked by another process (named), too new, or cannot be written.
    """
    secrets = [secret for account in settings.accounts for secret in account.credentials.values()]
    configure(settings.log.level, settings.log.format, [*secrets, *settings.channels.values()])
    clock = SystemClock()
    if once:
        return asyncio.run(_once(settings, clock))
    return serve(lambda: open_desk(settings, clock, "monitor run", sys.stdout), (*jobs_of(settings.schedule), *more))


async def _once(settings: Settings, clock: SystemClock) -> int:
    """Run each job once and log what it came to."""
    log = structlog.get_logger("monitor")
    async with open_desk(settings, clock, "monitor run --once", sys.stdout) as desk:
        outcome = await run_once(desk)
    for trouble in outcome.troubles:
        log.warning("once", trouble=trouble)
    log.info("once", **outcome.figures)
    return outcome.exit_code
