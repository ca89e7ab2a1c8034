"""From a state that has something to say to the facts of its message."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.alerts.metrics import METRICS
from monitor.alerts.verdict import clear_level, side, threshold
from monitor.episodes import AlertState, Kind, Notice, Transition

if TYPE_CHECKING:
    from monitor.episodes import Measurement, Rule

RELATIVE_UNITS = {"change": "share", "deviation": "MADs"}


def announced(rule: Rule, state: AlertState, measurement: Measurement | None, kind: Kind, now: int) -> Transition:
    """Return the transition that tells `kind` of a state on the rule's channels; before and after are the state's own.

    A notice without data carries no value: the last one known would pass for a measurement.
    """
    blind = kind == "no_data"
    episode, since = (state.blind_episode, state.blind_since) if blind else (state.episode, state.breached)
    notice = Notice(
        rule=rule.name,
        subject=state.subject,
        episode=episode or state.counter,
        kind=kind,
        time=now,
        since=now if since is None else since,
        ordinal=state.reminders if kind == "reminder" else 0,
        severity=rule.severity,
        metric=rule.metric,
        unit=unit_of(rule),
        window=rule.window,
        side=side(rule),
        value=None if blind else state.value,
        worst=None if blind else state.worst,
        threshold=threshold(rule),
        clear=clear_level(rule),
        held=state.blind_held if blind else state.held,
        reason=state.reason,
        context=dict(measurement.context) if measurement else {},
    )
    reason = state.reason or ""
    return Transition(rule.name, state.subject, now, state.shown, state.shown, reason, notice, rule.notify)


def withdrawn(state: AlertState, now: int, reason: str) -> Notice:
    """Return the last word on an episode whose rule is gone: its thresholds and channels are no longer known."""
    return Notice(
        rule=state.rule,
        subject=state.subject,
        episode=state.episode or state.counter,
        kind="resolved",
        time=now,
        since=now if state.breached is None else state.breached,
        value=state.value,
        worst=state.worst,
        reason=reason,
    )


def unit_of(rule: Rule) -> str:
    """Return the unit of the number the rule compares: the metric's, or that of its distance from a baseline."""
    if rule.relative:
        return RELATIVE_UNITS[rule.relative]
    metric = METRICS.get(rule.metric)
    return metric.unit if metric else ""
