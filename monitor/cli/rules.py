"""`rules`: what they say, what is wrong with them, and what they would have told."""

# ruff: noqa: PLC0415 - reading the rules imports pydantic, replaying them what answers questions

from __future__ import annotations

import json
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import click

from monitor.cli.cells import instants, ratio_text, words
from monitor.cli.options import DeskGroup, Duration, Instant, choices_of, database_of, settings_file
from monitor.cli.output import Column, Listing, emit, say, show
from monitor.cli.reading import instant
from monitor.clock import DAY, HOUR, SystemClock, Window, duration_text
from monitor.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.episodes import Rule
    from monitor.jobs.backtest import Backtest, Replayed

SETTINGS_WRONG = 2


@click.group(cls=DeskGroup)
def rules() -> None:
    r"""The alert rules of the settings file.

    \b
    Examples:
      monitor rules check
      monitor rules list -f json
      monitor rules backtest --days 90
    """


@rules.command("list")
@click.pass_context
def list_rules(context: click.Context) -> None:
    r"""Every rule with its threshold, where it recovers, how long it must hold, and whom it tells.

    \b
    Example: monitor rules list -f csv
    """
    from monitor.jobs.rules import threshold_text

    rows = [
        {**rule_row(rule), "fires": threshold_text(rule), "tells": ", ".join(rule.notify)}
        for rule in good_rules(context)
    ]
    columns = [
        words("name", "rule"),
        words("metric", "metric"),
        words("subjects", "subjects"),
        words("window", "window"),
        words("fires", "fires"),
        words("for", "for"),
        words("repeat_every", "repeats", rank=1),
        words("severity", "severity"),
        words("tells", "tells"),
    ]
    show(Listing("Rules", columns, rows, rows, empty="No rules."), choices_of(context).format)


@rules.command("check")
@click.pass_context
def check(context: click.Context) -> int:
    r"""Check the rules alone: every mistake with file, line and the known names. Ends with 2 if there is one.

    No secret is needed for that; `monitor check` looks at the whole file and at the channels' addresses.

    \b
    Example: monitor -c desk/monitor.toml rules check
    """
    from monitor.jobs.rules import file_rules

    choices = choices_of(context)
    path = settings_file(choices)
    good, complaints = file_rules(path)
    if choices.format == "json":
        told = [{name: getattr(complaint, name) for name in complaint.__slots__} for complaint in complaints]
        emit(json.dumps({"file": str(path), "ok": not complaints, "complaints": told}, indent=2) + "\n")
        return SETTINGS_WRONG if complaints else 0
    for complaint in complaints:
        say(f"Error: {complaint}")
    if not complaints:
        emit(f"{path} has {len(good)} good rules.\n" if len(good) != 1 else f"{path} has one good rule.\n")
    return SETTINGS_WRONG if complaints else 0


@rules.command("backtest")
@click.option("--days", type=click.FloatRange(min=0, min_open=True), default=90.0, show_default=True, help="How many.")
@click.option("--to", "end", type=Instant(), help="Up to this instant [default: the last complete one].")
@click.option("--step", type=Duration(), default="1h", show_default=True, help="How often the rules are evaluated.")
@click.option("--rule", "names", multiple=True, metavar="NAME", help="Only this rule; may be given several times.")
@click.pass_context
def backtest(context: click.Context, *, days: float, end: int | None, step: int, names: tuple[str, ...]) -> None:
    r"""What the rules would have told over stored history: the same code as live, over the ledger as it is known today.

    Rules about the monitor itself (stale, gap, job_failed and the like) have no history and are left out. A `for`
    shorter than the step counts in whole steps.

    \b
    Examples:
      monitor rules backtest --days 90
      monitor rules backtest --rule stalled --step 10m --days 7 -f csv
    """
    from monitor.jobs.backtest import backtest as replay
    from monitor.jobs.backtest import last_complete
    from monitor.store.reader import open_reader

    if step <= 0 or round(days * DAY) < step:
        raise UsageError(f"A step of {duration_text(step)} does not fit.", "Give --step 1h, or more --days.")
    chosen = named(good_rules(context), names)
    with closing(open_reader(database_of(choices_of(context)))) as connection:
        to = end if end is not None else last_complete(connection, SystemClock().now())
        window = Window(to - round(days * DAY), to)
        steps = (window.end - window.start) // step
        quiet = not sys.stderr.isatty()
        with click.progressbar(length=steps, label="Replaying", file=sys.stderr, hidden=quiet) as bar:
            done = replay(connection, chosen, window, step, lambda *_: bar.update(1))
    show(backtest_listing(done, window, step), choices_of(context).format)
    for sentence in sentences(done, chosen):
        say(sentence)


