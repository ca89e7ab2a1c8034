"""The promise of the whole: any fault at the venues, SIGKILL at random moments, and the store is the true ledger."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from monitor.demo.faults import DEAD, FAULTS
from monitor.demo.generator import History
from monitor.demo.tempers import VENUE

if TYPE_CHECKING:
    from pathlib import Path

KILLS = 100
# A fill is seen 90 seconds late at most; what happened just before the last reading began may not be there yet.
UNSEEN = 100_000
SEED = 1


@dataclass
class Desk:
    """A demo desk in a folder, run again and again."""

    folder: Path
    fault: str
    dice: random.Random
    longest: float = 6.0
    kills: int = 0
    lives: int = 0
    code: int = 0

    @property
    def home(self) -> Path:
        """Where this desk keeps its database."""
        return self.folder / f"seed-{SEED}-{self.fault}"

    def run(self, kill_after: float | None) -> bool:
        """Run `demo --once`; return whether it ended by itself, False if it was killed after so many seconds."""
        command = [sys.executable, "-m", "monitor", "demo", "--once", "--dir", str(self.folder), "-f", "json"]
        began = time.monotonic()
        log = self.folder / "errors"
        with log.open("w") as errors:
            process = subprocess.Popen(
                [*command, "--fault", self.fault], stdout=subprocess.DEVNULL, stderr=errors, cwd=self.folder
            )
            try:
                process.wait(timeout=kill_after or 600)
            except subprocess.TimeoutExpired:
                os.kill(process.pid, signal.SIGKILL)
                assert process.wait() == -signal.SIGKILL
                return False
        self.longest = max(2.0, time.monotonic() - began)
        assert "Traceback" not in log.read_text(), log.read_text()
        self.code = process.returncode
        assert self.code in {0, 4}, log.read_text()
        return True

    def die(self) -> None:
        """Kill a run at a random moment; one that ended before is compared with the truth, and a new life begins."""
        if not self.run(self.dice.uniform(0.3, self.longest)):
            self.kills += 1
            return
        self.compare()
        shutil.rmtree(self.home)

    def compare(self) -> None:
        """Compare the store with the true ledger, row by row."""
        for _ in range(3):
            before = int(time.time() * 1000)
            self.run(None)
            if self.code == 0 or self.fault == "dead":
                break  # a machine too busy to answer in time ends with 4: incomplete, and said to be
        assert self.code == (4 if self.fault == "dead" else 0)
        self.lives += 1
        history = History(SEED, int(json.loads((self.home / "demo.json").read_text())["epoch"]))
        until = before - UNSEEN
        with closing(sqlite3.connect(f"file:{self.home / 'demo.db'}?mode=ro", uri=True)) as connection:
            accounts = [row[0] for row in connection.execute("SELECT account FROM accounts ORDER BY 1")]
            assert len(accounts) == 5
            for account in accounts:
                if self.fault == "dead" and VENUE.get(account) == DEAD:
                    continue
                assert stored(connection, account, until) == true(history, account, until)
                assert moved(connection, account, until) == truly_moved(history, account, until)


def stored(connection: sqlite3.Connection, account: str, until: int) -> list[tuple[object, ...]]:
    """Return the stored fills of an account before an instant; a list, so that a row stored twice shows."""
    rows = connection.execute(
        "SELECT time_ms, symbol, side, amount, price, fees, trade_id FROM fills WHERE account = ? AND time_ms < ?",
        [account, until],
    )
    return sorted(
        (*row[:3], Decimal(row[3]), Decimal(row[4]), [(a, Decimal(n)) for a, n in json.loads(row[5])], row[6])
        for row in rows
    )


def true(history: History, account: str, until: int) -> list[tuple[object, ...]]:
    """Return the account's true fills in the same form."""
    return sorted(
        (one.time, one.symbol, one.side, one.amount, one.price, [(f.asset, f.amount) for f in one.fees], one.trade_id)
        for one in history.fills(until, account)
        if one.time < until
    )


def moved(connection: sqlite3.Connection, account: str, until: int) -> list[tuple[object, ...]]:
    """Return the stored movements of an account before an instant."""
    rows = connection.execute(
        "SELECT time_ms, kind, asset, amount FROM movements WHERE account = ? AND time_ms < ?", [account, until]
    )
    return sorted((*row[:3], abs(Decimal(row[3]))) for row in rows)


def truly_moved(history: History, account: str, until: int) -> list[tuple[object, ...]]:
    """Return the account's true movements in the same form."""
    found = history.movements(until, account)
    return sorted((one.time, one.kind, one.asset, abs(one.amount)) for one in found if one.time < until)


@pytest.mark.nightly
@pytest.mark.parametrize("fault", FAULTS)
def test_a_hundred_kills_lose_and_double_nothing(fault: str, tmp_path: Path) -> None:
    """`demo --once` is killed at random moments a hundred times; whenever it ends, all rows are there exactly once."""
    desk = Desk(tmp_path, fault, random.Random(fault))  # noqa: S311 - the same moments each time, as far as the machine allows
    while desk.kills < KILLS:
        desk.die()
    desk.compare()
    assert desk.lives >= 1
