"""Collecting the demo desk through real ccxt over HTTP: complete, exact, resumable, and loud where it is not."""

from __future__ import annotations

import asyncio
import json
import os
import pickle
import signal
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from monitor.clock import DAY, HOUR, FixedClock
from monitor.demo.desk import RunningDesk, start_desk
from monitor.errors import CredentialsRefused
from monitor.exchanges.client import Surroundings
from monitor.exchanges.patience import Patience
from monitor.jobs.collect import Options, Step, Summary, collect_all
from monitor.jobs.connections import Connections
from monitor.store import streams
from monitor.store.database import Writer, open_writer
from monitor.store.findings import findings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from decimal import Decimal
    from pathlib import Path

    from monitor.records import Account

EPOCH = 1_767_225_600_000  # 2026-01-01
NOW = EPOCH + 2 * HOUR


async def no_wait(_seconds: float) -> None:
    """Return at once: the demo's faults are not waited for."""


class Steps:
    """A listener that keeps what it hears, and kills its own process after so many windows."""

    def __init__(self, most: int = 10**9) -> None:
        self.heard: list[Step] = []
        self.most = most

    def step(self, step: Step) -> None:
        """Hear of one window."""
        self.heard.append(step)
        if len(self.heard) >= self.most:
            os.kill(os.getpid(), signal.SIGKILL)


@pytest.fixture(scope="module")
def desk() -> Iterator[RunningDesk]:
    """The demo desk, two hours after its epoch."""
    with start_desk(1, EPOCH, FixedClock(NOW)) as running:
        yield running


def run(
    writer: Writer, accounts: Sequence[Account], options: Options | None = None, steps: Steps | None = None
) -> list[Summary]:
    """Collect accounts once, in connections of their own."""

    async def work() -> list[Summary]:
        surroundings = Surroundings(Patience(sleep=no_wait))
        async with Connections(writer, FixedClock(NOW), surroundings) as connections:
            return await collect_all(connections, accounts, options or Options(prices=False), steps)

    return asyncio.run(work())


def cut_off(database: Path, accounts: Sequence[Account], windows: int) -> int:
    """Collect in a process of its own that is killed after so many windows; return how it ended."""
    given = pickle.dumps((database, tuple(accounts), windows))
    done = subprocess.run([sys.executable, __file__], input=given, capture_output=True, check=False, timeout=120)
    return done.returncode


def stored(writer: Writer, account: str) -> set[tuple[object, ...]]:
    """Return what is stored of an account's fills, exactly as text."""
    rows = writer.connection.execute(
        "SELECT time_ms, symbol, side, amount, price, fees, trade_id FROM fills WHERE account = ?", [account]
    )
    return {tuple(row) for row in rows}


def true(desk: RunningDesk, account: str) -> set[tuple[object, ...]]:
    """Return the account's true fills in the same form."""

    def plain(number: Decimal) -> str:
        text = f"{number:f}"
        return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"

    return {
        (
            fill.time, fill.symbol, fill.side, plain(fill.amount), plain(fill.price),
            json.dumps([[fee.asset, plain(fee.amount)] for fee in fill.fees], separators=(",", ":")), fill.trade_id,
        )
        for fill in desk.history.fills(NOW, account)
    }  # fmt: skip


def normal(rows: set[tuple[object, ...]]) -> set[tuple[object, ...]]:
    """Return rows with fees written without spaces."""
    return {(*row[:5], json.dumps(json.loads(str(row[5])), separators=(",", ":")), row[6]) for row in rows}


def test_the_store_equals_the_true_ledger(desk: RunningDesk, tmp_path: Path) -> None:
    """Every fill of every account once, with exact amounts and fees, and all of it proven up to the venue's present."""
    with open_writer(tmp_path / "a.db", holder="test") as writer:
        summaries = run(writer, desk.accounts)
        assert [summary.error for summary in summaries] == [None] * 5
        for account in desk.accounts:
            assert normal(stored(writer, account.name)) == normal(true(desk, account.name))
            ((start, end),) = streams.coverage(writer.connection, account.name)
            assert start == 0
            assert NOW - 2000 <= end <= NOW + 60_000
        moves = writer.connection.execute("SELECT count(*) FROM movements").fetchone()[0]
        assert moves == sum(len(list(desk.history.movements(NOW, account.name))) for account in desk.accounts)
        # Reading the overlap again neither doubles nor changes anything.
        assert [(one.new, one.revised) for one in run(writer, desk.accounts)] == [(0, 0)] * 5


