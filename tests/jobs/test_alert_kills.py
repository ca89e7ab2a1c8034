"""Real processes, really killed: kill -9 anywhere, and the next process tells what is left, once."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name("alert_process.py")
MINUTES = 200
# Levels change every four minutes and come round after 28: per round and subject one firing with one reminder, its end,
# and one spell without data that ends in an error.
ROUND = 28
CHANNELS, SUBJECTS = ("good", "log"), ("BTC", "ETH")


def started(database: Path, log: Path) -> subprocess.Popen[bytes]:
    """Start the process."""
    return subprocess.Popen([sys.executable, str(PROGRAM), str(database), str(log), str(MINUTES)])


def size(log: Path) -> int:
    """Return how long the log is."""
    return log.stat().st_size if log.exists() else 0


def killed(folder: Path, times: int, seed: int) -> tuple[Counter[tuple[str, str]], list[tuple[str, str, str]]]:
    """Kill the process so many times, let the last one finish; return what arrived and what the outbox says."""
    dice = random.Random(seed)  # noqa: S311 - the same kills each time
    database, log = folder / f"desk{seed}.db", folder / f"log{seed}"
    for _ in range(times):
        before = size(log)
        process = started(database, log)
        # Killed while it still imports, it would not have been at work: wait for its first message.
        while size(log) == before and process.poll() is None:
            time.sleep(0.002)
        time.sleep(dice.random() * 0.1)
        process.kill()
        process.wait()
    assert started(database, log).wait(120) == 0
    arrived = Counter((name, key) for name, key in (line.split() for line in log.read_text().splitlines()))
    with sqlite3.connect(database) as connection:
        decided = connection.execute(
            "SELECT channel, rule || '/' || subject || '/' || episode || '/' || kind ||"
            " iif(ordinal, '-' || ordinal, ''), state FROM outbox"
        ).fetchall()
    connection.close()
    return arrived, decided


def check(arrived: Counter[tuple[str, str]], decided: list[tuple[str, str, str]], kills: int) -> None:
    """Everything decided came, nothing else did, and no more came twice than a kill each explains."""
    assert {state for *_, state in decided} <= {"sent", "collapsed"}
    assert {(channel, key) for channel, key, state in decided if state == "sent"} <= arrived.keys()
    ends = {(channel, key.rpartition("/")[0]) for channel, key in arrived if key.endswith("resolved")}
    collapsed = [(channel, key) for channel, key, state in decided if state == "collapsed" and "firing" in key]
    assert {(channel, key.rpartition("/")[0]) for channel, key in collapsed} <= ends
    assert arrived.keys() <= {(channel, key) for channel, key, _ in decided}
    # One process has at most one attempt under way on each of the two channels.
    assert sum(times - 1 for times in arrived.values()) <= kills * len(CHANNELS)
    kinds = Counter(key.rpartition("/")[2].partition("-")[0] for _, key in arrived)
    rounds = MINUTES // ROUND
    for kind in ("firing", "resolved", "no_data"):
        assert kinds[kind] >= (rounds - 1) * len(SUBJECTS) * len(CHANNELS) - kills


def test_five_kills(tmp_path: Path) -> None:
    """Five deaths in 200 virtual minutes."""
    check(*killed(tmp_path, 5, 1), kills=5)


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(2, 12))
def test_hundreds_of_kills(tmp_path: Path, seed: int) -> None:
    """Thirty deaths a run, three hundred in all."""
    check(*killed(tmp_path, 30, seed), kills=30)


# In the order in which BTC's course enters them, once each round.
STATES = ("pending", "firing", "recovering", "ok", "no_data", "error")


def killed_in(state: str, database: Path, log: Path, minutes: int) -> None:
    """Run the process until BTC enters a state, and kill it there, between the commit and the message."""
    command = [sys.executable, str(PROGRAM), str(database), str(log), str(minutes), state]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"here\n", f"BTC never entered {state}"
        process.kill()
    with sqlite3.connect(database) as connection:
        (shown,) = connection.execute("SELECT coalesce(blind, phase) FROM rule_states WHERE subject = 'BTC'").fetchone()
    connection.close()
    assert shown == state


def each_state(folder: Path, rounds: int) -> None:
    """Die in each state so many times: what is told is, message for message, what an undisturbed process tells."""
    minutes = str((rounds + 2) * ROUND)
    told = []
    for name, times in (("calm", 0), ("killed", rounds)):
        database, log = folder / f"{name}.db", folder / f"{name}.log"
        for _ in range(times):
            for state in STATES:
                killed_in(state, database, log, int(minutes))
        subprocess.run([sys.executable, str(PROGRAM), str(database), str(log), minutes], check=True, timeout=120)
        told.append(Counter(log.read_text().splitlines()))
    calm, killed_often = told
    assert set(calm.values()) == {1}
    assert killed_often == calm
    assert {line.rpartition("/")[2].partition("-")[0] for line in calm} == {"firing", "reminder", "resolved", "no_data"}


def test_a_kill_in_each_state(tmp_path: Path) -> None:
    """Six deaths, none noticed."""
    each_state(tmp_path, rounds=1)


@pytest.mark.nightly
@pytest.mark.parametrize("run", range(5))
def test_a_hundred_kills_in_each_state(tmp_path: Path, run: int) -> None:
    """Twenty rounds a run: six hundred deaths, a hundred in each state."""
    assert run >= 0
    each_state(tmp_path, rounds=20)
