"""The collector against a model ledger: whatever the schedule of late rows, crashes and polls, nothing is lost."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from monitor.clock import HOUR, MINUTE, SECOND, Window
from monitor.exchanges.collector import collect
from monitor.exchanges.plan import spans, unproven
from tests.exchanges.test_collector_paging import START, SimulatedVenue, fill

if TYPE_CHECKING:
    from monitor.records import Batch

OVERLAP = 15 * MINUTE
LATE = 90 * SECOND
HABITS = ("newest first", "exclusive", "seconds", "cursor", "page unknown", "no until")


class Collecting(RuleBasedStateMachine):
    """A venue that goes on trading, and a collector that polls, crashes and starts again.

    The model is the venue's list of fills; the store keeps keys, proven intervals and gaps, batch by batch.
    """

    @initialize(limit=st.integers(3, 8), habits=st.sets(st.sampled_from(HABITS)))
    def open(self, limit: int, habits: set[str]) -> None:
        """Open a venue with some habits; one that honours no end lists from the oldest."""
        until, known = "no until" not in habits, "page unknown" not in habits
        self.venue = SimulatedVenue(
            [],
            page=limit if known else None,
            limit=limit if known else 20,  # a learnt page size is a venue's own round number
            newest_first="newest first" in habits and until,
            grain=SECOND if "seconds" in habits else 1,
            exclusive="exclusive" in habits,
            cursor="cursor" in habits,
            honours_until=until,
            window=2 * HOUR,
        )
        self.now = START + MINUTE
        self.stored: set[str] = set()
        self.proven: list[tuple[int, int]] = []
        self.gaps: list[tuple[int, int]] = []

    @rule(ties=st.integers(1, 12), back=st.integers(0, 30 * SECOND), late=st.integers(0, LATE), step=st.integers(0, 9))
    def trade(self, ties: int, back: int, late: int, step: int) -> None:
        """Trade some fills, the same instant or a few milliseconds apart, seen late."""
        fills = list(self.venue.fills)
        for count in range(ties):
            number = len(fills) + 1
            time = max(START, self.now - back) + count * step
            if time >= self.now:
                time = self.now - 1
            fills.append(fill(number, time))
            # What happened in the past was not to be seen before now.
            self.venue.delays[number] = max(late, self.now - time)
        self.venue.fills = sorted(fills, key=lambda one: (one.time, one.sequence))

    @rule(forward=st.integers(SECOND, 3 * HOUR))
    def wait(self, forward: int) -> None:
        """Let time pass."""
        self.now += forward

    @rule(windows=st.integers(1, 50))
    def poll(self, windows: int) -> None:
        """Read, and crash after so many committed windows."""
        self._read(windows)

    def _read(self, most: int = 10**6) -> None:
        self.venue.visible_at = self.now

        async def work() -> None:
            done = 0
            before = self.venue.calls
            async for batch in collect(self.venue, spans(START, self.now, self.proven, OVERLAP)):
                self._commit(batch)
                done += 1
                assert self.venue.calls - before < 2_000 + 20 * len(self.venue.fills)
                if done >= most:
                    return

        asyncio.run(work())

    def _commit(self, batch: Batch) -> None:
        """Store one batch as the database does: rows, then the proof; a gap is cut out of what was proven."""
        self.stored |= {one.key for one in batch.fills}
        if batch.proven:
            self.proven = merged([*self.proven, batch.proven])
            self._check(batch.proven)
            self.gaps = [gap for gap in self.gaps if not any(a <= gap[0] and gap[1] <= b for a, b in self.proven)]
        if batch.gap:
            self.gaps.append((batch.gap.start, batch.gap.end))
            self.proven = without(self.proven, (batch.gap.start, batch.gap.end))

    def _check(self, proven: tuple[int, int]) -> None:
        """What is proven complete holds everything that could be seen when it was read."""
        for one in self.venue.fills:
            shown = one.time + self.venue.delays.get(one.sequence or 0, 0)
            if proven[0] <= one.time < proven[1] and shown <= (self.venue.visible_at or 0):
                assert one.key in self.stored, (one.time - START, proven)

    def teardown(self) -> None:
        """A last whole reading has everything, or names the span it cannot prove."""
        if not hasattr(self, "venue"):
            return
        self.now += LATE + SECOND
        self._read()
        assert self.stored <= {one.key for one in self.venue.fills}
        for one in self.venue.fills:
            named = any(a <= one.time < b for a, b in self.gaps)
            assert one.key in self.stored or named, (one.time - START, self.proven, self.gaps)
        assert not [hole for hole in unproven(START, self.now, self.proven) if not covered(hole, self.gaps)]


def merged(spans_: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return intervals joined where they touch."""
    found: list[tuple[int, int]] = []
    for start, end in sorted(spans_):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


def without(spans_: list[tuple[int, int]], hole: tuple[int, int]) -> list[tuple[int, int]]:
    """Return intervals with a span cut out."""
    cut = [piece for start, end in spans_ for piece in ((start, min(end, hole[0])), (max(start, hole[1]), end))]
    return [(start, end) for start, end in cut if start < end]


def covered(hole: Window, gaps: list[tuple[int, int]]) -> bool:
    """Tell whether recorded gaps cover a hole."""
    return not unproven(hole.start, hole.end, gaps)


QUICK = settings(max_examples=25, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck))
TestCollecting = Collecting.TestCase
TestCollecting.settings = QUICK


class Longer(Collecting):
    """The same for many more schedules."""


@pytest.mark.nightly
class TestCollectingNightly(Longer.TestCase):  # type: ignore[valid-type,misc]  # hypothesis makes the class
    """Many schedules."""

    settings = settings(QUICK, max_examples=2_000, stateful_step_count=40)
