"""Lots that move: transfers between own accounts and conversions, in the subset of Python the kernel is compiled from.

Lots on their way are held by a transit pool of their own, one for each transfer, so that a transfer changes neither
basis nor age, whenever it arrives.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.turnover.arrays import NONE, REMAKE
from monitor.turnover.compiled import rare
from monitor.turnover.order import foremost, pop, push
from monitor.turnover.pool import cut, enter, found

if TYPE_CHECKING:
    from monitor.turnover.arrays import Job


@rare
def send(job: Job, at: int) -> None:
    """Move lots, in the method's order, from the event's pool into its transit pool."""
    event, lots = job.events[at], job.lots
    units = min(-event.quantity, job.pools[event.pool].quantity)
    while units > 0:
        taken = foremost(job, event.pool)
        some = min(units, lots[taken].left)
        units -= some
        basis, low = cut(job, at, taken, some)
        new = found(job, at, some, (basis, low))
        moved, lot = lots[new], lots[taken]
        moved.pool, moved.number, moved.origin = event.transit, new, lot.origin
        moved.opened, moved.drift = lot.opened, lot.drift
        moved.share, moved.price = lot.share, lot.price
        push(job, event.transit, new)


@rare
def remake(job: Job, transit: int, units: int) -> None:
    """Spread a new number of units over the lots in transit; basis and age stay.

    Each boundary between lots is rounded to the scale, the last lot ends at the exact total. A lot too small for one
    unit gives its basis to the lot after it; the last one always keeps some.
    """
    lots, at = job.lots, job.pools[transit].first
    total = units - units
    while at != NONE:
        total += lots[at].left
        at = lots[at].down
    done, sent, carried = units - units, units - units, 0.0
    at = job.pools[transit].first
    while at != NONE:
        lot = lots[at]
        following, basis = lot.down, lot.basis + carried
        sent += lot.left
        # what the lots so far make of the whole; one unit at least is left for the last lot
        reached = units if following == NONE else min(units - 1, round(float(sent) / float(total) * float(units)))
        if reached > done:
            lot.quantity, lot.left, lot.basis = reached - done, reached - done, basis
            done, carried = reached, 0.0
        else:
            pop(job, transit, at)
            carried = basis
        at = following


@rare
def arrive(job: Job, at: int) -> None:
    """Bring the lots of a transit pool into the event's pool, for a conversion in the units it received."""
    event, lots = job.events[at], job.lots
    if event.kind == REMAKE:
        remake(job, event.transit, event.quantity)
    new = job.pools[event.transit].first
    while new != NONE:
        following = lots[new].down
        pop(job, event.transit, new)
        enter(job, event.pool, new, event)
        new = following
