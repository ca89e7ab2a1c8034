"""`run`, `sync`, `rebuild`: the commands that work; everything they do is in the jobs and the daemon."""

# ruff: noqa: PLC0415 - the jobs bring polars, ccxt and numba with them

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

import click

from monitor.cli.cells import words
from monitor.cli.options import DeskCommand, choices_of, database_of, settings_of
from monitor.cli.output import Listing, say, show
from monitor.clock import SystemClock
from monitor.store.lock import refuse_second

if TYPE_CHECKING:
    from monitor.config.settings import Settings
    from monitor.jobs.desk import Outcome


@click.command(cls=DeskCommand)
@click.option("--once", is_flag=True, help="Run each job once, then end.")
@click.pass_context
def run(context: click.Context, *, once: bool) -> int:
    r"""Watch the desk: collect, measure, alert and deliver on a schedule, in the foreground, until SIGTERM or Ctrl-C.

    SIGHUP has it read its settings again; if there is a mistake in them, the log tells it and the old ones stay.

    \b
    Example: monitor -c desk/monitor.toml run
    """
    choices = choices_of(context)
    settings = settings_of(choices)
    refuse_second(settings.database)
    from monitor.daemon import run as daemon  # after the settings: a mistake in them is told at once

    return daemon.once(settings) if once else daemon.run(settings, reread=lambda: settings_of(choices))


@click.command(cls=DeskCommand)
@click.option("--deep", is_flag=True, help="Read the last week again, every market, and disabled streams too.")
@click.option("--plan", "only_plan", is_flag=True, help="Show what would be read, and read nothing; as `monitor plan`.")
@click.pass_context
def sync(context: click.Context, *, deep: bool, only_plan: bool) -> int:
    r"""Read what is new from every account, once, and measure it; it goes on where it was interrupted.

    \b
    Example: monitor sync && monitor turnover
    """
    settings = settings_of(choices_of(context))
    if only_plan:
        from monitor.cli.plan import show_plan

        show_plan(settings, choices_of(context).format)
        return 0
    from monitor.daemon.logs import configure

    configure("warning", settings.log.format, settings.secrets)
    outcome = asyncio.run(read_all(settings, "monitor sync", deep=deep))
    figures = dict(outcome.figures)
    columns = [words(name, name) for name in figures]
    show(
        Listing("Sync", columns, [figures], figures | {"troubles": list(outcome.troubles)}), choices_of(context).format
    )
    for trouble in outcome.troubles:
        say(f"Problem: {trouble}")
    return outcome.exit_code


async def read_all(settings: Settings, holder: str, *, deep: bool = False) -> Outcome:
    """Read every account once and measure it, with bars on a terminal; `holder` is told to who finds it locked."""
    from monitor.cli.progress import AccountBars
    from monitor.jobs import cycle

    with AccountBars() as bars:
        async with cycle.open_desk(settings, SystemClock(), holder, sys.stdout, bars) as desk:
            return await cycle.sync(desk, deep=deep)


@click.command(cls=DeskCommand)
@click.option(
    "--workers",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Processes to compute in; more than one pass the ledger through files beside the database.",
)
@click.pass_context
def rebuild(context: click.Context, workers: int) -> None:
    r"""Throw away every derived number and work it out again from the ledger; the ledger itself is not touched.

    Any number of workers gives the same numbers, to the last bit.

    \b
    Example: monitor --db desk.db rebuild --workers 2
    """
    from monitor.jobs.measure import rebuild as measure_again
    from monitor.store.database import open_writer

    with open_writer(database_of(choices_of(context)), holder="monitor rebuild") as writer:
        done = measure_again(writer, SystemClock().now(), workers)
    say(f"Measured {len(done.assets)} assets anew.")
