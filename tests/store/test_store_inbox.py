"""Requests of people: whole or not at all, applied once, in order, and never in the way of those behind them."""

from __future__ import annotations

import json
import stat
from typing import TYPE_CHECKING

import pytest

from monitor.clock import DAY, HOUR
from monitor.episodes import AlertState
from monitor.store import inbox
from monitor.store.database import open_writer
from monitor.store.inbox import Answer, answer_to, apply_requests, folder_of, submit
from monitor.store.journal import record_evaluation
from monitor.store.silences import Acknowledgement, Lift, Silence, acknowledged, silences

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator
    from pathlib import Path

    from monitor.store.database import Writer

QUIET = Silence(0, HOUR, "ann", "maintenance", subject="BTC*")


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Writer]:
    """Yield an empty database with the right to write."""
    with open_writer(tmp_path / "desk.db", holder="test") as opened:
        yield opened


def test_a_request_is_applied_once_and_answered(writer: Writer) -> None:
    """The number in the answer is the silence's; a second round has nothing to do."""
    name = submit(writer.path, QUIET, 1)
    assert answer_to(writer.connection, name) is None
    granted = Answer(granted=True, said="Silence 1 holds back every rule for BTC* until 1970-01-01T01:00:00.000Z.")
    assert apply_requests(writer, 2) == (granted,)
    assert answer_to(writer.connection, name) == granted
    assert apply_requests(writer, 3) == ()
    assert [(one.subject, one.who, one.why) for one in silences(writer.connection, 3)] == [
        ("BTC*", "ann", "maintenance")
    ]


def test_requests_are_applied_in_the_order_of_asking(writer: Writer) -> None:
    """A silence, then its end."""
    submit(writer.path, QUIET, 1)
    submit(writer.path, Lift(1), 2)
    assert [one.granted for one in apply_requests(writer, 3)] == [True, True]
    assert silences(writer.connection, 3) == ()


def test_an_acknowledgement_reaches_the_open_episode(writer: Writer) -> None:
    """The episode that is open when it is applied; where nothing fires, the reason is the answer."""
    with writer.transaction() as connection:
        record_evaluation(connection, [AlertState("r", "BTC", 0, 0, phase="firing", episode=4)], (), ())
    submit(writer.path, Acknowledgement("r", "BTC", "ann", "on it", 1), 1)
    submit(writer.path, Acknowledgement("r", "ETH", "ann", "on it", 1), 2)
    first, second = apply_requests(writer, 3)
    assert first == Answer(granted=True, said="Episode 4 of r for BTC is acknowledged until it is resolved.")
    assert second == Answer(granted=False, said="r does not fire for ETH. See what does: monitor alerts list")
    assert acknowledged(writer.connection, 3) == {("r", "BTC", 4): "ann"}


def test_only_this_user_can_ask(writer: Writer) -> None:
    """Folder 0700, file 0600: what is asked decides what a desk is told."""
    name = submit(writer.path, QUIET, 1)
    folder = folder_of(writer.path)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / f"{name}.json").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"drop": {}}',
        '{"unsilence": {"number": "1"}}',
        '{"unsilence": {"number": 1, "more": 2}}',
        '{"unsilence": {"number": 99999999999999999999}}',
        json.dumps({"silence": {"start": 0, "until": 10, "who": "\ud800", "why": ""}}),
    ],
)
def test_what_is_no_request_is_refused_and_stops_nothing(writer: Writer, text: str) -> None:
    """It is gone afterwards, and the request behind it is applied."""
    folder_of(writer.path).mkdir()
    (folder_of(writer.path) / "00000000000000-a.json").write_text(text)
    submit(writer.path, QUIET, 1)
    assert [one.granted for one in apply_requests(writer, 2)] == [False, True]
    assert list(folder_of(writer.path).iterdir()) == []


def test_a_link_is_not_followed(writer: Writer, tmp_path: Path) -> None:
    """Whatever it points to."""
    (tmp_path / "elsewhere.json").write_text('{"unsilence": {"number": 1}}')
    folder_of(writer.path).mkdir()
    (folder_of(writer.path) / "1.json").symlink_to(tmp_path / "elsewhere.json")
    assert [one.said for one in apply_requests(writer, 2)] == [
        "1.json is no request. Ask with: monitor alerts silence, unsilence, ack"
    ]


def test_a_crash_between_answer_and_removal_applies_nothing_twice(writer: Writer) -> None:
    """The file of an answered request is back: it is removed, and there is still one silence."""
    name = submit(writer.path, QUIET, 1)
    path = folder_of(writer.path) / f"{name}.json"
    text = path.read_text()
    apply_requests(writer, 2)
    path.write_text(text)
    assert apply_requests(writer, 3) == ()
    assert not path.exists()
    assert len(silences(writer.connection, 3)) == 1


def test_a_crash_before_the_commit_leaves_the_request_waiting(writer: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process dies while it applies: neither silence nor answer, and the next one applies it."""
    submit(writer.path, QUIET, 1)
    granted = inbox._granted

    def interrupted(connection: sqlite3.Connection, request: inbox.Request, now: int) -> str:
        granted(connection, request, now)
        raise KeyboardInterrupt

    monkeypatch.setattr(inbox, "_granted", interrupted)
    with pytest.raises(KeyboardInterrupt):
        apply_requests(writer, 2)
    monkeypatch.setattr(inbox, "_granted", granted)
    assert silences(writer.connection, 2) == ()
    assert [one.granted for one in apply_requests(writer, 3)] == [True]


def test_answers_are_forgotten_after_a_day(writer: Writer) -> None:
    """With the next request."""
    old = submit(writer.path, QUIET, 1)
    apply_requests(writer, 2)
    submit(writer.path, Silence(0, 3 * DAY, "ann", "x"), 2 * DAY)
    apply_requests(writer, 2 * DAY)
    assert answer_to(writer.connection, old) is None
