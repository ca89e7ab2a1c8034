"""The state machine: OK -> PENDING -> FIRING -> RECOVERING -> OK, with NO_DATA and ERROR beside them.

One pure function, (rules, previous states, measurements, now) -> (states, transitions). Three ideas carry it:

* `for` counts *evaluated* time: the span between two evaluations that agreed and were not further apart than
  `longest_gap`. What nobody looked at counts for nothing, so downtime never fires or resolves anything.
* After a longer gap (a restart) the state stands, and the first evaluation that says something new is only observed;
  the next one that agrees may act.
* Without data the phase stands still; silence is told by itself, once, and is never mistaken for recovery.

It never looks back: a late fill can change the present value, but never fires an episode of the past again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from monitor.alerts.announce import announced, withdrawn
from monitor.alerts.verdict import Judgement, judge, side
from monitor.clock import MINUTE
from monitor.episodes import AlertState, Transition

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from monitor.episodes import Measurement, Rule

LONGEST_GAP = 3 * MINUTE
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Look:
    """One evaluation of one subject: the rule, what was measured, what it says, when, and what time it may count."""

    rule: Rule
    measurement: Measurement | None
    judgement: Judgement
    now: int
    counted: int
    gap: bool


def evaluate(
    rules: Iterable[Rule],
    states: Iterable[AlertState],
    measurements: Iterable[Measurement],
    now: int,
    *,
    longest_gap: int = LONGEST_GAP,
) -> tuple[tuple[AlertState, ...], tuple[Transition, ...]]:
    """Return every state after this evaluation and what changed, ordered by (rule, subject).

    `states` are those returned last time (an unknown subject starts as ok). A state whose subject was not measured
    has no data; one whose rule is gone ends. `longest_gap` in milliseconds: longer spans count for nothing.
    """
    by_name = {rule.name: rule for rule in rules}
    previous = {(state.rule, state.subject): state for state in states}
    measured = {(one.rule, one.subject): one for one in measurements if one.rule in by_name}
    after: list[AlertState] = []
    transitions: list[Transition] = []
    for key in sorted(previous.keys() | measured.keys()):
        state, changes = _evaluated(by_name, previous, measured.get(key), key, (now, longest_gap))
        after.append(state)
        transitions += changes
    return tuple(after), tuple(transitions)


def _evaluated(
    rules: Mapping[str, Rule],
    previous: Mapping[Key, AlertState],
    measurement: Measurement | None,
    key: Key,
    time: tuple[int, int],
) -> tuple[AlertState, Sequence[Transition]]:
    """Return one subject's next state and its changes; `time` is (now, longest gap)."""
    now, longest_gap = time
    rule = rules.get(key[0])
    state = previous.get(key) or AlertState(*key, since=now, evaluated=now)
    if rule is None:
        return _retired(state, now)
    elapsed = now - state.evaluated
    gap = not 0 <= elapsed <= longest_gap
    look = Look(rule, measurement, judge(rule, measurement), now, 0 if gap else elapsed, gap)
    return step(state, look)


def step(state: AlertState, look: Look) -> tuple[AlertState, Sequence[Transition]]:
    """Return the next state of one subject and the changes on the way."""
    if look.judgement.blind:
        return _blinded(state, look)
    seen, changes = _sighted(state, look)
    if look.gap and state.verdict != look.judgement.verdict:
        return seen, changes
    agreed = replace(look, counted=look.counted if state.verdict == look.judgement.verdict else 0)
    moved, more = MOVES[state.phase](seen, agreed)
    return moved, (*changes, *more)


def _blinded(state: AlertState, look: Look) -> tuple[AlertState, Sequence[Transition]]:
    """Stand still; after the rule's own patience tell once that there is nothing to go by."""
    begun = state.blind is None
    blind = replace(
        state,
        evaluated=look.now,
        verdict=None,
        blind=look.judgement.blind,
        blind_since=look.now if begun else state.blind_since,
        blind_held=0 if begun else state.blind_held + look.counted,
        reason=look.judgement.reason,
    )
    changes = [_change(state, blind, look, look.judgement.reason)] if state.shown != blind.shown else []
    fresh = not (begun and look.gap)
    if fresh and blind.blind_episode is None and blind.blind_held >= look.rule.no_data_hold:
        number = blind.counter + 1
        blind = replace(blind, counter=number, blind_episode=number)
        changes.append(announced(look.rule, blind, look.measurement, "no_data", look.now))
    return blind, changes


def _sighted(state: AlertState, look: Look) -> tuple[AlertState, Sequence[Transition]]:
    """Take in a measurement with data; a spell without data ends here, silently: its return is no recovery."""
    value = look.measurement.value if look.measurement else None
    seen = replace(
        state,
        evaluated=look.now,
        verdict=look.judgement.verdict,
        value=value,
        worst=_worse(look.rule, state.worst, value) if state.phase in {"pending", "firing"} else state.worst,
        blind=None,
        blind_since=None,
        blind_held=0,
        blind_episode=None,
        reason=look.judgement.reason or None,
    )
    if state.blind is None:
        return seen, []
    change = _change(state, seen, look, "data is back")
    return seen, [replace(change, ended=state.blind_episode)]


