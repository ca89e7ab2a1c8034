"""Measure every rule, evaluate, and store all of it at once: states, episodes and what has to be said.

The previous states are read in the transaction that stores the next ones, so a crash anywhere leaves either the old
evaluation whole or the new one whole, with its messages.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from monitor.alerts.lifecycle import LONGEST_GAP, evaluate
from monitor.alerts.metrics import OPERATIONAL
from monitor.clock import DAY, HOUR, iso
from monitor.episodes import Measurement
from monitor.errors import MonitorError
from monitor.jobs.baseline import Baselines
from monitor.jobs.readings import PORTFOLIO, Desk, readings
from monitor.jobs.vitals import vitals
from monitor.store.journal import alert_states, annotate, new_restatements, prune, record_evaluation

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping, Sequence

    from monitor.episodes import AlertState, Rule, Transition
    from monitor.store.database import Writer

KEPT = 7 * DAY


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What one evaluation did: subjects measured, changes, how many fire now, and what could not be measured."""

    measured: int
    transitions: tuple[Transition, ...]
    firing: int
    without_data: int
    failures: tuple[str, ...] = ()


@dataclass
class Memory:
    """What evaluations of one process share, and may lose: samples of what is usual, and when it last tidied up."""

    baselines: Baselines = field(default_factory=Baselines)
    pruned: int = 0


def alert(
    writer: Writer, rules: Sequence[Rule], now: int, memory: Memory | None = None, *, longest_gap: int = LONGEST_GAP
) -> Evaluation:
    """Evaluate all rules at `now` and store the outcome in one transaction.

    `longest_gap` in milliseconds, about three evaluation intervals: a longer span between two evaluations was downtime
    and counts for no `for`. A rule that cannot be measured is in state error; the others go on.
    """
    memory = memory or Memory()
    known = subjects_of(alert_states(writer.connection))
    measurements, failures = measure(writer.connection, rules, now, memory.baselines, known)
    with writer.transaction() as connection:
        states, transitions = conclude(connection, rules, measurements, now, longest_gap)
        _annotate(connection, memory.baselines)
        if now - memory.pruned >= HOUR:
            prune(connection, now - KEPT)
            memory.pruned = now
    return Evaluation(len(measurements), transitions, *_counts(states), failures)


def conclude(
    connection: sqlite3.Connection,
    rules: Sequence[Rule],
    measurements: Sequence[Measurement],
    now: int,
    longest_gap: int,
) -> tuple[tuple[AlertState, ...], tuple[Transition, ...]]:
    """Evaluate measurements and store what follows, in the open transaction."""
    states, transitions = evaluate(rules, alert_states(connection), measurements, now, longest_gap=longest_gap)
    record_evaluation(connection, states, transitions, measurements)
    return states, transitions


def subjects_of(states: Iterable[AlertState]) -> dict[str, set[str]]:
    """Return the subjects each rule has a state for."""
    known: dict[str, set[str]] = {}
    for state in states:
        known.setdefault(state.rule, set()).add(state.subject)
    return known


def measure(
    connection: sqlite3.Connection,
    rules: Sequence[Rule],
    now: int,
    baselines: Baselines,
    known: Mapping[str, set[str]],
) -> tuple[list[Measurement], tuple[str, ...]]:
    """Return what every rule sees now, and a sentence for each rule that could not be measured.

    `known` are the subjects each rule has a state for: one that is no longer there is measured as exempt.
    """
    desk = Desk(connection, now, baselines, {})
    measurements: list[Measurement] = []
    failures = []
    for rule in rules:
        subjects = known.get(rule.name, set())
        try:
            if rule.metric in OPERATIONAL:
                measurements += vitals(connection, rule, subjects, now)
            else:
                measurements += readings(desk, rule, subjects)
        except MonitorError as error:
            failures.append(f"rule {rule.name}: {error}")
            measurements += _failed(rule, subjects, str(error), now)
    return measurements, tuple(failures)


def _failed(rule: Rule, known: set[str], reason: str, now: int) -> list[Measurement]:
    """Return that a rule could not be measured, for every subject it has, and those it names."""
    named = {PORTFOLIO} if rule.scope == PORTFOLIO else set(rule.assets) - {"*"}
    subjects = sorted(known | (set() if rule.accounts else named))
    return [Measurement(rule.name, subject, now, None, reason, standing="failed") for subject in subjects]


def _annotate(connection: sqlite3.Connection, baselines: Baselines) -> None:
    """Note new restatements on the past episodes they touch: they are never fired again, only explained."""
    found = new_restatements(connection)
    for asset, since, cause in found:
        annotate(connection, asset, since, f"{asset} was restated from {iso(since)} on: {cause}")
    if found:
        baselines.forget()


def _counts(states: Sequence[AlertState]) -> tuple[int, int]:
    firing = sum(state.phase in {"firing", "recovering"} for state in states)
    return firing, sum(state.blind is not None for state in states)
