"""Which contract markets are read with each poll, of a venue that lists hundreds: those that something names."""

from __future__ import annotations

import asyncio
import io
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from monitor.clock import HOUR, FixedClock
from monitor.config.settings import Settings
from monitor.demo.desk import start_desk
from monitor.demo.generator import History
from monitor.exchanges import symbols
from monitor.jobs import cycle
from monitor.jobs.universe import market_keys
from monitor.records import Account, Balance, Batch, Fill, Position, Snapshot, StreamKey
from monitor.store import ledger, streams
from monitor.store.database import open_writer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Literal

    from monitor.store.database import Writer

EPOCH = 1_767_225_600_000  # 2026-01-01
FUTURES = Account("futures", "binanceusdm", books=("linear",), symbols=("C1/USDT:USDT",))
MARKETS = [
    {"symbol": f"C{n}/USDT:USDT", "base": f"C{n}", "quote": "USDT", "settle": "USDT", "contract": True, "linear": True}
    for n in range(300)
]


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Writer]:
    """Yield a ledger of an account that held USDT, in which every contract settles."""
    with open_writer(tmp_path / "desk.db", holder="test") as opened:
        ledger.register_account(opened, FUTURES, 1)
        ledger.commit_snapshot(opened, Snapshot("futures", 1, (Balance("USDT", Decimal(9)),)))
        yield opened


def hot(
    writer: Writer, *named: str, sweep: Literal["also", "only"] | None = None, account: Account = FUTURES
) -> list[str]:
    """Return what is read of each market now, by its number."""
    expecting = replace(account, symbols=(*account.symbols, *named))
    return [key.symbol.partition("/")[0] for key in market_keys(writer, expecting, "linear", MARKETS, sweep)]


def traded(writer: Writer, base: str) -> None:
    symbol = f"{base}/USDT:USDT"
    fill = Fill(
        account="futures", exchange="binanceusdm", key=f"linear|{base}USDT|1||buy", time=10, book="linear",
        market=f"{base}USDT", symbol=symbol, base=base, quote="USDT", side="buy", amount=Decimal(1), price=Decimal(2),
    )  # fmt: skip
    ledger.commit_batch(writer, Batch(StreamKey("futures", "fills", "linear", symbol), (fill,), proven=(1, 20)), 20)


def read(writer: Writer, base: str) -> None:
    key = StreamKey("futures", "fills", "linear", f"{base}/USDT:USDT")
    ledger.commit_batch(writer, Batch(key, proven=(1, 20), cursor=20), 20)


def test_of_three_hundred_contracts_only_what_is_named_is_hot(writer: Writer) -> None:
    """Settings, an income, a fill, a position: one each; holding USDT names none of those that settle in it."""
    traded(writer, "C3")
    position = Position("C4/USDT:USDT", "linear", Decimal(-2))
    ledger.commit_snapshot(writer, Snapshot("futures", 2, (), positions=(position,), all_positions=True))
    assert hot(writer, "C2/USDT:USDT") == ["C1", "C2", "C3", "C4"]


def test_a_closed_position_names_its_market_no_more(writer: Writer) -> None:
    """What was traded in it is a fill by then."""
    position = Position("C4/USDT:USDT", "linear", Decimal(-2))
    ledger.commit_snapshot(writer, Snapshot("futures", 2, (), positions=(position,), all_positions=True))
    assert hot(writer) == ["C1", "C4"]
    ledger.commit_snapshot(writer, Snapshot("futures", 3, (), positions=(), all_positions=True))
    assert hot(writer) == ["C1"]


def test_what_was_hot_without_a_reason_is_cold_once_it_was_read(writer: Writer) -> None:
    """Named before the process ended and never read: it stays hot; read and found empty: it is swept at night."""
    key = StreamKey("futures", "fills", "linear", "C7/USDT:USDT")
    streams.temper(writer, [key], cold=False)
    assert hot(writer) == ["C1", "C7"]
    read(writer, "C7")
    assert hot(writer) == ["C1"]
    assert [one.cold for one in streams.streams(writer.connection) if one.key == key] == [True]
    assert hot(writer, "C7/USDT:USDT") == ["C1", "C7"]


def test_the_sweep_reads_every_other_market_and_what_it_finds_is_hot(writer: Writer) -> None:
    """Hot and cold together are all of them, none twice."""
    cold = hot(writer, sweep="only")
    assert (len(cold), "C1" in cold) == (299, False)
    traded(writer, "C9")
    assert hot(writer) == ["C1", "C9"]


@pytest.mark.parametrize("number", [3, 4])
def test_a_market_that_an_income_names_is_read_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """Nothing in the settings names it, and nobody looked at positions: every fill is there after the first poll."""
    monkeypatch.setattr(symbols, "FEW", 0)  # the demo lists few markets: all of them would be read with each poll
    clock = FixedClock(EPOCH + 2 * HOUR)

    async def work() -> None:
        with start_desk(1, EPOCH, clock) as demo:
            account = replace(demo.accounts[number], symbols=())
            async with cycle.open_desk(
                Settings(tmp_path / "desk.db", (account,)), clock, "test", io.StringIO()
            ) as desk:
                await cycle.fills(desk)
                ((stored,),) = desk.writer.connection.execute("SELECT count(*) FROM fills")
                assert stored == len(History(1, EPOCH).contracts.fills(clock.now(), account.name)) > 0

    asyncio.run(work())
