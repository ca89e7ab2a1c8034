"""Hundreds of small worlds with crashes anywhere: no alert lost, none doubled beyond what a crash explains, none wrong.

A world is a virtual clock, a real SQLite database, the real evaluation and the real courier, channels that fail, hang,
or deliver and lose the reply, digests, and people who silence. The process dies before or after any statement or send,
stays down for a while, and comes back to what the database holds. What should have happened is computed apart from the
state machine, from the stored measurements alone, by `expected`.
"""

from __future__ import annotations

import functools
import sqlite3
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, NamedTuple

import pytest

from monitor.clock import HOUR, MINUTE, SECOND
from monitor.episodes import Measurement, Rule
from monitor.errors import DeliveryError
from monitor.jobs import alert
from monitor.jobs.courier import Courier, Post, Tally
from monitor.store import outbox
from monitor.store.database import Writer
from monitor.store.lock import WriteLock
from monitor.store.migrate import migrate, shipped_migrations
from monitor.store.outbox import Digest
from monitor.store.silences import Silence, add_silence

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from monitor.delivery.message import Channel, Message

START = 1_767_225_600_000  # 2026-01-01
CHANNELS = ("good", "flaky", "odd")
# One world in three sends each message by itself, one digests a rule after a wait, one whatever a channel has.
DIGESTS = (Digest(), Digest("rule", 2 * MINUTE), Digest("channel"))
LONGEST_GAP = 3 * MINUTE
MINUTES = 60
RULES = (
    Rule("now", "turnover", ("*",), below=2.0, clear=2.4, no_data_hold=4 * MINUTE, notify=CHANNELS),
    Rule(
        *("held", "turnover", ("*",)),
        below=2.0,
        clear=2.4,
        hold=5 * MINUTE,
        keep_firing=3 * MINUTE,
        no_data_hold=2 * MINUTE,
        repeat_every=15 * MINUTE,
        notify=CHANNELS,
    ),
)
SUBJECTS = ("BTC", "ETH")
# Breach, between threshold and clear, clear, no data: what a subject's value is drawn from.
LEVELS = (1.0, 1.0, 2.2, 3.0, 3.0, None)


class Died(BaseException):
    """The process is gone: nothing of ours may catch this."""


class Connection(sqlite3.Connection):
    """A connection that dies before or after the statement it is told to."""

    countdown: int | None = None
    late = False

    def _statement(self) -> bool:
        """Count one statement; return whether to die after it."""
        if self.countdown is None:
            return False
        self.countdown -= 1
        if self.countdown >= 0:
            return False
        self.countdown = None
        if not self.late:
            raise Died
        return True

    def execute(self, sql: str, *parameters: object) -> sqlite3.Cursor:
        dies = self._statement()
        cursor = super().execute(sql, *parameters)  # type: ignore[arg-type]  # passed through
        if dies:
            raise Died
        return cursor

    def executemany(self, sql: str, rows: Iterable[object], /) -> sqlite3.Cursor:
        dies = self._statement()
        cursor = super().executemany(sql, rows)  # type: ignore[arg-type]  # passed through
        if dies:
            raise Died
        return cursor


