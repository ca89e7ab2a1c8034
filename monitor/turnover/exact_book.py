"""The whole engine again, in exact decimals and plain Python: what checks the fast path and explains single numbers.

It shares no code with the kernel. Lots are objects in a list; sums carry sixty digits and quantities all they have;
every instant can be asked for its sums. Some ten thousand events a second.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from decimal import Decimal, localcontext
from typing import TYPE_CHECKING, NamedTuple

from monitor.exact import CONTEXT
from monitor.turnover.exact_chains import in_chains
from monitor.turnover.exact_legs import Ledger
from monitor.turnover.exact_pool import ZERO, ExactLot, ExactPool, Key, Marks
from monitor.turnover.exact_prices import Prices

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from monitor.records import Valuation
    from monitor.turnover.exact_legs import Leg
    from monitor.turnover.exact_pool import Taken
    from monitor.turnover.exact_prices import Row

    Progress = Callable[[int, int], None]

BUCKETS = (("held_5s", 5_000), ("held_1m", 60_000), ("held_1h", 3_600_000), ("held_1d", 86_400_000))
MOVING = frozenset({"send", "arrive", "remake"})
# A conversion spreads what was received over lots to this many decimals; the last lot takes the rest.
CRUMB = Decimal(1).scaleb(-30)
STRIDE = 500


class Shortage(NamedTuple):
    """What a pool gave up beyond what the ledger brought in; clipped when it is worth no more than dust."""

    key: Key
    quantity: Decimal
    mark: Decimal | None
    clipped: bool


class Asked(NamedTuple):
    """What of a book is asked for: pools of these assets in one book, the account's own, in windows from `since` on."""

    assets: Collection[str]
    book: str
    account: str | None = None
    since: int = 0