def _from_ok(state: AlertState, look: Look) -> tuple[AlertState, Sequence[Transition]]:
    """A breach begins to count; a rule without `for` fires at once."""
    if look.judgement.verdict != "breach":
        return state, []
    pending = replace(state, phase="pending", since=look.now, held=0, breached=look.now, worst=state.value)
    return _fired_when_held(state, pending, look)


def _from_pending(state: AlertState, look: Look) -> tuple[AlertState, Sequence[Transition]]:
    """Count on, or forget: before firing there is no hysteresis."""
    if look.judgement.verdict == "breach":
        return _fired_when_held(state, replace(state, held=state.held + look.counted), look)
    ok = replace(state, phase="ok", since=look.now, held=0, breached=None, worst=None)
    return ok, [_change(state, ok, look, "the breach ended before it was held")]


def _fired_when_held(before: AlertState, pending: AlertState, look: Look) -> tuple[AlertState, Sequence[Transition]]:
    """Fire if the breach was held `for` long enough in evaluated time."""
    if pending.held < look.rule.hold:
        return pending, [] if before.phase == "pending" else [_change(before, pending, look, "breach")]
    number = pending.counter + 1
    firing = replace(
        pending,
        phase="firing",
        since=look.now,
        counter=number,
        episode=number,
        fired=look.now,
        told=look.now,
        reminders=0,
    )
    return firing, [replace(announced(look.rule, firing, look.measurement, "firing", look.now), before=before.shown)]


def _from_firing(state: AlertState, look: Look) -> tuple[AlertState, Sequence[Transition]]:
    """Only a value past `clear` begins a recovery; a firing that lasts is told again every `repeat_every`."""
    if look.judgement.verdict == "clear":
        recovering = replace(state, phase="recovering", since=look.now, held=0)
        return _resolved_when_held(state, recovering, look)
    # A clock that was ahead and set back must not put the next reminder off until the present has caught up.
    told = look.now if state.told is None else min(state.told, look.now)
    if look.rule.repeat_every is None or look.now - told < look.rule.repeat_every:
        return replace(state, told=told), []
    again = replace(state, told=look.now, reminders=state.reminders + 1)
    return again, [announced(look.rule, again, look.measurement, "reminder", look.now)]


def _from_recovering(state: AlertState, look: Look) -> tuple[AlertState, Sequence[Transition]]:
    """Count on; anything short of `clear` is the same episode again, and nobody is told twice."""
    if look.judgement.verdict == "clear":
        return _resolved_when_held(state, replace(state, held=state.held + look.counted), look)
    firing = replace(state, phase="firing", since=look.now, held=0)
    return firing, [_change(state, firing, look, "the recovery did not last")]


def _resolved_when_held(
    before: AlertState, recovering: AlertState, look: Look
) -> tuple[AlertState, Sequence[Transition]]:
    """Resolve if the recovery was held `keep_firing_for` long enough in evaluated time."""
    if recovering.held < look.rule.keep_firing:
        return recovering, [] if before.phase == "recovering" else [_change(before, recovering, look, "recovery")]
    told = announced(look.rule, recovering, look.measurement, "resolved", look.now)
    return _closed(recovering, look.now), [replace(told, before=before.shown, after="ok", ended=recovering.episode)]


def _closed(state: AlertState, now: int) -> AlertState:
    """Return a state at rest; only the counter remembers, so that no episode number is given twice."""
    return AlertState(
        state.rule,
        state.subject,
        since=now,
        evaluated=now,
        verdict=state.verdict,
        counter=state.counter,
        value=state.value,
        reason=state.reason,
    )


def _retired(state: AlertState, now: int) -> tuple[AlertState, Sequence[Transition]]:
    """End what a rule that is gone left open: nobody would ever resolve it."""
    if state.episode is None and state.shown == "ok":
        return state, []
    reason = "the rule was removed"
    change = Transition(state.rule, state.subject, now, state.shown, "ok", reason, ended=state.blind_episode)
    if state.episode is None:
        return replace(_closed(state, now), verdict=None), [change]
    # Without data there may be two episodes: that of the silence ends untold, the one that fired is told to be over.
    silence = [replace(change, after=state.phase)] if state.blind_episode else []
    before = state.phase if silence else state.shown
    end = replace(change, before=before, notice=withdrawn(state, now, reason), ended=state.episode)
    return replace(_closed(state, now), verdict=None), [*silence, end]


def _change(before: AlertState, after: AlertState, look: Look, reason: str) -> Transition:
    """Return a change that is kept and told to nobody."""
    return Transition(before.rule, before.subject, look.now, before.shown, after.shown, look.judgement.reason or reason)


def _worse(rule: Rule, known: float | None, value: float | None) -> float | None:
    """Return the value further beyond the threshold."""
    if known is None or value is None:
        return value if known is None else known
    return min(known, value) if side(rule) == "below" else max(known, value)


MOVES = {"ok": _from_ok, "pending": _from_pending, "firing": _from_firing, "recovering": _from_recovering}
