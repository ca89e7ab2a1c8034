"""`alerts`: where every rule stands with every subject, what was, what is held back, and whether a channel works."""

# ruff: noqa: PLC0415 - only a test message needs the settings and the channels

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from monitor.cli.cells import instants, ratio_text, words
from monitor.cli.options import DeskGroup, Duration, choices_of, settings_of
from monitor.cli.output import Column, Listing, say, show
from monitor.cli.reading import instant, reading
from monitor.cli.silences import ack, silence, unsilence
from monitor.clock import DAY, HOUR, SECOND, SystemClock
from monitor.store.journal import alert_states, episodes

if TYPE_CHECKING:
    from monitor.episodes import AlertState
    from monitor.store.journal import Episode

BREACHED = 3
FIRING = {"firing", "recovering"}


@click.group(cls=DeskGroup)
def alerts() -> None:
    r"""What is firing, what was, and who is to be left in peace.

    \b
    Examples:
      monitor alerts list --exit-code
      monitor alerts history --days 30
      monitor alerts silence --rule 'stalled*' --for 2h --why "moving the book"
      monitor alerts ack stalled BTC --why "selling it down"
      monitor alerts test desk
    """


for command in (silence, unsilence, ack):
    alerts.add_command(command)


@alerts.command("list")
@click.option("--all", "everything", is_flag=True, help="Also what is in order.")
@click.option("--exit-code", "strict", is_flag=True, help="End with 3 if something is firing.")
@click.pass_context
def list_alerts(context: click.Context, *, everything: bool, strict: bool) -> int:
    r"""Every rule and subject that is not in order, the firing ones first.

    \b
    Example: monitor alerts list --all -f json
    """
    with reading(context) as connection:
        states = alert_states(connection)
    rows = [alert_row(state) for state in states if everything or state.shown != "ok"]
    columns = [
        words("state", "state"),
        words("rule", "rule"),
        words("subject", "subject"),
        Column("value", "value", lambda row: ratio_text(row["value"]), figure=True),
        Column("worst", "worst", lambda row: ratio_text(row["worst"]), figure=True, rank=2),
        instants("since", "since UTC"),
        instants("evaluated", "evaluated UTC", rank=1),
        words("reason", "reason"),
    ]
    show(Listing("Alerts", columns, rows, rows, empty="Nothing to tell."), choices_of(context).format)
    return BREACHED if strict and any(state.phase in FIRING for state in states) else 0


@alerts.command("history")
@click.option(
    "--days", type=click.FloatRange(min=0, min_open=True), default=7.0, show_default=True, help="How far back."
)
@click.option("--rule", default="*", show_default=True, metavar="PATTERN", help="Of these rules.")
@click.option("--subject", default="*", show_default=True, metavar="PATTERN", help="Of these assets, accounts, jobs.")
@click.pass_context
def history(context: click.Context, *, days: float, rule: str, subject: str) -> None:
    r"""Every episode of the last days: when it fired or had no data, when it ended, how bad it was; the newest first.

    Restatements that touched an episode afterwards stand in its notes.

    \b
    Examples:
      monitor alerts history --days 30 --rule 'stalled*'
      monitor alerts history --subject BTC -f csv
    """
    now = SystemClock().now()
    with reading(context) as connection:
        found = episodes(connection, now - round(days * DAY), rule=rule, subject=subject)
    rows = [episode_row(one) for one in found]
    columns = [
        words("kind", "kind"),
        words("rule", "rule"),
        words("subject", "subject"),
        words("severity", "severity", rank=3),
        instants("told", "told UTC"),
        instants("ended", "ended UTC"),
        Column("hours", "hours", lambda row: ratio_text(row["hours"]), figure=True),
        Column("value", "value", lambda row: ratio_text(row["value"]), figure=True),
        Column("worst", "worst", lambda row: ratio_text(row["worst"]), figure=True, rank=2),
        Column("threshold", "threshold", lambda row: ratio_text(row["threshold"]), figure=True, rank=1),
        words("reason", "reason"),
    ]
    title = f"Alerts of the last {days:g} days"
    show(Listing(title, columns, rows, rows, empty="Nothing was told."), choices_of(context).format)


@alerts.command("test")
@click.argument("channel")
@click.option("--within", type=Duration(), default="15s", show_default=True, help="How long the channel may take.")
@click.pass_context
def send_test(context: click.Context, channel: str, *, within: int) -> None:
    r"""Really send a message on a channel, and say whether it was taken.

    \b
    Example: monitor alerts test desk
    """
    settings = settings_of(choices_of(context))
    from monitor.jobs.deliver import all_channels, sender_to, try_channel

    now = SystemClock().now()
    try_channel(all_channels(settings.channels), channel, sender_to(sys.stdout), now, within / SECOND)
    say(f"{channel} took the test message.")


def alert_row(state: AlertState) -> dict[str, object]:
    """Return the state of a rule and subject for JSON; `phase` stands still while data is missing, `state` says so."""
    return {
        "rule": state.rule,
        "subject": state.subject,
        "state": state.shown,
        "phase": state.phase,
        "episode": state.episode,
        "since": instant(state.blind_since if state.blind else state.since),
        "evaluated": instant(state.evaluated),
        "value": state.value,
        "worst": state.worst,
        "reason": state.reason,
    }


def episode_row(one: Episode) -> dict[str, object]:
    """Return an episode for JSON; `hours` from being told to its end, null while it lasts."""
    return {
        "kind": one.kind,
        "rule": one.rule,
        "subject": one.subject,
        "episode": one.episode,
        "severity": one.severity,
        "metric": one.metric,
        "unit": one.unit,
        "since": instant(one.since),
        "told": instant(one.told),
        "ended": instant(one.ended),
        "hours": None if one.ended is None else (one.ended - one.told) / HOUR,
        "value": one.value,
        "worst": one.worst,
        "threshold": one.threshold,
        "reason": one.reason,
        "notes": list(one.notes),
    }
