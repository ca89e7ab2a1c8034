"""A second opinion: the turnover of an events file in exact fractions, slowly and by the definitions alone.

Nothing of the monitor is used here. One pass over the events of one scope in order, lots in plain lists, integrals
as sums of rectangles; every rule is written out where it applies.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise

CASH = {"USD", "EUR", "GBP", "USDT", "USDC", "FDUSD", "TUSD", "DAI"}
PEGS = {"USDT", "USDC", "FDUSD", "TUSD", "DAI"}
CURRENCY = "USD"
DUST = Fraction(1, 100)
ZERO = Fraction(0)
SPOTLIKE = ("spot", "margin")

Row = dict[str, str]
Prices = dict[str, list[tuple[int, Fraction]]]
Key = tuple[str, str, str]  # account (empty for the portfolio), asset, book


@dataclass
class Lot:
    """Open units; `estimated` is the part of the basis that is, `coins` an inverse contract's face in base at entry."""

    opened: int
    place: int
    quantity: Fraction
    basis: Fraction
    estimated: Fraction = ZERO
    coins: Fraction = ZERO


@dataclass
class Move:
    """One change of one pool. `units` is signed; `value` what it cost or brought, None to be valued at the mark."""

    key: Key
    time: int
    order: tuple[object, ...]
    units: Fraction
    value: Fraction | None
    kind: str
    notional: Fraction = ZERO
    estimated: bool = False
    price: Fraction | None = None
    to: Key | None = None
    scale: Fraction = Fraction(1)
    crossed: bool = False


@dataclass
class Sums:
    """What a pool did inside the window."""

    cogs: Fraction = ZERO
    cover_basis: Fraction = ZERO
    units_relieved: Fraction = ZERO
    realised_pnl: Fraction = ZERO
    bought: Fraction = ZERO
    sold: Fraction = ZERO
    bought_across: Fraction = ZERO
    sold_across: Fraction = ZERO
    cost_time: Fraction = ZERO
    estimated_time: Fraction = ZERO
    estimated_relieved: Fraction = ZERO
    units_time: Fraction = ZERO
    market_time: Fraction | None = ZERO
    held: Fraction = ZERO
    fee_basis: Fraction = ZERO
    withdrawn_basis: Fraction = ZERO
    peak: Fraction = ZERO
    fills: int = 0


@dataclass
class Pool:
    """The lots of one asset in one book of one scope."""

    lots: list[Lot] = field(default_factory=list)
    sums: Sums = field(default_factory=Sums)
    reached: int = 0
    opening: tuple[Fraction, Fraction] = (ZERO, ZERO)
    began: bool = False

    @property
    def units(self) -> Fraction:
        """Signed position."""
        return sum((lot.quantity for lot in self.lots), ZERO)

    @property
    def cost(self) -> Fraction:
        """Inventory at cost, long and short both positive."""
        return sum((lot.basis for lot in self.lots), ZERO)


