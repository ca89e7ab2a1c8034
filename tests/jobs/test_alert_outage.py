"""A channel that is dead for a day is told everything once and in order when it is back; nobody else waits for it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from monitor.clock import DAY, HOUR, MINUTE
from monitor.episodes import Measurement, Rule
from monitor.errors import DeliveryError
from monitor.jobs.alert import conclude
from monitor.jobs.courier import Courier, Post, Tally
from monitor.store.database import open_writer
from monitor.store.outbox import channel_states

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from monitor.delivery.message import Channel, Message
    from monitor.store.database import Writer

START = 1_767_225_600_000  # 2026-01-01
STEP = 5 * MINUTE
SUBJECTS = ("BTC", "ETH", "SOL")
RULE = Rule("stalled", "turnover", ("*",), below=2.0, clear=2.4, no_data_hold=2 * STEP, notify=("chat", "mail"))
# An hour and a half a round: breach, recovery, breach, no data, recovery; a quarter of an hour and more each.
COURSE = (1.0, 1.0, 1.0, 1.0, 3.0, 3.0, 3.0, 1.0, 1.0, 1.0, None, None, None, None, None, 3.0, 3.0, 3.0)


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Writer]:
    """Yield an empty database with the right to write."""
    with open_writer(tmp_path / "desk.db", holder="test") as opened:
        yield opened


class Town:
    """Two channels; mail is dead from one instant to another. `arrived` holds (channel, key, time, late)."""

    def __init__(self, dead: range) -> None:
        self.dead = dead
        self.now = START
        self.arrived: list[tuple[str, str, int]] = []

    def send(self, channel: Channel, message: Message, deadline: float) -> None:
        assert deadline > 0
        if channel.name == "mail" and self.now in self.dead:
            raise DeliveryError("HTTP 503")
        self.arrived.append((channel.name, message.key, self.now))

    def told(self, channel: str) -> list[tuple[str, int]]:
        """Return (key, time) of what arrived on a channel."""
        return [(key, time) for name, key, time in self.arrived if name == channel]


def live(writer: Writer, town: Town, steps: int) -> None:
    """Evaluate and deliver every five minutes, each subject a little later in its course than the one before."""
    post = Post(dict.fromkeys(RULE.notify, "stdout://"), town.send, "test", lambda: 0.5, start=lambda work: work())
    courier = Courier(post)
    for step in range(steps):
        town.now = START + step * STEP
        seen = [measured(subject, step + 4 * place, town.now) for place, subject in enumerate(SUBJECTS)]
        with writer.transaction() as connection:
            conclude(connection, [RULE], seen, town.now, 3 * STEP)
        before, tally = -1, Tally()
        while tally.sent + tally.failed > before:
            before = tally.sent + tally.failed
            courier.dispatch(writer, town.now, tally)
            courier.settle(writer, town.now, tally)


def measured(subject: str, step: int, now: int) -> Measurement:
    """Return what is seen of a subject at a step of its course."""
    value = COURSE[step % len(COURSE)]
    return Measurement(RULE.name, subject, now, value, None if value is not None else "stale")


def test_a_channel_that_was_dead_for_a_day_is_told_everything_once_in_order(writer: Writer) -> None:
    """Dead from the third hour on for 24; what fired and ended meanwhile is told as its end alone."""
    town = Town(range(START + 3 * HOUR, START + 3 * HOUR + DAY))
    live(writer, town, steps=(3 * HOUR + DAY + 3 * HOUR) // STEP)
    chat, mail = town.told("chat"), town.told("mail")
    assert max(Counter(key for key, _ in mail).values()) == 1
    # Every firing that mail was not told of is told by its end.
    missing = {key for key, _ in chat} - {key for key, _ in mail}
    assert missing
    assert {key.rpartition("/")[2] for key in missing} == {"firing"}
    assert {key.rpartition("/")[0] + "/resolved" for key in missing} <= {key for key, _ in mail}
    assert {key for key, _ in mail} <= {key for key, _ in chat}
    for subject in SUBJECTS:
        order = [key for key, _ in chat if f"/{subject}/" in key and key not in missing]
        assert [key for key, _ in mail if f"/{subject}/" in key] == order
    # 16 rounds of an hour and a half in the day, with 2 ends and 1 loss of data each, for 3 subjects.
    back = [time for _, time in mail if time >= town.dead.stop]
    assert len(back) >= 16 * 3 * len(SUBJECTS)
    assert [(one.channel, one.waiting, one.dead) for one in channel_states(writer.connection)] == [
        ("chat", 0, 0),
        ("mail", 0, 0),
    ]


def test_a_dead_channel_never_delays_another(writer: Writer) -> None:
    """Chat gets each message in the very step that decided it, dead mail or not."""
    town = Town(range(START, START + 2 * DAY))
    live(writer, town, steps=DAY // STEP)
    decided = writer.connection.execute(
        "SELECT rule || '/' || subject || '/' || episode || '/' || kind, created_ms FROM outbox"
        " WHERE channel = 'chat' ORDER BY id"
    ).fetchall()
    assert len(decided) > 16 * 4 * len(SUBJECTS)
    assert sorted(town.told("chat")) == sorted(tuple(row) for row in decided)
    assert town.told("mail") == []
