"""The ledger taken apart into legs, in exact fractions, one row at a time; shares no code with the fast path."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor.records import Valuation
    from monitor.turnover.exact_prices import Prices, Row

# Place of an event among those of one instant, in a book that cannot be short.
COMES_IN, ARRIVES, MOVES, GOES_OUT = range(4)
ZERO = Fraction(0)


@dataclass(frozen=True)
class Leg:
    """What one fill or movement does to one asset of one book of one account.

    `does` is trade, fee, relieve, gain, send, arrive or remake; `value` the basis or the proceeds of all of it, `gross`
    its notional, `mark` the value of one unit by the leg itself; None where it cannot be valued. `local` legs matter
    to scope account only.
    """

    account: str
    exchange: str
    asset: str
    book: str
    time: int
    key: str
    sequence: int | None
    kind: str
    does: str
    quantity: Fraction
    value: Fraction | None = None
    gross: Fraction | None = None
    mark: Fraction | None = None
    price: Fraction | None = None
    source: str | None = None
    known: int | None = None
    estimated: bool = False
    cross: bool = False
    local: bool = False
    fill: int | None = None
    movement: int | None = None
    role: int = 0
    phase: int | None = None
    owner: str | None = None

    @property
    def place(self) -> tuple[object, ...]:
        """Return what events are ordered by."""
        phase = self.phase
        if phase is None:
            phase = GOES_OUT if self.book == "spot" and self.quantity < 0 else COMES_IN
        sequence, movement = self.sequence, self.movement
        return (
            *(self.time, phase, self.exchange, sequence is None, sequence or 0, self.key, self.owner or self.account),
            *(movement is None, movement or 0, self.role),
        )


def number(row: Row, name: str) -> Fraction | None:
    """Return a column as a fraction, None where it is empty."""
    text = row[name]
    return None if text is None else Fraction(str(text))


def _fees(row: Row) -> list[tuple[str, Fraction]]:
    return [(asset, Fraction(amount)) for asset, amount in json.loads(str(row["fees"] or "[]"))]


def _common(row: Row) -> Leg:
    sequence = row["sequence"]
    return Leg(
        account=str(row["account"]), exchange=str(row["exchange"]), asset="", book=str(row["book"]),
        time=int(str(row["time_ms"])), key=str(row["key"]), sequence=None if sequence is None else int(str(sequence)),
        kind=str(row["kind"]), does="trade", quantity=ZERO,
    )  # fmt: skip


class Ledger:
    """What rows of the ledger do to lots, by the assumptions of a valuation and known prices."""

    def __init__(self, valuation: Valuation, prices: Prices) -> None:
        """Keep what every leg is valued by."""
        self.prices = prices
        self.cash = valuation.cash | {valuation.currency}

    def fill_legs(self, row: Row) -> Iterator[Leg]:
        """Yield the legs of a row of schema.FILLS."""
        common = replace(_common(row), fill=int(str(row["id"])))
        coin, sign = row["book"] in ("spot", "margin"), 1 if row["side"] == "buy" else -1
        base, quote, settle = str(row["base"]), str(row["quote"]), row["settle"]
        money = str(settle or quote) if row["book"] == "option" else quote
        amount, price, cost = number(row, "amount") or ZERO, number(row, "price") or ZERO, number(row, "cost")
        size = Fraction(1) if coin else number(row, "contract_size") or Fraction(1)
        in_base, in_money, own = ZERO, ZERO, []
        for place, (asset, fee) in enumerate(_fees(row)):
            charged = asset == money or (not coin and asset == settle and asset in self.cash)
            if coin and asset == base and fee > 0:
                in_base += fee
            elif charged and (coin or (asset in self.cash and row["book"] != "inverse")):
                in_money += fee
            elif asset not in self.cash and fee != 0:
                own.append((place, asset, fee))
        paid = cost if coin and cost is not None else amount * size * price
        net, gross = paid + sign * in_money, amount * size * price
        inverse = bool(row["inverse"])
        valued = self._traded(common, money, (amount * size,) * 2 if inverse else (net, gross))
        if valued.value is None and coin:
            valued = self._traded(common, base, (amount * net / paid if paid else ZERO, amount))
        valued = replace(valued, price=price if inverse else None)
        if not coin or base not in self.cash:
            moved = sign * amount - in_base if coin else sign * amount * size
            asset = str(row["symbol"]) if row["book"] == "option" else base
            yield self._marked(replace(valued, asset=asset, quantity=moved), amount * size)
        if coin and quote not in self.cash:
            other = replace(valued, asset=quote, quantity=-sign * net, cross=base not in self.cash, role=1)
            yield self._marked(other, gross)
        for place, asset, fee in own:
            book = common.book if coin and asset == base else "spot"
            yield self._fee(replace(common, asset=asset, book=book, role=2 + place), fee)

    def _traded(self, leg: Leg, asset: str, amounts: tuple[Fraction, Fraction]) -> Leg:
        """Return a leg worth (net, gross) units of `asset`."""
        if asset in self.prices.money:
            unit, source, known = self.prices.money[asset], "fill", None
        elif (found := self.prices.unit(asset, leg.time, leg.exchange)) is not None:
            unit, source, known = found
        else:
            return leg
        return replace(leg, value=unit * amounts[0], gross=unit * amounts[1], source=source, known=known)

    def _marked(self, leg: Leg, traded: Fraction) -> Leg:
        return leg if leg.gross is None or traded == 0 else replace(leg, mark=leg.gross / traded)

    def _fee(self, leg: Leg, fee: Fraction) -> Leg:
        if fee < 0:
            return self._gain(replace(leg, kind="rebate", quantity=-fee))
        leg = replace(leg, kind="fee", does="fee", quantity=-fee)
        # it relieves lots, but where there are none it opens a short one
        return leg if leg.book == "spot" else self._at_mark(leg)

    def _gain(self, leg: Leg, given: Fraction | None = None) -> Leg:
        leg = replace(leg, does="gain")
        if given is not None:
            return replace(leg, value=abs(given), source="given")
        return self._at_mark(leg)

    def _at_mark(self, leg: Leg) -> Leg:
        found = self.prices.unit(leg.asset, leg.time, leg.exchange)
        if found is None:
            return leg
        value = found.unit * abs(leg.quantity)
        return replace(leg, value=value, mark=found.unit, source=found.source, known=found.known)

    def movement_legs(self, row: Row) -> Iterator[Leg]:
        """Yield the legs of a row of schema.MOVEMENTS."""
        if row["status"] in (None, "ok"):
            legs = [leg for leg in self._moved(row) if leg.quantity != 0]
            yield from (replace(leg, role=role) for role, leg in enumerate(legs))

    def _moved(self, row: Row) -> Iterator[Leg]:
        asset, kind = str(row["asset"]), str(row["kind"])
        common = replace(_common(row), asset=asset, movement=int(str(row["id"])))
        coins = common.book if common.book in ("spot", "margin") else "spot"
        if kind not in ("opening", "adjust", "write_off", "convert"):
            common = replace(common, book=coins)
        amount, fees = number(row, "amount") or ZERO, _fees(row)
        own = sum((fee for paid, fee in fees if paid == asset), ZERO)
        for paid, fee in fees:
            if paid != asset and paid not in self.cash:
                yield self._fee(replace(common, asset=paid, book=coins), fee)
        if kind == "convert":
            yield from self._converted(row, common, amount, own)
        elif asset in self.cash:
            return
        elif (kind == "transfer" or row["matched_account"]) and not row["is_matched_deposit"]:
            yield from self._transferred(row, common, amount, own)
        else:
            yield self._fee(replace(common, book=coins), own)
            if not row["is_matched_deposit"]:
                yield self._changed(common, amount, number(row, "value"))

    def _changed(self, leg: Leg, amount: Fraction, given: Fraction | None) -> Leg:
        if leg.kind == "fee":
            return self._fee(leg, amount)
        if leg.kind in ("withdrawal", "write_off"):
            amount = -abs(amount)
        guessed = leg.kind == "adjust" or (leg.kind == "opening" and given is None)
        if amount > 0 or leg.kind == "opening":
            return self._gain(replace(leg, quantity=amount, estimated=guessed), given)
        return self._lost(replace(leg, quantity=amount), given)

    def _lost(self, leg: Leg, given: Fraction | None = None) -> Leg:
        leg = replace(leg, does="relieve")
        if leg.book == "spot":
            return leg
        return self._at_mark(leg) if given is None else replace(leg, value=abs(given))

    def _transferred(self, row: Row, leg: Leg, amount: Fraction, own: Fraction) -> Iterator[Leg]:
        matched = row["matched_account"]
        told = number(row, "matched_received" if matched else "received")
        sent, received = amount + own, amount if told is None else told
        target = str(matched or row["to_account"] or leg.account)
        arrived = row["arrived_ms"] if matched else None
        end = leg.time if arrived is None else max(leg.time, int(str(arrived)))
        if sent > received:
            yield replace(self._fee(leg, sent - received), phase=MOVES)
        elif sent < received:
            excess = replace(
                leg,
                kind="adjust",
                owner=leg.account,
                account=target,
                time=end,
                quantity=received - sent,
                estimated=True,
            )
            yield self._gain(excess)
        moving = min(sent, received)
        if target == leg.account or moving <= 0:
            return
        here = replace(leg, kind="transfer", quantity=-moving, local=True)
        there = replace(here, owner=here.account, account=target, time=end, quantity=moving)
        if leg.book == "spot":
            yield replace(here, does="send", phase=MOVES)
            yield replace(there, does="arrive", phase=ARRIVES if end > leg.time else MOVES)
        else:
            yield self._lost(here)
            yield self._gain(replace(there, estimated=True))

    def _converted(self, row: Row, leg: Leg, amount: Fraction, own: Fraction) -> Iterator[Leg]:
        target = None if row["to_asset"] is None else str(row["to_asset"])
        received = (number(row, "received") or ZERO) if target else ZERO
        new = replace(leg, asset=target or "", quantity=received)
        if leg.asset in self.cash:
            if target not in self.cash and received > 0:
                bought = self._traded(replace(new, kind="trade", does="trade"), leg.asset, (amount, amount))
                yield self._marked(bought, received)
            return
        yield self._fee(replace(leg, book=leg.book if leg.book in ("spot", "margin") else "spot"), own)
        old = replace(leg, quantity=-amount)
        if target in self.cash:
            sold = self._traded(replace(old, kind="trade", does="trade"), str(target), (received, received))
            yield self._marked(sold, amount)
        elif received > 0 and leg.book == "spot":
            yield replace(old, does="send", phase=MOVES)
            yield replace(new, does="remake", phase=MOVES)
        else:
            yield self._lost(old)
            if received > 0:
                yield self._gain(replace(new, estimated=True))
