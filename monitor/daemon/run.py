"""`monitor run`: settings in, service out."""

from __future__ import annotations

import asyncio
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import structlog

from monitor.clock import SystemClock
from monitor.daemon.logs import configure
from monitor.daemon.serve import Plan, serve
from monitor.jobs.cycle import jobs_of, open_desk, run_once

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from monitor.config.settings import Settings
    from monitor.jobs.desk import Desk, Job


def run(settings: Settings, *, more: tuple[Job, ...] = (), reread: Callable[[], Settings] | None = None) -> int:
    """Run the service in the foreground until a signal; return the exit code.

    `more` are jobs of the caller's, beside those of the schedule. `reread` reads the settings anew when asked to.

    Raises:
        StoreError: the database is locked by another process (named), too new, or cannot be written.
    """
    again = (lambda: plan(reread(), more)) if reread else None
    return serve(plan(settings, more), again)


def once(settings: Settings) -> int:
    """Run every job once; return the exit code.

    Raises:
        StoreError: the database is locked by another process (named), too new, or cannot be written.
    """
    return asyncio.run(_once(settings))


def plan(settings: Settings, more: tuple[Job, ...]) -> Plan:
    """Return what the service does with these settings."""
    return Plan(lambda: _opened(settings, "monitor run"), (*jobs_of(settings.schedule), *more))


@asynccontextmanager
async def _opened(settings: Settings, holder: str) -> AsyncIterator[Desk]:
    """Open the desk, with its logs as its settings say, and none of its secrets in them."""
    configure(settings.log.level, settings.log.format, settings.secrets)
    async with open_desk(settings, SystemClock(), holder, sys.stdout) as desk:
        yield desk


async def _once(settings: Settings) -> int:
    """Run each job once and log what it came to."""
    async with _opened(settings, "monitor run --once") as desk:
        outcome = await run_once(desk)
    log = structlog.get_logger("monitor")
    for trouble in outcome.troubles:
        log.warning("once", trouble=trouble)
    log.info("once", **outcome.figures)
    return outcome.exit_code