class ExactBook:
    """All pools of one scope, computed event by event.

    Rows are those of schema.FILLS, MOVEMENTS and PRICES, as mappings with amounts as text, in any order. With `asked`
    only what it needs is computed: where nothing was held before its instant, nothing from before that is.
    """

    def __init__(  # noqa: PLR0913  the three tables of the ledger, and what to make of them
        self,
        fills: Iterable[Row],
        movements: Iterable[Row],
        prices: Iterable[Row],
        valuation: Valuation,
        scope: str = "portfolio",
        *,
        asked: Asked | None = None,
        progress: Progress | None = None,
    ) -> None:
        """Compute every pool; `progress` is told how many events of how many are done."""
        self.valuation, self.scope = valuation, scope
        self.pools: dict[Key, ExactPool] = {}
        self.transit: dict[int | None, list[ExactLot]] = {}
        self.born = 0
        with localcontext(CONTEXT):
            self.prices = Prices(prices, valuation)
            self.ledger = Ledger(valuation, self.prices)
            self.legs = self._legs(fills, movements, asked)
            self.shortages, self.first = self._shortages(asked.since if asked else 0)
            for place, leg in enumerate(self.legs[self.first :]):
                if progress is not None and place % STRIDE == 0:
                    progress(place, len(self.legs) - self.first)
                self._apply(self._pool(leg), self.ledger.value(leg))

    def _legs(self, fills: Iterable[Row], movements: Iterable[Row], asked: Asked | None) -> list[Leg]:
        """Return the legs of the scope that matter, in order."""
        legs = [leg for row in fills for leg in self.ledger.fill_legs(row)]
        legs += in_chains([leg for row in movements for leg in self.ledger.movement_legs(row)])
        legs = [leg for leg in legs if leg.quantity and (self.scope == "account" or not leg.local)]
        if asked is not None:
            legs = [leg for leg in legs if leg.book == asked.book and leg.asset in asked.assets]
            if asked.account and not any(leg.does in MOVING for leg in legs):
                legs = [leg for leg in legs if leg.account == asked.account]
        return sorted(legs, key=lambda leg: leg.place)

    def _key(self, leg: Leg) -> Key:
        return (leg.account if self.scope == "account" else "", leg.asset, leg.book)

    def _shortages(self, since: int) -> tuple[dict[Key, Shortage], int]:
        """Return what each pool of the spot book lacks, at the mark of its first event, and where to begin.

        That is at the last event before `since` after which nothing is held, or at the very first.
        """
        low: dict[Key, Decimal] = {}
        position: dict[Key, Decimal] = defaultdict(Decimal)
        first: dict[Key, Leg] = {}
        for leg in self.legs:
            key = self._key(leg)
            first.setdefault(key, leg)
            position[key] += leg.quantity
            if position[key] < low.get(key, ZERO):
                low[key] = position[key]
        found = {}
        for key, least in low.items():
            if key[2] == "spot":
                mark = self._first_mark(first[key])
                clipped = mark is not None and -least * mark <= self.valuation.dust_value
                found[key] = Shortage(key, -least, mark, clipped)
        return found, self._beginning(found, since)

    def _first_mark(self, leg: Leg) -> Decimal | None:
        if leg.worth is not None and self.ledger.value(leg).mark is not None:
            return leg.mark
        found = self.prices.unit(leg.asset, leg.time, leg.exchange)
        return None if found is None else found.unit

    def _beginning(self, shortages: dict[Key, Shortage], since: int) -> int:
        """Return the place of the first leg that has to be computed, and number what comes before it.

        Lots on their way carry their past along, and what was cut off as dust is not in the legs: then it is 0.
        """
        if not since or any(leg.does in MOVING for leg in self.legs) or any(s.clipped for s in shortages.values()):
            return 0
        held: dict[Key, Decimal] = {key: short.quantity for key, short in shortages.items()}
        counts: dict[Key, list[int]] = {key: [1, 1] for key in held}
        open_pools, best, told = len(held), 0, dict[Key, tuple[int, int]]()
        for place, leg in enumerate(self.legs):
            if leg.time >= since:
                break
            if not open_pools and (place == 0 or self.legs[place - 1].time < leg.time):
                best, told = place, {key: (events, lots) for key, (events, lots) in counts.items()}
            key = self._key(leg)
            before = held.get(key, ZERO)
            after = held[key] = before + leg.quantity
            count = counts.setdefault(key, [0, 0])
            count[0] += 1
            opens = before * leg.quantity >= 0 or after * before < 0
            count[1] += opens and (self.valuation.method != "wac" or before * after <= 0)
            open_pools += (after != 0) - (before != 0)
        for key, (events, lots) in told.items():
            self.pools[key] = self._new(key, events, lots)
        return best

    def _new(self, key: Key, begun: int = 0, numbered: int = 0) -> ExactPool:
        asked = ((time, self.prices.unit(key[1], time)) for time in self.prices.changes(key[1]))
        marks = Marks([(time, value.unit) for time, value in asked if value is not None])
        return ExactPool(key, self.valuation.method, marks, Decimal(self.valuation.dust_value), begun, numbered)

    def _pool(self, leg: Leg) -> ExactPool:
        key = self._key(leg)
        if key not in self.pools:
            pool = self.pools[key] = self._new(key)
            short = self.shortages.get(key)
            if short is not None and not short.clipped:
                value = None if short.mark is None else short.mark * short.quantity
                opening = replace(
                    leg, kind="opening", does="gain", quantity=short.quantity, value=value, mark=short.mark,
                    estimated=True, fill=None, movement=None, price=None, valued=True,
                )  # fmt: skip
                self._apply(pool, opening)
        return self.pools[key]

    def _apply(self, pool: ExactPool, leg: Leg) -> None:
        """Take one leg in and write the step after it."""
        pool.elapse(leg.time)
        if leg.does == "send":
            self._send(pool, leg)
        elif leg.does in ("arrive", "remake"):
            self._arrive(pool, leg)
        else:
            self._change(pool, leg)
        pool.settle(leg.time, leg.mark if leg.does == "trade" else None)

    def _change(self, pool: ExactPool, leg: Leg) -> None:
        """Relieve what the leg closes and open a lot of the rest."""
        held, size = pool.quantity, abs(leg.quantity)
        if leg.does == "trade":
            self._count(leg, pool.sums)
        closing = min(size, abs(held)) if held * leg.quantity < 0 else ZERO
        rest = size - closing
        if leg.book == "spot" and leg.quantity < 0:
            size, rest = closing, ZERO
        units = closing
        while units:
            lot = pool.choose()
            some = min(units, lot.left)
            units -= some
            taken = pool.take(lot, some, leg)
            self._relieved(pool, leg, lot, taken)
            if leg.does == "trade" and taken.basis is not None:
                pool.sums["realised_pnl"] += self._earned(leg, lot, taken.basis, some / size)
        if rest:
            self._found(pool, leg, rest, None if leg.value is None else leg.value * rest / size)

    def _count(self, leg: Leg, sums: dict[str, Decimal]) -> None:
        side = "buy" if leg.quantity > 0 else "sell"
        sums["fills"] += 1
        sums["unvalued"] += leg.value is None
        sums[f"{side}_notional"] += leg.gross or ZERO
        if leg.cross:
            sums[f"cross_{side}"] += leg.gross or ZERO

    def _found(self, pool: ExactPool, leg: Leg, units: Decimal, basis: Decimal | None) -> None:
        guessed = basis if leg.estimated and basis is not None else ZERO
        short = leg.quantity < 0
        price = leg.price
        if price is not None and leg.value is not None and leg.gross:
            # the entry of an inverse contract at which its basis, fees included, is as many coins as its face
            price *= leg.value / leg.gross
        lot = ExactLot(0, Decimal(leg.time), leg.time, self.born, units, basis, guessed, leg, price, short)
        pool.enter(lot.fill_up())
        self.born += 1

    def _relieved(self, pool: ExactPool, leg: Leg, lot: ExactLot, part: Taken) -> None:
        """Count what was relieved under the kind of leg that did it."""
        sums = pool.sums
        if leg.does == "trade":
            sums["units_relieved"] += part.units
        if part.basis is None:
            sums["unvalued"] += 1
        elif leg.does != "trade":
            sums["fee_basis" if leg.does == "fee" else "withdrawn_basis"] += part.basis
        else:
            sums["cover_basis" if lot.short else "cogs"] += part.basis
            sums["estimated_relieved"] += part.guessed
            held = leg.time - lot.opened
            sums["held_time"] += part.basis * held
            bucket = next((name for name, limit in BUCKETS if held < limit), None)
            if bucket is not None:
                sums[bucket] += part.basis

    def _earned(self, leg: Leg, lot: ExactLot, basis: Decimal, share: Decimal) -> Decimal:
        """Return what a relief by a `share` of a trade earned, 0 where that is unknown.

        Of an inverse contract that is by both prices, less the fee: what the value differs from the face.
        """
        side = -1 if lot.short else 1
        if leg.value is None:
            return ZERO
        if leg.book != "inverse":
            return side * (leg.value * share - basis)
        if leg.price is None or leg.gross is None or not lot.price:
            return ZERO
        return side * (basis * (leg.price / lot.price - 1) + (leg.value - leg.gross) * share)

    def _send(self, pool: ExactPool, leg: Leg) -> None:
        """Take lots out, in the method's order, and keep them under way."""
        units = min(-leg.quantity, pool.quantity)
        way = self.transit.setdefault(leg.movement, [])
        while units > 0:
            lot = pool.choose()
            some = min(units, lot.left)
            units -= some
            _, basis, guessed = pool.take(lot, some, leg)
            way.append(replace(lot, quantity=some, basis=basis, guessed=guessed, closed=None))

    def _arrive(self, pool: ExactPool, leg: Leg) -> None:
        """Bring lots in with their basis and age, in a conversion with as many units as were received."""
        way = sorted(self.transit.pop(leg.movement, []), key=lambda lot: (lot.opened, lot.born))
        sent, rest = sum((lot.quantity for lot in way), ZERO), leg.quantity
        for place, lot in enumerate(way):
            if leg.does == "remake":
                last = place == len(way) - 1
                lot.quantity = rest if last else (lot.quantity * leg.quantity / sent).quantize(CRUMB)
                rest -= lot.quantity
            lot.entered, lot.leg = leg.time, leg
            pool.enter(lot.fill_up())
