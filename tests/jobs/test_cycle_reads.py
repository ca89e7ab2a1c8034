"""How far back the daemon's reading goes: each poll, each night, each week, and the markets nobody expected."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from monitor.clock import DAY, HOUR, MINUTE, FixedClock
from monitor.config.settings import Settings
from monitor.demo import binance
from monitor.demo.binance_query import error
from monitor.demo.desk import start_desk
from monitor.demo.generator import History
from monitor.exchanges import symbols
from monitor.jobs import cycle
from monitor.store import streams
from monitor.store.runs import job_states

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from monitor.demo.wire import Json, Query, Venue
    from monitor.jobs.desk import Desk
    from monitor.records import Account

EPOCH = 1_767_225_600_000  # 2026-01-01
TRADES = "/dapi/v1/userTrades"
Move = Callable[[int], None]


def with_desk(
    path: Path, account: int, work: Callable[[Desk, Move], object], more: Callable[[Account], Account] = lambda one: one
) -> None:
    """Run a coroutine over an open desk with one account of the demo's; `Move` sets its clock, and the venues'."""
    clock = FixedClock(EPOCH + 2 * HOUR)

    def move(by: int) -> None:
        clock.instant += by

    async def main() -> None:
        with start_desk(1, EPOCH, clock) as demo:
            settings = Settings(path / "desk.db", (more(demo.accounts[account]),))
            async with cycle.open_desk(settings, clock, "test", io.StringIO()) as desk:
                await work(desk, move)  # type: ignore[misc]  # every caller's is a coroutine

    asyncio.run(main())


def hide(monkeypatch: pytest.MonkeyPatch, *hidden: range) -> None:
    """Let the venue leave out the contract fills of some spans of time, as one that shows them late."""
    shown = binance.PRIVATE[TRADES]

    def answer(venue: Venue, account: str, query: Query) -> Json:
        rows = shown(venue, account, query)
        return [row for row in rows if not any(row["time"] in span for span in hidden)]  # type: ignore[index]

    monkeypatch.setitem(binance.PRIVATE, TRADES, answer)


def fills(desk: Desk, since: int = 0) -> int:
    """Return how many fills are stored from an instant on."""
    return int(desk.writer.connection.execute("SELECT count(*) FROM fills WHERE time_ms >= ?", [since]).fetchone()[0])


def true(desk: Desk, since: int = 0) -> int:
    """Return how many there are."""
    (account,) = desk.settings.accounts
    return sum(one.time >= since for one in History(1, EPOCH).contracts.fills(desk.clock.now(), account.name))


def test_a_fill_shown_two_days_late_is_found_by_the_nightly_reading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The polls read fifteen minutes again and miss it; the night reads 48 hours, and then the store is whole."""
    first = EPOCH + 2 * HOUR
    hide(monkeypatch, range(first - 20 * HOUR, first - HOUR))

    async def work(desk: Desk, move: Move) -> None:
        await cycle.fills(desk)
        missing = true(desk) - fills(desk)
        assert missing > 0
        monkeypatch.undo()
        move(HOUR)
        await cycle.fills(desk)
        assert true(desk) - fills(desk) == missing
        move(23 * HOUR)
        await cycle.fills(desk)
        assert true(desk) == fills(desk)

    with_desk(tmp_path, 4, work)


def test_a_fill_shown_four_days_late_is_found_by_the_weekly_reading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Six nights pass it by; the week reads seven days again."""
    first = EPOCH + 2 * HOUR
    hide(monkeypatch, range(first + 2 * DAY, first + 3 * DAY))

    async def work(desk: Desk, move: Move) -> None:
        await cycle.fills(desk)
        for _ in range(6):
            move(DAY)
            await cycle.fills(desk)
        missing = true(desk) - fills(desk)
        assert missing > 0
        monkeypatch.undo()
        move(DAY - MINUTE)
        await cycle.fills(desk)
        assert true(desk) - fills(desk) == missing
        move(MINUTE)
        await cycle.fills(desk)
        assert true(desk) == fills(desk)

    with_desk(tmp_path, 4, work)


def test_a_deep_reading_that_fails_is_tried_again_after_an_hour(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A venue that is down at night is not asked for two days with each poll."""

    def down(_venue: Venue, _account: str, _query: Query) -> Json:
        raise error(-1000, "An unknown error occurred.", 502)

    monkeypatch.setitem(binance.PRIVATE, TRADES, down)

    async def no_wait(_seconds: float) -> None:
        """Return at once."""

    async def work(desk: Desk, move: Move) -> None:
        desk.connections.surroundings.patience.sleep = no_wait
        await cycle.fills(desk)
        assert cycle._overlap(desk)[1] == ()
        monkeypatch.undo()
        move(HOUR)
        await cycle.fills(desk)
        assert {one.job: one.failures for one in job_states(desk.writer.connection)}["nightly read"] == 0

    with_desk(tmp_path, 4, work)


def test_a_market_nobody_expected_is_found_by_the_nightly_sweep(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No setting names it and no balance shows it: it is cold, holds nothing back, and is hot once it has a fill."""
    monkeypatch.setattr(symbols, "FEW", 0)  # the demo lists few markets: all of them would be read with each poll

    async def work(desk: Desk, move: Move) -> None:
        (account,) = desk.settings.accounts
        await cycle.sweep(desk)  # nothing is swept before the first reading has shown what is expected
        await cycle.fills(desk)
        expected = {one.key.symbol for one in streams.streams(desk.writer.connection) if one.key.kind == "fills"}
        before = fills(desk)
        await cycle.sweep(desk)
        told = {one.key.symbol: one for one in streams.streams(desk.writer.connection) if one.key.kind == "fills"}
        cold = {symbol for symbol, one in told.items() if one.cold}
        assert cold == set(told) - expected != set()
        found = fills(desk) - before
        assert found > 0
        # An hour on nothing is read of the cold ones, and the account is as fresh as its hot ones.
        move(HOUR)
        await cycle.sweep(desk)
        await cycle.fills(desk)
        ((_, end),) = streams.coverage(desk.writer.connection, account.name)
        assert end >= desk.clock.now() - 2000
        warm = {one.key.symbol for one in streams.streams(desk.writer.connection) if one.cold} ^ cold
        traded = {row[0] for row in desk.writer.connection.execute("SELECT DISTINCT symbol FROM fills")}
        assert warm == cold & traded != set()

    with_desk(tmp_path, 0, work, lambda one: replace(one, symbols=(), start=EPOCH - 3 * DAY))