class Calculator:
    """The pools of one scope, filled by `run`."""

    def __init__(self, rows: list[Row], prices: Prices, window: tuple[int, int], method: str = "fifo") -> None:
        """Take the file's rows as text, prices as (instant, price) in order, and the window [start, end)."""
        self.rows, self.prices, self.window, self.method = rows, prices, window, method
        self.pools: dict[Key, Pool] = defaultdict(Pool)
        self.places = 0

    # valuation

    def mark(self, asset: str, time: int) -> Fraction | None:
        """Last known price at or before an instant; the currency is 1, a peg stands in where nothing is known."""
        if asset == CURRENCY:
            return Fraction(1)
        known = [price for instant, price in self.prices.get(asset, []) if instant <= time]
        if known:
            return known[-1]
        return Fraction(1) if asset in PEGS else None

    def worth(self, asset: str, time: int) -> Fraction | None:
        """Value of one unit of a fill's quote."""
        return Fraction(1) if asset == CURRENCY or asset in PEGS else self.mark(asset, time)

    def own_price(self, base: str, quote: str, price: Fraction, time: int) -> Fraction | None:
        """A fill's own price of its base where its quote is money, else the base's mark, else by the quote's mark."""
        unit, known = self.worth(quote, time), self.mark(base, time)
        if quote != CURRENCY and quote not in PEGS and known is not None:
            return known
        return None if unit is None else price * unit

    # rows to moves

    def run(self, *, by_account: bool) -> None:
        """Work through all rows."""
        moves: list[Move] = []
        for number, row in enumerate(self.rows):
            moves += self.moves(row, number, by_account=by_account)
        moves.sort(key=lambda move: (move.time, *move.order))
        moves = self.openings(moves) + moves
        for move in moves:
            if move.time < self.window[1]:
                self.apply(move)
        for key in self.pools:
            self.advance(key, self.window[1])

    def order(self, row: Row, number: int, units: Fraction, book: str) -> tuple[object, ...]:
        """Acquisitions first where there is no short; then the id as a number, without one last."""
        first = 0 if units > 0 or book != "spot" else 1
        sequence = int(row["id"]) if row["id"].isdigit() else None
        return (first, sequence is None, sequence or 0, number)

    def moves(self, row: Row, number: int, *, by_account: bool) -> list[Move]:
        """Legs of one row."""
        account = row["account"] if by_account else ""
        time = int(row["time"])
        if row["kind"] in {"trade", "liquidation"}:
            return self.fill(row, number, account, time)
        return self.movement(row, number, account, time, by_account=by_account)

    def fill(self, row: Row, number: int, account: str, time: int) -> list[Move]:
        """A fill's legs: base, quote where it is no cash, one per fee that is no part of these."""
        pair, _, settle = row["symbol"].partition(":")
        base, quote = pair.split("/")
        book = row["book"] or ("spot" if not settle else "inverse" if settle == base else "linear")
        fees: dict[str, Fraction] = defaultdict(Fraction)
        for text, asset in zip(filter(None, row["fee"].split(";")), row["fee_asset"].split(";"), strict=False):
            fees[asset] += Fraction(text)
        sign = 1 if row["side"] == "buy" else -1
        amount, price = Fraction(row["amount"]), Fraction(row["price"])
        size = Fraction(row["contract_size"] or "1")
        legs: list[Move] = []

        def leg(asset: str, where: str, units: Fraction, value: Fraction | None, kind: str, **more: object) -> None:
            order = self.order(row, number, units, where)
            legs.append(Move((account, asset, where), time, order, units, value, kind, **more))  # type: ignore[arg-type]

        if book == "inverse":
            face = amount * size
            assert self.worth(quote, time) == 1
            net = face + sign * fees.pop(quote, ZERO)
            leg(base, book, sign * face, net, "trade", notional=face, price=price)
            rest = fees
        elif book == "linear":
            units = amount * size
            unit = self.worth(quote, time)
            assert unit is not None
            paid = fees.pop(quote, ZERO) + (fees.pop(settle, ZERO) if settle != quote else ZERO)
            value = (units * price + sign * paid) * unit
            leg(base, book, sign * units, value, "trade", notional=units * price * unit, price=price * unit)
            rest = fees
        else:
            cost = amount * price
            unit = self.worth(quote, time)
            paid = fees.pop(quote, ZERO)
            net = cost + sign * paid
            known = self.mark(base, time)
            if unit is None:
                assert known is not None
            value = net * unit if unit is not None else amount * (known or ZERO)
            gross = cost * unit if unit is not None else value
            in_base = fees.pop(base, ZERO) if fees.get(base, ZERO) > 0 else ZERO
            moved = amount - sign * in_base
            leg(base, book, sign * moved, value, "trade", notional=gross, price=gross / amount)
            if quote not in CASH:
                leg(quote, book, -sign * net, value, "trade", notional=gross, price=gross / cost, crossed=True)
            rest = fees
        for asset, paid in rest.items():
            if asset not in CASH and paid:
                where, told = "spot", None
                if asset == base and book in SPOTLIKE:
                    where, told = book, self.own_price(base, quote, price, time)
                brought = None if told is None else -paid * told
                leg(asset, where, -paid, brought, "fee" if paid > 0 else "rebate", price=told)
        return legs

    def movement(  # noqa: C901  # one branch a kind, to be read beside the list of kinds
        self, row: Row, number: int, account: str, time: int, *, by_account: bool
    ) -> list[Move]:
        """What is no fill: lots come at their value or mark, go without cogs, or move."""
        kind, amount = row["kind"], Fraction(row["amount"])
        asset = row["asset"] or row["symbol"].split("/")[0]
        value = Fraction(row["value"]) if row["value"] else None
        legs: list[Move] = []

        def leg(what: str, units: Fraction, name: str, worth: Fraction | None = None, **more: object) -> None:
            order = self.order(row, number, units, "spot")
            legs.append(Move((account, what, "spot"), time, order, units, worth, name, **more))  # type: ignore[arg-type]

        for text, paid_in in zip(filter(None, row["fee"].split(";")), row["fee_asset"].split(";"), strict=False):
            if paid_in not in CASH and Fraction(text):
                leg(paid_in, -Fraction(text), "fee")
        if asset in CASH:
            return legs
        if kind in {"opening", "deposit", "income", "rebate"}:
            leg(asset, amount, kind, value, estimated=kind == "opening" and value is None)
        elif kind in {"withdrawal", "fee", "write_off"}:
            leg(asset, -amount, kind)
        elif kind in {"funding", "settlement", "adjust"}:
            leg(asset, amount, kind, value, estimated=kind == "adjust")
        elif kind == "convert":
            new = row["symbol"].split("/")[1]
            scale = Fraction(row["received"]) / amount
            leg(asset, -amount, kind, to=(account, new, "spot"), scale=scale)
        elif kind == "transfer":
            received = Fraction(row["received"] or row["amount"])
            if amount != received:
                leg(asset, received - amount, "fee")
            if by_account and received:
                leg(asset, -received, kind, to=(row["to_account"], asset, "spot"))
        return [one for one in legs if one.units]

    # openings

    def openings(self, moves: list[Move]) -> list[Move]:
        """What a spot pool must have held before its first event, so that it never falls below zero."""
        running: dict[Key, Fraction] = defaultdict(Fraction)
        lowest: dict[Key, Fraction] = defaultdict(Fraction)
        firsts: dict[Key, Move] = {}

        def change(key: Key, units: Fraction, move: Move) -> None:
            firsts.setdefault(key, move)
            running[key] += units
            lowest[key] = min(lowest[key], running[key])

        for move in moves:
            if move.key[2] != "spot":
                continue
            change(move.key, move.units, move)
            if move.to:
                change(move.to, -move.units * move.scale, move)
        found = []
        for key, low in lowest.items():
            if low >= 0:
                continue
            first = firsts[key]
            own = first.price is not None and first.key == key
            unit = first.price if own else self.mark(key[1], first.time)
            assert unit is not None
            if -low * unit > DUST:
                found.append(Move(key, first.time, (-1,), -low, -low * unit, "opening", estimated=True))
        return found

    # lots

    def advance(self, key: Key, time: int) -> None:
        """Add the rectangles up to an instant."""
        pool, (start, end) = self.pools[key], self.window
        begin, stop = max(pool.reached, start), min(time, end)
        if not pool.began and time >= start:
            pool.began, pool.opening = True, (pool.units, pool.cost)
            pool.sums.peak = pool.cost
        pool.reached = time
        if stop <= begin:
            return
        span = stop - begin
        pool.sums.cost_time += pool.cost * span
        pool.sums.estimated_time += sum((lot.estimated for lot in pool.lots), ZERO) * span
        pool.sums.units_time += abs(pool.units) * span
        if pool.units and pool.sums.market_time is not None:
            if key[2] == "inverse":
                # Its units are money: what they cost, fees included, is what they are worth.
                pool.sums.market_time += pool.cost * span
                return
            asset = key[1]
            cuts = [begin, *(at for at, _ in self.prices.get(asset, []) if begin < at < stop), stop]
            for one, other in pairwise(cuts):
                mark = self.mark(asset, one)
                if mark is None:
                    pool.sums.market_time = None
                    return
                pool.sums.market_time += abs(pool.units) * mark * (other - one)

    def inside(self, time: int) -> bool:
        """Whether an event counts in the window."""
        return self.window[0] <= time < self.window[1]

    def apply(self, move: Move) -> None:
        """Change the pool."""
        self.advance(move.key, move.time)
        if move.to:
            self.advance(move.to, move.time)
        pool, sums = self.pools[move.key], self.pools[move.key].sums
        if move.kind == "trade" and self.inside(move.time):
            sums.fills += 1
            if move.units > 0:
                sums.bought += move.notional
                sums.bought_across += move.notional * move.crossed
            else:
                sums.sold += move.notional
                sums.sold_across += move.notional * move.crossed
        position = pool.units
        closing = min(abs(move.units), abs(position)) if position * move.units < 0 else ZERO
        value = move.value
        if value is None:
            unit = self.mark(move.key[1], move.time)
            value = abs(move.units) * unit if unit is not None else ZERO
        if closing:
            self.relieve(move, closing, value * closing / abs(move.units))
        rest = abs(move.units) - closing
        if rest and (move.units > 0 or move.key[2] != "spot"):
            sign = 1 if move.units > 0 else -1
            share = value * rest / abs(move.units)
            coins = rest / move.price if move.key[2] == "inverse" and move.price else ZERO
            self.add(move.key, Lot(move.time, 0, sign * rest, share, share * move.estimated, coins))
        if self.inside(move.time):
            sums.peak = max(sums.peak, pool.cost)
            if move.to:
                self.pools[move.to].sums.peak = max(self.pools[move.to].sums.peak, self.pools[move.to].cost)

    def add(self, key: Key, lot: Lot) -> None:
        """Open a lot; the weighted average keeps one."""
        lots = self.pools[key].lots
        self.places += 1
        lot.place = lot.place or self.places
        if self.method == "wac" and lots:
            lots[0].quantity += lot.quantity
            lots[0].basis += lot.basis
            lots[0].coins += lot.coins
            lots[0].estimated += lot.estimated
            return
        lots.append(lot)

    def next_lot(self, lots: list[Lot]) -> Lot:
        """The lot the method names."""
        unit = {"hifo": -1, "lofo": 1}.get(self.method)
        if unit:
            return min(lots, key=lambda lot: (unit * lot.basis / abs(lot.quantity), lot.opened, lot.place))
        if self.method == "lifo":
            return max(lots, key=lambda lot: (lot.opened, lot.place))
        return min(lots, key=lambda lot: (lot.opened, lot.place))

    def relieve(self, move: Move, units: Fraction, value: Fraction) -> None:
        """Take units out of the lots and book what that means."""
        pool = self.pools[move.key]
        left = units
        while left:
            lot = self.next_lot(pool.lots)
            part = min(left, abs(lot.quantity)) / abs(lot.quantity)
            taken = Lot(
                lot.opened, lot.place, lot.quantity * part, lot.basis * part, lot.estimated * part, lot.coins * part
            )
            lot.quantity -= taken.quantity
            lot.basis -= taken.basis
            lot.coins -= taken.coins
            lot.estimated -= taken.estimated
            if not lot.quantity:
                pool.lots.remove(lot)
            left -= abs(taken.quantity)
            if move.to:
                taken.quantity *= move.scale
                self.add(move.to, taken)
            elif self.inside(move.time):
                self.book(move, taken, value * abs(taken.quantity) / units)

    def book(self, move: Move, taken: Lot, value: Fraction) -> None:
        """Add what a trade relieved: cogs of a long lot, the entry value of a short one."""
        sums = self.pools[move.key].sums
        if move.kind == "fee":
            sums.fee_basis += taken.basis
        if move.kind in {"withdrawal", "funding", "settlement", "adjust", "write_off"}:
            sums.withdrawn_basis += taken.basis
        if move.kind != "trade":
            return
        long = taken.quantity > 0
        if long:
            sums.cogs += taken.basis
        else:
            sums.cover_basis += taken.basis
        sums.units_relieved += abs(taken.quantity)
        sums.held += taken.basis * (move.time - taken.opened)
        sums.estimated_relieved += taken.estimated
        if move.key[2] == "inverse":
            assert move.price is not None
            # its coins at the exit price, less what they cost, less the fee of the exit
            charged = value - abs(taken.quantity)
            gain = taken.coins * move.price - taken.basis + charged
            sums.realised_pnl += gain if long else -gain
        else:
            sums.realised_pnl += value - taken.basis if long else taken.basis - value

    # answers

    def answer(self, key: Key) -> dict[str, Fraction | None]:
        """The numbers of one pool."""
        pool = self.pools[key]
        found = self.ratios([pool])
        found["opening_quantity"], found["opening_basis"] = pool.opening
        found["closing_quantity"], found["closing_basis"] = pool.units, pool.cost
        return found

    def portfolio(self, books: tuple[str, ...]) -> dict[str, Fraction | None]:
        """The numbers of all pools of some books."""
        return self.ratios([pool for key, pool in self.pools.items() if key[2] in books], once=True)

    def ratios(self, pools: list[Pool], *, once: bool = False) -> dict[str, Fraction | None]:
        """Sums first, then one division each; `once`: a cross's notional counts on its base's side only."""
        sums = [pool.sums for pool in pools]
        span = self.window[1] - self.window[0]
        relieved = sum((s.cogs + s.cover_basis for s in sums), ZERO)
        average = sum((s.cost_time for s in sums), ZERO) / span
        units = sum((s.units_time for s in sums), ZERO) / span
        markets = [s.market_time for s in sums]
        known = [market for market in markets if market is not None]
        market = sum(known, ZERO) / span if len(known) == len(markets) else None
        bought = sum((s.bought - s.bought_across * once for s in sums), ZERO)
        sold = sum((s.sold - s.sold_across * once for s in sums), ZERO)
        days = Fraction(span, 86_400_000)
        return {
            "cogs": sum((s.cogs for s in sums), ZERO),
            "cover_basis": sum((s.cover_basis for s in sums), ZERO),
            "relieved_basis": relieved,
            "average_inventory": average,
            "turnover": relieved / average if average else None,
            "days_inventory": days * average / relieved if relieved else None,
            "unit_turnover": sum((s.units_relieved for s in sums), ZERO) / units if units and not once else None,
            "realised_pnl": sum((s.realised_pnl for s in sums), ZERO),
            "fee_basis": sum((s.fee_basis for s in sums), ZERO),
            "withdrawn_basis": sum((s.withdrawn_basis for s in sums), ZERO),
            "velocity": (bought + sold) / market if market else None,
            "portfolio_turnover_rate": min(bought, sold) / market if market else None,
            "mean_holding_seconds": None
            if self.method == "wac"
            else sum((s.held for s in sums), ZERO) / relieved / 1000
            if relieved
            else None,
            "peak_inventory": None if once else sums[0].peak,
            "estimated_inventory": sum((s.estimated_time for s in sums), ZERO) / span,
            "estimated_relieved": sum((s.estimated_relieved for s in sums), ZERO),
        }
