"""The order in which a pool gives up its lots, in the subset of Python that the kernel is compiled from.

FIFO, LIFO and wac keep a pool's open lots in a list by age, HIFO and LOFO in a skew heap by unit basis. Both use the
same two links of a lot: its older and newer neighbour, or its two branches.
"""

from __future__ import annotations

from math import isnan
from typing import TYPE_CHECKING

from monitor.turnover.arrays import HIFO, LIFO, NONE, OPEN_LOTS
from monitor.turnover.compiled import part

if TYPE_CHECKING:
    from monitor.turnover.arrays import Job, Lot, Table

# Two unit costs closer than this are one price: the roundings of a basis and of its quotient come to 1e-15 at most.
SAME = 1e-14


@part
def older(one: Lot, other: Lot) -> bool:
    """Tell whether a lot was acquired before another one; a total order."""
    if one.opened != other.opened:
        return one.opened < other.opened
    if one.origin != other.origin:
        return one.origin < other.origin
    return one.number < other.number


@part
def ahead(method: int, one: Lot, other: Lot) -> bool:
    """Tell whether HIFO (LOFO) relieves a lot before another one: by unit basis, ties to the older, unknown last."""
    cost, rival = one.basis / float(one.quantity), other.basis / float(other.quantity)
    if isnan(cost) or isnan(rival):
        return older(one, other) if isnan(cost) and isnan(rival) else isnan(rival)
    if abs(cost - rival) <= SAME * abs(cost):
        return older(one, other)
    return cost > rival if method == HIFO else cost < rival


@part
def meld(lots: Table[Lot], method: int, one: int, other: int) -> int:
    """Join two skew heaps and return the root."""
    root, above = NONE, NONE
    while NONE not in (one, other):
        if ahead(method, lots[other], lots[one]):
            one, other = other, one
        rest = lots[one].down
        lots[one].down = lots[one].up
        if above == NONE:
            root = one
        else:
            lots[above].up = one
        above, one = one, rest
    rest = one if other == NONE else other
    if above == NONE:
        return rest
    lots[above].up = rest
    return root


@part
def push(job: Job, number: int, new: int) -> None:
    """Put a lot among the open ones of a pool."""
    pool, lots, lot = job.pools[number], job.lots, job.lots[new]
    pool.open += 1
    job.counts[OPEN_LOTS] += 1
    if pool.ranked:
        lot.up, lot.down = NONE, NONE
        pool.first = meld(lots, job.terms.method, pool.first, new)
        return
    after = pool.last
    # most lots are the newest: only one that arrives by transfer, with its age, walks past others
    while after != NONE and older(lot, lots[after]):
        after = lots[after].up
    before = pool.first if after == NONE else lots[after].down
    lot.up, lot.down = after, before
    if after == NONE:
        pool.first = new
    else:
        lots[after].down = new
    if before == NONE:
        pool.last = new
    else:
        lots[before].up = new


@part
def pop(job: Job, number: int, gone: int) -> None:
    """Take an open lot out of its pool; of a ranked pool this can only be the first."""
    pool, lots, lot = job.pools[number], job.lots, job.lots[gone]
    pool.open -= 1
    job.counts[OPEN_LOTS] -= 1
    if pool.ranked:
        pool.first = meld(lots, job.terms.method, lot.up, lot.down)
        return
    if lot.up == NONE:
        pool.first = lot.down
    else:
        lots[lot.up].down = lot.down
    if lot.down == NONE:
        pool.last = lot.up
    else:
        lots[lot.down].up = lot.up


@part
def foremost(job: Job, number: int) -> int:
    """Return the lot the method relieves next."""
    return job.pools[number].last if job.terms.method == LIFO else job.pools[number].first
