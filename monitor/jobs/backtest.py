"""Rules over stored history: when each would have fired and resolved, and how many messages that makes.

The same measuring and the same state machine as live, at every step of the past. What it sees is the ledger as it is
known today: a fill that came late is there from its own time on. Rules about the monitor itself (stale, gaps, jobs)
have no history and are left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from monitor.alerts.lifecycle import evaluate
from monitor.alerts.metrics import OPERATIONAL
from monitor.clock import DAY, parse_instant
from monitor.jobs.alert import measure, subjects_of
from monitor.jobs.answer import turnover_answer
from monitor.jobs.baseline import Baselines

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Sequence

    from monitor.clock import Window
    from monitor.episodes import AlertState, Rule, Transition

# Evaluations further apart than this many steps would be downtime; in a replay none are.
GAP_STEPS = 3


@dataclass(frozen=True, slots=True)
class Replayed:
    """One episode that would have been; `ended` is None if it still lasted at the end, or the data never came back."""

    rule: str
    subject: str
    kind: Literal["firing", "no_data"]
    began: int
    ended: int | None
    value: float | None
    worst: float | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Backtest:
    """What the rules would have done: episodes in order, messages by rule (one channel's worth), rules left out."""

    episodes: tuple[Replayed, ...]
    messages: dict[str, int]
    left_out: tuple[str, ...]
    steps: int
    failures: tuple[str, ...] = ()


def backtest(
    connection: sqlite3.Connection,
    rules: Sequence[Rule],
    window: Window,
    step: int,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Backtest:
    """Evaluate the rules every `step` milliseconds of the window, its end included; nothing is stored.

    `progress` is told (steps done, steps in all).
    """
    live = [rule for rule in rules if rule.metric not in OPERATIONAL]
    instants = range(window.start + step, window.end + 1, step)
    states: tuple[AlertState, ...] = ()
    changes: list[Transition] = []
    failures: dict[str, None] = {}
    baselines = Baselines()
    for done, now in enumerate(instants, 1):
        seen, failed = measure(connection, live, now, baselines, subjects_of(states))
        states, transitions = evaluate(live, states, seen, now, longest_gap=GAP_STEPS * step)
        changes += transitions
        failures |= dict.fromkeys(failed)
        progress(done, len(instants))
    messages = {rule.name: sum(c.rule == rule.name and c.notice is not None for c in changes) for rule in live}
    left_out = tuple(rule.name for rule in rules if rule.metric in OPERATIONAL)
    return Backtest(_episodes(changes), messages, left_out, len(instants), tuple(failures))


def last_complete(connection: sqlite3.Connection, now: int) -> int:
    """Return the end of what is known: `as_of` of the newest answer, `now` where nothing was ever read."""
    as_of = turnover_answer(connection, now=now, window=DAY)["as_of"]
    return parse_instant(as_of) if isinstance(as_of, str) else now


def _episodes(changes: Sequence[Transition]) -> tuple[Replayed, ...]:
    """Return the episodes that changes opened and ended."""
    ends = {(change.rule, change.subject, change.ended): change for change in changes if change.ended is not None}
    episodes = []
    for notice in (change.notice for change in changes if change.notice):
        if notice.kind not in {"firing", "no_data"}:
            continue
        end = ends.get((notice.rule, notice.subject, notice.episode))
        worst = end.notice.worst if end and end.notice else notice.worst
        kind: Literal["firing", "no_data"] = "firing" if notice.kind == "firing" else "no_data"
        ended = end.time if end else None
        episodes.append(
            Replayed(notice.rule, notice.subject, kind, notice.time, ended, notice.value, worst, notice.reason)
        )
    return tuple(episodes)
