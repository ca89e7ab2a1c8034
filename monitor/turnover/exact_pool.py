"""One pool of lots in exact decimals; shares no code with the kernel."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from monitor.schema import SUMS

if TYPE_CHECKING:
    from monitor.turnover.exact_legs import Leg

ZERO = Decimal(0)
Key = tuple[str, str, str]  # account (empty for the portfolio), asset, book
# Unit costs that differ only by how a division was rounded are the same price.
CENT = Decimal(1).scaleb(-30)
NOTHING = (ZERO,) * len(SUMS)


@dataclass(eq=False, slots=True)
class ExactLot:
    """A lot: `left` of `quantity` is held, at `rest` of `basis`; `opened` is a mean for wac.

    `guessed` of the basis is estimated, `guessed_rest` of it held. `came` and `came_basis` are all that ever joined.
    """

    number: int
    opened: Decimal
    entered: int
    born: int
    quantity: Decimal
    basis: Decimal | None
    guessed: Decimal
    leg: Leg | None
    price: Decimal | None
    short: bool
    left: Decimal = ZERO
    rest: Decimal = ZERO
    guessed_rest: Decimal = ZERO
    came: Decimal = ZERO
    came_basis: Decimal | None = None
    closed: int | None = None
    rank: tuple[object, ...] = ()

    @property
    def unit(self) -> Decimal | None:
        """Basis of one unit."""
        return None if self.basis is None else (self.basis / self.quantity).quantize(CENT)

    def fill_up(self) -> ExactLot:
        """Let all of it be held, as when it comes into a pool."""
        self.left, self.rest, self.guessed_rest = self.quantity, self.basis or ZERO, self.guessed
        self.came, self.came_basis = self.quantity, self.basis
        return self


class ExactRelief(NamedTuple):
    """A part of a lot that an event relieved."""

    time: int
    ordinal: int
    lot: int
    quantity: Decimal
    basis: Decimal | None
    held: Decimal
    kind: str


class Taken(NamedTuple):
    """What was taken off a lot: units, their basis and the estimated part of it."""

    units: Decimal
    basis: Decimal | None
    guessed: Decimal


class Step(NamedTuple):
    """A pool after an event: position, cost, and all sums, integrals up to the event's time.

    `opened` is when the lot that is relieved next was acquired: for wac, the mean of all that is held.
    """

    time: int
    quantity: Decimal
    cost: Decimal
    guessed: Decimal
    unpriced: bool
    active: bool
    totals: tuple[Decimal, ...]
    opened: Decimal | None = None

    @property
    def sums(self) -> dict[str, Decimal]:
        """Return the sums by name."""
        return dict(zip(SUMS, self.totals, strict=True))


class Marks:
    """The value of one unit at every instant at which it changed, with the integral up to there."""

    def __init__(self, marks: list[tuple[int, Decimal]]) -> None:
        """Add up marks given in order of time."""
        self.times = [time for time, _ in marks]
        self.values = [mark for _, mark in marks]
        self.areas = [ZERO]
        for place in range(1, len(marks)):
            span = self.times[place] - self.times[place - 1]
            self.areas.append(self.areas[-1] + self.values[place - 1] * span)

    def at(self, instant: int) -> Decimal | None:
        """Return the last mark at or before an instant."""
        place = bisect_right(self.times, instant)
        return self.values[place - 1] if place else None

    def between(self, start: int, end: int) -> tuple[Decimal, int]:
        """Return the integral of the mark over a span, and how long there was none."""
        if not self.times:
            return ZERO, end - start
        return self._area(end) - self._area(start), max(0, min(end, self.times[0]) - start)

    def _area(self, instant: int) -> Decimal:
        place = bisect_right(self.times, instant) - 1
        return ZERO if place < 0 else self.areas[place] + self.values[place] * (instant - self.times[place])


@dataclass
class ExactPool:
    """One pool of lots and everything that happened to it.

    `begun` events and `numbered` lots came before the first one computed, while nothing of them is held any more.
    """

    key: Key
    method: str
    marks: Marks
    dust: Decimal
    begun: int = 0
    numbered: int = 0
    lots: list[ExactLot] = field(default_factory=list)
    reliefs: list[ExactRelief] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    open: list[ExactLot] = field(default_factory=list)
    quantity: Decimal = ZERO
    cost: Decimal = ZERO
    guessed: Decimal = ZERO
    unpriced: int = 0
    sums: dict[str, Decimal] = field(default_factory=lambda: dict.fromkeys(SUMS, ZERO))

    def at(self, instant: int) -> dict[str, Decimal]:
        """Return every sum over all events before `instant`, integrals up to it."""
        place = bisect_left(self.steps, instant, key=lambda step: step.time)
        if not place:
            return dict.fromkeys(SUMS, ZERO)
        sums = self.steps[place - 1].sums
        self._run(sums, self.steps[place - 1], instant)
        return sums

    def elapse(self, instant: int) -> None:
        """Let the sums run on from the last event to an instant."""
        if self.steps and self.steps[-1].time < instant:
            self._run(self.sums, self.steps[-1], instant)

    def _run(self, sums: dict[str, Decimal], step: Step, instant: int) -> None:
        """Run a step's integrals on to an instant."""
        span, units = instant - step.time, abs(step.quantity)
        if units == 0 or span == 0:
            return
        inverse, unpriced = self.key[2] == "inverse", span if step.unpriced else 0
        grown, unmarked = self.marks.between(step.time, instant)
        sums["cost_time"] += step.cost * span
        sums["estimated_time"] += step.guessed * span
        sums["units_time"] += units * span
        sums["active_time"] += span if step.active else 0
        sums["unpriced_time"] += unpriced
        sums["market_time"] += step.cost * span if inverse else units * grown
        sums["unmarked_time"] += unpriced if inverse else unmarked

    def settle(self, time: int, mark: Decimal | None) -> None:
        """Write the step after an event; `mark` is what the event itself says a unit is worth."""
        if mark is None:
            mark = self.marks.at(time)
        known = self.cost > self.dust or self.unpriced > 0
        active = self.quantity != 0 and (known if mark is None else abs(self.quantity) * mark > self.dust)
        state = (time, self.quantity, self.cost, self.guessed, self.unpriced > 0, active)
        opened = self.choose().opened if self.open else None
        self.steps.append(Step(*state, tuple(self.sums.values()), opened))

    def choose(self) -> ExactLot:
        """Return the lot that the method relieves next."""
        return self.open[-1 if self.method == "lifo" else 0]

    def _rank(self, lot: ExactLot) -> tuple[object, ...]:
        """Return what open lots are in order by: age, for hifo and lofo unit cost before it, unknown last."""
        age = (lot.opened, lot.born, lot.number)
        if self.method not in ("hifo", "lofo"):
            return age
        unit = lot.unit
        return (unit is None, (-1 if self.method == "hifo" else 1) * (unit or ZERO), *age)

    def enter(self, lot: ExactLot) -> None:
        """Bring a lot in; under wac it joins the one that is open."""
        self.quantity += -lot.left if lot.short else lot.left
        if self.method == "wac" and self.open:
            self._join(self.open[0], lot)
        else:
            self.cost += lot.rest
            self.guessed += lot.guessed_rest
            self.unpriced += lot.basis is None
            lot.number = self.numbered + len(self.lots)
            self.lots.append(lot)
            lot.rank = self._rank(lot)
            insort(self.open, lot, key=lambda one: one.rank)

    def _join(self, into: ExactLot, lot: ExactLot) -> None:
        unknown = into.basis is None or lot.basis is None
        total = into.rest + lot.rest
        if total and not unknown:
            into.opened = (into.opened * into.rest + lot.opened * lot.rest) / total
        if into.price and lot.price and not unknown:
            # an inverse contract earns by 1 / entry, so that is what averages
            into.price = total / (into.rest / into.price + lot.rest / lot.price)
        else:
            into.price = None
        into.came_basis = None if unknown else (into.came_basis or ZERO) + lot.rest
        into.came += lot.left
        into.quantity = into.left = into.left + lot.left
        into.basis = None if unknown else total
        into.guessed = into.guessed_rest = ZERO if unknown else into.guessed_rest + lot.guessed_rest
        into.rest = ZERO if unknown else total
        self.cost, self.guessed, self.unpriced = into.rest, into.guessed_rest, int(unknown)

    def take(self, lot: ExactLot, units: Decimal, leg: Leg) -> Taken:
        """Take units off a lot; the last ones take the exact rest."""
        last = units == lot.left
        basis, guessed = lot.rest, lot.guessed_rest
        if not last:
            basis, guessed = (lot.basis or ZERO) * units / lot.quantity, lot.guessed * units / lot.quantity
        lot.left -= units
        lot.rest -= basis
        lot.guessed_rest -= guessed
        self.quantity += units if lot.short else -units
        self.cost -= basis
        self.guessed -= guessed
        if last:
            lot.closed = leg.time
            self.open.pop(-1 if self.method == "lifo" else 0)
            self.unpriced -= lot.basis is None
        if not self.open:
            # what divisions rounded off does not outlive the last lot
            self.cost = self.guessed = ZERO
        told = None if lot.basis is None else basis
        ordinal = self.begun + len(self.steps)
        self.reliefs.append(ExactRelief(leg.time, ordinal, lot.number, units, told, leg.time - lot.opened, leg.kind))
        return Taken(units, told, guessed if told is not None else ZERO)
