"""The state machine, one table of (minute, value) a test: rule "below 2, clear 2.4" unless the test says otherwise."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from monitor.alerts.lifecycle import evaluate
from monitor.clock import HOUR, MINUTE
from monitor.episodes import Measurement, Rule

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.episodes import AlertState, Transition

START = 1_767_225_600_000  # 2026-01-01
RULE = Rule("stalled", "turnover", ("BTC",), below=2.0, clear=2.4)
GAP = 10 * MINUTE
Moment = tuple[int, float | None]


def told(changes: Sequence[Transition], minute: int) -> list[str]:
    """Return changes as text: `5 pending>firing FIRING 1`."""
    return [
        f"{minute} {c.before}>{c.after}" + (f" {c.notice.kind.upper()} {c.notice.episode}" if c.notice else "")
        for c in changes
    ]


def play(rule: Rule, *moments: Moment, states: Sequence[AlertState] = ()) -> tuple[list[str], AlertState]:
    """Evaluate at each minute and return every change, and the last state; None is a value nobody knows."""
    lines: list[str] = []
    for minute, value in moments:
        now = START + minute * MINUTE
        seen = Measurement(rule.name, "BTC", now, value, None if value is not None else "stale")
        states, changes = evaluate([rule], states, [seen], now, longest_gap=GAP)
        lines += told(changes, minute)
    return lines, states[0]


def test_a_rule_without_for_fires_at_its_first_breach() -> None:
    """Value 1.9 is below 2."""
    assert play(RULE, (0, 1.9))[0] == ["0 ok>firing FIRING 1"]


def test_the_threshold_itself_is_no_breach() -> None:
    """2 is not below 2."""
    assert play(RULE, (0, 2.0))[0] == []


def test_for_must_be_held() -> None:
    """10 minutes from the first breach at minute 5 end at minute 15."""
    lines, _ = play(replace(RULE, hold=10 * MINUTE), (0, 3), (5, 1), (10, 1), (14, 1), (15, 1))
    assert lines == ["5 ok>pending", "15 pending>firing FIRING 1"]


def test_pending_ends_with_the_breach() -> None:
    """2.1 is not past `clear`, but hysteresis is for what fires: the count starts anew."""
    lines, _ = play(replace(RULE, hold=10 * MINUTE), (0, 1), (5, 2.1), (9, 1), (15, 1), (19, 1))
    assert lines == ["0 ok>pending", "5 pending>ok", "9 ok>pending", "19 pending>firing FIRING 1"]


def test_downtime_counts_for_no_for() -> None:
    """5 minutes evaluated, 3 hours down, 4 minutes evaluated make 9 of 10; the next minute fires."""
    rule = replace(RULE, hold=10 * MINUTE)
    lines, state = play(rule, (0, 1), (5, 1), (185, 1), (189, 1))
    assert lines == ["0 ok>pending"]
    assert state.held == 9 * MINUTE
    assert play(rule, (190, 1), states=[state])[0] == ["190 pending>firing FIRING 1"]


def test_after_downtime_the_first_new_verdict_is_only_observed() -> None:
    """The state stands for one fresh evaluation; the second that agrees acts."""
    assert play(RULE, (0, 3), (60, 1), (61, 1))[0] == ["61 ok>firing FIRING 1"]
    assert play(RULE, (0, 1), (60, 3), (61, 3))[0] == ["0 ok>firing FIRING 1", "61 firing>ok RESOLVED 1"]


def test_after_downtime_an_old_verdict_acts_at_once_when_seen_twice() -> None:
    """Run once an hour by cron every span is downtime: two runs that agree are enough."""
    assert play(RULE, (0, 3), (60, 1), (120, 1))[0] == ["120 ok>firing FIRING 1"]


def test_a_passing_breach_after_downtime_is_nothing() -> None:
    """Data that was old at minute 60 is fresh at minute 61."""
    assert play(RULE, (0, 3), (60, 1), (61, 3))[0] == []


def test_a_clock_that_steps_back_counts_nothing() -> None:
    """From minute 5 back to minute 0 is no time; then 0 to 9 are 9 more after 5."""
    _, state = play(replace(RULE, hold=20 * MINUTE), (0, 1), (5, 1), (0, 1), (9, 1))
    assert state.held == 14 * MINUTE


def test_firing_ends_only_past_clear() -> None:
    """Between threshold 2 and clear 2.4 nothing changes."""
    assert play(RULE, (0, 1), (1, 2.1), (2, 2.39), (3, 2.4))[0] == ["0 ok>firing FIRING 1", "3 firing>ok RESOLVED 1"]


@pytest.mark.parametrize(("value", "ends"), [(2.19, False), (2.2, True)])
def test_clear_is_ten_per_cent_beyond_by_default(value: float, *, ends: bool) -> None:
    """2 + 10 % is 2.2."""
    lines, _ = play(replace(RULE, clear=None), (0, 1), (1, value))
    assert lines[1:] == (["1 firing>ok RESOLVED 1"] if ends else [])


def test_above_is_the_mirror() -> None:
    """Above 10: fires at 10.1, holds at 9.1, ends at 9."""
    rule = Rule("busy", "turnover", ("BTC",), above=10.0)
    assert play(rule, (0, 10.1), (1, 9.1), (2, 9.0))[0] == ["0 ok>firing FIRING 1", "2 firing>ok RESOLVED 1"]


def test_a_negative_threshold_clears_beyond_it() -> None:
    """Below -100: 10 % beyond is -90, not -110."""
    rule = Rule("loss", "realised_pnl", ("BTC",), below=-100.0)
    assert play(rule, (0, -101), (1, -95), (2, -90))[0] == ["0 ok>firing FIRING 1", "2 firing>ok RESOLVED 1"]


def test_keep_firing_holds_the_end_back() -> None:
    """Clear from minute 1, kept 5 minutes in evaluated time."""
    lines, _ = play(replace(RULE, keep_firing=5 * MINUTE), (0, 1), (1, 3), (4, 3), (6, 3))
    assert lines == ["0 ok>firing FIRING 1", "1 firing>recovering", "6 recovering>ok RESOLVED 1"]


def test_downtime_counts_for_no_recovery() -> None:
    """2 minutes clear, 2 hours down: 3 minutes are still to come."""
    lines, _ = play(replace(RULE, keep_firing=5 * MINUTE), (0, 1), (1, 3), (3, 3), (123, 3), (125, 3), (126, 3))
    assert lines[1:] == ["1 firing>recovering", "126 recovering>ok RESOLVED 1"]


@pytest.mark.parametrize("relapse", [1.0, 2.2])
def test_a_recovery_that_does_not_last_is_the_same_episode(relapse: float) -> None:
    """Whether breached again or only short of clear: no message, and the count starts anew."""
    rule = replace(RULE, keep_firing=5 * MINUTE)
    lines, _ = play(rule, (0, 1), (1, 3), (5, relapse), (6, 3), (10, 3), (11, 3))
    assert lines[1:] == [
        "1 firing>recovering",
        "5 recovering>firing",
        "6 firing>recovering",
        "11 recovering>ok RESOLVED 1",
    ]


def test_reminders_while_firing() -> None:
    """Every hour while it lasts, numbered."""
    rule = replace(RULE, repeat_every=HOUR)
    lines, state = play(rule, *((minute, 1) for minute in range(0, 125, 5)))
    assert lines == ["0 ok>firing FIRING 1", "60 firing>firing REMINDER 1", "120 firing>firing REMINDER 1"]
    assert state.reminders == 2


def test_a_clock_set_back_does_not_put_reminders_off() -> None:
    """Fired a year in the future: an hour after the clock was corrected the first reminder is due."""
    rule = replace(RULE, repeat_every=HOUR)
    year = 365 * 24 * 60
    lines, _ = play(rule, (year, 1), *((minute, 1) for minute in range(0, 65, 5)))
    assert lines == [f"{year} ok>firing FIRING 1", "60 firing>firing REMINDER 1"]


def test_no_data_freezes_pending() -> None:
    """4 minutes held, 3 without data, 6 more: the silence neither counts nor forgets."""
    rule = replace(RULE, hold=10 * MINUTE)
    lines, _ = play(rule, (0, 1), (4, 1), (5, None), (7, None), (8, 1), (13, 1), (14, 1))
    assert lines == ["0 ok>pending", "5 pending>no_data", "8 no_data>pending", "14 pending>firing FIRING 1"]


def test_no_data_is_never_recovery() -> None:
    """Firing stays firing under the silence, and its end is told only by data."""
    rule = replace(RULE, no_data_hold=HOUR)
    lines, _ = play(rule, (0, 1), (1, None), (9, None), (10, 1), (11, 3))
    assert lines == ["0 ok>firing FIRING 1", "1 firing>no_data", "10 no_data>firing", "11 firing>ok RESOLVED 1"]


def test_no_data_is_told_once_after_its_own_for() -> None:
    """Patience 5 minutes; the return of data is no message."""
    rule = replace(RULE, no_data_hold=5 * MINUTE)
    lines, _ = play(rule, (0, 3), (1, None), (5, None), (6, None), (9, None), (15, None), (16, 3))
    assert lines == ["1 ok>no_data", "6 no_data>no_data NO_DATA 1", "16 no_data>ok"]


def test_each_spell_without_data_is_an_episode_of_its_own() -> None:
    """Numbers are shared with firing episodes and never given twice."""
    rule = replace(RULE, no_data_hold=0)
    lines, _ = play(rule, (0, None), (1, 1), (2, None), (3, 3))
    assert lines == [
        "0 ok>no_data",
        "0 no_data>no_data NO_DATA 1",
        "1 no_data>ok",
        "1 ok>firing FIRING 2",
        "2 firing>no_data",
        "2 no_data>no_data NO_DATA 3",
        "3 no_data>firing",
        "3 firing>ok RESOLVED 2",
    ]


def test_downtime_does_not_tell_no_data() -> None:
    """The gap before the first blind look is not a silence anybody watched."""
    rule = replace(RULE, no_data_hold=5 * MINUTE)
    assert play(rule, (0, 3), (120, None), (121, None))[0] == ["120 ok>no_data"]


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_no_number_is_no_data(value: float) -> None:
    """NaN and infinity compare like numbers and mean nothing."""
    lines, state = play(RULE, (0, 1), (1, value))
    assert lines[1:] == ["1 firing>no_data"]
    assert state.phase == "firing"


def test_a_value_with_a_reason_is_no_evidence() -> None:
    """A number that rests on missing fills must not resolve."""
    seen = Measurement("stalled", "BTC", START + MINUTE, 99.0, "gap open")
    _, state = play(RULE, (0, 1))
    states, _ = evaluate([RULE], [state], [seen], START + MINUTE)
    assert (states[0].shown, states[0].phase) == ("no_data", "firing")


def test_a_failed_measurement_is_an_error() -> None:
    """ERROR stands beside NO_DATA, and freezes alike."""
    seen = Measurement("stalled", "BTC", START + MINUTE, None, "disk on fire", standing="failed")
    _, state = play(RULE, (0, 1))
    states, changes = evaluate([RULE], [state], [seen], START + MINUTE)
    assert told(changes, 1) == ["1 firing>error"]
    assert states[0].phase == "firing"


def test_a_subject_nobody_measured_has_no_data() -> None:
    """Silence about a firing asset is not its recovery."""
    _, state = play(RULE, (0, 1))
    _, changes = evaluate([RULE], [state], [], START + MINUTE)
    assert told(changes, 1) == ["1 firing>no_data"]


def test_a_removed_rule_ends_what_it_left_open() -> None:
    """Nobody else would ever resolve it; the counter stays, should the rule come back."""
    _, state = play(RULE, (0, 1))
    states, changes = evaluate([], [state], [], START + MINUTE)
    assert told(changes, 1) == ["1 firing>ok RESOLVED 1"]
    assert evaluate([], states, [], START + 2 * MINUTE)[1] == ()
    assert play(RULE, (3, 1), (4, 1), states=states)[0] == ["3 ok>firing FIRING 2"]


@pytest.mark.parametrize(
    ("gate", "seen"),
    [
        ({"min_inventory": 10_000.0}, {"inventory": 9_999.0}),
        ({"min_fills": 20}, {"fills": 19}),
        ({}, {"standing": "exempt", "reason": "no inventory"}),
    ],
)
def test_dust_and_idle_assets_never_alert(gate: dict[str, float], seen: dict[str, object]) -> None:
    """A closed gate is clear: nothing fires, and what fired ends."""
    rule = replace(RULE, **gate)  # type: ignore[arg-type]  # a table of fields
    small = Measurement("stalled", "BTC", START + MINUTE, 1.0, inventory=1e6, fills=100)
    assert evaluate([rule], [], [replace(small, **seen)], START)[1] == ()  # type: ignore[arg-type]  # likewise
    firing, _ = evaluate([rule], [], [small], START)
    states, changes = evaluate([rule], firing, [replace(small, **seen)], START + MINUTE)  # type: ignore[arg-type]  # likewise
    assert told(changes, 1) == ["1 firing>ok RESOLVED 1"]
    assert states[0].phase == "ok"


def test_a_gate_that_cannot_be_read_is_no_data() -> None:
    """Unknown inventory is not small inventory."""
    rule = replace(RULE, min_inventory=10_000.0)
    states, _ = evaluate([rule], [], [Measurement("stalled", "BTC", START, 1.0)], START)
    assert states[0].shown == "no_data"


def test_noise_around_the_threshold_makes_two_messages_a_crossing() -> None:
    """200 values in 1.8 to 2.2 around one real crossing each way: fired once, resolved once."""
    noisy = [2.0 + 0.2 * math.sin(7 * step) for step in range(200)]
    lines, _ = play(RULE, (0, 5.0), *((1 + step, value) for step, value in enumerate(noisy)), (300, 5.0), (301, 5.0))
    assert [line.split(" ", 2)[2] for line in lines if line.count(" ") == 3] == ["FIRING 1", "RESOLVED 1"]


def test_subjects_are_separate() -> None:
    """BTC fires, ETH does not."""
    seen = [Measurement("stalled", "BTC", START, 1.0), Measurement("stalled", "ETH", START, 3.0)]
    states, changes = evaluate([RULE], [], seen, START)
    assert [(state.subject, state.phase) for state in states] == [("BTC", "firing"), ("ETH", "ok")]
    assert [change.subject for change in changes] == ["BTC"]


def test_the_worst_value_is_kept_for_the_end() -> None:
    """Of 1.5, 0.8 and 1.2 the worst below is 0.8."""
    state: Sequence[AlertState] = ()
    for minute, value in enumerate((1.5, 0.8, 1.2, 3.0)):
        now = START + minute * MINUTE
        state, changes = evaluate([RULE], state, [Measurement("stalled", "BTC", now, value)], now)
    assert changes[0].notice is not None
    assert (changes[0].notice.kind, changes[0].notice.worst, changes[0].notice.since) == ("resolved", 0.8, START)
