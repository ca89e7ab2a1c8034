"""`alerts history|silence|unsilence|ack|test` as real processes, beside a monitor that runs and without one."""

from __future__ import annotations

import csv
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from monitor.clock import DAY, HOUR, SystemClock
from monitor.episodes import AlertState, Notice, Transition
from monitor.store.database import open_writer
from monitor.store.inbox import apply_requests
from monitor.store.journal import record_evaluation
from monitor.store.reader import open_reader
from monitor.store.silences import acknowledged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.cli.conftest import Ended, Monitor

REASON = ("--why", "moving the book")


@pytest.fixture
def firing(tmp_path: Path) -> Path:
    """Return a database in which BTC fires since an hour ago, and ETH did three days ago, for six hours."""
    path, now = tmp_path / "x.db", SystemClock().now()
    states = [AlertState("stalled", "BTC", now - HOUR, now, phase="firing", episode=1, counter=1)]
    with open_writer(path, holder="tests") as writer, writer.transaction() as connection:
        record_evaluation(connection, states, (), ())
        for subject, began, ended in (("ETH", now - 3 * DAY, now - 3 * DAY + 6 * HOUR), ("BTC", now - HOUR, None)):
            told = Notice("stalled", subject, 1, "firing", began, began, value=0.4, worst=0.3, threshold=0.5)
            record_evaluation(connection, (), [Transition("stalled", subject, began, "ok", "firing", notice=told)], ())
            if ended:
                end = Transition("stalled", subject, ended, "firing", "ok", "recovery", ended=1)
                record_evaluation(connection, (), [end], ())
    return path


def test_history_has_every_episode_the_newest_first(monitor: Monitor, firing: Path) -> None:
    """Six hours is six hours; one that lasts has no end; days, rule and subject choose."""
    rows = json.loads(monitor("--db", firing, "alerts", "history", "-f", "json").out)
    assert [(row["subject"], row["hours"], row["value"]) for row in rows] == [("BTC", None, 0.4), ("ETH", 6.0, 0.4)]
    chosen = monitor("--db", firing, "alerts", "history", "--days", "1", "-f", "csv").out
    assert [row["subject"] for row in csv.DictReader(chosen.splitlines())] == ["BTC"]
    assert "ETH" in monitor("--db", firing, "alerts", "history", "--subject", "E*").out
    nothing = monitor("--db", firing, "alerts", "history", "--rule", "other")
    assert (nothing.code, nothing.out, nothing.err) == (0, "", "Nothing was told.\n")


def test_silence_list_and_unsilence_without_a_monitor(monitor: Monitor, firing: Path) -> None:
    """This process writes; the listing shows who, why and until when."""
    made = monitor("--db", firing, "alerts", "silence", "--subject", "BTC*", "--for", "2h", *REASON, "--who", "ann")
    assert made.code == 0
    assert made.out.startswith("Silence 1 holds back every rule for BTC* until 20")
    (row,) = json.loads(monitor("--db", firing, "alerts", "silence", "--list", "-f", "json").out)
    assert (row["number"], row["subject"], row["who"], row["why"]) == (1, "BTC*", "ann", "moving the book")
    assert monitor("--db", firing, "alerts", "unsilence", "1").out == "Silence 1 is over.\n"
    again = monitor("--db", firing, "alerts", "unsilence", "1")
    assert (again.code, again.err) == (
        2,
        "Error: There is no silence 1 to lift. List them with: monitor alerts silence --list\n",
    )
    assert monitor("--db", firing, "alerts", "silence", "--list").err == "No silences.\n"


def test_a_silence_needs_an_end_and_a_reason(monitor: Monitor, firing: Path) -> None:
    """Exit 2 and the remedy; nothing is stored."""
    for missing in (REASON, ("--for", "2h")):
        ended = monitor("--db", firing, "alerts", "silence", *missing)
        assert (ended.code, "Give both: --for 2h --why" in ended.err) == (2, True)


def test_ack_takes_what_fires_and_refuses_what_does_not(monitor: Monitor, firing: Path) -> None:
    """The episode's number is told."""
    taken = monitor("--db", firing, "alerts", "ack", "stalled", "BTC", *REASON)
    assert taken.out == "Episode 1 of stalled for BTC is acknowledged until it is resolved.\n"
    refused = monitor("--db", firing, "alerts", "ack", "stalled", "ETH", *REASON)
    assert (refused.code, refused.out) == (2, "")
    assert "stalled does not fire for ETH" in refused.err


def beside(path: Path, work: Callable[[], Ended], *, applying: bool = True) -> Ended:
    """Run a command while this process is the one that writes, and applies requests now and then."""
    done: list[Ended] = []
    with open_writer(path, holder="monitor run") as writer:
        thread = threading.Thread(target=lambda: done.append(work()))
        thread.start()
        while thread.is_alive():
            if applying:
                apply_requests(writer, SystemClock().now())
            thread.join(0.05)
    return done[0]


def test_a_person_silences_while_the_monitor_runs(monitor: Monitor, firing: Path) -> None:
    """The running one applies it; the command waits for the answer, and a refusal comes back too."""
    made = beside(firing, lambda: monitor("--db", firing, "alerts", "silence", "--for", "2h", *REASON))
    assert (made.code, made.out[:9], made.err) == (0, "Silence 1", "")
    taken = beside(firing, lambda: monitor("--db", firing, "alerts", "ack", "stalled", "BTC", *REASON, "--who", "ann"))
    assert taken.code == 0
    reader = open_reader(firing)
    assert acknowledged(reader, 0) == {("stalled", "BTC", 1): "ann"}
    reader.close()
    refused = beside(firing, lambda: monitor("--db", firing, "alerts", "unsilence", "7"))
    assert (refused.code, "no silence 7" in refused.err) == (2, True)


def test_commands_need_a_database(monitor: Monitor, tmp_path: Path) -> None:
    """A mistyped path is not made."""
    ended = monitor("--db", tmp_path / "none.db", "alerts", "silence", "--for", "2h", *REASON)
    assert (ended.code, "There is no database" in ended.err) == (1, True)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def hook() -> Iterator[tuple[str, list[object]]]:
    """Yield the address of a web server that takes every message, and what it took."""
    bodies: list[object] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200 if self.path == "/good" else 503)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"webhook+http://127.0.0.1:{server.server_address[1]}", bodies
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_test_message_really_leaves(monitor: Monitor, tmp_path: Path, hook: tuple[str, list[object]]) -> None:
    """Taken, refused with the cause, unknown with the known ones, and on standard output."""
    url, bodies = hook
    (tmp_path / "monitor.toml").write_text(
        f'[channels.desk]\nurl = "{url}/good"\n[channels.broken]\nurl = "{url}/bad"\n'
    )
    taken = monitor("alerts", "test", "desk")
    assert (taken.code, taken.err) == (0, "desk took the test message.\n")
    assert isinstance(bodies[0], dict)
    assert bodies[0]["title"] == "TEST: the inventory monitor can reach this channel"
    broken = monitor("alerts", "test", "broken")
    assert (broken.code, "HTTP 503" in broken.err) == (1, True)
    unknown = monitor("alerts", "test", "pager")
    assert (unknown.code, "Known: broken, desk, stdout" in unknown.err) == (2, True)
    assert "TEST: the inventory monitor" in monitor("alerts", "test", "stdout").out
