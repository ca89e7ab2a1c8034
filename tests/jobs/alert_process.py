"""A process that evaluates and delivers on a virtual clock until it is killed.

`alert_process.py DATABASE LOG MINUTES [STATE]`: with a state it says so and stands still as soon as BTC has entered it,
after the commit and before anything is sent.

Values follow from the time alone, so a killed process goes on where the database stands. Each message that arrives is
one line of the log, written before the sender knows of it.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.clock import MINUTE
from monitor.episodes import Measurement, Rule
from monitor.jobs.alert import conclude
from monitor.jobs.courier import Courier, Post, Tally
from monitor.store.database import open_writer
from monitor.store.outbox import waiting_channels

if TYPE_CHECKING:
    from monitor.delivery.message import Channel, Message

START = 1_767_225_600_000  # 2026-01-01
CHANNELS = ("good", "log")
RULE = Rule(
    *("held", "turnover", ("*",)),
    below=2.0,
    clear=2.4,
    hold=2 * MINUTE,
    keep_firing=2 * MINUTE,
    no_data_hold=2 * MINUTE,
    repeat_every=5 * MINUTE,
    notify=CHANNELS,
)
SUBJECTS = ("BTC", "ETH")
# What is measured, four minutes each; None: nothing is known, "failed": measuring itself went wrong.
LEVELS = (3.0, 1.0, 1.0, 2.2, 3.0, None, "failed")
LONGEST_GAP = 3 * MINUTE


def level(subject: str, minute: int) -> float | str | None:
    """Return what stays four minutes at each level."""
    return LEVELS[(minute // 4 + len(subject) + SUBJECTS.index(subject)) % len(LEVELS)]


def main(database: Path, log: Path, minutes: int, halt: str = "") -> None:
    """Evaluate minute after minute from where the database stands, then deliver what is left."""
    line = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def send(channel: Channel, message: Message, deadline: float) -> None:
        assert deadline
        os.write(line, f"{channel.name} {message.key}\n".encode())

    with open_writer(database, holder=f"process {os.getpid()}") as writer:
        post = Post(dict.fromkeys(CHANNELS, "stdout://"), send, f"process {os.getpid()}", lambda: 0.0)
        courier, tally = Courier(post), Tally()
        (last,) = writer.connection.execute("SELECT max(time_ms) FROM measurements").fetchone()
        now = START if last is None else last
        while now < START + minutes * MINUTE or waiting_channels(writer.connection, now + 10 * MINUTE):
            now += MINUTE
            if now <= START + minutes * MINUTE:
                seen = [measured(subject, now) for subject in SUBJECTS]
                with writer.transaction() as connection:
                    _, changes = conclude(connection, [RULE], seen, now, LONGEST_GAP)
                if any(one.subject == "BTC" and one.before != one.after == halt for one in changes):
                    print("here", flush=True)  # noqa: T201 - who waits for it kills this process now
                    time.sleep(600)
            courier.dispatch(writer, now, tally)
            while courier.busy:
                courier.wait(1.0)
                courier.settle(writer, now, tally)


def measured(subject: str, now: int) -> Measurement:
    """Return what is seen of a subject at an instant."""
    found = level(subject, (now - START) // MINUTE)
    if isinstance(found, float):
        return Measurement(RULE.name, subject, now, found)
    return Measurement(RULE.name, subject, now, None, "stale", standing="failed" if found else "measured")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), *sys.argv[4:])
