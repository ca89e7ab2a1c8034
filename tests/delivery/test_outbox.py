"""Who may send what, when: leases, order, collapse, backoff, silences."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from monitor.clock import DAY, HOUR, MINUTE, SECOND
from monitor.episodes import AlertState, Notice
from monitor.errors import UsageError
from monitor.store.journal import record_evaluation
from monitor.store.outbox import (
    RETENTION,
    Digest,
    Lease,
    Outgoing,
    backoff,
    channel_states,
    claim,
    enqueue,
    expire,
    mark_failed,
    mark_sent,
    waiting_channels,
)
from monitor.store.silences import Acknowledgement, Silence, acknowledge, add_silence, lift_silence, silences

if TYPE_CHECKING:
    from monitor.episodes import Kind
    from monitor.store.database import Writer


def put(writer: Writer, kind: Kind, episode: int = 1, *, of: str = "r/BTC", ordinal: int = 0) -> None:
    """Put a message of a rule/subject for the channel `desk` in the outbox; it was decided at instant 0."""
    rule, _, subject = of.partition("/")
    with writer.transaction() as connection:
        enqueue(connection, Notice(rule, subject, episode, kind, time=0, since=0, ordinal=ordinal), ["desk"])


def take(writer: Writer, now: int = 0, holder: str = "me", digest: Digest = Digest()) -> tuple[Outgoing, ...]:  # noqa: B008 - frozen
    """Claim what leaves next, for a minute."""
    return claim(writer, "desk", Lease(holder, now + MINUTE), now, digest)


def keys(taken: tuple[Outgoing, ...]) -> list[str]:
    """Return the keys of what was claimed."""
    return [one.notice.key for one in taken]


def send_all(writer: Writer, now: int = 0) -> list[str]:
    """Claim and mark until nothing is left; return the keys in order."""
    left: list[str] = []
    while taken := take(writer, now):
        mark_sent(writer, taken, now)
        left += keys(taken)
    return left


def test_what_is_claimed_is_nobody_elses_until_the_lease_ends(writer: Writer) -> None:
    """The sender may have died: after its minute another takes over, as the second attempt."""
    put(writer, "firing")
    assert keys(take(writer, 0)) == ["r/BTC/1/firing"]
    assert take(writer, MINUTE - 1, "you") == ()
    (again,) = take(writer, MINUTE, "you")
    assert again.attempts == 2


def test_what_was_sent_is_not_claimed_again(writer: Writer) -> None:
    """Not ever."""
    put(writer, "firing")
    mark_sent(writer, take(writer), 0)
    assert take(writer, DAY) == ()
    assert waiting_channels(writer.connection, DAY) == ()


def test_order_is_kept_within_a_subject(writer: Writer) -> None:
    """While the first waits for its next try the second may not pass; another subject may."""
    put(writer, "no_data", 1)
    put(writer, "firing", 2)
    put(writer, "firing", 1, of="r/ETH")
    mark_failed(writer, take(writer), "down", 0, 0.0)
    assert keys(take(writer)) == ["r/ETH/1/firing"]
    assert take(writer) == ()
    assert send_all(writer, HOUR) == ["r/BTC/1/no_data", "r/BTC/2/firing", "r/ETH/1/firing"]


def test_a_message_on_its_way_holds_back_its_followers(writer: Writer) -> None:
    """Even when another sender asks."""
    put(writer, "firing")
    take(writer)
    put(writer, "resolved")
    assert take(writer, 1, "you") == ()


def test_a_firing_never_sent_collapses_into_its_end(writer: Writer) -> None:
    """One message tells both, and says so."""
    put(writer, "firing")
    put(writer, "reminder", ordinal=1)
    put(writer, "resolved")
    (only,) = take(writer)
    assert (only.notice.key, only.unannounced) == ("r/BTC/1/resolved", True)


def test_a_firing_that_was_sent_does_not_collapse(writer: Writer) -> None:
    """The end then tells only the end."""
    put(writer, "firing")
    assert send_all(writer) == ["r/BTC/1/firing"]
    put(writer, "resolved")
    (end,) = take(writer)
    assert not end.unannounced


def test_only_its_own_end_collapses_a_firing(writer: Writer) -> None:
    """Episode 1 ended unseen, episode 2 goes on."""
    put(writer, "firing", 1)
    put(writer, "resolved", 1)
    put(writer, "firing", 2)
    assert send_all(writer) == ["r/BTC/1/resolved", "r/BTC/2/firing"]


def test_reminders_do_not_pile_up(writer: Writer) -> None:
    """After a day without the channel only the newest is worth sending; with the firing itself unsent none is."""
    put(writer, "firing")
    put(writer, "reminder", ordinal=1)
    assert send_all(writer) == ["r/BTC/1/firing"]
    put(writer, "reminder", ordinal=2)
    put(writer, "reminder", ordinal=3)
    assert send_all(writer) == ["r/BTC/1/reminder-3"]


def test_backoff_doubles_from_a_second_to_a_quarter_of_an_hour() -> None:
    """1, 2, 4 ... 450 s at least, twice that at most."""
    assert [backoff(n, 0.0) for n in (1, 2, 3)] == [SECOND, 2 * SECOND, 4 * SECOND]
    assert backoff(1, 0.999) < 2 * SECOND
    assert backoff(40, 0.999) <= 15 * MINUTE
    assert all(a <= b for a, b in pairwise(backoff(n, 0.0) for n in range(1, 60)))


def test_a_failure_waits_for_its_next_try(writer: Writer) -> None:
    """A second after the first failure, and the error can be read meanwhile."""
    put(writer, "firing")
    mark_failed(writer, take(writer), "HTTP 503", 0, 0.0)
    assert take(writer, SECOND - 1) == ()
    assert [(c.waiting, c.last_error) for c in channel_states(writer.connection)] == [(1, "HTTP 503")]
    assert keys(take(writer, SECOND)) == ["r/BTC/1/firing"]


def test_a_failure_after_success_changes_nothing(writer: Writer) -> None:
    """The reply came late: what was sent stays sent."""
    put(writer, "firing")
    taken = take(writer)
    mark_sent(writer, taken, 0)
    mark_failed(writer, taken, "no answer", 1, 0.0)
    assert take(writer, DAY) == ()


def test_given_up_after_the_retention_and_not_before(writer: Writer) -> None:
    """Seven days, then a dead letter that is shown; what waits behind it may leave."""
    put(writer, "firing")
    mark_failed(writer, take(writer), "HTTP 503", 0, 0.0)
    assert expire(writer, RETENTION - 1) == 0
    assert expire(writer, RETENTION) == 1
    assert [(c.waiting, c.dead, c.last_error) for c in channel_states(writer.connection)] == [(0, 1, "HTTP 503")]
    put(writer, "resolved")
    (end,) = take(writer, RETENTION)
    assert end.unannounced


def test_what_was_never_tried_is_not_given_up(writer: Writer) -> None:
    """The machine was off for longer than the retention: no channel ever refused the message."""
    put(writer, "firing")
    assert expire(writer, RETENTION + DAY) == 0
    mark_failed(writer, take(writer, RETENTION + DAY), "HTTP 503", RETENTION + DAY, 0.0)
    assert expire(writer, RETENTION + DAY) == 1


def test_a_long_silence_does_not_swallow_what_still_fires(writer: Writer) -> None:
    """Refused once, then held back for thirty days: it is told after them, and no dead letter meanwhile."""
    put(writer, "firing")
    mark_failed(writer, take(writer), "HTTP 503", 0, 0.0)
    add_silence(writer.connection, Silence(0, 30 * DAY, "ann", "holiday"), 0)
    assert expire(writer, 20 * DAY) == 0
    assert send_all(writer, 30 * DAY) == ["r/BTC/1/firing"]


@pytest.mark.parametrize(("told", "after"), [(False, []), (True, ["r/BTC/1/resolved"])])
def test_what_began_and_ended_in_a_long_silence_is_dropped(writer: Writer, after: list[str], *, told: bool) -> None:
    """Of use to nobody after the retention; the end of what was told before the silence is told after it."""
    put(writer, "firing")
    if told:
        assert send_all(writer) == ["r/BTC/1/firing"]
    add_silence(writer.connection, Silence(0, 30 * DAY, "ann", "holiday"), 0)
    put(writer, "resolved")
    with writer.transaction() as connection:
        connection.execute(
            "INSERT INTO episodes (rule, subject, episode, kind, severity, metric, unit, since_ms, told_ms, ended_ms)"
            " VALUES ('r', 'BTC', 1, 'firing', 'warning', 'turnover', 'turns', 0, 0, 1)"
        )
    assert expire(writer, RETENTION - 1) == 0
    assert expire(writer, RETENTION) == 0
    assert [one.dead for one in channel_states(writer.connection)] == [0]
    assert send_all(writer, 30 * DAY) == after


def test_a_clock_set_back_does_not_put_a_retry_off(writer: Writer) -> None:
    """It failed while the clock was a year ahead: no retry is due later than a quarter of an hour, so it is due now."""
    year = 365 * DAY
    put(writer, "firing")
    mark_failed(writer, take(writer, year), "down", year, 0.0)
    assert waiting_channels(writer.connection, HOUR) == ("desk",)
    assert keys(take(writer, HOUR)) == ["r/BTC/1/firing"]


def test_a_clock_set_back_does_not_make_a_lease_last(writer: Writer) -> None:
    """The sender died while the clock was a year ahead: no lease lasts longer than a day, so this one is over."""
    put(writer, "firing")
    take(writer, 365 * DAY)
    assert keys(take(writer, HOUR)) == ["r/BTC/1/firing"]


def test_a_clock_set_back_does_not_make_a_digest_wait(writer: Writer) -> None:
    """Decided an hour in the future: it has waited long enough."""
    with writer.transaction() as connection:
        enqueue(connection, Notice("r", "BTC", 1, "firing", time=HOUR, since=HOUR), ["desk"])
    assert keys(take(writer, 0, digest=Digest("rule", 30 * SECOND))) == ["r/BTC/1/firing"]


def test_a_silence_holds_back_and_lets_go(writer: Writer) -> None:
    """From 10 to 20 nothing about BTC leaves; afterwards all of it."""
    number = add_silence(writer.connection, Silence(10, 20, "ann", "maintenance", subject="BTC*"), 0)
    put(writer, "firing")
    put(writer, "firing", 1, of="r/ETH")
    assert send_all(writer, 10) == ["r/ETH/1/firing"]
    assert [one.id for one in silences(writer.connection, 10)] == [number]
    assert send_all(writer, 20) == ["r/BTC/1/firing"]


def test_a_lifted_silence_is_over(writer: Writer) -> None:
    """And cannot be lifted twice."""
    number = add_silence(writer.connection, Silence(0, DAY, "ann", "maintenance"), 0)
    put(writer, "firing")
    assert take(writer, 1) == ()
    lift_silence(writer.connection, number, 1)
    assert keys(take(writer, 1)) == ["r/BTC/1/firing"]
    with pytest.raises(UsageError, match="no silence 1"):
        lift_silence(writer.connection, number, 2)


def test_a_silence_that_is_over_before_it_begins_is_refused(writer: Writer) -> None:
    """Somebody mistook the date."""
    with pytest.raises(UsageError, match="over before it begins"):
        add_silence(writer.connection, Silence(0, 10, "ann", "maintenance"), 10)


def test_an_acknowledged_episode_sends_only_its_end(writer: Writer) -> None:
    """No reminder, and no new firing on a channel that was dead; but the end, and other subjects."""
    with writer.transaction() as connection:
        record_evaluation(connection, [AlertState("r", "BTC", 0, 0, "firing", counter=1, episode=1)], [], [])
    assert acknowledge(writer.connection, Acknowledgement("r", "BTC", "ann", "on it", 0)) == 1
    put(writer, "reminder", ordinal=1)
    put(writer, "firing", 1, of="r/ETH")
    assert send_all(writer) == ["r/ETH/1/firing"]
    put(writer, "resolved")
    assert send_all(writer) == ["r/BTC/1/resolved"]


def test_nothing_to_acknowledge(writer: Writer) -> None:
    """The error says where to look."""
    with pytest.raises(UsageError, match=r"r does not fire for BTC\. See what does: monitor alerts list"):
        acknowledge(writer.connection, Acknowledgement("r", "BTC", "ann", "on it", 0))


def test_a_digest_waits_and_takes_all_of_a_rule(writer: Writer) -> None:
    """Twenty assets of one rule make one message after the wait; another rule makes its own."""
    for number in range(20):
        put(writer, "firing", of=f"r/A{number:02}")
    put(writer, "firing", of="q/BTC")
    digest = Digest("rule", 30 * SECOND)
    assert take(writer, 30 * SECOND - 1, digest=digest) == ()
    assert len(take(writer, 30 * SECOND, digest=digest)) == 20
    assert keys(take(writer, 30 * SECOND, digest=digest)) == ["q/BTC/1/firing"]


def test_a_digest_of_a_channel_takes_everything(writer: Writer) -> None:
    """But of each subject only the first in line."""
    put(writer, "no_data", 1)
    put(writer, "firing", 2)
    put(writer, "firing", of="q/BTC")
    assert keys(take(writer, digest=Digest("channel"))) == ["r/BTC/1/no_data", "q/BTC/1/firing"]
