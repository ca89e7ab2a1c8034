"""What has to be read again, how long to wait, and who waits."""

from __future__ import annotations

import asyncio
import random

import pytest

from monitor.clock import Window
from monitor.errors import RateLimited
from monitor.exchanges.patience import Breaker, Patience
from monitor.exchanges.plan import spans, unproven


@pytest.mark.parametrize(
    ("proven", "holes"),
    [
        ([], [(0, 100)]),
        ([(0, 100)], []),
        ([(20, 40), (60, 80)], [(0, 20), (40, 60), (80, 100)]),
        ([(0, 50), (40, 120)], []),
        ([(90, 200)], [(0, 90)]),
    ],
)
def test_what_is_not_proven(proven: list[tuple[int, int]], holes: list[tuple[int, int]]) -> None:
    """The holes between proven intervals, oldest first."""
    assert unproven(0, 100, proven) == [Window(*hole) for hole in holes]


@pytest.mark.parametrize(
    ("proven", "expected"),
    [
        ([], [(0, 100)]),
        ([(0, 90)], [(80, 100)]),
        ([(0, 30), (40, 90)], [(30, 40), (80, 100)]),
        ([(0, 5)], [(0, 100)]),
        ([(0, 100)], [(90, 100)]),
    ],
)
def test_what_is_read(proven: list[tuple[int, int]], expected: list[tuple[int, int]]) -> None:
    """Holes, and the stretch since the last proof with an overlap of 10."""
    assert spans(0, 100, proven, 10) == [Window(*one) for one in expected]


class Time:
    """A monotonic clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        """Move the clock."""
        self.slept.append(seconds)
        self.now += seconds


def breaker(time: Time) -> Breaker:
    """Return a breaker on that clock."""
    return Breaker(Patience(sleep=time.sleep, monotonic=lambda: time.now))


def test_backoff_doubles_with_jitter() -> None:
    """Half a second, one, two ..., each shortened by up to half."""
    patience = Patience(dice=random.Random(1))  # noqa: S311 - jitter
    for attempt, full in enumerate((0.5, 1.0, 2.0, 4.0), 1):
        assert full / 2 <= patience.backoff(attempt) <= full


def test_a_tripped_venue_waits_for_all_its_accounts_and_no_other() -> None:
    """Everybody on the venue waits for what it asked for; other venues are not touched."""
    time = Time()
    stopped = breaker(time)
    stopped.trip("kraken", 7.0)
    asyncio.run(stopped.wait("binance"))
    assert time.slept == []
    asyncio.run(stopped.wait("kraken"))
    assert time.slept == [7.0]


def test_a_venue_that_asks_again_waits_twice_as_long() -> None:
    """Without a time of its own the pause doubles, and an answer resets it."""
    time = Time()
    stopped, pauses = breaker(time), []
    for _ in range(3):
        stopped.trip("kraken")
        pauses.append(stopped.remaining("kraken"))
        asyncio.run(stopped.wait("kraken"))
    stopped.succeeded("kraken")
    stopped.trip("kraken")
    assert [*pauses, stopped.remaining("kraken")] == [1.0, 2.0, 4.0, 1.0]


def test_a_pause_beyond_patience_is_an_error() -> None:
    """A venue that closes for an hour is reported, not waited for."""
    stopped = breaker(Time())
    stopped.trip("kraken", 3600.0)
    with pytest.raises(RateLimited, match="3600 s"):
        asyncio.run(stopped.wait("kraken"))
