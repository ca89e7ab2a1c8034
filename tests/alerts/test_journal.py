"""What is stored of an evaluation, all of it or nothing."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from monitor.alerts.lifecycle import evaluate
from monitor.clock import DAY, MINUTE
from monitor.episodes import AlertState, Measurement, Rule
from monitor.store.journal import alert_states, annotate, episodes, new_restatements, prune, record_evaluation
from monitor.store.outbox import Lease, channel_states, claim, read_notice
from monitor.store.runs import finish_run, job_states, start_run

if TYPE_CHECKING:
    from monitor.store.database import Writer

RULE = Rule("stalled", "turnover", ("BTC",), below=2.0, notify=("desk", "mail"))


def look(writer: Writer, minute: int, value: float | None, rules: tuple[Rule, ...] = (RULE,)) -> None:
    """Evaluate one value of BTC at a minute and store the outcome."""
    seen = [Measurement("stalled", "BTC", minute * MINUTE, value, context={"currency": "USD"})]
    with writer.transaction() as connection:
        states, changes = evaluate(rules, alert_states(connection), seen, minute * MINUTE)
        record_evaluation(connection, states, changes, seen)


def outbox(writer: Writer) -> list[tuple[str, int, str]]:
    """Return (kind, episode, channel) of every row."""
    return writer.connection.execute("SELECT kind, episode, channel FROM outbox ORDER BY id").fetchall()


def test_a_state_comes_back_as_it_was(writer: Writer) -> None:
    """Every field, the missing ones as None."""
    full = AlertState(
        *("r", "s", 1, 2, "firing", "breach", 3, 4, 5, 6, 7, 8, 9),
        *(1.5, 0.5, "no_data", 10, 11, 12, "why"),
    )
    with writer.transaction() as connection:
        record_evaluation(connection, [full, AlertState("r", "t", 1, 2)], [], [])
    assert alert_states(writer.connection) == (full, AlertState("r", "t", 1, 2))


def test_an_episode_opens_and_ends(writer: Writer) -> None:
    """Firing at minute 1 with 1.5, worst 1.0, resolved at minute 3."""
    for minute, value in ((0, 3.0), (1, 1.5), (2, 1.0)):
        look(writer, minute, value)
    assert [(e.told, e.ended, e.value) for e in episodes(writer.connection, 0)] == [(MINUTE, None, 1.5)]
    look(writer, 3, 3.0)
    assert [(e.ended, e.worst, e.threshold) for e in episodes(writer.connection, 0)] == [(3 * MINUTE, 1.0, 2.0)]


def test_one_outbox_row_for_each_channel(writer: Writer) -> None:
    """A dead channel has its own rows to wait with."""
    look(writer, 0, 1.0)
    assert outbox(writer) == [("firing", 1, "desk"), ("firing", 1, "mail")]


def test_the_end_goes_to_those_who_were_told(writer: Writer) -> None:
    """The rule names another channel by now, or is gone altogether."""
    look(writer, 0, 1.0)
    look(writer, 1, 3.0, (replace(RULE, notify=("pager",)),))
    assert outbox(writer)[2:] == [("resolved", 1, "desk"), ("resolved", 1, "mail")]
    look(writer, 2, 1.0)
    look(writer, 3, 1.0, ())
    assert outbox(writer)[6:] == [("resolved", 2, "desk"), ("resolved", 2, "mail")]


def test_an_evaluation_is_stored_whole_or_not_at_all(writer: Writer) -> None:
    """An outbox row that cannot be written takes state, episode and measurement with it."""
    look(writer, 0, 3.0)
    before = alert_states(writer.connection)
    writer.connection.execute(
        "CREATE TEMP TRIGGER no BEFORE INSERT ON main.outbox BEGIN SELECT RAISE(ABORT, 'no'); END"
    )
    with pytest.raises(sqlite3.IntegrityError, match="no"):
        look(writer, 1, 1.0)
    assert alert_states(writer.connection) == before
    assert episodes(writer.connection, 0) == ()
    assert writer.connection.execute("SELECT max(time_ms) FROM measurements").fetchone() == (0,)


def test_the_context_is_kept_where_something_changed(writer: Writer) -> None:
    """A quiet minute needs no figures behind its value."""
    look(writer, 0, 3.0)
    look(writer, 1, 1.0)
    rows = writer.connection.execute("SELECT time_ms, context FROM measurements ORDER BY time_ms").fetchall()
    assert rows == [(0, "{}"), (MINUTE, '{"currency": "USD"}')]


def test_nan_is_stored_as_missing(writer: Writer) -> None:
    """Not as an error that stops every rule, and not as 0."""
    look(writer, 0, float("nan"))
    assert writer.connection.execute("SELECT value FROM measurements").fetchall() == [(None,)]
    assert alert_states(writer.connection)[0].shown == "no_data"


def test_a_restatement_is_noted_on_the_episodes_it_touches(writer: Writer) -> None:
    """BTC restated from minute 2: the episode that ended at 1 is untouched, the one that ended at 3 has a note."""
    for minute, value in ((0, 1.0), (1, 3.0), (2, 1.0), (3, 3.0)):
        look(writer, minute, value)
    with writer.transaction() as connection:
        assert annotate(connection, "BTC", 2 * MINUTE, "late fill") == 1
        assert annotate(connection, "ETH", 0, "late fill") == 0
    assert [e.notes for e in episodes(writer.connection, 0)] == [("late fill",), ()]
    assert len(outbox(writer)) == 8


def test_restatements_are_seen_once(writer: Writer) -> None:
    """Two rows of one asset are one restatement, from the earlier instant."""
    with writer.transaction() as connection:
        for since in (50, 40):
            row = (
                "INSERT INTO restatements (time_ms, asset, since_ms, measure, cause) VALUES (9, 'BTC', ?, 'cogs', 'x')"
            )
            connection.execute(row, [since])
        assert new_restatements(connection) == (("BTC", 40, "x"),)
        assert new_restatements(connection) == ()


def test_pruning_keeps_what_is_open(writer: Writer) -> None:
    """Old measurements go; the messages of an open episode stay, whoever sent them."""
    look(writer, 0, 1.0)
    with writer.transaction() as connection:
        connection.execute("UPDATE outbox SET state = 'sent', finished_ms = 0")
        assert prune(connection, MINUTE) == 1
    look(writer, 2, 3.0)
    with writer.transaction() as connection:
        connection.execute("UPDATE outbox SET state = 'sent', finished_ms = 0")
        prune(connection, 3 * MINUTE)
    assert outbox(writer) == []
    assert channel_states(writer.connection) == ()


def test_pruning_keeps_the_beginning_whose_end_still_waits(writer: Writer) -> None:
    """The end would say that nobody was told of the beginning."""
    look(writer, 0, 1.0)
    look(writer, 1, 3.0)
    with writer.transaction() as connection:
        connection.execute(
            "UPDATE outbox SET state = 'sent', finished_ms = 0 WHERE (kind, channel) = ('firing', 'desk')"
        )
        prune(connection, DAY)
    (end,) = claim(writer, "desk", Lease("test", DAY), MINUTE)
    assert (end.notice.kind, end.unannounced) == ("resolved", False)


def test_a_dead_letter_is_shown_until_its_ended_episode_is_pruned(writer: Writer) -> None:
    """`status` must not be red for ever because of a channel of last year."""
    look(writer, 0, 1.0)
    with writer.transaction() as connection:
        connection.execute("UPDATE outbox SET state = 'dead', finished_ms = 0")
        prune(connection, MINUTE)
    assert [one.dead for one in channel_states(writer.connection)] == [1, 1]
    look(writer, 2, 3.0)
    with writer.transaction() as connection:
        connection.execute("UPDATE outbox SET state = 'sent', finished_ms = 0 WHERE kind = 'resolved'")
        prune(connection, 3 * MINUTE)
    assert channel_states(writer.connection) == ()


@pytest.mark.parametrize("later", [(replace(RULE, severity="critical"),), ()])
def test_the_end_has_the_severity_of_the_beginning(writer: Writer, later: tuple[Rule, ...]) -> None:
    """The rule is critical by now, or gone: a receiver that files by severity must find what it ends."""
    look(writer, 0, 1.0, (replace(RULE, severity="info"),))
    look(writer, 1, 3.0, later)
    notices = [read_notice(text) for (text,) in writer.connection.execute("SELECT notice FROM outbox ORDER BY id")]
    assert [(one.kind, one.severity, one.metric, one.unit) for one in notices] == [
        *[("firing", "info", "turnover", "turns")] * 2,
        *[("resolved", "info", "turnover", "turns")] * 2,
    ]
    assert [severity for (severity,) in writer.connection.execute("SELECT severity FROM outbox")] == ["info"] * 4


def test_a_rule_that_goes_while_it_is_blind_leaves_nothing_open(writer: Writer) -> None:
    """Both episodes end, the firing one and the spell without data; the end is told once on each channel."""
    look(writer, 0, 1.0)
    look(writer, 1, None, (replace(RULE, no_data_hold=0),))
    look(writer, 2, None, ())
    assert [(one.kind, one.ended) for one in episodes(writer.connection, 0)] == [
        ("no_data", 2 * MINUTE),
        ("firing", 2 * MINUTE),
    ]
    assert [kind for kind, _, channel in outbox(writer) if channel == "desk"] == ["firing", "no_data", "resolved"]


def test_failures_in_a_row_are_counted(writer: Writer) -> None:
    """Well, failed, failed: two; a run that still goes on counts for nothing."""
    for minute, error in enumerate((None, "down", "down")):
        finish_run(writer, start_run(writer, "fills", minute), minute + 1, error, committed=minute)
    start_run(writer, "fills", 9)
    (job,) = job_states(writer.connection)
    assert (job.job, job.started, job.finished, job.ok, job.error, job.committed, job.failures) == (
        *("fills", 2, 3, False, "down", 2, 2),
    )
    finish_run(writer, start_run(writer, "fills", 10), 11)
    assert [(one.ok, one.failures) for one in job_states(writer.connection)] == [(True, 0)]
