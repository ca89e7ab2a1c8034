"""From the tables of a settings file to checked rules: all mistakes at once, each with its remedy.

A rule with several levels becomes one rule for each, `name:severity`: every level has its own threshold, hysteresis
and episodes, so that a warning that turns critical is told as what it is.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from monitor.alerts.metrics import JOBS, METRICS, OF_ONE_ASSET
from monitor.alerts.reach import useless
from monitor.alerts.table import RuleComplaint, Table, did_you_mean
from monitor.clock import DAY, duration_text
from monitor.episodes import Rule

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from monitor.alerts.metrics import Metric
    from monitor.records import Severity

NAME = re.compile(r"[\w.-]+")
# How a threshold is written -> on which side it is breached, and what it is compared with.
THRESHOLDS: dict[str, tuple[Literal["below", "above"], Literal["change", "deviation"] | None]] = {
    "below": ("below", None),
    "above": ("above", None),
    "change_below": ("below", "change"),
    "change_above": ("above", "change"),
    "deviation_above": ("above", "deviation"),
}
SEVERITIES: dict[str, Severity] = {"info": "info", "warning": "warning", "critical": "critical"}
LEVEL_KEYS = frozenset({*THRESHOLDS, "clear", "severity", "for", "keep_firing_for", "repeat_every", "notify"})
KEYS = LEVEL_KEYS | {
    *("name", "metric", "asset", "scope", "account", "job", "window", "baseline", "levels"),
    *("no_data_for", "min_inventory", "min_fills"),
}
GATES = frozenset({"min_inventory", "min_fills"})
# Whom a rule may be about, and what may gate it, by whose number its metric is.
ALLOWED = {
    "asset": {"asset", "scope", "account"} | GATES,
    "account": {"account"},
    "holding": {"asset", "account"},
    "job": {"job"},
    "cash": {"asset"},
}
USUAL = Rule("", "")
Parsed = tuple[tuple[Rule, ...], tuple[RuleComplaint, ...]]


def parse_rules(
    tables: Sequence[Mapping[str, object]],
    known_channels: Collection[str],
    known_accounts: Collection[str] | None = None,
) -> Parsed:
    """Return the rules of a settings file, and every mistake in them; a rule with a mistake is left out.

    `tables` are the `[[rules]]` as TOML reads them, `known_channels` the names `notify` may use. `known_accounts` are
    those read from venues, which alone can be stale or refused; None: not checked.
    """
    rules: list[Rule] = []
    complaints: list[RuleComplaint] = []
    names: set[str] = set()
    for position, values in enumerate(tables):
        found, wrong = _parsed(
            Table(position, str(values.get("name", f"number {position + 1}")), values), known_channels
        )
        name = found[0].name.partition(":")[0] if found else ""
        if name in names:
            wrong.append(RuleComplaint(position, name, "name", name, "Two rules have this name.", "Rename one."))
        names.add(name)
        wrong += _unknown_accounts(position, found, known_accounts)
        complaints += wrong
        rules += [] if wrong else found
    return tuple(rules), tuple(complaints)


def _unknown_accounts(position: int, rules: Sequence[Rule], known: Collection[str] | None) -> list[RuleComplaint]:
    """Return that a rule about the reading of accounts names one that nobody reads."""
    metric = METRICS.get(rules[0].metric) if rules else None
    if known is None or metric is None or metric.owner != "account":
        return []
    name = rules[0].name.partition(":")[0]
    unknown = [account for account in rules[0].accounts if account != "*" and account not in known]
    says = "No account of this name is read."
    return [RuleComplaint(position, name, "account", one, says, did_you_mean(one, known)) for one in unknown]


def _parsed(table: Table, channels: Collection[str]) -> tuple[list[Rule], list[RuleComplaint]]:
    """Return the rule of one table, or one for each of its levels, and the mistakes in it."""
    table.no_other(KEYS)
    name = table.text("name", "")
    if name and not NAME.fullmatch(name):
        table.wrong("name", "A name has letters, digits, points, dashes.", 'Write name = "btc-stalled".')
    metric = METRICS[table.text("metric", "turnover", METRICS)]
    if "metric" not in table.values:
        table.wrong("metric", "A rule needs a metric.", 'Write metric = "turnover".')
    rule = _aimed(table, Rule(name, table.text("metric", "turnover")), metric)
    rule = _gated(table, rule)
    levels = table.values.get("levels")
    if levels is None:
        return [_level(table, rule, metric, channels)], table.complaints
    return _levels(table, levels, rule, channels), table.complaints


def _aimed(table: Table, rule: Rule, metric: Metric) -> Rule:
    """Return the rule with whom it is about: assets or the portfolio, accounts, jobs."""
    scope = table.text("scope", "asset", ("asset", "portfolio"))
    assets, accounts, jobs = table.words("asset"), table.words("account"), table.words("job")
    for key in ("asset", "scope", "account", "job", "min_inventory", "min_fills"):
        if key in table.values and key not in ALLOWED[metric.owner]:
            what = f"has no {key[4:]}" if key in GATES else f"is not a number of any {key}"
            table.wrong(key, f"{rule.metric} {what}.", f"Take {key} out of the rule.")
    for job in jobs:
        if job != "*" and job not in JOBS:
            table.wrong("job", f"There is no job {job!r}.", did_you_mean(job, JOBS))
    if scope == "portfolio":
        if rule.metric in OF_ONE_ASSET:
            table.wrong("scope", f"{rule.metric} is a number of one asset; the portfolio has none.", "Take scope out.")
        if assets:
            table.wrong("asset", "A rule is about assets or about the portfolio.", "Take asset or scope out.")
        return replace(rule, scope="portfolio", accounts=accounts)
    # The selection of a rule about jobs stands where others have their assets.
    chosen = {"job": jobs, "account": ()}.get(metric.owner, assets)
    everything = () if metric.owner == "account" else ("*",)
    if metric.owner == "account" and not accounts:
        accounts = ("*",)
    return replace(rule, assets=chosen or everything, accounts=accounts)


def _gated(table: Table, rule: Rule) -> Rule:
    """Return the rule with its window, gates and patience."""
    fills = table.number("min_fills")
    if fills is not None and (fills < 0 or fills != int(fills)):
        table.wrong("min_fills", "This must be a whole number.", "Write min_fills = 20.")
    return replace(
        rule,
        window=table.length("window", USUAL.window),
        baseline=table.length("baseline", USUAL.baseline),
        no_data_hold=table.length("no_data_for", USUAL.no_data_hold),
        min_inventory=table.number("min_inventory"),
        min_fills=None if fills is None else int(fills),
    )


def _levels(table: Table, levels: object, rule: Rule, channels: Collection[str]) -> list[Rule]:
    """Return one rule for each `[[rules.levels]]`; what a level does not say, the rule says."""
    if not isinstance(levels, list) or not levels or not all(isinstance(level, dict) for level in levels):
        table.wrong("levels", "Levels are tables.", "Write [[rules.levels]] with severity and a threshold.")
        return []
    for key in THRESHOLDS:
        if key in table.values:
            table.wrong(key, "With levels, each level has its own threshold.", f"Move {key} into the levels.")
    shared = {key: value for key, value in table.values.items() if key in LEVEL_KEYS - THRESHOLDS.keys() - {"clear"}}
    made: list[Rule] = []
    for number, level in enumerate(levels):
        part = Table(table.position, table.rule, {**shared, **level}, f"levels[{number}].", table.complaints)
        part.no_other(LEVEL_KEYS)
        one = _level(part, rule, METRICS[rule.metric], channels)
        if one.severity in {known.severity for known in made}:
            part.wrong("severity", "Two levels have this severity.", "Give each level a severity of its own.")
        made.append(replace(one, name=f"{rule.name}:{one.severity}"))
    return made


def _level(table: Table, rule: Rule, metric: Metric, channels: Collection[str]) -> Rule:
    """Return the rule with threshold, hysteresis, durations, severity and channels."""
    reminder = table.length("repeat_every", 0)
    rule = replace(
        _compared(table, rule, metric),
        hold=table.length("for", USUAL.hold),
        keep_firing=table.length("keep_firing_for", USUAL.keep_firing),
        repeat_every=reminder or None,
        severity=SEVERITIES[table.text("severity", USUAL.severity, SEVERITIES)],
        notify=table.words("notify") if "notify" in table.values else USUAL.notify,
    )
    for channel in rule.notify:
        if channel not in channels:
            table.wrong(
                "notify",
                f"There is no channel {channel!r}.",
                f"{did_you_mean(channel, channels)} Channels are tables [channels.NAME].",
            )
    return rule


def _compared(table: Table, rule: Rule, metric: Metric) -> Rule:
    """Return the rule with its one threshold and its clear level."""
    written = [key for key in THRESHOLDS if key in table.values]
    if len(written) > 1:
        remedy = "Write two rules." if {"below", "above"} <= set(written) else "Keep one."
        table.wrong(written[1], f"A rule has one threshold, this has {' and '.join(written)}.", remedy)
    if not written:
        if metric.above is None:
            table.wrong("below", "A rule needs a threshold.", "Write below = 2.0 or above = 10.")
        return replace(rule, above=metric.above)
    side, relative = THRESHOLDS[written[0]]
    unit = "" if relative else metric.unit
    limit, clear = table.number(written[0], unit), table.number("clear", unit)
    if limit is not None and clear is not None and (clear < limit if side == "below" else clear > limit):
        remedy = f"Write a number {'above' if side == 'below' else 'below'} {limit:g}, or leave clear out."
        table.wrong("clear", f"A rule that fires {side} {limit:g} cannot clear at {clear:g}.", remedy)
    if rule.metric == "days_inventory" and side == "above" and not relative and limit and limit * DAY >= rule.window:
        seen = f"An asset that sold nothing shows as its whole window, {duration_text(rule.window)}."
        table.wrong(written[0], seen, f"Write a window longer than {limit:g} days.")
    if relative and metric.owner != "asset":
        table.wrong(written[0], f"{rule.metric} has no baseline.", "Use below or above.")
    if side == "below" and metric.above is not None and not relative:
        table.wrong(written[0], f"{rule.metric} is trouble above a number, not below.", "Use above.")
    below, above = (limit, None) if side == "below" else (None, limit)
    compared = replace(rule, below=below, above=above, clear=clear, relative=relative)
    if limit is not None and not table.complaints and (wrong := useless(compared)):
        key, message, remedy = wrong
        table.wrong(written[0] if key == "threshold" or clear is None else key, message, remedy)
    return compared
