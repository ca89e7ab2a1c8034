"""First in, first out, done slowly and exactly: the lots of one pool and what a window sees of them.

This is the arithmetic of the known answer. It shares no line with the monitor's own engine, walks one event at a
time in decimals of 50 digits, and is short enough to check by reading.
"""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from monitor.clock import Window

ZERO = Decimal(0)


@dataclass(slots=True)
class Lot:
    """What is left of one acquisition: `opened` is when the desk got it, wherever it lies now."""

    opened: int
    quantity: Decimal
    basis: Decimal


@dataclass(slots=True)
class Pool:
    """Open lots, oldest first, and the running totals of one window [start, end)."""

    window: Window
    lots: list[Lot] = field(default_factory=list)
    seen: int | None = None
    quantity: Decimal = ZERO
    cost: Decimal = ZERO
    cost_time: Decimal = ZERO
    units_time: Decimal = ZERO
    cogs: Decimal = ZERO
    units_sold: Decimal = ZERO
    proceeds: Decimal = ZERO
    fee_basis: Decimal = ZERO
    withdrawn_basis: Decimal = ZERO

    def advance(self, instant: int) -> bool:
        """Let time pass up to an event before the window's end; return whether the window counts what happens then."""
        since = max(self.window.start, instant if self.seen is None else self.seen)
        passed = min(instant, self.window.end) - since
        if passed > 0:
            self.cost_time += self.cost * passed
            self.units_time += self.quantity * passed
        self.seen = instant
        return instant >= self.window.start

    def put(self, lot: Lot) -> None:
        """Add a lot where its age belongs."""
        insort(self.lots, lot, key=lambda other: other.opened)
        self.quantity += lot.quantity
        self.cost += lot.basis

    def take(self, quantity: Decimal) -> list[Lot]:
        """Remove so many units from the oldest lots on; a lot that is used up gives its exact remainder.

        Raises:
            ValueError: there are not so many: the history would have sold what the desk does not hold.
        """
        taken: list[Lot] = []
        while quantity > 0:
            if not self.lots:
                raise ValueError(f"{quantity} more units were sold than are held")
            oldest = self.lots[0]
            if oldest.quantity <= quantity:
                part = self.lots.pop(0)
            else:
                part = Lot(oldest.opened, quantity, oldest.basis * quantity / oldest.quantity)
                oldest.quantity -= part.quantity
                oldest.basis -= part.basis
            quantity -= part.quantity
            self.quantity -= part.quantity
            self.cost -= part.basis
            taken.append(part)
        return taken


def basis_of(lots: list[Lot]) -> Decimal:
    """Return the basis of some lots together."""
    return sum((lot.basis for lot in lots), ZERO)
