"""One pool of lots: what enters, what leaves, at what basis; in the subset of Python the kernel is compiled from.

What a relief takes is `basis * units / quantity` of the lot as it came in, kept to 32 digits: rounding never piles up,
a crumb of a great lot is as right as the lot, and the last unit takes the remainder.
"""

from __future__ import annotations

from math import isnan
from typing import TYPE_CHECKING

from monitor.turnover.arrays import ESTIMATED, LOT_COUNT, NONE, RELIEF_COUNT, SERIAL, WAC
from monitor.turnover.compiled import part
from monitor.turnover.order import pop, push
from monitor.turnover.pairs import share
from monitor.turnover.sums import COST, GUESSED_COST, add_pair

if TYPE_CHECKING:
    from monitor.turnover.arrays import Event, Grid, Job, Lot


@part
def portion(lot: Lot, units: int) -> tuple[float, float]:
    """Return the basis of some units of a lot, basis * units / quantity, as a (high, low) pair."""
    return share(lot.basis, lot.low, units, lot.quantity)


@part
def clear(held: Grid, number: int) -> None:
    """Set a pool's inventory cost to nothing, exactly."""
    for column in range(2):
        held[number, column, 0] = 0.0
        held[number, column, 1] = 0.0


@part
def average(into: Lot, lot: Lot) -> None:
    """Let the one lot of a wac pool take in another: quantities and bases add, the opening is their weighted mean."""
    held, held_low = portion(into, into.left)
    total = held + lot.basis
    back = total - held
    low = ((held - (total - back)) + (lot.basis - back)) + (held_low + lot.low)
    weight = lot.basis / total if total > 0 else 0.0
    later = ((lot.opened - into.opened) + (lot.drift - into.drift)) * weight
    opened = into.opened + later
    into.drift += later - (opened - into.opened)
    into.opened = opened
    into.share += (lot.share - into.share) * weight
    # an inverse contract earns by 1 / entry, so that is what averages; other lots have no price
    into.price = total / (held / into.price + lot.basis / lot.price) if total > 0 else into.price
    into.left += lot.left
    into.quantity = into.left
    into.came += lot.left
    into.basis = total + low
    into.low = low - (into.basis - total)
    into.came_basis += lot.basis


@part
def enter(job: Job, number: int, new: int, event: Event) -> None:
    """Bring a lot into a pool."""
    lot, pool = job.lots[new], job.pools[number]
    lot.pool, lot.entered, lot.came, lot.came_basis = number, event.time, lot.left, lot.basis
    lot.side = 1 if event.quantity > 0 else -1
    pool.quantity += lot.side * lot.left
    if isnan(lot.basis):
        pool.unpriced += 1
    else:
        add_pair(job.held, number, COST, (lot.basis, lot.low))
        if lot.share != 0:
            add_pair(job.held, number, GUESSED_COST, (lot.basis * lot.share, lot.low * lot.share))
    if job.terms.method == WAC and pool.open > 0:
        lot.number = NONE
        average(job.lots[pool.first], lot)
        if pool.unpriced > 0:
            # an average with something unknown is unknown
            pool.unpriced = 1
            clear(job.held, number)
    else:
        lot.number = pool.lots
        pool.lots += 1
        push(job, number, new)


@part
def found(job: Job, at: int, units: int, basis: tuple[float, float]) -> int:
    """Return a new lot, not yet in any pool; its basis is a (high, low) pair."""
    new, event = job.counts[LOT_COUNT], job.events[at]
    lot = job.lots[new]
    job.counts[LOT_COUNT] += 1
    lot.event, lot.origin, lot.closed = at, job.counts[SERIAL], NONE
    job.counts[SERIAL] += 1
    lot.opened, lot.drift = float(event.time), 0.0
    lot.quantity, lot.left, (lot.basis, lot.low) = units, units, basis
    lot.share = 1.0 if event.flags & ESTIMATED else 0.0
    lot.price = event.price
    if job.terms.inverse and event.gross > 0:
        # at this price the basis, fees included, stands for the coins that the face alone does at the fill's
        lot.price *= event.value / event.gross
    return new


@part
def cut(job: Job, at: int, taken: int, units: int) -> tuple[float, float]:
    """Take units off a lot and its pool; return their basis as a (high, low) pair."""
    event, lot, held = job.events[at], job.lots[taken], job.held
    number = event.pool
    pool = job.pools[number]
    basis, low = portion(lot, units)
    lot.left -= units
    pool.quantity += -units if pool.quantity > 0 else units
    if not isnan(basis):
        add_pair(held, number, COST, (-basis, -low))
        if lot.share != 0:
            add_pair(held, number, GUESSED_COST, (-basis * lot.share, -low * lot.share))
    elif lot.left == 0:
        pool.unpriced -= 1
    if lot.left == 0:
        lot.closed = event.time
        pop(job, number, taken)
    if pool.open == 0:
        clear(held, number)
    note(job, at, taken, units, basis)
    return basis, low


@part
def note(job: Job, at: int, taken: int, units: int, basis: float) -> None:
    """Write the relief."""
    relief, lot = job.reliefs[job.counts[RELIEF_COUNT]], job.lots[taken]
    job.counts[RELIEF_COUNT] += 1
    relief.event, relief.lot, relief.quantity, relief.basis = at, taken, units, basis
    relief.held = round((job.events[at].time - lot.opened) - lot.drift)
