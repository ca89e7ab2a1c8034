"""The whole engine again, in exact fractions and plain Python: what checks the fast path and explains single numbers.

It shares no code with the kernel. Lots are objects in a list, searched anew for each relief; nothing is rounded; every
instant can be asked for its sums. Slow by design: some ten thousand events a second.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from monitor.schema import SUMS
from monitor.turnover.exact_legs import Ledger
from monitor.turnover.exact_pool import ZERO, ExactLot, ExactPool, Key, Step
from monitor.turnover.exact_prices import Prices

if TYPE_CHECKING:
    from collections.abc import Iterable

    from monitor.records import Valuation
    from monitor.turnover.exact_legs import Leg
    from monitor.turnover.exact_prices import Row

BUCKETS = (("held_5s", 5_000), ("held_1m", 60_000), ("held_1h", 3_600_000), ("held_1d", 86_400_000))


class Shortage(NamedTuple):
    """What a pool gave up beyond what the ledger brought in; clipped when it is worth no more than dust."""

    key: Key
    quantity: Fraction
    mark: Fraction | None
    clipped: bool


class ExactBook:
    """All pools of one scope, computed event by event.

    Rows are those of schema.FILLS, MOVEMENTS and PRICES, as mappings with amounts as text, in any order.
    """

    def __init__(
        self,
        fills: Iterable[Row],
        movements: Iterable[Row],
        prices: Iterable[Row],
        valuation: Valuation,
        scope: str = "portfolio",
    ) -> None:
        """Compute every pool."""
        self.valuation, self.scope = valuation, scope
        self.prices = Prices(prices, valuation)
        ledger = Ledger(valuation, self.prices)
        legs = [leg for row in fills for leg in ledger.fill_legs(row)]
        legs += [leg for row in movements for leg in ledger.movement_legs(row)]
        self.legs = sorted(
            (leg for leg in legs if leg.quantity and (scope == "account" or not leg.local)), key=lambda leg: leg.place
        )
        self.pools: dict[Key, ExactPool] = {}
        self.transit: dict[int | None, list[tuple[ExactLot, Fraction]]] = {}
        self.shortages = self._shortages()
        self.born = 0
        for leg in self.legs:
            self._step(leg)

    def _key(self, leg: Leg) -> Key:
        return (leg.account if self.scope == "account" else "", leg.asset, leg.book)

    def _shortages(self) -> dict[Key, Shortage]:
        """Return what each pool of the spot book lacks, at the mark of its first event."""
        low: dict[Key, Fraction] = {}
        position: dict[Key, Fraction] = {}
        first: dict[Key, Leg] = {}
        for leg in self.legs:
            key = self._key(leg)
            first.setdefault(key, leg)
            position[key] = position.get(key, ZERO) + leg.quantity
            low[key] = min(low.get(key, ZERO), position[key])
        found = {}
        for key, least in low.items():
            if least < 0 and key[2] == "spot":
                mark = self._first_mark(first[key])
                clipped = mark is not None and -least * mark <= Fraction(self.valuation.dust_value)
                found[key] = Shortage(key, -least, mark, clipped)
        return found

    def _first_mark(self, leg: Leg) -> Fraction | None:
        if leg.does == "trade" and leg.mark is not None:
            return leg.mark
        found = self.prices.unit(leg.asset, leg.time, leg.exchange)
        return None if found is None else found.unit

    def _pool(self, leg: Leg) -> ExactPool:
        key = self._key(leg)
        if key not in self.pools:
            asked = ((time, self.prices.unit(leg.asset, time)) for time in self.prices.changes(leg.asset))
            marks = [(time, value.unit) for time, value in asked if value is not None]
            pool = ExactPool(key, self.valuation.method, marks, Fraction(self.valuation.dust_value))
            self.pools[key] = pool
            short = self.shortages.get(key)
            if short is not None and not short.clipped:
                value = None if short.mark is None else short.mark * short.quantity
                opening = replace(
                    leg, kind="opening", does="gain", quantity=short.quantity, value=value, mark=short.mark,
                    estimated=True, fill=None, movement=None,
                )  # fmt: skip
                self._apply(pool, opening)
        return self.pools[key]

    def _step(self, leg: Leg) -> None:
        self._apply(self._pool(leg), leg)

    def _apply(self, pool: ExactPool, leg: Leg) -> None:
        """Take one leg in and write the step after it."""
        sums = pool.at(leg.time) if pool.steps and pool.steps[-1].time < leg.time else self._last(pool)
        if leg.does == "send":
            self._send(pool, leg)
        elif leg.does in ("arrive", "remake"):
            self._arrive(pool, leg)
        else:
            self._change(pool, leg, sums)
        lots, quantity = pool.open, pool.quantity
        cost = sum((lot.worth for lot in lots), ZERO)
        guessed = sum((lot.guessed * lot.left / lot.quantity for lot in lots if lot.basis is not None), ZERO)
        unpriced = any(lot.basis is None for lot in lots)
        mark = leg.mark if leg.does == "trade" and leg.mark is not None else pool.mark(leg.time)
        active = quantity != 0 and (
            abs(quantity) * mark > pool.dust if mark is not None else unpriced or cost > pool.dust
        )
        pool.steps.append(Step(leg.time, quantity, cost, guessed, unpriced, active, sums))

    def _last(self, pool: ExactPool) -> dict[str, Fraction]:
        return dict(pool.steps[-1].sums) if pool.steps else dict.fromkeys(SUMS, ZERO)

    def _change(self, pool: ExactPool, leg: Leg, sums: dict[str, Fraction]) -> None:
        """Relieve what the leg closes and open a lot of the rest."""
        held, size = pool.quantity, abs(leg.quantity)
        if leg.does == "trade":
            self._count(leg, sums)
        closing = min(size, abs(held)) if held * leg.quantity < 0 else ZERO
        rest = size - closing
        if leg.book == "spot" and leg.quantity < 0:
            size, rest = closing, ZERO
        units = closing
        while units:
            lot = pool.choose()
            some = min(units, lot.left)
            units -= some
            basis, guessed = pool.take(lot, some, leg)
            proceeds = None if leg.value is None else leg.value * some / size
            self._relieved(pool, leg, lot, Relieved(some, basis, guessed, proceeds), sums)
        if rest:
            self._found(pool, leg, rest, None if leg.value is None else leg.value * rest / size)

    def _count(self, leg: Leg, sums: dict[str, Fraction]) -> None:
        side = "buy" if leg.quantity > 0 else "sell"
        sums["fills"] += 1
        sums["unvalued"] += leg.value is None
        sums[f"{side}_notional"] += leg.gross or ZERO
        if leg.cross:
            sums[f"cross_{side}"] += leg.gross or ZERO

    def _found(self, pool: ExactPool, leg: Leg, units: Fraction, basis: Fraction | None) -> None:
        guessed = basis if leg.estimated and basis is not None else ZERO
        pool.enter(
            ExactLot(
                number=0, opened=Fraction(leg.time), entered=leg.time, born=self.born, quantity=units, basis=basis,
                guessed=guessed, leg=leg, price=leg.price, came=units, came_basis=basis, left=units,
                short=leg.quantity < 0,
            )
        )  # fmt: skip
        self.born += 1

    def _relieved(self, pool: ExactPool, leg: Leg, lot: ExactLot, part: Relieved, sums: dict[str, Fraction]) -> None:
        """Count what was relieved under the kind of leg that did it."""
        if leg.does == "trade":
            sums["units_relieved"] += part.units
        if part.basis is None:
            sums["unvalued"] += 1
            return
        if leg.does != "trade":
            sums["fee_basis" if leg.does == "fee" else "withdrawn_basis"] += part.basis
            return
        sums["cover_basis" if lot.short else "cogs"] += part.basis
        sums["estimated_relieved"] += part.guessed
        held = leg.time - lot.opened
        sums["held_time"] += part.basis * held
        for name, limit in BUCKETS:
            if held < limit:
                sums[name] += part.basis
                break
        side = -1 if lot.short else 1
        if pool.key[2] == "inverse":
            if leg.price is not None and lot.price is not None:
                sums["realised_pnl"] += side * part.basis * (leg.price / lot.price - 1)
        elif part.proceeds is not None:
            sums["realised_pnl"] += side * (part.proceeds - part.basis)

    def _send(self, pool: ExactPool, leg: Leg) -> None:
        """Take lots out, in the method's order, and keep them under way."""
        units = min(-leg.quantity, pool.quantity)
        way = self.transit.setdefault(leg.movement, [])
        while units > 0:
            lot = pool.choose()
            some = min(units, lot.left)
            units -= some
            basis, guessed = pool.take(lot, some, leg)
            way.append((replace(lot, quantity=some, left=some, basis=basis, guessed=guessed, closed=None), some))

    def _arrive(self, pool: ExactPool, leg: Leg) -> None:
        """Bring lots in with their basis and age, in a conversion with as many units as were received."""
        way = sorted(self.transit.pop(leg.movement, []), key=lambda one: (one[0].opened, one[0].born))
        sent = sum((units for _, units in way), ZERO)
        for lot, units in way:
            came = units * leg.quantity / sent if leg.does == "remake" else units
            lot.entered, lot.leg = leg.time, leg
            lot.quantity, lot.left, lot.came, lot.came_basis = came, came, came, lot.basis
            pool.enter(lot)


class Relieved(NamedTuple):
    """A part of a lot: its units, their basis and its estimated part, and what a trade paid for them."""

    units: Fraction
    basis: Fraction | None
    guessed: Fraction
    proceeds: Fraction | None
