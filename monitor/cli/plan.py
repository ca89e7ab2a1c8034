"""`plan`: what the next sync would read, before it reads anything."""

# ruff: noqa: PLC0415 - the plan brings ccxt with it, which knows the rate limits

from __future__ import annotations

import asyncio
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import click

from monitor.cli.cells import figures, instants, words
from monitor.cli.options import DeskCommand, choices_of, settings_of
from monitor.cli.output import Listing, Row, say, show
from monitor.cli.reading import instant
from monitor.clock import HOUR, MINUTE, SECOND, SystemClock, duration_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.config.settings import Settings
    from monitor.jobs.plan import AccountPlan, Planned


@click.command(cls=DeskCommand)
@click.option("--online", is_flag=True, help="Ask each venue for its list of markets first; nothing else is read.")
@click.pass_context
def plan(context: click.Context, *, online: bool) -> None:
    r"""What the next sync would read: streams, calls, how long it takes at least, and what no venue lists any more.

    Nothing is sent unless --online is given.

    \b
    Example: monitor plan --online && monitor sync
    """
    show_plan(settings_of(choices_of(context)), choices_of(context).format, online=online)


def show_plan(settings: Settings, form: str, *, online: bool = False) -> None:
    """Make the plan of the next sync and show it."""
    from monitor.jobs.plan import plan as planned
    from monitor.store.reader import open_reader

    if online:
        asyncio.run(_list_markets(settings))
    now = SystemClock().now()
    if settings.database.exists():
        with closing(open_reader(settings.database)) as connection:
            plans = planned(settings.accounts, connection, now)
    else:
        plans = planned(settings.accounts, None, now)
    show(plan_listing(plans), form)
    if form == "table":
        _tell(plans)


async def _list_markets(settings: Settings) -> None:
    """Store every venue's markets."""
    from monitor.jobs import cycle

    async with cycle.open_desk(settings, SystemClock(), "monitor plan", sys.stdout) as desk:
        for account in settings.accounts:
            await desk.connections.client(account)


def plan_listing(plans: Sequence[AccountPlan]) -> Listing:
    """Return the plan as a listing: one row for each kind and book, accounts nested in JSON."""
    rows = [part_row(part) for plan in plans for part in plan.parts]
    payload = {
        "accounts": [account_row(plan) for plan in plans],
        "calls": _sum([plan.calls for plan in plans]),
        "seconds": _longest(plans),
    }
    columns = [
        words("account", "account"),
        words("kind", "kind"),
        words("book", "book"),
        instants("from", "from UTC"),
        figures("streams", "streams"),
        figures("windows", "windows", rank=1),
        figures("calls", "calls\nat least"),
        words("time", "time\nat least"),
        instants("unreachable_before", "not listed\nbefore UTC"),
        words("note", "note", rank=2),
    ]
    told = [{**row, "time": eta(row["seconds"])} for row in rows]
    return Listing("Plan of the next sync", columns, rows, payload, in_table=told, empty="No accounts.")


def account_row(plan: AccountPlan) -> Row:
    """Return the plan of an account for JSON; null where it is not known before the markets are listed."""
    return {
        "account": plan.account,
        "exchange": plan.exchange,
        "tier": plan.tier,
        "start": instant(plan.start),
        "start_declared": plan.declared,
        "calls": plan.calls,
        "seconds": plan.seconds,
        "parts": [part_row(part) for part in plan.parts],
    }


def part_row(part: Planned) -> dict[str, object]:
    """Return the streams of one kind and book for JSON and CSV."""
    return {
        "account": part.account,
        "kind": part.kind,
        "book": part.book,
        "from": instant(part.start),
        "to": instant(part.end),
        "streams": part.streams,
        "windows": part.windows,
        "calls": part.calls,
        "seconds": part.seconds,
        "unreachable_before": instant(part.unreachable_before),
        "note": part.note or None,
    }


def eta(seconds: object) -> str | None:
    """Return a time to wait, rounded up to a whole unit: 61 s is `2m`."""
    if not isinstance(seconds, int | float):
        return None
    milliseconds = round(seconds * SECOND)
    unit = HOUR if milliseconds >= 2 * HOUR else MINUTE if milliseconds >= MINUTE else SECOND
    return duration_text(max(unit, -(-milliseconds // unit) * unit))


def _sum(figures: Sequence[float | None]) -> float | None:
    known = [figure for figure in figures if figure is not None]
    return sum(known) if len(known) == len(figures) else None


def _longest(plans: Sequence[AccountPlan]) -> float | None:
    """Return the time of the slowest account: all are read at once."""
    known = [plan.seconds for plan in plans if plan.seconds is not None]
    return max(known, default=0.0) if len(known) == len(plans) else None


def _tell(plans: Sequence[AccountPlan]) -> None:
    """Say what the table cannot hold."""
    for plan in plans:
        if not plan.declared:
            say(f"{plan.account} declares no start: it is read from {instant(plan.start)}. Set `start` if it is later.")
    calls, seconds = _sum([plan.calls for plan in plans]), _longest(plans)
    if calls is None:
        say("How many markets there are is not known yet: --online asks the venues for their lists first.")
    else:
        say(f"At least {calls:,} calls; {eta(seconds)} with all accounts at once. Full pages and prices come on top.")