def good_rules(context: click.Context) -> tuple[Rule, ...]:
    """Return the rules of the settings file in force.

    Raises:
        ConfigError: one of them has a mistake.
    """
    from monitor.config.complaints import refuse
    from monitor.jobs.rules import file_rules

    found, complaints = file_rules(settings_file(choices_of(context)))
    refuse(complaints)
    return found


def named(found: Sequence[Rule], names: Sequence[str]) -> list[Rule]:
    """Return the rules of these names, the levels of a rule by its name too; all without a name."""
    from monitor.config.complaints import did_you_mean

    known = {name for rule in found for name in (rule.name, rule.name.partition(":")[0])}
    for name in names:
        if name not in known:
            raise ConfigError(f"There is no rule {name!r}.", did_you_mean(name, known) or "See: monitor rules list")
    return [rule for rule in found if not names or {rule.name, rule.name.partition(":")[0]} & set(names)]


def rule_row(rule: Rule) -> dict[str, object]:
    """Return a rule for JSON; durations as they are written in the file, null where there is none."""
    subjects = "portfolio" if rule.scope == "portfolio" else ", ".join(rule.assets) or "*"
    return {
        "name": rule.name,
        "metric": rule.metric,
        "subjects": f"{subjects} @ {', '.join(rule.accounts)}" if rule.accounts else subjects,
        "window": duration_text(rule.window),
        "below": rule.below,
        "above": rule.above,
        "clear": rule.clear,
        "relative": rule.relative,
        "baseline": duration_text(rule.baseline) if rule.relative else None,
        "for": length(rule.hold),
        "keep_firing_for": length(rule.keep_firing),
        "no_data_for": length(rule.no_data_hold),
        "repeat_every": None if rule.repeat_every is None else duration_text(rule.repeat_every),
        "min_inventory": rule.min_inventory,
        "min_fills": rule.min_fills,
        "severity": rule.severity,
        "notify": list(rule.notify),
    }


def length(milliseconds: int) -> str:
    """Return a duration as it is written in the file; none at all is 0s."""
    return duration_text(milliseconds) if milliseconds else "0s"


def backtest_listing(done: Backtest, window: Window, step: int) -> Listing:
    """Return the episodes that would have been, and for JSON the counts."""
    rows = [replayed_row(one) for one in done.episodes]
    columns = [
        words("kind", "kind"),
        words("rule", "rule"),
        words("subject", "subject"),
        instants("began", "told UTC"),
        instants("ended", "ended UTC"),
        Column("hours", "hours", lambda row: ratio_text(row["hours"]), figure=True),
        Column("value", "value", lambda row: ratio_text(row["value"]), figure=True),
        Column("worst", "worst", lambda row: ratio_text(row["worst"]), figure=True, rank=1),
        words("reason", "reason", rank=2),
    ]
    payload = {
        "from": instant(window.start),
        "to": instant(window.end),
        "step": duration_text(step),
        "evaluations": done.steps,
        "messages": done.messages,
        "left_out": list(done.left_out),
        "failures": list(done.failures),
        "episodes": rows,
    }
    title = f"Back-test, {instant(window.start)} to {instant(window.end)}, every {duration_text(step)}"
    return Listing(title, columns, rows, payload, empty="No rule would have fired.")


def replayed_row(one: Replayed) -> dict[str, object]:
    """Return an episode of a back-test for JSON."""
    return {
        "kind": one.kind,
        "rule": one.rule,
        "subject": one.subject,
        "began": instant(one.began),
        "ended": instant(one.ended),
        "hours": None if one.ended is None else (one.ended - one.began) / HOUR,
        "value": one.value,
        "worst": one.worst,
        "reason": one.reason,
    }


def sentences(done: Backtest, chosen: Sequence[Rule]) -> list[str]:
    """Return for every rule how often it would have fired, how long, and how many messages that makes."""
    told = []
    for rule in chosen:
        if rule.name in done.left_out:
            told.append(f"{rule.name}: left out, it watches the monitor itself, which has no history.")
            continue
        mine = [one for one in done.episodes if one.rule == rule.name]
        ended = [one.ended - one.began for one in mine if one.ended is not None and one.kind == "firing"]
        fired = sum(one.kind == "firing" for one in mine)
        mean = f", {sum(ended) / len(ended) / HOUR:.1f} hours on average where it ended" if ended else ""
        count = done.messages[rule.name]
        times = "once" if fired == 1 else f"{fired} times"
        told.append(f"{rule.name}: fired {times}{mean}; messages on each of its channels: {count}.")
    return [*told, *(f"Problem: {failure}" for failure in done.failures)]
