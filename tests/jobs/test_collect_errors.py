"""The table of errors, end to end: what a venue answers, what becomes of the stream and of the account."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from monitor.clock import DAY, HOUR, FixedClock
from monitor.demo import binance
from monitor.demo.binance_query import error
from monitor.demo.desk import RunningDesk, start_desk
from monitor.errors import AccessBlocked, AnswerUnreadable, CallRejected, CredentialsRefused, VenueUnavailable
from monitor.exchanges.client import Surroundings
from monitor.exchanges.patience import Patience
from monitor.jobs.collect import Options, Summary, collect_all
from monitor.jobs.connections import Connections
from monitor.store import query, streams
from monitor.store.database import Writer, open_writer
from monitor.store.findings import findings
from monitor.store.refusals import KEPT, kept_answers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from monitor.demo.wire import Json, Query, Venue
    from monitor.records import Account

EPOCH = 1_767_225_600_000  # 2026-01-01
NOW = EPOCH + 2 * HOUR
TRADES = "/dapi/v1/userTrades"
DEPOSITS = "/sapi/v1/capital/deposit/hisrec"
Answering = Callable[[str, Callable[[], "Json"]], list[int]]


async def no_wait(_seconds: float) -> None:
    """Return at once."""


@pytest.fixture(scope="module")
def desk() -> Iterator[RunningDesk]:
    with start_desk(1, EPOCH, FixedClock(NOW)) as running:
        yield running


@pytest.fixture
def account(desk: RunningDesk) -> Account:
    """The account of inverse contracts, from yesterday on: one market, few calls."""
    return replace(desk.accounts[4], start=NOW - DAY)


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Writer]:
    with open_writer(tmp_path / "a.db", holder="test") as opened:
        yield opened


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> Answering:
    """Replace what the venue answers at a path; the list that is returned grows with each request."""

    def set_answer(path: str, answer: Callable[[], Json]) -> list[int]:
        asked: list[int] = []

        def respond(_venue: Venue, _account: str, _query: Query) -> Json:
            asked.append(1)
            return answer()

        monkeypatch.setitem(binance.PRIVATE, path, respond)
        return asked

    return set_answer


def run(writer: Writer, account: Account, options: Options | None = None, times: int = 1) -> list[Summary]:
    """Collect an account some times over in one process."""

    async def work() -> list[Summary]:
        async with Connections(writer, FixedClock(NOW), Surroundings(Patience(sleep=no_wait))) as connections:
            chosen = options or Options(prices=False, balances=False)
            return [(await collect_all(connections, [account], chosen))[0] for _ in range(times)]

    return asyncio.run(work())


def refuse(code: int, message: str, status: int = 400) -> Callable[[], Json]:
    def answer() -> Json:
        raise error(code, message, status)

    return answer


def codes(writer: Writer) -> list[tuple[str, str]]:
    return [(one.code, one.severity) for one in findings(writer.connection)]


def state(writer: Writer, kind: str) -> list[str]:
    return [one.state for one in streams.streams(writer.connection) if one.key.kind == kind]


def test_a_vague_refusal_disables_its_stream_and_keeps_the_answer(
    writer: Writer, account: Account, answering: Answering, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asked three times, then no more; its answer is kept, the other streams are read, a deep reading asks again."""
    asked = answering(TRADES, refuse(-9999, "Something odd."))
    (first, second) = run(writer, account, times=2)
    assert isinstance(first.error, CallRejected)
    assert isinstance(second.error, CallRejected)
    assert "is disabled" in str(second.error)
    assert len(asked) == 3
    assert (state(writer, "fills"), state(writer, "deposits")) == (["paused"], ["active"])
    assert codes(writer) == [("stream disabled", "warning")]
    (kept,) = kept_answers(writer.connection)
    assert kept.raw == '{"code": -9999, "msg": "Something odd."}'
    assert [(one.state, one.disabled) for one in query.accounts(writer.connection)] == [("active", 1)]
    assert streams.coverage(writer.connection, account.name) == ()
    monkeypatch.undo()
    (again,) = run(writer, account, Options(prices=False, balances=False, retry=True))
    assert (again.error, state(writer, "fills"), codes(writer)) == (None, ["active"], [])


