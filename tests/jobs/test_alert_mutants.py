"""Deliberate bugs, each of a kind that real alerting tools have had: the simulation catches every one."""

from __future__ import annotations

import importlib.util
import sqlite3
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from monitor.alerts import announce, lifecycle, verdict
from monitor.alerts.verdict import Judgement
from monitor.jobs import alert, courier
from monitor.store import journal, outbox
from monitor.store.silences import held_back

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from types import ModuleType

    from monitor.episodes import AlertState, Measurement, Notice, Rule, Transition
    from monitor.jobs.courier import Courier, Result, Tally
    from monitor.store.database import Writer
    from monitor.store.outbox import Digest, Lease, Outgoing

    Patch = Callable[[pytest.MonkeyPatch], None]

WORLDS = 80


def simulation() -> ModuleType:
    """Return the module beside this one: test modules are no package."""
    path = Path(__file__).with_name("test_alert_simulation.py")
    spec = importlib.util.spec_from_file_location("alert_simulation", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up while it runs
    spec.loader.exec_module(module)
    return module


SIMULATION = simulation()


def mark_before_send(patch: pytest.MonkeyPatch) -> None:
    """What is marked first is lost when the process dies in between (healthchecks)."""
    claim = outbox.claim

    def claim_and_mark(writer: Writer, channel: str, lease: Lease, now: int, digest: Digest) -> tuple[Outgoing, ...]:
        taken = claim(writer, channel, lease, now, digest)
        outbox.mark_sent(writer, taken, now)
        return taken

    patch.setattr(courier, "claim", claim_and_mark)


def two_transactions(patch: pytest.MonkeyPatch) -> None:
    """States first, messages later: dying in between, an episode has no message."""
    record = journal.record_evaluation

    def in_two(
        connection: sqlite3.Connection,
        states: Sequence[AlertState],
        transitions: Sequence[Transition],
        measurements: Iterable[Measurement],
    ) -> None:
        record(connection, states, [], measurements)
        connection.execute("COMMIT")
        connection.execute("BEGIN IMMEDIATE")
        record(connection, (), transitions, ())

    patch.setattr(alert, "record_evaluation", in_two)


def downtime_counts(patch: pytest.MonkeyPatch) -> None:
    """`for` in wall-clock time: a breach before and after a long night has held all night."""
    evaluate = lifecycle.evaluate
    patch.setattr(alert, "evaluate", lambda *given, longest_gap: evaluate(*given, longest_gap=longest_gap * 10**6))


def hysteresis_while_pending(patch: pytest.MonkeyPatch) -> None:
    """A value that is back inside the threshold keeps the count running."""
    move = lifecycle.MOVES["pending"]

    def sticky(state: AlertState, look: lifecycle.Look) -> tuple[AlertState, Sequence[Transition]]:
        if look.judgement.verdict == "between":
            look = replace(look, judgement=Judgement("breach"))
        return move(state, look)

    patch.setitem(lifecycle.MOVES, "pending", sticky)


def resolved_on_no_data(patch: pytest.MonkeyPatch) -> None:
    """A metric that vanished reads as recovered (Prometheus)."""
    judge = verdict.judge

    def trusting(rule: Rule, measurement: Measurement | None) -> Judgement:
        found = judge(rule, measurement)
        return Judgement("clear") if found.blind else found

    patch.setattr(lifecycle, "judge", trusting)


def no_data_resets_pending(patch: pytest.MonkeyPatch) -> None:
    """A minute without data forgets the breach it interrupted."""
    blinded = lifecycle._blinded

    def forgetful(state: AlertState, look: lifecycle.Look) -> tuple[AlertState, Sequence[Transition]]:
        return blinded(replace(state, phase="ok", held=0) if state.phase == "pending" else state, look)

    patch.setattr(lifecycle, "_blinded", forgetful)


def no_data_told_again(patch: pytest.MonkeyPatch) -> None:
    """Every evaluation without data is a message."""
    blinded = lifecycle._blinded
    patch.setattr(lifecycle, "_blinded", lambda state, look: blinded(replace(state, blind_episode=None), look))


def forgets_keep_firing(patch: pytest.MonkeyPatch) -> None:
    """A restart ends a recovery at once (Prometheus forgets keep_firing_for)."""
    move = lifecycle.MOVES["recovering"]

    def impatient(state: AlertState, look: lifecycle.Look) -> tuple[AlertState, Sequence[Transition]]:
        return move(state, replace(look, rule=replace(look.rule, keep_firing=0)) if look.gap else look)

    patch.setitem(lifecycle.MOVES, "recovering", impatient)


def acts_on_the_first_look_after_downtime(patch: pytest.MonkeyPatch) -> None:
    """What is read first after a restart may be old, and already fires or resolves."""
    step = lifecycle.step
    patch.setattr(lifecycle, "step", lambda state, look: step(state, replace(look, gap=False)))


def gives_up_after_one_failure(patch: pytest.MonkeyPatch) -> None:
    """A channel that refused once never gets the message."""

    def bury(writer: Writer, attempt: Sequence[Outgoing], *_: object) -> None:
        for one in attempt:
            writer.connection.execute("UPDATE outbox SET state = 'dead' WHERE id = ?", [one.id])

    patch.setattr(courier, "mark_failed", bury)


def leases_never_end(patch: pytest.MonkeyPatch) -> None:
    """What a dead process had claimed nobody else takes over."""
    patch.setattr(outbox, "FREE", "state = 'waiting' AND lease_until_ms IS NULL AND ?1 >= 0")


def order_does_not_matter(patch: pytest.MonkeyPatch) -> None:
    """While the firing waits for its next try the next episode overtakes it."""

    def any_row(connection: sqlite3.Connection, channel: str, now: int) -> list[tuple[object, ...]]:
        return connection.execute(
            f"SELECT id, channel, notice, attempts, created_ms FROM outbox WHERE {outbox.FREE} AND channel = ?2"  # noqa: S608 - a constant
            " AND next_try_ms <= ?1 ORDER BY id",
            [now, channel],
        ).fetchall()

    patch.setattr(outbox, "_heads", any_row)


def collapse_loses_both(patch: pytest.MonkeyPatch) -> None:
    """A firing and its end that were both unsent cancel out, as if nothing had happened."""
    collapse = outbox._collapse

    def cancel(connection: sqlite3.Connection, channel: str, now: int) -> None:
        collapse(connection, channel, now)
        connection.execute(
            "UPDATE outbox SET state = 'collapsed' WHERE state = 'waiting' AND kind = 'resolved' AND EXISTS (SELECT 1"
            " FROM outbox o WHERE (o.rule, o.subject, o.episode, o.channel) = (outbox.rule, outbox.subject,"
            " outbox.episode, outbox.channel) AND o.kind = 'firing' AND o.state = 'collapsed')"
        )

    patch.setattr(outbox, "_collapse", cancel)


def a_dead_channel_takes_others_with_it(patch: pytest.MonkeyPatch) -> None:
    """One row for all channels: marked as soon as any of them took it."""
    mark = outbox.mark_sent

    def mark_all(writer: Writer, attempt: Sequence[Outgoing], now: int) -> None:
        mark(writer, attempt, now)
        for one in attempt:
            notice = one.notice
            writer.connection.execute(
                "UPDATE outbox SET state = 'sent' WHERE (rule, subject, episode, kind) = (?, ?, ?, ?)",
                [notice.rule, notice.subject, notice.episode, notice.kind],
            )

    patch.setattr(courier, "mark_sent", mark_all)


def states_in_memory(patch: pytest.MonkeyPatch) -> None:
    """A restart forgets what fires (Alertmanager): here, whenever time was lost, all are ok again."""
    evaluate = lifecycle.evaluate

    def forgetful(
        rules: Sequence[Rule],
        states: Sequence[AlertState],
        measurements: Sequence[Measurement],
        now: int,
        *,
        longest_gap: int,
    ) -> tuple[tuple[AlertState, ...], tuple[Transition, ...]]:
        if any(now - state.evaluated > longest_gap for state in states):
            states = [replace(state, phase="ok", episode=None, held=0) for state in states]
        return evaluate(rules, states, measurements, now, longest_gap=longest_gap)

    patch.setattr(alert, "evaluate", forgetful)


def numbers_given_twice(patch: pytest.MonkeyPatch) -> None:
    """Each episode of a subject is number 1: its key says it was sent already."""
    closed = lifecycle._closed
    patch.setattr(lifecycle, "_closed", lambda state, now: replace(closed(state, now), counter=0))


def insert_or_ignore(patch: pytest.MonkeyPatch) -> None:
    """The end of an episode is put under the key of its beginning, and silently dropped."""
    enqueue = outbox.enqueue

    def ignoring(connection: sqlite3.Connection, notice: Notice, channels: Iterable[str]) -> None:
        if notice.kind != "resolved":
            enqueue(connection, notice, channels)

    patch.setattr(journal, "enqueue", ignoring)


def sends_twice(patch: pytest.MonkeyPatch) -> None:
    """A success is marked only now and then."""
    mark = courier.Courier._mark

    def lazy(self: Courier, writer: Writer, result: Result, now: int, tally: Tally) -> None:
        if result.error is None and result.attempt[0].id % 7 == 0 and result.attempt[0].attempts == 1:
            result = result._replace(error="forgot")
        mark(self, writer, result, now, tally)

    patch.setattr(courier.Courier, "_mark", lazy)


def told_again_when_firing_goes_on(patch: pytest.MonkeyPatch) -> None:
    """A recovery that did not last is announced as a new firing."""
    move = lifecycle.MOVES["recovering"]

    def loud(state: AlertState, look: lifecycle.Look) -> tuple[AlertState, Sequence[Transition]]:
        after, changes = move(state, look)
        if after.phase == "firing":
            number = after.counter + 1
            after = replace(after, counter=number, episode=number)
            changes = [announce.announced(look.rule, after, look.measurement, "firing", look.now)]
        return after, changes

    patch.setitem(lifecycle.MOVES, "recovering", loud)


def a_silence_swallows(patch: pytest.MonkeyPatch) -> None:
    """What comes up during a silence is never told (healthchecks, while paused)."""
    claim = outbox.claim

    def swallowing(writer: Writer, channel: str, lease: Lease, now: int, digest: Digest) -> tuple[Outgoing, ...]:
        held = held_back(writer.connection, now)
        rows = writer.connection.execute("SELECT id, notice FROM outbox WHERE state = 'waiting'").fetchall()
        for number, text in rows:
            if held(outbox.read_notice(text)):
                writer.connection.execute("UPDATE outbox SET state = 'collapsed' WHERE id = ?", [number])
        return claim(writer, channel, lease, now, digest)

    patch.setattr(courier, "claim", swallowing)


def a_digest_marks_its_first(patch: pytest.MonkeyPatch) -> None:
    """The others of the digest are sent again by themselves."""
    mark = outbox.mark_sent
    patch.setattr(courier, "mark_sent", lambda writer, attempt, now: mark(writer, attempt[:1], now))


def a_digest_leaves_one_out(patch: pytest.MonkeyPatch) -> None:
    """Its last message is marked with the others, and was not in it."""
    compose = courier.composed
    patch.setattr(courier, "composed", lambda attempt, now, page: compose(attempt[:-1] or attempt, now, page))


BUGS: list[Patch] = [
    a_silence_swallows,
    a_digest_marks_its_first,
    a_digest_leaves_one_out,
    mark_before_send,
    two_transactions,
    downtime_counts,
    hysteresis_while_pending,
    resolved_on_no_data,
    no_data_resets_pending,
    no_data_told_again,
    forgets_keep_firing,
    acts_on_the_first_look_after_downtime,
    gives_up_after_one_failure,
    leases_never_end,
    order_does_not_matter,
    collapse_loses_both,
    a_dead_channel_takes_others_with_it,
    states_in_memory,
    numbers_given_twice,
    insert_or_ignore,
    sends_twice,
    told_again_when_firing_goes_on,
]


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.__name__)
def test_the_simulation_catches_a_bug(bug: Patch, monkeypatch: pytest.MonkeyPatch) -> None:
    """Within a few worlds a check fails, or the database refuses a key that was given twice."""
    bug(monkeypatch)
    for seed in range(WORLDS):
        try:
            SIMULATION.lived(seed)
        except (AssertionError, sqlite3.IntegrityError):
            return
    pytest.fail(f"{WORLDS} worlds passed with the bug {bug.__name__}: {bug.__doc__}")