@pytest.mark.parametrize("windows", [25, pytest.param(10, marks=pytest.mark.nightly)])
def test_a_killed_run_is_resumed(desk: RunningDesk, tmp_path: Path, windows: int) -> None:
    """Whenever it is cut off, the next run ends with the same ledger."""
    accounts = (desk.accounts[0], desk.accounts[2])
    assert cut_off(tmp_path / "c.db", accounts, windows) == -signal.SIGKILL
    with open_writer(tmp_path / "c.db", holder="test") as writer:
        held = sum(len(stored(writer, account.name)) for account in accounts)
        assert 0 < held < sum(len(true(desk, account.name)) for account in accounts)
        assert [summary.error for summary in run(writer, accounts)] == [None, None]
        for account in accounts:
            assert normal(stored(writer, account.name)) == normal(true(desk, account.name))


def test_progress_rises(desk: RunningDesk, tmp_path: Path) -> None:
    """A listener hears of each window, and of the share that is read."""
    steps = Steps()
    with open_writer(tmp_path / "d.db", holder="test") as writer:
        run(writer, desk.accounts[2:3], steps=steps)
    shares = [step.progress for step in steps.heard if step.stream.kind == "fills"]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_a_wrong_secret_pauses_its_account_only(desk: RunningDesk, tmp_path: Path) -> None:
    """The others are read; the refused one is named in a critical finding and not asked again within the hour."""
    bad = replace(desk.accounts[0], credentials={**desk.accounts[0].credentials, "secret": "wrong"})
    with open_writer(tmp_path / "e.db", holder="test") as writer:
        first, *others = run(writer, [bad, desk.accounts[2]])
        assert isinstance(first.error, CredentialsRefused)
        assert all(one.error is None and one.new for one in others)
        assert [(one.code, one.subject) for one in findings(writer.connection)] == [("key refused", bad.name)]


@pytest.mark.parametrize("fault", ["html200", "truncated"])
def test_faults_lose_nothing(fault: str, tmp_path: Path) -> None:
    """With broken answers in between the ledger is the same, or the account says that it is not complete."""
    with (
        start_desk(1, EPOCH, FixedClock(NOW), fault) as broken,
        open_writer(tmp_path / "f.db", holder="test") as writer,
    ):
        for summary in run(writer, broken.accounts[::2]):
            assert summary.error or normal(stored(writer, summary.account)) == normal(true(broken, summary.account))


def test_prices_are_a_gapless_series(desk: RunningDesk, tmp_path: Path) -> None:
    """Every candle close from the account's start to now, at the venue's own length, for every asset touched."""
    account = desk.accounts[2]
    with open_writer(tmp_path / "g.db", holder="test") as writer:
        run(writer, [account], Options())
        rows = writer.connection.execute(
            "SELECT base, time_ms FROM prices WHERE exchange = 'kraken' ORDER BY 1, 2"
        ).fetchall()
        again = run(writer, [account], Options())
    length, start = 4 * HOUR, NOW - 90 * DAY
    wanted = [time for time in range(desk.history.start, NOW + 1, length) if time >= start - DAY]
    times: dict[str, list[int]] = {}
    for base, time in map(tuple, rows):
        times.setdefault(base, []).append(time)
    assert {"BTC", "XRP", "AVAX", "ADA"} <= set(times)
    assert all(found == wanted for found in times.values())
    assert again[0].prices == 0


if __name__ == "__main__":
    path, told, after = pickle.load(sys.stdin.buffer)  # noqa: S301  what cut_off wrote
    with open_writer(path, holder="test") as opened:
        run(opened, told, steps=Steps(after))
