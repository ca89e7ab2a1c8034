"""`alerts silence`, `unsilence`, `ack`: hold back messages, and say who asked for it and why; states go on beneath."""

# ruff: noqa: PLC0415 - a listing must not wait for what only writing needs

from __future__ import annotations

import getpass
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from monitor.cli.cells import instants, words
from monitor.cli.options import DeskCommand, Duration, choices_of, database_of, gathered
from monitor.cli.output import Listing, emit, say, show
from monitor.cli.reading import instant, reading
from monitor.clock import SECOND, SystemClock
from monitor.errors import UsageError
from monitor.store.silences import Acknowledgement, Lift, Silence, silences

if TYPE_CHECKING:
    from monitor.store.inbox import Request

# A running monitor takes requests up with each delivery round, ten seconds apart unless the settings say otherwise.
PATIENCE = 15 * SECOND


@dataclass(frozen=True, slots=True)
class Asked:
    """What `silence` was asked: patterns, for how long from when, why, by whom; or only to list."""

    rule: str
    subject: str
    severity: str
    length: int | None
    after: int
    why: str | None
    who: str | None
    listing: bool


@dataclass(frozen=True, slots=True)
class Taken:
    """What `ack` was asked: what is taken, why, for how long (None: until it is resolved), by whom."""

    rule: str
    subject: str
    why: str
    length: int | None
    who: str | None


@click.command(cls=DeskCommand)
@click.option("--rule", default="*", show_default=True, metavar="PATTERN", help="Rules, as in file names.")
@click.option("--subject", default="*", show_default=True, metavar="PATTERN", help="Assets, accounts, jobs.")
@click.option("--severity", default="*", show_default=True, metavar="PATTERN", help="info, warning, critical.")
@click.option("--for", "length", type=Duration(), metavar="DURATION", help="How long: 2h, 3d.")
@click.option("--in", "after", type=Duration(), default=0, metavar="DURATION", help="Begin later [default: now].")
@click.option("--why", metavar="TEXT", help="The reason; others read it.")
@click.option("--who", metavar="NAME", help="Who asks [default: the user of this machine].")
@click.option("--list", "listing", is_flag=True, help="List the silences in force and to come.")
@gathered(Asked)
def silence(context: click.Context, asked: Asked) -> None:
    r"""Hold back messages for a while. Alerts go on beneath: what still fires afterwards is told then.

    Works while the monitor runs: it takes the request up with its next delivery round.

    \b
    Examples:
      monitor alerts silence --subject 'BTC*' --for 2h --why "moving the book"
      monitor alerts silence --severity warning --in 8h --for 12h --why "night"
      monitor alerts silence --list
    """
    if asked.listing:
        _list(context)
        return
    if asked.length is None or not asked.why:
        raise UsageError("A silence needs an end and a reason.", 'Give both: --for 2h --why "moving the book"')
    now = SystemClock().now()
    span = (now + asked.after, now + asked.after + asked.length)
    matcher = (asked.rule, asked.subject, asked.severity)
    _ask(context, Silence(*span, asked.who or user(), asked.why, *matcher))


@click.command(cls=DeskCommand)
@click.argument("number", type=click.IntRange(min=1))
@click.pass_context
def unsilence(context: click.Context, number: int) -> None:
    r"""End a silence before its time; what waited is told.

    \b
    Example: monitor alerts unsilence 3
    """
    _ask(context, Lift(number))


@click.command(cls=DeskCommand)
@click.argument("rule")
@click.argument("subject")
@click.option("--why", required=True, metavar="TEXT", help="What you do about it; others read it.")
@click.option("--for", "length", type=Duration(), metavar="DURATION", help="How long [default: until it is resolved].")
@click.option("--who", metavar="NAME", help="Who takes it [default: the user of this machine].")
@gathered(Taken)
def ack(context: click.Context, taken: Taken) -> None:
    r"""Take what fires under a rule for a subject: nothing more of this episode is sent but its end.

    \b
    Example: monitor alerts ack stalled BTC --why "selling it down"
    """
    now = SystemClock().now()
    until = None if taken.length is None else now + taken.length
    _ask(context, Acknowledgement(taken.rule, taken.subject, taken.who or user(), taken.why, now, until))


def _ask(context: click.Context, request: Request) -> None:
    """Have a request applied and say what became of it.

    Raises:
        UsageError: it was refused, with the reason.
    """
    from monitor.jobs.requests import ask

    became = ask(database_of(choices_of(context)), request, SystemClock(), PATIENCE)
    if isinstance(became, str):
        say(f"{became} Your request waits for it, and is in force once it is taken up: see alerts silence --list")
    elif became.granted:
        emit(f"{became.said}\n")
    else:
        raise UsageError(became.said)


def _list(context: click.Context) -> None:
    """List the silences in force and to come."""
    with reading(context) as connection:
        found = silences(connection, SystemClock().now())
    rows = [
        {
            "number": one.id,
            "rule": one.rule,
            "subject": one.subject,
            "severity": one.severity,
            "from": instant(one.start),
            "until": instant(one.until),
            "who": one.who,
            "why": one.why,
        }
        for one in found
    ]
    columns = [
        *(words(name, name) for name in ("number", "rule", "subject", "severity")),
        instants("from", "from UTC"),
        instants("until", "until UTC"),
        words("who", "who"),
        words("why", "why"),
    ]
    show(Listing("Silences", columns, rows, rows, empty="No silences."), choices_of(context).format)


def user() -> str:
    """Return the name of this machine's user, its number where it has no name."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container without an entry for its user
        import os

        return f"user {os.getuid()}"
