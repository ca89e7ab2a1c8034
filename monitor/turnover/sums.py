"""The running sums of a pool, in the subset of Python that the kernel is compiled from.

Between two events everything stands still, so an integral grows by value * time. Sums run from the start of a segment
and every segment keeps those before it: a window far into a long history still subtracts small numbers.
"""

from __future__ import annotations

from math import isnan
from typing import TYPE_CHECKING

from monitor.turnover.arrays import (
    IN_SEGMENT,
    LAST_TIME,
    NONE,
    OPEN_LOTS,
    SAVED_COUNT,
    SEGMENT_COUNT,
    SEGMENT_NOW,
    SERIAL,
    WIDTH,
)
from monitor.turnover.compiled import part, rare

if TYPE_CHECKING:
    from monitor.turnover.arrays import Grid, Job

# Places of schema.SUMS.
(FILLS, COGS, COVER, UNITS, BUY, SELL, PNL, FEES, WITHDRAWN, GUESSED, UNVALUED) = range(11)
(COST_TIME, GUESSED_TIME, UNITS_TIME, ACTIVE_TIME, UNPRICED_TIME, MARKET_TIME, UNMARKED_TIME) = range(11, 18)
(HELD_TIME, HELD_5S, HELD_1M, HELD_1H, HELD_1D, CROSS_BUY, CROSS_SELL) = range(18, WIDTH)
COST, GUESSED_COST = 0, 1  # rows of Job.held


@part
def add(sums: Grid, row: int, column: int, value: float) -> None:
    """Add to a (high, low) pair: Knuth's two-sum, with the error kept in the low part."""
    high = sums[row, column, 0]
    total = high + value
    back = total - high
    low = sums[row, column, 1] + ((high - (total - back)) + (value - back))
    high = total + low
    sums[row, column, 0] = high
    sums[row, column, 1] = low - (high - total)


@part
def add_pair(sums: Grid, row: int, column: int, pair: tuple[float, float]) -> None:
    """Add a (high, low) pair to another."""
    high, value = sums[row, column, 0], pair[0]
    total = high + value
    back = total - high
    low = sums[row, column, 1] + (((high - (total - back)) + (value - back)) + pair[1])
    high = total + low
    sums[row, column, 0] = high
    sums[row, column, 1] = low - (high - total)


@part
def marked(job: Job, number: int, start: int, end: int) -> tuple[float, int]:
    """Let a span pass over the mark; return its integral and how long there was no mark."""
    pool, marks, grown, unmarked = job.pools[number], job.marks, 0.0, 0
    while start < end or (pool.next_mark < pool.end_mark and marks[pool.next_mark].time <= end):
        stop, at = end, pool.next_mark
        reached = at < pool.end_mark and marks[at].time <= end
        if reached:
            stop = max(start, marks[at].time)
        if isnan(pool.mark):
            unmarked += stop - start
        else:
            grown += pool.mark * (stop - start)
        start = stop
        if reached:
            pool.mark = marks[at].value
            pool.next_mark = at + 1
    return grown, unmarked


@part
def elapse(job: Job, number: int, at: int) -> None:
    """Let the time from the pool's last event to this one pass over what it holds."""
    pool, inverse, sums = job.pools[number], job.terms.inverse, job.sums
    before, now = pool.time, job.events[at].time
    grown, unmarked = marked(job, number, before, now)
    pool.time = now
    if pool.quantity == 0 or now == before:
        return
    span, cost, units = float(now - before), job.held[number, COST, 0], abs(float(pool.quantity)) / job.terms.unit
    add(sums, number, COST_TIME, cost * span)
    add(sums, number, UNITS_TIME, units * span)
    # a face amount is money already: its market value is what it stands for
    add(sums, number, MARKET_TIME, cost * span if inverse else units * grown)
    sums[number, ACTIVE_TIME, 0] += span * pool.active
    if job.held[number, GUESSED_COST, 0] != 0:
        add(sums, number, GUESSED_TIME, job.held[number, GUESSED_COST, 0] * span)
    unpriced = span if pool.unpriced else 0.0
    sums[number, UNPRICED_TIME, 0] += unpriced
    sums[number, UNMARKED_TIME, 0] += unpriced if inverse else float(unmarked)


