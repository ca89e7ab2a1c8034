"""The kernel: one pass over a partition's events that keeps lots, position, cost and every running sum.

It takes events in order and the state it has reached, changes lots in place and writes one row an event; it can stop
between two events, so that room can be made, or a later fill continue from a saved state. The source is a subset of
Python that numba compiles; interpreted, the same source is exact for quantities that no int64 holds.
"""

from __future__ import annotations

from math import isnan
from typing import TYPE_CHECKING, cast

import numpy as np

from monitor.turnover import arrays, compiled, moves, order, pairs, pool, sums
from monitor.turnover.arrays import (
    ARRIVE,
    COUNTS,
    CROSS,
    EVENT,
    FEE,
    LOT,
    LOT_COUNT,
    MARK,
    OPEN_LOTS,
    POOL,
    RELIEF,
    RELIEF_COUNT,
    REMAKE,
    SAVED_COUNT,
    SAVED_LOT,
    SEGMENT_ROW,
    SEND,
    STAND,
    TRADE,
    WIDTH,
    Job,
)
from monitor.turnover.compiled import compile_cached, part, view
from monitor.turnover.moves import arrive, send
from monitor.turnover.order import foremost, push
from monitor.turnover.pairs import difference, share
from monitor.turnover.pool import cut, enter, found
from monitor.turnover.sums import add, add_pair, elapse, roll, settle

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from monitor.turnover.arrays import Event, Grid, Lot, Terms

    Numbers = tuple[int, ...]

FLOAT, INTEGER = np.dtype(np.float64), np.dtype(np.int64)
SECOND, MINUTE, HOUR, DAY = 1_000.0, 60_000.0, 3_600_000.0, 86_400_000.0


@part
def turn(grid: Grid, event: Event, lot: Lot, basis: float, low: float) -> None:
    """Count what a trade relieved: its basis, by side and by the time it was held."""
    column = sums.COGS if event.quantity < 0 else sums.COVER
    add_pair(grid, event.pool, column, (basis, low))
    if lot.share != 0:
        add(grid, event.pool, sums.GUESSED, basis * lot.share)
    span = (event.time - lot.opened) - lot.drift
    add(grid, event.pool, sums.HELD_TIME, basis * span)
    if span < 5 * SECOND:
        add(grid, event.pool, sums.HELD_5S, basis)
    elif span < MINUTE:
        add(grid, event.pool, sums.HELD_1M, basis)
    elif span < HOUR:
        add(grid, event.pool, sums.HELD_1H, basis)
    elif span < DAY:
        add(grid, event.pool, sums.HELD_1D, basis)


@part
def gain(event: Event, lot: Lot, units: int, basis: float) -> float:
    """Return what a relief of an inverse long earns: face * (1/entry - 1/exit) of base, at the exit price, less fees.

    The fee of the entry is in the basis and the lot's price, that of the exit is what its value differs from its face.
    """
    if lot.price == 0:
        return 0.0
    charged = (event.value - event.gross) * (float(units) / abs(float(event.quantity)))
    made = basis * (event.price / lot.price - 1.0) + charged
    return 0.0 if isnan(made) else made


@part
def relieve(job: Job, at: int, units: int, size: int) -> None:
    """Relieve lots in the method's order; `size` units are what the event's value is for."""
    event, grid = job.events[at], job.sums
    number, side = event.pool, (1.0 if event.quantity < 0 else -1.0)
    while units > 0:
        taken = foremost(job, number)
        lot = job.lots[taken]
        some = min(units, lot.left)
        units -= some
        basis, low = cut(job, at, taken, some)
        if event.kind == TRADE:
            add(grid, number, sums.UNITS, float(some) / job.terms.unit)
        if isnan(basis):
            grid[number, sums.UNVALUED, 0] += 1.0
        elif event.kind != TRADE:
            column = sums.FEES if event.kind == FEE else sums.WITHDRAWN
            add_pair(grid, number, column, (basis, low))
        else:
            turn(grid, event, lot, basis, low)
            if job.terms.inverse:
                add(grid, number, sums.PNL, side * gain(event, lot, some, basis))
            elif not isnan(event.value):
                # a long earns proceeds less basis, a short what it was entered at less what covers it
                earned, rest = difference(share(event.value, event.low, some, size), (basis, low))
                add_pair(grid, number, sums.PNL, (side * earned, side * rest))


