"""`alerts list`: where every rule stands with every subject."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from monitor.cli.cells import instants, ratio_text, words
from monitor.cli.options import DeskGroup, choices_of
from monitor.cli.output import Column, Listing, show
from monitor.cli.reading import instant, reading
from monitor.store.journal import alert_states

if TYPE_CHECKING:
    from monitor.episodes import AlertState

BREACHED = 3
FIRING = {"firing", "recovering"}


@click.group(cls=DeskGroup)
def alerts() -> None:
    r"""What is firing, and what was.

    \b
    Example: monitor alerts list --exit-code
    """


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
