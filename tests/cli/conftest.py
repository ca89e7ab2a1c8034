"""Real processes of the real command, and a small database made by the real store."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from monitor.clock import DAY, HOUR
from monitor.episodes import AlertState
from monitor.records import Account, Balance, Batch, Fee, Fill, Finding, Gap, Snapshot, StreamKey
from monitor.store.database import open_writer
from monitor.store.findings import raise_finding
from monitor.store.journal import record_evaluation
from monitor.store.ledger import commit_batch, register_account
from monitor.store.snapshots import commit_snapshot

if TYPE_CHECKING:
    from pathlib import Path

KEPT = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
START = 1_767_225_600_000  # 2026-01-01T00:00:00Z


@dataclass(frozen=True)
class Ended:
    """A process that ended: its exit code and both streams."""

    code: int
    out: str
    err: str


Monitor = Callable[..., Ended]


ALERTS = (
    AlertState("stalled", "BTC", since=START, evaluated=START + DAY, phase="firing", value=0.4, worst=0.3, episode=1),
    AlertState("stalled", "ETH", since=START, evaluated=START + DAY, value=4.0),
)


@pytest.fixture
def monitor(tmp_path: Path) -> Monitor:
    """Run `python -m monitor` with some arguments in an empty folder and an empty environment."""

    def run(*arguments: object, environ: dict[str, str] | None = None) -> Ended:
        done = subprocess.run(
            [sys.executable, "-m", "monitor", *map(str, arguments)],
            cwd=tmp_path,
            env={**KEPT, "HOME": str(tmp_path), **(environ or {})},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    return run


def fill(key: str, hours: int, told: str, fee: str = "0.1 USD") -> Fill:
    """Return a spot fill some hours after START, told as `BTC/USD buy 2 50000`."""
    symbol, side, amount, price = told.split()
    base, quote = symbol.split("/")
    paid, asset = fee.split()
    return Fill(
        account="main",
        exchange="kraken",
        key=key,
        time=START + hours * HOUR,
        book="spot",
        market=base + quote,
        symbol=symbol,
        base=base,
        quote=quote,
        side="buy" if side == "buy" else "sell",
        amount=Decimal(amount),
        price=Decimal(price),
        fees=(Fee(asset, Decimal(paid)),),
        trade_id=key,
    )


@pytest.fixture(scope="session")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a database of one account, last read long ago: three fills, a balance, a gap, a finding, an alert."""
    path = tmp_path_factory.mktemp("desk") / "desk.db"
    stream = StreamKey("main", "fills")
    rows = (
        fill("1", 0, "BTC/USD buy 2 50000"),
        fill("2", 24, "BTC/USD sell 0.5 60000", "0.00001 BTC"),
        fill("3", 48, "ETH/BTC buy 12345.678 0.05", "0.1 BNB"),
    )
    with open_writer(path, holder="tests") as writer:
        register_account(writer, Account("main", "kraken", start=START), START, "proven")
        commit_batch(
            writer, Batch(stream, rows, proven=(START, START + 3 * DAY), cursor=START + 3 * DAY), START + 3 * DAY
        )
        gap = Gap(START + 4 * DAY, START + 5 * DAY, "a full page that could not be split")
        commit_batch(writer, Batch(stream, gap=gap), START + 5 * DAY)
        commit_snapshot(writer, Snapshot("main", START + 3 * DAY, (Balance("BTC", Decimal("1.5")),)))
        finding = Finding("depeg", "USDT", "USDT trades at 0.97 USD.", "Set a peg.")
        raise_finding(writer, finding, START + 3 * DAY)
        with writer.transaction() as connection:
            record_evaluation(connection, ALERTS, (), ())
    return path