def test_a_plain_no_disables_at_once(writer: Writer, account: Account, answering: Answering) -> None:
    """BadRequest means the same next time too: one call, no retry."""
    asked = answering(TRADES, refuse(-1102, "Mandatory parameter was not sent."))
    (only,) = run(writer, account)
    assert isinstance(only.error, CallRejected)
    assert (len(asked), state(writer, "fills")) == (1, ["paused"])


def test_the_third_403_pauses_the_account_over_calls_and_runs(
    writer: Writer, account: Account, answering: Answering
) -> None:
    """Two runs with one each change nothing; the third, in another process, pauses it with one critical finding."""
    asked = answering(TRADES, refuse(0, "Forbidden", 403))
    for _ in range(2):
        (summary,) = run(writer, account)
        assert isinstance(summary.error, AccessBlocked)
        assert [one.state for one in query.accounts(writer.connection)] == ["active"]
        assert codes(writer) == []
    third, fourth = run(writer, account, times=2)
    assert isinstance(third.error, CredentialsRefused)
    assert len(asked) == 3  # the fourth run asked nothing: one probe an hour
    assert fourth.error is not None
    assert [one.state for one in query.accounts(writer.connection)] == ["paused"]
    assert codes(writer) == [("key refused", "critical")]


def test_a_whole_reading_begins_the_count_anew(
    writer: Writer, account: Account, answering: Answering, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two, a good day, and two again do not pause the account."""
    for _ in range(2):
        answering(TRADES, refuse(0, "Forbidden", 404))
        run(writer, account)
        (summary,) = run(writer, account)
        assert isinstance(summary.error, AccessBlocked)
        monkeypatch.undo()
        assert [one.error for one in run(writer, account)] == [None]
    assert [one.state for one in query.accounts(writer.connection)] == ["active"]


def test_an_answer_that_ccxt_stumbles_over_is_kept_and_moves_nothing(
    writer: Writer, account: Account, answering: Answering
) -> None:
    """No retry, a finding, the cursor stays; the next poll asks again, and no more than ten answers are kept."""
    asked = answering(TRADES, lambda: [1, 2])
    summaries = run(writer, account, times=KEPT + 2)
    assert {type(one.error) for one in summaries} == {AnswerUnreadable}
    assert len(asked) == KEPT + 2
    assert [one.raw for one in kept_answers(writer.connection)] == ["[1, 2]"] * KEPT
    (fills,) = [one for one in streams.streams(writer.connection) if one.key.kind == "fills"]
    assert (fills.state, fills.cursor) == ("active", None)
    assert codes(writer) == [("answer unreadable", "warning")]


def test_one_broken_endpoint_does_not_keep_the_others_from_being_read(
    writer: Writer, account: Account, answering: Answering
) -> None:
    """Deposits answer with a wrong shape for ever: they are tried five times and named, the fills are complete."""
    asked = answering(DEPOSITS, dict)
    (summary,) = run(writer, account)
    assert isinstance(summary.error, VenueUnavailable)
    assert len(asked) == 5
    (fills,) = [one for one in streams.streams(writer.connection) if one.key.kind == "fills"]
    assert (fills.cursor or 0) >= NOW - 2000


def test_a_nonce_refused_twice_pauses_the_account_for_minutes(
    writer: Writer, account: Account, answering: Answering
) -> None:
    """The clock is set once, the call tried once more, and then the account waits."""
    asked = answering(TRADES, refuse(-1021, "Timestamp for this request is outside of the recvWindow."))
    first, second = run(writer, account, times=2)
    assert (str(first.error), len(asked)) == (str(second.error), 2)
    assert [one.state for one in query.accounts(writer.connection)] == ["paused"]
