"""Delivery rounds with real threads and a real database; the services are functions that fail, hang or answer late."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING

import pytest

from monitor.clock import HOUR, FixedClock, SystemClock
from monitor.episodes import Notice
from monitor.errors import DeliveryError, UsageError
from monitor.jobs.courier import Courier, Post, composed
from monitor.jobs.deliver import all_channels, deliver, drain, try_channel
from monitor.store.database import open_writer
from monitor.store.outbox import Digest, Lease, Outgoing, channel_states, claim, enqueue, mark_failed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from monitor.delivery.message import Channel, Message, Send
    from monitor.jobs.courier import Tally
    from monitor.store.database import Writer

CHANNELS = {"desk": "stdout://", "mail": "stdout://"}


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Writer]:
    """Yield an empty database with the right to write."""
    with open_writer(tmp_path / "desk.db", holder="test") as opened:
        yield opened


class Service:
    """What arrives, in order; `act` may raise, or take its time."""

    def __init__(self, act: Callable[[str], None] = lambda _: None) -> None:
        self.act = act
        self.arrived: list[tuple[str, str]] = []

    def __call__(self, channel: Channel, message: Message, deadline: float) -> None:
        assert deadline > 0
        self.act(channel.name)
        self.arrived.append((channel.name, message.key))


def courier(send: Send, deadline: float = 5.0, digest: Digest = Digest()) -> Courier:  # noqa: B008 - frozen
    """Return a courier for both channels that retries as early as it may."""
    return Courier(Post(CHANNELS, send, "test", lambda: 0.0, deadline, digest))


def put(writer: Writer, subject: str, *channels: str, at: int | None = None) -> None:
    """Put a firing notice of a subject, decided now, in the outbox."""
    now = SystemClock().now() if at is None else at
    with writer.transaction() as connection:
        enqueue(connection, Notice("r", subject, 1, "firing", time=now, since=now), channels)


def run(writer: Writer, sender: Courier, *, longest: int = 10_000) -> Tally:
    """Do one round on the machine's clock."""
    return asyncio.run(deliver(writer, sender, SystemClock(), longest=longest))


def test_everything_leaves_once_in_order(writer: Writer) -> None:
    """Two channels, two subjects; a second round has nothing to do."""
    service = Service()
    put(writer, "BTC", "desk", "mail", at=0)
    put(writer, "ETH", "desk", at=0)
    sender = courier(service)
    now = FixedClock(0)
    assert asyncio.run(deliver(writer, sender, now)).sent == 3
    assert sorted(service.arrived) == [
        ("desk", "r/BTC/1/firing"),
        ("desk", "r/ETH/1/firing"),
        ("mail", "r/BTC/1/firing"),
    ]
    assert asyncio.run(deliver(writer, sender, now)).sent == 0


def test_a_failing_channel_does_not_stop_another(writer: Writer) -> None:
    """Mail is down: desk gets its message, mail's waits with the reason."""

    def act(channel: str) -> None:
        if channel == "mail":
            raise DeliveryError("HTTP 503")

    put(writer, "BTC", "mail", "desk")
    tally = run(writer, courier(Service(act)))
    assert (tally.sent, tally.failed, tally.errors) == (1, 1, {"mail": "HTTP 503"})
    assert [(c.channel, c.waiting) for c in channel_states(writer.connection)] == [("desk", 0), ("mail", 1)]


def test_a_hanging_channel_does_not_delay_another(writer: Writer) -> None:
    """Mail hangs for the whole round; what is decided meanwhile leaves on desk at once."""
    let_go, arrived = threading.Event(), threading.Event()

    def send(channel: Channel, message: Message, deadline: float) -> None:
        assert deadline
        if channel.name == "mail":
            let_go.wait(10)
        elif "ETH" in message.key:
            arrived.set()

    sender = courier(send)

    async def round_with_news() -> float:
        task = asyncio.create_task(deliver(writer, sender, SystemClock(), longest=1_500))
        await asyncio.sleep(0.2)
        began = time.monotonic()
        put(writer, "ETH", "desk")
        assert await asyncio.to_thread(arrived.wait, 5)
        took = time.monotonic() - began
        await task
        return took

    put(writer, "BTC", "mail", "desk")
    try:
        assert asyncio.run(round_with_news()) < 1.0
        assert [(c.channel, c.waiting) for c in channel_states(writer.connection)] == [("desk", 0), ("mail", 1)]
    finally:
        let_go.set()


def test_what_overstays_its_deadline_is_failed_but_not_sent_again_meanwhile(writer: Writer) -> None:
    """One attempt a channel, however long it hangs; its late success still counts."""
    let_go = threading.Event()

    def act(_: str) -> None:
        let_go.wait(10)

    service = Service(act)
    sender, now = courier(service, deadline=1.0), FixedClock(0)
    put(writer, "BTC", "desk", at=0)
    assert asyncio.run(deliver(writer, sender, now, longest=0)).failed == 0
    now.instant = HOUR
    assert asyncio.run(deliver(writer, sender, now, longest=0)).errors == {"desk": "no answer within 1 s"}
    now.instant = 2 * HOUR
    assert asyncio.run(deliver(writer, sender, now, longest=0)).failed == 0
    let_go.set()
    sender.wait(5)
    assert asyncio.run(deliver(writer, sender, now, longest=0)).sent == 1
    assert service.arrived == [("desk", "r/BTC/1/firing")]


