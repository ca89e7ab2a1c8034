"""Simulated venues with the habits that lose rows: each is read whole, or the hole is named."""

from __future__ import annotations

import asyncio
import itertools
import random
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

import pytest

from monitor.clock import DAY, HOUR, MINUTE, SECOND, Window
from monitor.exchanges.collector import collect
from monitor.exchanges.pages import Page
from monitor.exchanges.plan import spans
from monitor.records import Batch, Fill, Quarantined, StreamKey

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

START = 1_700_000_000_000
KEY = StreamKey("desk", "fills", symbol="BTC/USDT")


def fill(number: int, time: int) -> Fill:
    """Return a fill with nothing but an identity and a time."""
    one = Decimal(1)
    return Fill(
        "desk", "sim", str(number), time, "spot", "M", "BTC/USDT", "BTC", "USDT", "buy", one, one, sequence=number
    )


def history(count: int, seed: int, *, tie: int = 1, span: int = 30 * DAY) -> list[Fill]:
    """Return `count` fills in bursts over `span`; bursts of `tie` fills share a millisecond."""
    dice, times = random.Random(seed), list[int]()  # noqa: S311 - a simulation
    while len(times) < count:
        centre = START + dice.randrange(span)
        times += [centre] * tie if dice.random() < 0.2 else [centre + dice.randrange(MINUTE) for _ in range(3)]
    return [fill(number, time) for number, time in enumerate(sorted(times[:count]), 1)]