@functools.cache
def empty() -> sqlite3.Connection:
    """Return an up to date database, to be copied."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    migrate(Writer(Path("template"), connection, WriteLock(Path("template"), "test")), shipped_migrations())
    return connection


@dataclass
class World:
    """One seed: the database survives, everything else dies with the process."""

    seed: int
    now: int = START
    calm: bool = False
    crashes: int = 0
    send_dies: str = ""
    arrived: list[tuple[str, str]] = field(default_factory=list)
    excused: Counter[tuple[str, str]] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        """Make the database and the first process."""
        self.random = Random(self.seed)  # noqa: S311 - a world must be the same each time
        self.connection = sqlite3.connect(":memory:", isolation_level=None, factory=Connection)
        empty().backup(self.connection)
        self.values = {key: self._course() for key in SUBJECTS}
        self.boot()

    def boot(self) -> None:
        """Start a process on what the database holds."""
        self.connection.countdown, self.send_dies = None, ""
        self.writer = Writer(Path("sim"), self.connection, WriteLock(Path("sim"), "test"))
        post = Post(
            dict.fromkeys(CHANNELS, "stdout://"),
            self.send,
            f"process {self.crashes}",
            self.random.random,
            digest=DIGESTS[self.seed % len(DIGESTS)],
            start=lambda work: work(),
        )
        self.courier = Courier(post)

    def _course(self) -> Iterator[float | None]:
        """Yield a value a minute that stays at a level for a while."""
        random = Random(self.random.random())  # noqa: S311 - likewise
        while True:
            level, length = random.choice(LEVELS), random.choice((1, 2, 4, 7, 12))
            yield from (level for _ in range(length))

    def send(self, channel: Channel, message: Message, deadline: float) -> None:
        """Be a channel: `good` works, `flaky` refuses, `odd` hangs or loses the reply; each may see the process die."""
        luck = 0.0 if self.calm else self.random.random()
        dies, self.send_dies = self.send_dies, ""
        if dies == "before":
            raise Died
        if channel.name == "flaky" and luck > 0.5:
            raise DeliveryError("HTTP 503")
        if channel.name == "odd" and luck > 0.7:
            self.now += round(deadline * SECOND)
            raise DeliveryError("no answer")
        came = [(channel.name, str(part["key"])) for part in message.parts or (message.facts,)]
        self.arrived += came
        if channel.name == "odd" and luck > 0.5:
            self.excused.update(came)
            raise DeliveryError("the reply was lost")
        if dies == "after":
            raise Died

    def step(self) -> None:
        """Let a minute pass: evaluate, then deliver."""
        self.now += MINUTE + self.random.randrange(10 * SECOND)
        values = {subject: next(course) for subject, course in self.values.items()}
        seen = [
            Measurement(rule.name, subject, self.now, value, None if value is not None else "stale")
            for rule in RULES
            for subject, value in values.items()
        ]
        with self.writer.transaction() as connection:
            alert.conclude(connection, RULES, seen, self.now, LONGEST_GAP)
        if self.random.random() < 0.04:
            self.silence(self.random.choice(SUBJECTS), self.random.randrange(1, 30) * MINUTE)
        self.deliver()

    def silence(self, subject: str, length: int) -> None:
        """Let a person hold back what is said of a subject for a while."""
        with self.writer.transaction() as connection:
            add_silence(connection, Silence(self.now, self.now + length, "ann", "busy", subject=subject), self.now)

    def deliver(self) -> None:
        """Do one round of delivery."""
        tally, before = Tally(), -1
        while tally.sent + tally.failed > before:
            before = tally.sent + tally.failed
            self.courier.dispatch(self.writer, self.now, tally)
            self.courier.settle(self.writer, self.now, tally)

    def live(self) -> None:
        """Live through the minutes, dying now and then; afterwards let everything that waits leave."""
        for _ in range(MINUTES):
            self._arm()
            try:
                self.step()
            except Died:
                self._die()
        self.boot()
        self.calm = True
        for _ in range(400):
            self.now += MINUTE
            self.deliver()
            if not outbox.waiting_channels(self.connection, self.now + HOUR):
                return

    def _arm(self) -> None:
        """Choose with some luck where the process dies next."""
        self.connection.countdown, self.send_dies = None, ""
        if self.random.random() < 0.12:
            if self.random.random() < 0.4:
                self.send_dies = self.random.choice(("before", "after"))
            else:
                self.connection.late = self.random.random() < 0.5
                self.connection.countdown = self.random.randrange(60)

    def _die(self) -> None:
        """Lose everything but the database; a message that left unmarked may now leave once more."""
        self.connection.countdown = None
        if self.connection.in_transaction:
            self.connection.rollback()
        self.crashes += 1
        times = Counter(self.arrived)
        fresh = [row for row in times.keys() - self.marked() if times[row] > self.excused[row]]
        # A digest is one message, on one channel.
        assert len({channel for channel, _ in fresh}) <= 1, "a crash may double one message at most"
        assert len(fresh) <= 1 or self.courier.post.digest.by != "none", "a crash may double one message at most"
        self.excused.update(fresh)
        self.now += self.random.choice((0, 0, MINUTE, 5 * MINUTE, 30 * MINUTE))
        self.boot()

    def marked(self) -> set[tuple[str, str]]:
        """Return (channel, key) of every message the database knows to have left."""
        rows = self.connection.execute("SELECT channel, notice FROM outbox WHERE state = 'sent'")
        return {(channel, outbox.read_notice(text).key) for channel, text in rows}


class Told(NamedTuple):
    """One message that should have been decided."""

    kind: str
    time: int


def expected(rule: Rule, rows: Iterable[tuple[int, float | None]]) -> list[Told]:
    """Return what a rule has to say about a subject, from its measurements (time, value) alone.

    `run` is the evaluated time the wanted verdict has held (None: it does not), `quiet` that without data.
    """
    told: list[Told] = []
    firing, tellable, reminded = False, True, 0
    before = last = run = quiet = None
    for time, value in rows:
        gap = before is not None and time - before > LONGEST_GAP
        span = 0 if before is None or gap else time - before
        verdict = None if value is None else "breach" if value < 2.0 else "clear" if value >= 2.4 else "between"
        if verdict is None:
            tellable = tellable if quiet is not None else True
            watched = quiet is not None or not gap
            quiet = 0 if quiet is None else quiet + span
            if tellable and watched and quiet >= rule.no_data_hold:
                told.append(Told("no_data", time))
                tellable = False
        else:
            quiet = None
            if not gap or verdict == last:
                recovering = firing and run is not None
                if verdict == ("clear" if firing else "breach"):
                    run = 0 if run is None else run + (span if last == verdict else 0)
                    if run >= (rule.keep_firing if firing else rule.hold):
                        firing, run, reminded = not firing, None, time
                        told.append(Told("firing" if firing else "resolved", time))
                else:
                    run = None
                    if firing and not recovering and rule.repeat_every and time - reminded >= rule.repeat_every:
                        told.append(Told("reminder", time))
                        reminded = time
        before, last = time, verdict
    return told


def check(world: World) -> None:
    """Compare what was decided and what arrived with what should have been."""
    for rule in RULES:
        for subject in SUBJECTS:
            rows = world.connection.execute(
                "SELECT time_ms, value FROM measurements WHERE (rule, subject) = (?, ?) ORDER BY time_ms",
                [rule.name, subject],
            ).fetchall()
            wanted = expected(rule, rows)
            for channel in CHANNELS:
                decided = world.connection.execute(
                    "SELECT kind, created_ms FROM outbox WHERE (rule, subject, channel) = (?, ?, ?) ORDER BY id",
                    [rule.name, subject, channel],
                ).fetchall()
                assert [Told(*row) for row in decided] == wanted, f"decided for {rule.name} {subject} {channel}"
                check_arrivals(world, rule, subject, channel, wanted)


def keys(wanted: Iterable[Told]) -> list[str]:
    """Return `episode/kind` of each message: firing and no_data count the episodes, reminders count within theirs."""
    number = firing = reminders = 0
    named = []
    for told in wanted:
        if told.kind in {"firing", "no_data"}:
            number += 1
        if told.kind == "firing":
            firing, reminders = number, 0
        reminders += told.kind == "reminder"
        episode = number if told.kind == "no_data" else firing
        named.append(f"{episode}/{told.kind}" + (f"-{reminders}" if told.kind == "reminder" else ""))
    return named


def check_arrivals(world: World, rule: Rule, subject: str, channel: str, wanted: list[Told]) -> None:
    """Nothing lost, nothing out of order, nothing doubled without an excuse."""
    mine = f"{rule.name}/{subject}/"
    came = [key.removeprefix(mine) for name, key in world.arrived if name == channel and key.startswith(mine)]
    order = keys(wanted)
    for key in order:
        end = key.partition("/")[0] + "/resolved"
        assert key in came or "reminder" in key or end in came, f"lost {mine}{key} on {channel}"
    places = [order.index(key) for key in dict.fromkeys(came)]
    assert places == sorted(places), f"out of order on {channel}: {came}"
    for key, times in Counter(came).items():
        excused = world.excused[channel, mine + key]
        assert times <= 1 + excused, f"{mine}{key} came {times} times on {channel}, {excused} excused"


def lived(seed: int) -> World:
    """Return a world that lived its life and passed every check."""
    world = World(seed)
    world.live()
    try:
        check(world)
    except AssertionError as error:
        error.add_note(f"seed {seed}")
        raise
    return world


@pytest.mark.parametrize("block", range(10))
def test_no_alert_is_lost_doubled_or_wrong(block: int) -> None:
    """20 worlds a block, in each about seven deaths; together they see every kind of message on every channel."""
    worlds = [lived(seed) for seed in range(block * 20, block * 20 + 20)]
    assert sum(world.crashes for world in worlds) > 20
    kinds = {key.rpartition("/")[2].partition("-")[0] for world in worlds for _, key in world.arrived}
    assert kinds == {"firing", "reminder", "resolved", "no_data"}


@pytest.mark.nightly
@pytest.mark.parametrize("block", range(20))
def test_no_alert_is_lost_doubled_or_wrong_nightly(block: int) -> None:
    """2,200 worlds more."""
    for seed in range(1_000 + block * 110, 1_110 + block * 110):
        lived(seed)