@part
def trade(grid: Grid, event: Event) -> None:
    """Count a trade leg and its notional."""
    bought = event.quantity > 0
    grid[event.pool, sums.FILLS, 0] += 1.0
    if isnan(event.value):
        grid[event.pool, sums.UNVALUED, 0] += 1.0
    if not isnan(event.gross):
        add(grid, event.pool, sums.BUY if bought else sums.SELL, event.gross)
        if event.flags & CROSS:
            add(grid, event.pool, sums.CROSS_BUY if bought else sums.CROSS_SELL, event.gross)


@part
def change(job: Job, at: int) -> None:
    """Let an event change the position: relieve what it closes, open a lot of the rest.

    A fill that crosses zero does both at one price. Where nothing can be short, more than is held closes all of it.
    """
    event = job.events[at]
    quantity, held = event.quantity, job.pools[event.pool].quantity
    size = abs(quantity)
    closing = size - size
    if (held > 0 and quantity < 0) or (held < 0 and quantity > 0):
        closing = min(size, abs(held))
    rest = size - closing
    if not job.terms.signed and quantity < 0:
        rest, size = closing - closing, closing
    if closing > 0:
        relieve(job, at, closing, size)
    if rest > 0:
        enter(job, event.pool, found(job, at, rest, share(event.value, event.low, rest, size)), event)


@part
def step(job: Job, at: int) -> None:
    """Take one event in."""
    event = job.events[at]
    number, kind = event.pool, event.kind
    if job.pools[number].ordinal == 0:
        job.pools[number].time = event.time
    roll(job, number, at)
    elapse(job, number, at)
    if kind == SEND:
        send(job, at)
    elif kind in (ARRIVE, REMAKE):
        arrive(job, at)
    else:
        if kind == TRADE:
            trade(job.sums, event)
        change(job, at)
    settle(job, number, at)


@part
def run(job: Job, at: int) -> int:
    """Take in events from one on; return the first that found no room, or their number when all are in.

    A negative start -n puts the first n lots, restored from a saved state, into their pools and begins at the first.
    """
    count, counts = len(job.events), job.counts
    for lot in range(-at):
        push(job, job.lots[lot].pool, lot)
    at = max(at, 0)
    while at < count:
        need = counts[OPEN_LOTS] + 2
        room = min(len(job.lots) - counts[LOT_COUNT], len(job.reliefs) - counts[RELIEF_COUNT])
        if min(room, len(job.saved) - counts[SAVED_COUNT]) < need:
            break
        step(job, at)
        at += 1
    return at


def kernel(terms: Terms, address: Numbers, size: Numbers, at: int) -> int:
    """Take in events from one on, of tables given by their addresses and lengths; see `run`."""
    events, pools, segments = size[0], size[3], size[5]
    job = Job(
        terms,
        view(address[0], (events,), EVENT),
        view(address[1], (size[1],), MARK),
        view(address[2], (size[2],), LOT),
        view(address[3], (pools,), POOL),
        view(address[4], (size[4],), RELIEF),
        view(address[5], (segments,), SEGMENT_ROW),
        view(address[6], (size[6],), SAVED_LOT),
        view(address[7], (pools, WIDTH, 2), FLOAT),
        view(address[8], (pools, WIDTH, 2), FLOAT),
        view(address[9], (pools, 2, 2), FLOAT),
        view(address[10], (segments, WIDTH, 2), FLOAT),
        view(address[11], (WIDTH, events), FLOAT),
        view(address[12], (STAND, events), FLOAT),
        view(address[13], (events,), INTEGER),
        view(address[14], (COUNTS,), INTEGER),
    )
    return run(job, at)


compiled_run = compile_cached(kernel, arrays, compiled, moves, order, pairs, pool, sums)


def advance(job: Job, at: int) -> int:
    """Take in events from one on, by machine code where the tables are arrays; see `run`."""
    if not isinstance(job.events, np.ndarray):
        return run(job, at)
    columns = [cast("NDArray[np.void]", column) for column in job[1:]]
    sizes = tuple(len(column) for column in columns)
    return compiled_run(job.terms, tuple(column.ctypes.data for column in columns), sizes, at)