@dataclass
class SimulatedVenue:
    """A venue's list of fills: page size, order, grain of `since`, whether `since` excludes, and its own cursor."""

    fills: Sequence[Fill]
    page: int | None = 50
    limit: int = 50
    newest_first: bool = False
    grain: int = 1
    exclusive: bool = False
    honours_until: bool = True
    cursor: bool = False
    window: int | None = None
    order: Literal["oldest", "newest", "unknown"] = "unknown"
    history: int | None = None
    key: StreamKey = KEY
    calls: int = 0
    visible_at: int | None = None
    delays: dict[int, int] = field(default_factory=dict)

    def _rows(self, window: Window) -> list[Fill]:
        since = (window.start - (self.grain if self.grain > 1 or self.exclusive else 0)) // self.grain * self.grain
        until = window.end - 1 if self.grain == 1 else -(-window.end // self.grain) * self.grain
        found = [
            one
            for one in self.fills
            if (one.time > since if self.exclusive else one.time >= since)
            and (one.time <= until or not self.honours_until)
            and (self.visible_at is None or one.time + self.delays.get(one.sequence or 0, 0) <= self.visible_at)
        ]
        return found[::-1] if self.newest_first else found

    async def read(self, window: Window) -> Page:
        """Return one page."""
        self.calls += 1
        rows = self._rows(window)[: self.limit]
        return Page(tuple(rows), raw_rows=len(rows))

    async def drain(self, window: Window, page: Page) -> Page | None:
        """Return all rows of a window, if the venue has a cursor of its own."""
        del page
        rows = self._rows(window)
        return Page(tuple(rows), raw_rows=len(rows)) if self.cursor else None

    def walk(self, span: Window) -> AsyncIterator[tuple[Page, int]] | None:
        """Return nothing: no walk by id."""
        del span
        return None


def gather(venue: SimulatedVenue, windows: Sequence[Window]) -> list[Batch]:
    """Return everything the collector yields."""

    async def run() -> list[Batch]:
        return [batch async for batch in collect(venue, windows)]

    return asyncio.run(run())


WHOLE = Window(START, START + 31 * DAY)
HABITS = {
    "oldest first": SimulatedVenue([], window=DAY - 1),
    "newest first": SimulatedVenue([], newest_first=True),
    "whole seconds, start excluded": SimulatedVenue([], newest_first=True, grain=SECOND, exclusive=True, cursor=True),
    "no until, oldest first": SimulatedVenue([], honours_until=False),
    "limit dropped": SimulatedVenue([], page=1000, limit=50),
    "page unknown": SimulatedVenue([], page=None, limit=50, newest_first=True),
    "short windows": SimulatedVenue([], window=12 * HOUR - 1),
}


@pytest.mark.parametrize("habit", HABITS)
def test_every_fill_once(habit: str) -> None:
    """Whatever the habit, all fills come and the proven intervals cover the whole span without a hole."""
    venue = HABITS[habit]
    venue.fills = history(2_000, seed=1, tie=5)
    batches = gather(venue, [WHOLE])
    assert {one.key for batch in batches for one in batch.fills} == {one.key for one in venue.fills}
    proven = [batch.proven for batch in batches if batch.proven]
    assert proven[0][0] == WHOLE.start
    assert proven[-1][1] == WHOLE.end
    assert all(one[1] == other[0] for one, other in itertools.pairwise(proven))


@pytest.mark.nightly
@pytest.mark.parametrize("habit", HABITS)
def test_every_fill_once_of_thirty_thousand(habit: str) -> None:
    """Likewise for 30,000 fills."""
    venue = HABITS[habit]
    venue.fills = history(30_000, seed=2, tie=20)
    batches = gather(venue, [WHOLE])
    assert {one.key for batch in batches for one in batch.fills} == {one.key for one in venue.fills}


def test_ties_over_a_page_follow_the_venues_cursor() -> None:
    """More fills in one millisecond than a page holds are read by the venue's own cursor."""
    venue = SimulatedVenue(history(300, seed=3, tie=80), cursor=True)
    batches = gather(venue, [WHOLE])
    assert {one.key for batch in batches for one in batch.fills} == {one.key for one in venue.fills}
    assert not [batch for batch in batches if batch.gap]


def test_ties_over_a_page_without_a_cursor_are_a_gap() -> None:
    """What cannot be proven is named to the millisecond, the cursor stays, and reading goes on behind it."""
    moment = START + 5 * DAY
    others = [fill(number, START + number * HOUR) for number in range(1, 60)]
    venue = SimulatedVenue([*others, *(fill(1_000 + number, moment) for number in range(60))])
    venue.fills = sorted(venue.fills, key=lambda one: one.time)
    batches = gather(venue, [WHOLE])
    (bad,) = [batch for batch in batches if batch.gap]
    assert bad.gap is not None
    assert (bad.gap.start, bad.gap.end) == (moment, moment + 1)
    assert (bad.proven, bad.cursor, bad.findings[0].code) == (None, None, "gap")
    assert {one.key for one in others} <= {one.key for batch in batches for one in batch.fills}


def test_newest_rows_only_leave_a_named_gap() -> None:
    """Where neither start nor end helps, the newest page is kept and everything before it is a gap, not proven."""
    everything = history(200, seed=6)
    batches = gather(SimulatedVenue(everything, newest_first=True, honours_until=False), [WHOLE])
    oldest = everything[-50].time
    (gap,) = [batch.gap for batch in batches if batch.gap]
    assert (gap.start, gap.end) == (WHOLE.start, oldest + 1)
    assert [batch.proven for batch in batches if batch.proven] == [(oldest + 1, WHOLE.end)]


def test_a_row_in_quarantine_leaves_its_window_unproven() -> None:
    """What could not be read is kept, and its window is asked for again next time."""

    class Odd(SimulatedVenue):
        async def read(self, window: Window) -> Page:
            page = await super().read(window)
            return Page(page.fills, (), (Quarantined(KEY, "odd", "{}"),), page.raw_rows + 1)

    (batch,) = gather(Odd([fill(1, START)]), [WHOLE])
    assert (batch.proven, batch.cursor, len(batch.fills), len(batch.quarantined)) == (None, None, 1, 1)
    assert batch.gap is not None


def test_late_fills_are_found_by_the_overlap() -> None:
    """Fills that become visible up to 90 s late are all read by polls that look back 15 minutes."""
    everything = history(600, seed=4, span=6 * HOUR)
    delays = {one.sequence or 0: (one.sequence or 0) * 7_919 % (90 * SECOND) for one in everything}
    venue = SimulatedVenue(everything, delays=delays)
    found: set[str] = set()
    proven: list[tuple[int, int]] = []
    for now in range(START + MINUTE, START + 6 * HOUR + 5 * MINUTE, MINUTE):
        venue.visible_at = now
        for batch in gather(venue, spans(START, now, proven, 15 * MINUTE)):
            found |= {one.key for one in batch.fills}
            proven = [(START, batch.proven[1])] if batch.proven else proven
    assert found == {one.key for one in everything}


def test_the_cost_in_calls() -> None:
    """Cutting and stretching windows costs at most three calls for each full page of rows."""
    venue = SimulatedVenue(history(5_000, seed=5), newest_first=True)
    gather(venue, [WHOLE])
    assert venue.calls <= 3 * 5_000 / 50 + 31
