"""One pool of lots in exact fractions; shares no code with the kernel."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from monitor.schema import SUMS

if TYPE_CHECKING:
    from monitor.turnover.exact_legs import Leg

ZERO = Fraction(0)
Key = tuple[str, str, str]  # account (empty for the portfolio), asset, book


@dataclass(eq=False)
class ExactLot:
    """A lot: `left` of `quantity` is held; `basis` and `opened` (a mean for wac) are those of `quantity`."""

    number: int
    opened: Fraction
    entered: int
    born: int
    quantity: Fraction
    basis: Fraction | None
    guessed: Fraction
    leg: Leg | None
    price: Fraction | None
    came: Fraction
    came_basis: Fraction | None
    left: Fraction = ZERO
    closed: int | None = None
    short: bool = False

    @property
    def unit(self) -> Fraction | None:
        """Basis of one unit."""
        return None if self.basis is None else self.basis / self.quantity

    @property
    def worth(self) -> Fraction:
        """Basis of what is left, 0 where it is unknown."""
        return ZERO if self.basis is None else self.basis * self.left / self.quantity


class ExactRelief(NamedTuple):
    """A part of a lot that an event relieved."""

    time: int
    ordinal: int
    lot: int
    quantity: Fraction
    basis: Fraction | None
    held: Fraction
    kind: str


class Step(NamedTuple):
    """A pool after an event: position, cost, and all sums, integrals up to the event's time."""

    time: int
    quantity: Fraction
    cost: Fraction
    guessed: Fraction
    unpriced: bool
    active: bool
    sums: dict[str, Fraction]


@dataclass
class ExactPool:
    """One pool of lots and everything that happened to it."""

    key: Key
    method: str
    marks: list[tuple[int, Fraction]]
    dust: Fraction
    lots: list[ExactLot] = field(default_factory=list)
    reliefs: list[ExactRelief] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    open: list[ExactLot] = field(default_factory=list)

    @property
    def quantity(self) -> Fraction:
        """The signed position."""
        return sum((-lot.left if lot.short else lot.left for lot in self.open), ZERO)

    def at(self, instant: int) -> dict[str, Fraction]:
        """Return every sum over all events before `instant`, integrals up to it."""
        place = bisect_left(self.steps, instant, key=lambda step: step.time)
        return self._run(self.steps[place - 1], instant) if place else dict.fromkeys(SUMS, ZERO)

    def _run(self, step: Step, instant: int) -> dict[str, Fraction]:
        """Return a step's sums with its integrals run on to an instant."""
        span, units = Fraction(instant - step.time), abs(step.quantity)
        grown, unmarked = self._mark_time(step.time, instant)
        inverse, unpriced = self.key[2] == "inverse", span if step.unpriced else ZERO
        if units == 0:
            return dict(step.sums)
        grows = {
            "cost_time": step.cost * span,
            "estimated_time": step.guessed * span,
            "units_time": units * span,
            "active_time": span if step.active else ZERO,
            "unpriced_time": unpriced,
            "market_time": step.cost * span if inverse else units * grown,
            "unmarked_time": unpriced if inverse else unmarked,
        }
        return {name: value + grows.get(name, ZERO) for name, value in step.sums.items()}

    def _mark_time(self, start: int, end: int) -> tuple[Fraction, Fraction]:
        """Return the integral of the mark over a span, and how long there was none."""
        if not self.marks:
            return ZERO, Fraction(end - start)
        grown = ZERO
        for (since, mark), (until, _) in pairwise([*self.marks, (max(end, self.marks[-1][0]), ZERO)]):
            grown += mark * max(0, min(until, end) - max(since, start))
        return grown, Fraction(max(0, min(end, self.marks[0][0]) - start))

    def mark(self, instant: int) -> Fraction | None:
        """Return the last mark at or before an instant."""
        known = [mark for time, mark in self.marks if time <= instant]
        return known[-1] if known else None

    def choose(self) -> ExactLot:
        """Return the lot that the method relieves next."""
        lots = sorted(self.open, key=lambda lot: (lot.opened, lot.born, lot.number))
        if self.method == "lifo":
            return lots[-1]
        if self.method in ("hifo", "lofo"):
            sign = -1 if self.method == "hifo" else 1
            known = [lot for lot in lots if lot.unit is not None]
            return min(known, key=lambda lot: sign * (lot.unit or ZERO)) if known else lots[0]
        return lots[0]

    def enter(self, lot: ExactLot) -> None:
        """Bring a lot in; under wac it joins the one that is open."""
        if self.method == "wac" and self.open:
            self._join(self.open[0], lot)
            return
        lot.number = len(self.lots)
        self.lots.append(lot)
        self.open.append(lot)

    def _join(self, into: ExactLot, lot: ExactLot) -> None:
        held, quantity = into.worth, into.left + lot.left
        guessed = into.guessed * into.left / into.quantity + lot.guessed
        unknown = into.basis is None or lot.basis is None
        total = held + (lot.basis or ZERO)
        if total and not unknown:
            into.opened = (into.opened * held + lot.opened * (lot.basis or ZERO)) / total
        into.basis = None if unknown else total
        into.came_basis = None if unknown else (into.came_basis or ZERO) + (lot.basis or ZERO)
        into.came += lot.left
        into.guessed, into.quantity, into.left = guessed, quantity, quantity

    def take(self, lot: ExactLot, units: Fraction, leg: Leg) -> tuple[Fraction | None, Fraction]:
        """Take units off a lot; return their basis and the estimated part of it."""
        share = units / lot.quantity
        basis = None if lot.basis is None else lot.basis * share
        guessed = lot.guessed * share if basis is not None else ZERO
        lot.left -= units
        if lot.left == 0:
            lot.closed = leg.time
            self.open.remove(lot)
        held = leg.time - lot.opened
        self.reliefs.append(ExactRelief(leg.time, len(self.steps), lot.number, units, basis, held, leg.kind))
        return basis, guessed
