"""`monitor reconcile` and `monitor plan`, as real processes."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from monitor.clock import DAY, parse_instant
from monitor.records import Account, Balance, Batch, Movement, Snapshot, StreamKey
from monitor.store.database import open_writer
from monitor.store.ledger import commit_batch, commit_movements, register_account
from monitor.store.snapshots import commit_snapshot

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Monitor

START = parse_instant("2026-01-01")
HEAVY = ("polars", "ccxt", "numba", "numpy", "pydantic", "aiohttp", "rich", "sqlite_utils")
PROBE = f"""
import sys
from monitor.cli.app import outcome
code = outcome(sys.argv[1:])
sys.exit(",".join(name for name in {HEAVY!r} if name in sys.modules) or code)
"""


@pytest.fixture
def books(tmp_path: Path) -> Path:
    """Return a database: BTC agrees, of ETH the venue has 0.5 more than the ledger."""
    path = tmp_path / "books.db"
    with open_writer(path, holder="tests") as writer:
        register_account(writer, Account("main", "kraken", start=START), START)
        rows = [Movement("main", "kraken", asset, START + 1, "deposit", asset, Decimal(2)) for asset in ("BTC", "ETH")]
        commit_movements(writer, rows, START)
        told = (Balance("BTC", Decimal(2)), Balance("ETH", Decimal("2.5")))
        commit_snapshot(writer, Snapshot("main", START + DAY, told))
        commit_batch(writer, Batch(StreamKey("main", "fills"), proven=(START, START + 2 * DAY)), START)
    return path


def test_ledger_balance_and_residual_are_exact_text(monitor: Monitor, books: Path) -> None:
    """2.5 - 2 = 0.5 of ETH; the likely cause and its remedy are beside it."""
    btc, eth = json.loads(monitor("--db", books, "reconcile", "-f", "json").out)
    assert (btc["ledger"], btc["balance"], btc["residual"], btc["verdict"]) == ("2", "2", "0", "agrees")
    assert (eth["ledger"], eth["balance"], eth["residual"], eth["verdict"]) == ("2", "2.5", "0.5", "drift")
    assert (btc["cause"], eth["cause"]) == (None, "opening")
    assert eth["time"] == "2026-01-02T00:00:00.000Z"


def test_the_exit_code_is_asked_for(monitor: Monitor, books: Path) -> None:
    """4 where something drifts, 0 without the option, 2 for an account that does not exist."""
    assert monitor("--db", books, "reconcile", "--exit-code").code == 4
    assert monitor("--db", books, "reconcile").code == 0
    unknown = monitor("--db", books, "reconcile", "--account", "mine")
    assert (unknown.code, "There are: main" in unknown.err) == (2, True)


def test_csv_has_a_row_each(monitor: Monitor, books: Path) -> None:
    """One account, two assets."""
    rows = csv.DictReader(monitor("--db", books, "reconcile", "--account", "main", "-f", "csv").out.splitlines())
    assert [(row["asset"], row["residual"]) for row in rows] == [("BTC", "0"), ("ETH", "0.5")]


def test_it_imports_nothing_heavy(books: Path) -> None:
    """It reads, so it answers at once."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE, "--db", str(books), "reconcile", "-f", "json"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


def test_a_plan_needs_no_database_and_sends_nothing(monitor: Monitor, tmp_path: Path) -> None:
    """An account at a closed port is planned all the same: each stream takes a call."""
    (tmp_path / "monitor.toml").write_text(
        '[[accounts]]\nname = "k"\nexchange = "kraken"\napi_key = { env = "K" }\nsecret = { env = "K" }\n'
        'start = 2026-01-01\nendpoint = "http://127.0.0.1:9"\n'
    )
    ended = monitor("plan", "-f", "json", environ={"K": "c2VjcmV0"})
    told = json.loads(ended.out)
    assert [(part["kind"], part["calls"]) for part in told["accounts"][0]["parts"]] == [
        ("deposits", 1), ("withdrawals", 1), ("fills", 1), ("ledger", 1), ("balances", 1),
    ]  # fmt: skip
    assert (ended.code, told["calls"], told["seconds"]) == (0, 5, 5 * 0.25)
    assert monitor("sync", "--plan", "-f", "json", environ={"K": "c2VjcmV0"}).code == 0
    assert not (tmp_path / "monitor.db").exists()
