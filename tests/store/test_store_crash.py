"""SIGKILL between any two statements of a commit: the store is as before it, or as after it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

from monitor.records import Account, Batch, Gap, StreamKey
from monitor.store import ledger, query, streams
from monitor.store.database import open_writer
from monitor.store.touched import touched

if TYPE_CHECKING:
    from pathlib import Path

# Runs the commit once per statement of it, each time in a forked process that is killed when it gets there.
KILL = """
import os, signal, sys
from decimal import Decimal
from pathlib import Path
from monitor.records import Batch, Fee, Fill, Finding, Quarantined, StreamKey
from monitor.store import ledger
from monitor.store.database import open_writer

folder = Path(sys.argv[1])
KEY = StreamKey("main", "fills")

def fill(key, price):
    return Fill("main", "kraken", key, 1000, "spot", "XBTUSD", "BTC/USD", "BTC", "USD", "buy", Decimal(1),
                Decimal(price), fees=(Fee("BNB", Decimal(1)),), raw=key)

def run(path, deadly):
    writer = open_writer(path, holder="test")
    ledger.commit_batch(writer, Batch(KEY, fills=(fill("a", 1), fill("b", 1)), proven=(0, 100), cursor=100), 1)
    seen = 0
    def trace(statement):
        nonlocal seen
        seen += 1
        if seen == deadly:
            os.kill(os.getpid(), signal.SIGKILL)
    writer.connection.set_trace_callback(trace)
    late = Batch(KEY, fills=(fill("b", 2), fill("c", 1)), proven=(100, 200), cursor=200,
                 findings=(Finding("late", "BTC", "A late row."),))
    ledger.commit_batch(writer, late, 2)
    os._exit(0)

deadly = 0
while True:
    deadly += 1
    child = os.fork()
    if child == 0:
        run(folder / f"{deadly}.db", deadly)
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0:
        break
print(deadly)
"""


def state(path: Path) -> tuple[object, ...]:
    with open_writer(path, holder="after the crash") as writer:
        reader = writer.connection
        assert reader.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        fills = {(row.key, int(row.price)) for row in query.fills(reader, query.FillFilter())}
        (revisions,) = reader.execute("SELECT count(*) FROM revisions").fetchone()
        told = streams.streams(reader)[0]
        return (fills, revisions, told.cursor, streams.intervals(reader, told.key), query.status(reader).findings)


def test_a_kill_at_any_statement_leaves_the_old_state_or_the_new(tmp_path: Path) -> None:
    """Rows, revision, cursor, interval and finding move together; both outcomes occur."""
    with open_writer(tmp_path / "seed.db", holder="test") as writer:
        ledger.register_account(writer, Account("main", "kraken"), 1)
    for number in range(1, 60):
        shutil.copy(tmp_path / "seed.db", tmp_path / f"{number}.db")
    run = subprocess.run(
        [sys.executable, "-c", KILL, str(tmp_path)], capture_output=True, text=True, timeout=60, check=True
    )
    statements = int(run.stdout)
    before = ({("a", 1), ("b", 1)}, 0, 100, ((0, 100),), 0)
    after = ({("a", 1), ("b", 2), ("c", 1)}, 1, 200, ((0, 200),), 1)
    states = [state(tmp_path / f"{number}.db") for number in range(1, statements + 1)]
    assert statements > 15
    assert states == [before] * (statements - 1) + [after]


def test_the_same_batch_after_a_crash_ends_where_an_undisturbed_run_does(tmp_path: Path) -> None:
    """A gap recorded before the crash and proven after it is closed, once."""
    key = StreamKey("main", "fills")
    with open_writer(tmp_path / "desk.db", holder="test") as writer:
        ledger.register_account(writer, Account("main", "kraken"), 1)
        ledger.commit_batch(writer, Batch(key, proven=(0, 50), cursor=50, gap=Gap(50, 60, "full page")), 1)
    with open_writer(tmp_path / "desk.db", holder="test") as writer:
        for _ in range(2):
            ledger.commit_batch(writer, Batch(key, proven=(50, 90), cursor=90), 2)
        assert (streams.gaps(writer.connection), streams.intervals(writer.connection, key)) == ((), ((0, 90),))
        assert touched(writer.connection) == {}
