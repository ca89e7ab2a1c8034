"""Deliver what waits in the outbox, and try out channels before they are needed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from monitor.clock import SECOND, Clock
from monitor.delivery import router
from monitor.delivery.message import Channel, Message
from monitor.delivery.post import visit
from monitor.errors import UsageError
from monitor.jobs.courier import Courier, Tally
from monitor.store.outbox import expire

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TextIO

    from monitor.delivery.message import Send
    from monitor.store.database import Writer

# A round ends after this even if a channel still hangs; the next one takes up what it left.
LONGEST_ROUND = 30 * SECOND
POLL_SECONDS = 0.1
# Messages that need no address in the settings.
BUILT_IN = {"stdout": "stdout://"}


async def deliver(writer: Writer, courier: Courier, clock: Clock, *, longest: int = LONGEST_ROUND) -> Tally:
    """Send everything that may leave now and return what became of it.

    Channels work side by side: while one hangs, the others go on, with messages that arrive meanwhile too. Other
    coroutines run in between; the database is only touched from here.
    """
    tally = Tally()
    ends = clock.now() + longest
    try:
        while True:
            courier.settle(writer, clock.now(), tally)
            courier.dispatch(writer, clock.now(), tally)
            if not courier.busy or clock.now() >= ends:
                # After the tries, not before: a channel that works by now takes what is a week old.
                tally.dead = expire(writer, clock.now())
                return tally
            await asyncio.to_thread(courier.wait, POLL_SECONDS)
    finally:
        # A round that is cancelled still marks what has left: unmarked, it would leave a second time.
        courier.settle(writer, clock.now(), tally)


async def drain(writer: Writer, courier: Courier, clock: Clock, longest: int) -> Tally:
    """Start nothing more; wait at most `longest` milliseconds for what is on its way and mark it."""
    tally = Tally()
    ends = clock.now() + longest
    while courier.busy and clock.now() < ends:
        await asyncio.to_thread(courier.wait, POLL_SECONDS)
        courier.settle(writer, clock.now(), tally)
    return tally


def all_channels(configured: Mapping[str, str]) -> dict[str, str]:
    """Return every channel a rule may name, the built-in one included: name -> address."""
    return {**BUILT_IN, **configured}


def check_channels(channels: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Return (channel, what is wrong, remedy) for every channel that could never send; nothing is sent.

    Apprise addresses are tried in a process of their own, which takes about half a second for all of them.
    """
    return router.complaints([Channel(name, url) for name, url in channels.items()])


def sender_to(stream: TextIO) -> Send:
    """Return the function that sends on any channel; `stream` is where stdout channels write."""
    return router.sender(stream)


def try_channel(channels: Mapping[str, str], name: str, send: Send, now: int, deadline: float = 15.0) -> None:
    """Really send a test message on one channel.

    Raises:
        UsageError: there is no such channel.
        DeliveryError: the message did not leave; it says why.
    """
    if name not in channels:
        raise UsageError(f"There is no channel {name!r}.", f"Known: {', '.join(sorted(channels)) or 'none'}.")
    title = "TEST: the inventory monitor can reach this channel"
    body = f"{title}\nNothing is wrong; somebody ran: monitor alerts test {name}"
    facts = {"key": f"test/{name}/{now}", "kind": "test", "rule": "test", "subject": name, "time": now, "since": now}
    message = Message(f"test/{name}/{now}", "test", "info", title, body, body, facts)
    send(Channel(name, channels[name]), message, deadline)


def heartbeat(url: str, deadline: float = 10.0) -> None:
    """Tell the dead man's switch that a cycle was complete.

    Raises:
        DeliveryError: it did not answer; it will raise the alarm by itself if that goes on.
    """
    visit(url, deadline)
