"""What collecting says of streams: guessed starts, what retention took, refused and unread ones, balances."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from monitor.clock import DAY, HOUR, FixedClock
from monitor.demo import binance, kraken_market
from monitor.demo.binance_query import error
from monitor.demo.desk import RunningDesk, start_desk
from monitor.exchanges.client import Surroundings
from monitor.exchanges.patience import Patience
from monitor.jobs.collect import Options, Summary, collect_all
from monitor.jobs.connections import Connections
from monitor.jobs.reach import UNKNOWN_START, reach
from monitor.records import Account, StreamKey
from monitor.store import query, streams
from monitor.store.database import Writer, open_writer
from monitor.store.findings import findings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from monitor.demo.wire import Json, Query, Venue

EPOCH = 1_767_225_600_000  # 2026-01-01
NOW = EPOCH + 2 * HOUR


async def no_wait(_seconds: float) -> None:
    """Return at once."""


@pytest.fixture(scope="module")
def desk() -> Iterator[RunningDesk]:
    with start_desk(1, EPOCH, FixedClock(NOW)) as running:
        yield running


def run(writer: Writer, account: Account) -> Summary:
    async def work() -> list[Summary]:
        async with Connections(writer, FixedClock(NOW), Surroundings(Patience(sleep=no_wait))) as connections:
            return await collect_all(connections, [account], Options(prices=False))

    return asyncio.run(work())[0]


def told(writer: Writer) -> set[tuple[str, str, str]]:
    return {(one.code, one.subject, one.severity) for one in findings(writer.connection)}


def test_an_account_without_a_start_says_from_when_it_is_read(desk: RunningDesk, tmp_path: Path) -> None:
    """Two years back, an info finding and the instant on each stream; all is taken back once the start is set."""
    account = desk.accounts[4]  # inverse contracts: few calls
    with open_writer(tmp_path / "a.db", holder="test") as writer:
        assert run(writer, replace(account, start=None)).error is None
        assert ("unknown start", account.name, "info") in told(writer)
        known = {one.key.kind: one.unreachable_before for one in streams.streams(writer.connection, account.name)}
        guessed = NOW - UNKNOWN_START
        assert abs((known["deposits"] or 0) - guessed) < HOUR
        assert abs((known["fills"] or 0) - (NOW - 180 * DAY)) < HOUR  # the venue keeps half a year
        assert ("unreachable", f"{account.name} fills inverse {account.symbols[0]}", "warning") in told(writer)
        assert run(writer, account).error is None
        assert told(writer) == set()
        assert {one.unreachable_before for one in streams.streams(writer.connection, account.name)} == {None}


def test_retention_takes_nothing_that_was_read() -> None:
    """What was read before the venue forgot it is not lost, however much time passes."""
    account = Account("a", "binanceusdm", start=1000 * DAY)
    first = reach(account, 180 * DAY, (), 1300 * DAY)
    assert (first.first, first.lost_before) == (1120 * DAY, 1120 * DAY)
    later = reach(account, 180 * DAY, [(1120 * DAY, 1300 * DAY)], 1400 * DAY)
    assert (later.first, later.lost_before) == (1220 * DAY, 1120 * DAY)
    whole = reach(account, 180 * DAY, [(1000 * DAY, 1300 * DAY)], 1400 * DAY)
    assert whole.lost_before is None


def test_a_refused_optional_stream_is_a_finding_and_no_more(
    desk: RunningDesk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key may not list conversions: the stream is paused, the account is active and its fills are complete."""

    def refuse(_venue: Venue, _account: str, _query: Query) -> Json:
        raise error(-2015, "Invalid API-key, IP, or permissions for action.", 401)

    monkeypatch.setitem(binance.PRIVATE, "/sapi/v1/convert/tradeFlow", refuse)
    account = replace(desk.accounts[0], start=NOW - 3 * DAY)
    with open_writer(tmp_path / "b.db", holder="test") as writer:
        assert run(writer, account).error is None
        assert ("stream refused", f"{account.name} convert spot", "warning") in told(writer)
        assert ("not read", account.name, "info") in told(writer)
        (row,) = query.accounts(writer.connection)
        assert (row.state, row.states["paused"], row.states["unsupported"]) == ("active", 1, 1)
        ((_, end),) = streams.coverage(writer.connection, account.name)
        assert end >= NOW - 2000
        balances = [one for one in streams.streams(writer.connection) if one.key.kind == "balances"]
        assert [(one.state, one.last_success) for one in balances] == [("active", NOW)]


def test_a_book_without_a_listed_market_is_said_to_be_unread(desk: RunningDesk, tmp_path: Path) -> None:
    """Binance's options are not among ccxt's markets: nothing is read of them, and that is a finding, not silence."""
    account = replace(desk.accounts[0], books=("spot", "option"), start=NOW - DAY)
    with open_writer(tmp_path / "c.db", holder="test") as writer:
        run(writer, account)
        assert ("unsupported", f"{account.name} fills option", "warning") in told(writer)
        known = {one.key: one.state for one in streams.streams(writer.connection, account.name)}
        assert known[StreamKey(account.name, "fills", "option")] == "unsupported"
        assert streams.coverage(writer.connection, account.name) == ()


def test_a_book_that_was_taken_out_holds_nothing_back(desk: RunningDesk, tmp_path: Path) -> None:
    """The settings say no more that the account has options: the finding goes, and the account is complete again."""
    account = replace(desk.accounts[0], books=("spot", "option"), start=NOW - DAY)
    with open_writer(tmp_path / "e.db", holder="test") as writer:
        run(writer, account)
        run(writer, replace(account, books=("spot",)))
        assert [one for one in told(writer) if one[0] == "unsupported"] == []
        ((_, end),) = streams.coverage(writer.connection, account.name)
        assert end >= NOW - 2000


def test_fills_of_a_market_nobody_lists_are_told(
    desk: RunningDesk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A delisted pair is stored by the spelling of its id, and a person is asked to look at it once."""
    listed = kraken_market.PUBLIC["/0/public/AssetPairs"]

    def without_avax(venue: Venue, query: Query) -> Json:
        told = listed(venue, query)
        assert isinstance(told, dict)
        return {**told, "result": {name: pair for name, pair in told["result"].items() if "AVAX" not in name}}

    monkeypatch.setitem(kraken_market.PUBLIC, "/0/public/AssetPairs", without_avax)
    account = replace(desk.accounts[2], start=NOW - 5 * DAY)
    with open_writer(tmp_path / "d.db", holder="test") as writer:
        run(writer, account)
        assert ("unlisted market", f"{account.name} AVAX/USD", "info") in told(writer)
        stored = query.fills(writer.connection, query.FillFilter(asset="AVAX"))
        assert {fill.symbol for fill in stored} == {"AVAX/USD"}
