"""Positions of contracts: what the venue shows beside what the fills add up to."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from monitor.clock import DAY, HOUR, FixedClock
from monitor.demo import binance
from monitor.demo.binance_query import error
from monitor.demo.desk import RunningDesk, start_desk
from monitor.exchanges.client import Surroundings
from monitor.exchanges.patience import Patience
from monitor.jobs.collect import Options, Summary, collect_all
from monitor.jobs.connections import Connections
from monitor.jobs.reconcile import reconcile, reconciliation
from monitor.records import Position, Snapshot
from monitor.store import holdings, streams
from monitor.store.database import Writer, open_writer
from monitor.store.findings import findings
from monitor.store.ledger import register_account
from monitor.store.positions import positions_at
from monitor.store.snapshots import commit_snapshot

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from monitor.demo.wire import Json, Query, Venue
    from monitor.records import Account

EPOCH = 1_767_225_600_000  # 2026-01-01
NOW = EPOCH + 2 * HOUR


async def no_wait(_seconds: float) -> None:
    """Return at once."""


@pytest.fixture(scope="module")
def clock() -> FixedClock:
    return FixedClock(NOW)


@pytest.fixture(scope="module")
def desk(clock: FixedClock) -> Iterator[RunningDesk]:
    with start_desk(1, EPOCH, clock) as running:
        yield running


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Writer]:
    with open_writer(tmp_path / "a.db", holder="test") as opened:
        yield opened


def run(writer: Writer, account: Account, clock: FixedClock, times: int = 1) -> list[Summary]:
    """Collect an account, look at its balances and compare, some times over, ten minutes apart."""

    async def work() -> list[Summary]:
        async with Connections(writer, clock, Surroundings(Patience(sleep=no_wait))) as connections:
            found = []
            for _ in range(times):
                found += await collect_all(connections, [account], Options(prices=False))
                await reconcile(writer, clock)
                clock.instant += HOUR // 6
            return found

    return asyncio.run(work())


def hide_a_fill(monkeypatch: pytest.MonkeyPatch, path: str, instant: int) -> None:
    """Let the venue leave out the first fill after an instant."""
    shown = binance.PRIVATE[path]

    def answer(venue: Venue, account: str, query: Query) -> Json:
        (hidden, *_) = [one.time for one in venue.history.contracts.fills(venue.now(), account) if one.time >= instant]
        return [row for row in shown(venue, account, query) if row["time"] != hidden]  # type: ignore[index]

    monkeypatch.setitem(binance.PRIVATE, path, answer)


@pytest.mark.parametrize(("symbol", "size"), [("BTC/USDT:USDT", "1"), ("BTC/USD:BTC", "100")])
def test_a_position_equals_what_the_fills_add_up_to(
    desk: RunningDesk, writer: Writer, clock: FixedClock, symbol: str, size: str
) -> None:
    """Linear in base, inverse in quote units: contracts * contract size, with the sign, to the last digit."""
    (account,) = [one for one in desk.accounts if one.symbols == (symbol,)]
    assert run(writer, account, clock)[0].error is None
    held, _ = desk.history.contracts.position(clock.now() - HOUR // 6, account.name)
    (row,) = [one for one in reconciliation(writer.connection) if one.line.asset == symbol]
    assert (row.line.verdict, row.line.balance) == ("agrees", held * Decimal(size))
    assert held != 0


def test_a_missing_fill_is_a_drift_of_the_position(
    desk: RunningDesk, writer: Writer, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The money of an open position says nothing; the position does: a finding names contract and difference."""
    hide_a_fill(monkeypatch, "/fapi/v1/userTrades", NOW - 3 * DAY)
    account = desk.accounts[3]
    run(writer, account, clock, times=8)
    fills = desk.history.contracts.fills(clock.now(), account.name)
    missing = next(one for one in fills if one.time >= NOW - 3 * DAY)
    signed = missing.amount if missing.side == "buy" else -missing.amount
    (row,) = [one for one in reconciliation(writer.connection) if one.line.asset == "BTC/USDT:USDT"]
    assert (row.line.verdict, row.line.residual) == ("drift", signed)
    assert f"{account.name} BTC/USDT:USDT" in {one.subject for one in findings(writer.connection)}


def test_refused_positions_hold_nothing_back(
    desk: RunningDesk, writer: Writer, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key that may not see them: balances are stored, a finding on the stream, and no question before tomorrow."""
    asked = []

    def refuse(_venue: Venue, _account: str, _query: Query) -> Json:
        asked.append(1)
        raise error(-2015, "Invalid API-key, IP, or permissions for action.", 401)

    monkeypatch.setitem(binance.PRIVATE, "/dapi/v1/positionRisk", refuse)
    summaries = run(writer, desk.accounts[4], clock, times=2)
    assert ([one.error for one in summaries], len(asked)) == ([None, None], 1)
    assert [one.code for one in findings(writer.connection)] == ["stream refused"]
    (one,) = [one for one in streams.streams(writer.connection) if one.key.kind == "positions"]
    assert one.state == "paused"
    assert holdings.good_looks(writer.connection, desk.accounts[4].name, clock.now(), 9)


def held(symbol: str, contracts: str) -> Position:
    return Position(symbol, "linear", Decimal(contracts), Decimal(1))


def test_what_a_whole_answer_leaves_out_is_closed(writer: Writer, desk: RunningDesk) -> None:
    """A part of the positions says nothing of the others; all of them do. A failed look says nothing at all."""
    name = desk.accounts[3].name
    register_account(writer, desk.accounts[3], 1)
    both = (held("A/USDT:USDT", "2"), held("B/USDT:USDT", "-3"))
    shown = []
    for time, positions, whole in [
        (1, both, True),
        (2, both[:1], False),
        (3, None, False),
        (4, both[1:], True),
        (5, (), True),
    ]:
        commit_snapshot(writer, Snapshot(name, time, (), None, positions, whole))
        (look, *_) = holdings.good_looks(writer.connection, name, 99, 1)
        shown.append({one.symbol[0]: int(one.contracts) for one in positions_at(writer.connection, name, look.id)})
    assert shown == [{"A": 2, "B": -3}] * 3 + [{"B": -3}, {}]