def test_an_unknown_failure_of_a_service_is_a_failed_attempt(writer: Writer) -> None:
    """A library may raise anything; the thread, and the round, live on."""

    def act(_: str) -> None:
        raise RuntimeError("surprise")

    put(writer, "BTC", "desk")
    assert run(writer, courier(Service(act))).errors == {"desk": "RuntimeError: surprise"}


def test_a_channel_that_was_taken_out_of_the_settings_waits(writer: Writer) -> None:
    """It may come back; the reason can be read meanwhile."""
    put(writer, "BTC", "gone")
    assert run(writer, courier(Service())).errors == {"gone": "There is no channel 'gone' in the settings."}


def test_a_channel_that_works_again_takes_what_is_older_than_the_retention(writer: Writer) -> None:
    """Refused once, then the machine was off for eight days: it is tried before it is given up."""
    service = Service()
    put(writer, "BTC", "desk", at=0)
    mark_failed(writer, claim(writer, "desk", Lease("test", 1), 0), "HTTP 503", 0, 0.0)
    tally = run(writer, courier(service))
    assert (tally.sent, tally.dead, service.arrived) == (1, 0, [("desk", "r/BTC/1/firing")])


def test_a_channel_that_still_refuses_after_the_retention_is_a_dead_letter(writer: Writer) -> None:
    """One more try, then given up and counted."""

    def refuse(_: str) -> None:
        raise DeliveryError("HTTP 503")

    put(writer, "BTC", "desk", at=0)
    tally = run(writer, courier(Service(refuse)))
    assert (tally.sent, tally.failed, tally.dead) == (0, 1, 1)


def test_digests_of_other_messages_have_other_keys() -> None:
    """A receiver that drops what it knows by its key must not drop what is new in a digest of the same size."""
    now = SystemClock().now()
    told = [
        Outgoing(number, "desk", Notice("r", subject, 1, "firing", time=now, since=now), 1, now)
        for number, subject in enumerate(("BTC", "ETH", "SOL"))
    ]
    one, again, other = (composed(told[:2], now), composed(told[:2], now), composed([told[0], told[2]], now))
    assert one.key == again.key != other.key
    assert one.key.startswith("r/BTC/1/firing+1")


def test_twenty_alerts_are_one_message_in_a_digest(writer: Writer) -> None:
    """With the count in its title, and every alert inside."""
    seen: list[Message] = []

    def send(_: Channel, message: Message, deadline: float) -> None:
        assert deadline
        seen.append(message)

    for number in range(20):
        put(writer, f"A{number:02}", "desk")
    assert run(writer, courier(send, digest=Digest("rule"))).sent == 20
    assert [message.title for message in seen] == ["20 alerts: 20 firing"]
    assert [part["subject"] for part in seen[0].parts] == [f"A{number:02}" for number in range(20)]


def test_a_cancelled_round_marks_what_has_left(writer: Writer) -> None:
    """A stop signal between sending and marking must not make a duplicate."""
    sent = threading.Event()
    sender = courier(Service(lambda _: sent.set()))

    async def cancelled() -> None:
        task = asyncio.create_task(deliver(writer, sender, SystemClock()))
        await asyncio.sleep(0)
        assert sent.wait(5)
        sender.wait(5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    put(writer, "BTC", "desk")
    asyncio.run(cancelled())
    assert [(c.waiting, c.last_sent is not None) for c in channel_states(writer.connection)] == [(0, True)]


def test_draining_waits_for_what_is_on_its_way_and_starts_nothing(writer: Writer) -> None:
    """Two messages for one channel: the first is under way, the second stays."""
    service = Service(lambda _: time.sleep(0.2))
    sender = courier(service)
    put(writer, "BTC", "desk")
    put(writer, "ETH", "desk")

    async def stop() -> Tally:
        await deliver(writer, sender, SystemClock(), longest=0)
        return await drain(writer, sender, SystemClock(), 5_000)

    assert asyncio.run(stop()).sent == 1
    assert [c.waiting for c in channel_states(writer.connection)] == [1]


def test_a_test_message_really_leaves() -> None:
    """And an unknown channel is refused with the known ones."""
    service = Service()
    try_channel(all_channels({"desk": "stdout://"}), "stdout", service, 5)
    assert service.arrived == [("stdout", "test/stdout/5")]
    with pytest.raises(UsageError, match=r"There is no channel 'pager'\. Known: desk, stdout"):
        try_channel(all_channels({"desk": "stdout://"}), "pager", service, 5)
