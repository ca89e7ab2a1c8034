"""`demo`: a desk on two venues that run on this machine, read through real requests, beside its known answer."""

# ruff: noqa: PLC0415 - the jobs bring polars, ccxt and numba with them

from __future__ import annotations

import os
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from monitor.cli.cells import money_text, ratio_text, words
from monitor.cli.options import DeskCommand, choices_of, gathered
from monitor.cli.output import Column, Listing, emit, say, say_findings, show
from monitor.cli.turnover import days_text
from monitor.clock import SECOND, SystemClock, iso

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitor.cli.output import Row
    from monitor.jobs.comparison import Compared, Comparison
    from monitor.jobs.demo import Demo
    from monitor.jobs.desk import Desk, Job, Outcome

FAULTS = ("errors", "html200", "truncated", "ratelimit", "late", "skew", "slow", "dead")
DISAGREES = 1
STALE_OR_PARTIAL = 4
TABLE_EVERY = 15 * SECOND


@dataclass(frozen=True, slots=True)
class DemoChoices:
    """The options of `demo`."""

    once: bool
    seed: int
    fault: str | None
    directory: Path


@click.command(cls=DeskCommand)
@click.option("--once", is_flag=True, help="Sync, compare with the known answer, end: 0 only if all agree.")
@click.option("--seed", type=int, default=1, show_default=True, help="Another desk for each seed.")
@click.option("--fault", type=click.Choice(FAULTS), help="What goes wrong at the venues.")
@click.option(
    "--dir",
    "directory",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("monitor-demo"),
    show_default=True,
    help="Where its database lives.",
)
@gathered(DemoChoices)
def demo(context: click.Context, chosen: DemoChoices) -> int:
    r"""A trading desk of ninety days on two venues that run on this machine, read through real requests.

    Its turnover is shown beside the known answer; then live fills go on until Ctrl-C.

    \b
    Examples:
      monitor demo
      monitor demo --once --fault html200 -f json
    """
    from monitor.config.load import load_settings
    from monitor.config.locate import shipped_file
    from monitor.daemon.logs import configure
    from monitor.daemon.run import run
    from monitor.jobs.demo import open_demo

    settings = load_settings(shipped_file("demo.toml"), os.environ)
    configure(settings.log.level, settings.log.format, ())
    with open_demo(settings, chosen.directory, seed=chosen.seed, fault=chosen.fault, clock=SystemClock()) as running:
        code = first_look(running, choices_of(context).format)
        if chosen.once:
            return code
        say(f"Live now; Ctrl-C ends it. In another terminal: monitor --db {running.settings.database} status")
        return run(running.settings, more=(table_job(),))


def first_look(running: Demo, form: str) -> int:
    """Sync the demo desk, show its numbers beside the known ones, and return 0 only if all agree."""
    import asyncio

    from monitor.cli.running import read_all
    from monitor.jobs.comparison import compare
    from monitor.store.reader import open_reader

    outcome = asyncio.run(read_all(running.settings, "monitor demo"))
    with closing(open_reader(running.settings.database)) as connection:
        comparison = compare(connection, running.running.history, running.window, SystemClock().now())
    show(comparison_listing(comparison), form)
    if form == "table":
        _tell(comparison, outcome)
    if outcome.exit_code or not comparison.complete:
        return outcome.exit_code or STALE_OR_PARTIAL
    return 0 if comparison.agrees else DISAGREES


def _tell(comparison: Comparison, outcome: Outcome) -> None:
    """Say on standard error what is missing, and whether all numbers agree."""
    for trouble in outcome.troubles:
        say(f"Problem: {trouble}")
    say_findings(comparison.findings)
    wrong = [row for row in comparison.rows if row.differs]
    if not wrong:
        say(f"All {len(comparison.rows)} rows agree with the known answer within 1e-9.")
    for row in wrong:
        say(f"Differs: {row.account or 'desk'} {row.asset or 'portfolio'}: {', '.join(row.differs)}")


def comparison_listing(comparison: Comparison) -> Listing:
    """Return measured beside known: the whole desk in the table, every account in JSON and CSV."""
    window = comparison.window
    rows = [_flat(row) for row in comparison.rows]
    columns = [
        words("asset", "asset"),
        _figure("measured_turnover", "turnover\nx", ratio_text),
        _figure("known_turnover", "known\nx", ratio_text),
        _days("measured", "days of\ninventory d", window.days),
        _days("known", "known\nd", window.days),
        _figure("measured_average_inventory", "average\ninventory USD", money_text),
        _figure("known_average_inventory", "known\nUSD", money_text),
        words("status", "status"),
        words("verdict", "verdict"),
    ]
    title = f"Demo desk: turnover over {window.days:g} days to {iso(window.end)[:10]}, measured and known"
    desk = [{**row, "asset": row["asset"] or "portfolio"} for row in rows if row["account"] is None]
    return Listing(title, columns, rows, comparison.payload(), in_table=desk)


def _figure(key: str, title: str, text: Callable[[object], str]) -> Column:
    return Column(key, title, lambda row: text(row.get(key)), figure=True)


def _days(side: str, title: str, days: float) -> Column:
    def text(row: Row) -> str:
        return days_text({name: row.get(f"{side}_{name}") for name in ("turnover", "days_inventory")}, f"{days:g}")

    return Column(f"{side}_days_inventory", title, text, figure=True)


def _flat(row: Compared) -> Row:
    """Return one comparison as a flat row."""
    return {
        "account": row.account,
        "asset": row.asset,
        "status": row.status,
        "verdict": f"differs: {' '.join(row.differs)}" if row.differs else "agrees",
        **{f"measured_{name}": value for name, value in row.measured.items()},
        **{f"known_{name}": value for name, value in row.known.items()},
    }


def table_job() -> Job:
    """Return a job of the daemon that prints the desk's turnover when it has changed."""
    from monitor.cli.tables import table_text
    from monitor.cli.turnover import turnover_listing
    from monitor.jobs.answer import turnover_answer
    from monitor.jobs.desk import Job, Outcome

    told = ""

    async def perform(desk: Desk) -> Outcome:
        nonlocal told
        answer = turnover_answer(desk.writer.connection, now=desk.clock.now(), detail=False, book="spot")
        rows = repr((answer["portfolio"], answer["assets"]))
        if rows != told:
            told = rows
            emit(table_text(turnover_listing(answer, "asset", "spot")) + "\n")
        return Outcome()

    return Job("table", TABLE_EVERY, perform)