@part
def settle(job: Job, number: int, at: int) -> None:
    """Write the event's row of the track."""
    pool, mark, dust = job.pools[number], job.events[at].mark, job.terms.dust
    if isnan(mark):
        mark = pool.mark
    cost, units = job.held[number, COST, 0], abs(float(pool.quantity)) / job.terms.unit
    value = cost if isnan(mark) else units * mark
    unknown = isnan(mark) and pool.unpriced > 0
    pool.active = 1 if units > 0 and (value > dust or unknown) else 0
    job.position[at] = pool.quantity
    stand, track, sums = job.stand, job.track, job.sums
    stand[0, at] = cost
    stand[1, at] = job.held[number, GUESSED_COST, 0]
    stand[2, at] = 1.0 if pool.unpriced else 0.0
    stand[3, at] = float(pool.active)
    stand[4, at] = float(pool.ordinal)
    stand[5, at] = float(pool.segment)
    for column in range(WIDTH):
        track[column, at] = sums[number, column, 0]
    pool.ordinal += 1
    segment = job.segments[pool.slot]
    segment.peak = max(segment.peak, cost)


@rare
def save(job: Job, number: int) -> None:
    """Copy the pool's open lots behind those saved so far."""
    pool, lots, saved, at = job.pools[number], job.lots, job.saved, job.counts[SAVED_COUNT]
    end = at
    if pool.open:
        saved[end].lot = pool.first
        end += 1
    while at < end:
        lot, copy = lots[saved[at].lot], saved[at]
        # a list is walked from old to new; of a heap, the branches queue up behind
        if pool.ranked and lot.up != NONE:
            saved[end].lot = lot.up
            end += 1
        if lot.down != NONE:
            saved[end].lot = lot.down
            end += 1
        copy.quantity, copy.left, copy.came = lot.quantity, lot.left, lot.came
        copy.opened, copy.drift, copy.share = lot.opened, lot.drift, lot.share
        copy.basis, copy.low, copy.came_basis = lot.basis, lot.low, lot.came_basis
        copy.price = lot.price
        at += 1
    job.counts[SAVED_COUNT] = end


@rare
def begin(job: Job, number: int, at: int) -> None:
    """Start a segment of the pool: its sums move to those before it, its open lots are saved."""
    pool, counts, slot = job.pools[number], job.counts, job.counts[SEGMENT_COUNT]
    counts[SEGMENT_COUNT] += 1
    pool.slot, pool.segment = slot, counts[SEGMENT_NOW]
    for column in range(WIDTH):
        add(job.before, number, column, job.sums[number, column, 0])
        add(job.before, number, column, job.sums[number, column, 1])
        for depth in range(2):
            job.sums[number, column, depth] = 0.0
            job.segment_sums[slot, column, depth] = job.before[number, column, depth]
    segment = job.segments[slot]
    segment.pool, segment.segment, segment.ordinal = number, pool.segment, pool.ordinal
    segment.time, segment.lots, segment.serial = job.events[at].time, pool.lots, counts[SERIAL]
    segment.saved, segment.open, segment.peak = counts[SAVED_COUNT], pool.open, 0.0
    segment.before, segment.active = pool.time, pool.active
    segment.cost_high, segment.cost_low = job.held[number, COST, 0], job.held[number, COST, 1]
    segment.guessed_high, segment.guessed_low = job.held[number, GUESSED_COST, 0], job.held[number, GUESSED_COST, 1]
    save(job, number)


@part
def roll(job: Job, number: int, at: int) -> None:
    """Begin a segment where one is due.

    A segment ends between two instants, so that events of one millisecond stay together. It is as long as what is
    open where it begins at least, so that saving lots costs no more than the events do.
    """
    counts, now = job.counts, job.events[at].time
    if counts[IN_SEGMENT] >= max(job.terms.segment, counts[OPEN_LOTS]) and now > counts[LAST_TIME]:
        counts[SEGMENT_NOW] += 1
        counts[IN_SEGMENT] = 0
    counts[IN_SEGMENT] += 1
    counts[LAST_TIME] = now
    if job.pools[number].segment != counts[SEGMENT_NOW]:
        begin(job, number, at)
