"""Carry what waits in the outbox to the channels: claim, send, mark, each channel in a thread of its own.

Only the thread that owns the database touches it: `dispatch` claims and starts, `settle` marks what came back. A
channel that hangs keeps its own thread and nothing else; while it is busy nothing more is claimed for it, and a
daemon thread never keeps the process from ending.
"""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, NamedTuple

from monitor.alerts import notices
from monitor.clock import SECOND
from monitor.delivery.message import Channel, Message
from monitor.errors import DeliveryError
from monitor.jobs.pulse import Pulse
from monitor.store.outbox import ONE_BY_ONE, Digest, Lease, Outgoing, claim, mark_failed, mark_sent, waiting_channels

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from monitor.delivery.message import Send
    from monitor.episodes import Notice
    from monitor.store.database import Writer

# A lease outlives the longest attempt, so that nobody else sends what is still on its way.
LEASE_MARGIN = 30 * SECOND
# How much longer than its deadline an attempt may take before it is given up on.
GRACE = 5 * SECOND

Attempt = tuple[Outgoing, ...]


def in_thread(work: Callable[[], None]) -> None:
    """Run work in a daemon thread of its own."""
    threading.Thread(target=work, name="delivery", daemon=True).start()


@dataclass(frozen=True)
class Post:
    """How messages leave: the channels' addresses, the sender, its deadline in seconds, digests, and a name.

    `chance` gives numbers in [0, 1) that spread retries; `start` runs an attempt in the background. `page` is the
    address of the web page, for the messages.
    """

    channels: Mapping[str, str] = field(repr=False)
    send: Send
    holder: str
    chance: Callable[[], float]
    deadline: float = 20.0
    digest: Digest = ONE_BY_ONE
    start: Callable[[Callable[[], None]], None] = in_thread
    page: str = ""


class Result(NamedTuple):
    """How an attempt ended; `error` is None if the channel took the message."""

    attempt: Attempt
    error: str | None


@dataclass
class Tally:
    """What a round of delivery did; `errors` holds the last error of each channel that failed."""

    sent: int = 0
    failed: int = 0
    dead: int = 0
    errors: dict[str, str] = field(default_factory=dict)


class Courier:
    """Keeps what is on its way between two rounds: one attempt a channel at most."""

    def __init__(self, post: Post, pulse: Pulse | None = None) -> None:
        """Send as `post` says; `pulse` is the dead man's switch, if there is one."""
        self.post = post
        self.pulse = pulse or Pulse(None)
        self._busy: dict[str, tuple[Attempt, int]] = {}
        self._given_up: set[str] = set()
        self._results: SimpleQueue[Result] = SimpleQueue()
        self._arrived = threading.Event()

    @property
    def busy(self) -> bool:
        """Return whether an attempt is on its way that is still waited for."""
        return len(self._busy) > len(self._given_up)

    def wait(self, seconds: float) -> None:
        """Return when an attempt came back, or after `seconds`."""
        self._arrived.wait(seconds)

    def dispatch(self, writer: Writer, now: int, tally: Tally) -> None:
        """Start one attempt for every idle channel that has something to say."""
        for name in waiting_channels(writer.connection, now):
            # What came back meanwhile is marked before the next leaves: the sooner, the fewer a crash could double.
            self.settle(writer, now, tally)
            if name in self._busy:
                continue
            lease = Lease(self.post.holder, now + round(self.post.deadline * SECOND) + LEASE_MARGIN)
            attempt = claim(writer, name, lease, now, self.post.digest)
            if attempt and name in self.post.channels:
                self._busy[name] = (attempt, now + round(self.post.deadline * SECOND) + GRACE)
                self._start(Channel(name, self.post.channels[name]), attempt, now)
            elif attempt:
                self._mark(writer, Result(attempt, f"There is no channel {name!r} in the settings."), now, tally)

    def settle(self, writer: Writer, now: int, tally: Tally) -> None:
        """Mark what came back; what overstayed its deadline counts as failed until it does come back."""
        self._arrived.clear()
        while (result := self._next()) is not None:
            name = result.attempt[0].channel
            del self._busy[name]
            late = name in self._given_up
            self._given_up.discard(name)
            # A late failure is known already; a late success is still true.
            if not late or result.error is None:
                self._mark(writer, result, now, tally)
        for name, (attempt, until) in self._busy.items():
            if until <= now and name not in self._given_up:
                self._given_up.add(name)
                self._mark(writer, Result(attempt, f"no answer within {self.post.deadline:g} s"), now, tally)

    def _next(self) -> Result | None:
        try:
            return self._results.get_nowait()
        except Empty:
            return None

    def _start(self, channel: Channel, attempt: Attempt, now: int) -> None:
        """Send in the background and put the outcome where `settle` finds it."""
        message = composed(attempt, now, self.post.page)

        def work() -> None:
            self._results.put(Result(attempt, _sent(self.post, channel, message)))
            self._arrived.set()

        self.post.start(work)

    def _mark(self, writer: Writer, result: Result, now: int, tally: Tally) -> None:
        """Store the outcome of one attempt."""
        if result.error is None:
            mark_sent(writer, result.attempt, now)
            tally.sent += len(result.attempt)
            return
        mark_failed(writer, result.attempt, result.error, now, self.post.chance())
        tally.failed += len(result.attempt)
        tally.errors[result.attempt[0].channel] = result.error


def _sent(post: Post, channel: Channel, message: Message) -> str | None:
    """Send one message; return why it did not leave, None if it did."""
    try:
        post.send(channel, message, post.deadline)
    except DeliveryError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 - the boundary of the thread: an unknown failure of a library is a failed attempt
        return channel.redacted(f"{type(error).__name__}: {error}")
    return None


def composed(attempt: Sequence[Outgoing], now: int, page: str = "") -> Message:
    """Return the message of an attempt: one notice, or a digest of several."""
    told = [(one.notice, notices.text(one.notice, now, unannounced=one.unannounced, page=page)) for one in attempt]
    parts = tuple(facts(notice, text) for notice, text in told)
    first = attempt[0].notice
    if len(told) == 1:
        words = told[0][1]
        return Message(first.key, first.kind, first.severity, words.title, words.short, words.long, parts[0])
    words = notices.digest(told)
    severity = max((notice.severity for notice, _ in told), key=("info", "warning", "critical").index)
    kind = "resolved" if all(notice.kind == "resolved" for notice, _ in told) else first.kind
    # Of the same messages the same key; a receiver that knows it may drop a digest, but never one with other news.
    mark = hashlib.blake2s("\n".join(notice.key for notice, _ in told).encode(), digest_size=4).hexdigest()
    key = f"{first.key}+{len(told) - 1}-{mark}"
    return Message(key, kind, severity, words.title, words.short, words.long, {}, parts)


def facts(notice: Notice, text: notices.Text) -> dict[str, object]:
    """Return a notice for machines: every fact by its name, missing ones null, and the words."""
    return {
        "key": notice.key,
        "kind": notice.kind,
        "rule": notice.rule,
        "subject": notice.subject,
        "episode": notice.episode,
        "severity": notice.severity,
        "time": notice.time,
        "since": notice.since,
        "metric": notice.metric,
        "unit": notice.unit,
        "window": notice.window,
        "value": notice.value,
        notice.side: notice.threshold,
        "clear": notice.clear,
        "worst": notice.worst,
        "reason": notice.reason,
        "context": dict(notice.context),
        "title": text.title,
        "text": text.long,
    }
