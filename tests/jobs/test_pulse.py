"""The dead man's switch: one beat a complete cycle, none for half of one, and no job ever waits for it."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from monitor.clock import DAY
from monitor.episodes import Notice
from monitor.errors import DeliveryError
from monitor.jobs.pulse import CYCLE, Pulse
from monitor.store.database import open_writer
from monitor.store.outbox import RETENTION, Lease, claim, enqueue, expire, mark_failed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from monitor.store.database import Writer


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Writer]:
    """Yield an empty database with the right to write."""
    with open_writer(tmp_path / "desk.db", holder="test") as opened:
        yield opened


def ran(pulse: Pulse, writer: Writer, *jobs: str, now: int = 0) -> None:
    """Let jobs succeed, and wait for a beat they started."""
    for job in jobs:
        pulse.succeeded(job, writer, now)
    pulse.finish()


def test_a_beat_a_cycle(writer: Writer) -> None:
    """All four jobs since the last beat; a job that ran often counts once."""
    beats: list[int] = []
    pulse = Pulse(lambda: beats.append(1))
    ran(pulse, writer, "fills", "measure", "alerts", "alerts", "balances")
    assert beats == []
    ran(pulse, writer, "delivery")
    assert beats == [1]
    ran(pulse, writer, "delivery", "alerts", "measure")
    assert beats == [1]
    ran(pulse, writer, "fills")
    assert beats == [1, 1]


def test_a_switch_that_hangs_delays_nobody(writer: Writer) -> None:
    """Cycles go on at once; while it hangs no second beat is started, afterwards one is."""
    let_go, beats = threading.Event(), []

    def beat() -> None:
        beats.append(1)
        let_go.wait(10)

    pulse = Pulse(beat)
    began = time.monotonic()
    for _ in range(50):
        for job in sorted(CYCLE):
            pulse.succeeded(job, writer, 0)
    assert time.monotonic() - began < 1.0
    assert beats == [1]
    let_go.set()
    pulse.finish()
    ran(pulse, writer, "delivery")
    assert beats == [1, 1]


def test_a_switch_that_does_not_answer_is_told_once(writer: Writer) -> None:
    """The text of our own errors, the name alone of others: theirs may hold the address."""

    def refused() -> None:
        raise DeliveryError("example.com answered HTTP 500.")

    def surprised() -> None:
        raise RuntimeError("https://example.com/secret")

    for beat, said in ((refused, "example.com answered HTTP 500."), (surprised, "RuntimeError")):
        pulse = Pulse(beat)
        ran(pulse, writer, *CYCLE)
        assert (pulse.trouble(), pulse.trouble()) == (said, None)


def test_a_message_that_was_given_up_stops_the_beat_for_a_day(writer: Writer) -> None:
    """Refused for the whole retention; one that was never tried stops nothing."""
    beats: list[int] = []
    pulse = Pulse(lambda: beats.append(1))
    put(writer, "waiting", refused=False)
    expire(writer, RETENTION)
    ran(pulse, writer, *CYCLE, now=RETENTION)
    assert beats == [1]
    put(writer, "refused", refused=True)
    expire(writer, RETENTION)
    ran(pulse, writer, *CYCLE, now=RETENTION + DAY)
    assert beats == [1]
    assert "held back" in (pulse.trouble() or "")
    ran(pulse, writer, *CYCLE, now=RETENTION + DAY + 1)
    assert beats == [1, 1]


def put(writer: Writer, subject: str, *, refused: bool) -> None:
    """Put a message in the outbox, and let the channel refuse it once."""
    with writer.transaction() as connection:
        enqueue(connection, Notice("r", subject, 1, "firing", time=0, since=0), ["desk"])
    if refused:
        mark_failed(writer, claim(writer, "desk", Lease("test", 1), 0), "HTTP 500", 0, 0.0)


def test_without_a_switch_nothing_is_started(writer: Writer) -> None:
    """No thread, no trouble."""
    pulse = Pulse(None)
    ran(pulse, writer, *CYCLE)
    assert pulse.trouble() is None
