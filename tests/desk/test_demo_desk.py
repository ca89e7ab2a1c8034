"""The main job as a person meets it: real processes, real requests, a known answer."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

Payload = dict[str, object]


def command(folder: Path, *options: str) -> list[str]:
    """Return the command line of a demo in a folder."""
    return [sys.executable, "-m", "monitor", "demo", "--dir", str(folder), *options]


def once(folder: Path, *options: str) -> tuple[int, Payload]:
    """Run `demo --once -f json` and return its exit code and its answer."""
    done = subprocess.run(
        [*command(folder, "--once", "-f", "json"), *options], capture_output=True, text=True, check=False, timeout=240
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, json.loads(done.stdout)


def agree(code: int, payload: Payload) -> None:
    """Check that desk, portfolio and accounts are those of the known answer, whole and without a difference."""
    rows = payload["rows"]
    assert isinstance(rows, list)
    assert (code, payload["complete"], payload["agrees"]) == (0, True, True), payload
    assert [row for row in rows if row["differs"]] == []
    assert {row["asset"] for row in rows if row["account"] is None} == {
        *("ADA", "ARB", "AVAX", "BNB", "BTC", "ETH", "LINK", "SOL", "XRP"),
        None,
    }


def test_every_number_agrees_with_the_known_answer(tmp_path: Path) -> None:
    """Nothing differs, and the assets are those of the demo desk."""
    agree(*once(tmp_path))


def stored(database: Path) -> int:
    """Return how many fills a database holds, 0 while there is none."""
    try:
        with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
            return int(connection.execute("SELECT count(*) FROM fills").fetchone()[0])
    except sqlite3.OperationalError:
        return 0


@pytest.mark.parametrize(
    "least", [2_000, pytest.param(1, marks=pytest.mark.nightly), pytest.param(6_000, marks=pytest.mark.nightly)]
)
def test_a_killed_first_sync_is_resumed_to_the_same_numbers(tmp_path: Path, least: int) -> None:
    """SIGKILL once some of the fills are stored; the same command again ends with the known answer."""
    # Slow bodies stretch the sync, so that the kill falls into it.
    running = subprocess.Popen(
        command(tmp_path, "--once", "--fault", "slow"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    database = tmp_path / "seed-1-slow" / "demo.db"
    until = time.monotonic() + 120
    while stored(database) < least and running.poll() is None and time.monotonic() < until:
        time.sleep(0.02)
    os.kill(running.pid, signal.SIGKILL)
    assert running.wait() == -signal.SIGKILL
    agree(*once(tmp_path, "--fault", "slow"))


@pytest.mark.parametrize(
    "fault",
    ["late", pytest.param("html200", marks=pytest.mark.nightly), pytest.param("truncated", marks=pytest.mark.nightly)],
)
def test_a_fault_at_the_venues_changes_no_number(tmp_path: Path, fault: str) -> None:
    """Maintenance pages, cut bodies and fills shown late: retried or read again, and the same desk."""
    agree(*once(tmp_path, "--fault", fault))


def test_a_dead_venue_is_named_and_nothing_is_called_complete(tmp_path: Path) -> None:
    """Kraken answers nothing: exit 4, the account is named, and no asset it may hold is shown as ok."""
    code, payload = once(tmp_path, "--fault", "dead")
    rows, troubles = payload["rows"], payload["findings"]
    assert isinstance(rows, list)
    assert (code, payload["complete"]) == (4, False)
    assert "kraken-main" in json.dumps(troubles)
    desk = {row["asset"]: row["status"] for row in rows if row["account"] is None}
    assert (desk["BTC"], desk["XRP"], desk[None]) == ("partial", "missing", "partial")


def test_the_live_desk_fires_a_rule_and_stops_on_interrupt(tmp_path: Path) -> None:
    """The service delivers the stalled asset's alert to standard output; Ctrl-C ends it within ten seconds, cleanly."""
    out = tmp_path / "out"
    with out.open("w") as stream:
        running = subprocess.Popen(command(tmp_path), stdout=stream, stderr=subprocess.STDOUT)
    until = time.monotonic() + 120
    while "FIRING" not in out.read_text() and time.monotonic() < until:
        time.sleep(0.2)
    running.send_signal(signal.SIGINT)
    began = time.monotonic()
    assert running.wait(timeout=30) == 0, out.read_text()
    assert time.monotonic() - began < 10
    assert "stalled" in out.read_text()
    assert "Traceback" not in out.read_text()


def test_a_second_daemon_is_refused_and_told_who_runs(tmp_path: Path) -> None:
    """The same database twice: the second process ends at once with the first one's command and process id."""
    settings = tmp_path / "monitor.toml"
    settings.write_text('database = "desk.db"\n[log]\nformat = "json"\n')
    start = [sys.executable, "-m", "monitor", "-c", str(settings), "run"]
    first = subprocess.Popen(start, stderr=subprocess.PIPE, text=True)
    try:
        assert first.stderr is not None
        assert "started" in first.stderr.readline()
        second = subprocess.run(start, capture_output=True, text=True, check=False, timeout=60)
    finally:
        first.terminate()
        first.communicate(timeout=20)
    assert second.returncode == 1
    assert f"{first.pid}" in second.stderr
    assert first.returncode == 0
