"""The ledger taken apart into legs, in exact decimals, one row at a time; shares no code with the fast path.

A leg is made first and valued later: what an old event was worth matters only where its lots still do.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor.records import Valuation
    from monitor.turnover.exact_prices import Prices, Row

# Place of an event among those of one instant, in a book that cannot be short.
COMES_IN, ARRIVES, MOVES, GOES_OUT = range(4)
ZERO = Decimal(0)
ONE = Decimal(1)
COINS = ("spot", "margin")


class Worth(NamedTuple):
    """What a trade leg is worth: `net` and `gross` units of `asset`, or where that has no price, of `other`.

    `traded` units changed hands before fees.
    """

    asset: str
    net: Decimal
    gross: Decimal
    traded: Decimal
    other: str | None = None
    other_net: Decimal = ZERO
    other_gross: Decimal = ZERO


@dataclass(eq=False, slots=True)
class Leg:
    """What one fill or movement does to one asset of one book of one account.

    `does` is trade, fee, relieve, gain, send, arrive or remake. It is valued by what was `given`, `at_mark`, or by
    `worth` (first where that is money); then `value` is the basis or the proceeds of all of it, `gross` its notional,
    `mark` the value of one unit by the leg itself, None where it cannot be valued. `local` legs matter to scope account
    only.
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
    quantity: Decimal
    worth: Worth | None = None
    given: Decimal | None = None
    at_mark: bool = False
    value: Decimal | None = None
    gross: Decimal | None = None
    mark: Decimal | None = None
    price: Decimal | None = None
    source: str | None = None
    known: int | None = None
    estimated: bool = False
    cross: bool = False
    local: bool = False
    fill: int | None = None
    movement: int | None = None
    role: int = 0
    phase: int | None = None
    level: int = 0
    owner: str | None = None
    valued: bool = False

    @property
    def place(self) -> tuple[object, ...]:
        """Return what events are ordered by."""
        phase = self.phase
        if phase is None:
            phase = GOES_OUT if self.book == "spot" and self.quantity < 0 else COMES_IN
        sequence, movement = self.sequence, self.movement
        return (
            *(self.time, phase, self.level, self.exchange, sequence is None, sequence or 0, self.key),
            *(self.owner or self.account, movement is None, movement or 0, self.role),
        )


def number(row: Row, name: str) -> Decimal | None:
    """Return a column as a decimal, None where it is empty."""
    text = row[name]
    return None if text is None else Decimal(str(text))


def _fees(row: Row) -> list[tuple[str, Decimal]]:
    text = row["fees"]
    return [(asset, Decimal(amount)) for asset, amount in json.loads(str(text))] if text and text != "[]" else []


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

    def value(self, leg: Leg) -> Leg:
        """Find what a leg is worth, once, and return it."""
        if leg.valued:
            return leg
        leg.valued = True
        worth, found = leg.worth, None
        if leg.at_mark and (worth is None or worth.asset not in self.prices.money):
            found = self.prices.unit(leg.asset, leg.time, leg.exchange)
        if leg.given is not None:
            leg.value, leg.source = abs(leg.given), "given"
        elif found is not None:
            leg.value, leg.mark = found.unit * abs(leg.quantity), found.unit
            leg.source, leg.known = found.source, found.known
        elif worth is not None:
            told = self._traded(leg, worth.asset, worth.net, worth.gross)
            if not told and worth.other is not None:
                self._traded(leg, worth.other, worth.other_net, worth.other_gross)
            if leg.gross is not None and worth.traded:
                leg.mark = leg.gross / worth.traded
        return leg

    def _traded(self, leg: Leg, asset: str, net: Decimal, gross: Decimal) -> bool:
        """Value a leg at (net, gross) units of `asset`; return whether these have a price."""
        if asset in self.prices.money:
            unit, leg.source = self.prices.money[asset], "fill"
        elif (found := self.prices.unit(asset, leg.time, leg.exchange)) is not None:
            unit, leg.source, leg.known = found
        else:
            return False
        leg.value, leg.gross = unit * net, unit * gross
        return True

    def fill_legs(self, row: Row) -> Iterator[Leg]:
        """Yield the legs of a row of schema.FILLS."""
        leg, coin, sign = _common(row), row["book"] in COINS, 1 if row["side"] == "buy" else -1
        leg.fill = int(str(row["id"]))
        base, quote, settle = str(row["base"]), str(row["quote"]), row["settle"]
        money = str(settle or quote) if row["book"] == "option" else quote
        amount, price, cost = number(row, "amount") or ZERO, number(row, "price") or ZERO, number(row, "cost")
        units = amount if coin else amount * (number(row, "contract_size") or ONE)
        in_base, in_money, own = self._charged(row, money)
        gross = units * price
        paid = cost if coin and cost is not None else gross
        net = paid + sign * in_money
        if row["book"] == "inverse":
            leg.worth, leg.price = Worth(money, units + sign * in_money, units, units), price
        elif coin:
            leg.worth = Worth(money, net, gross, amount, base, amount * net / paid if paid else ZERO, amount)
        else:
            leg.worth = Worth(money, net, gross, units)
        if coin and quote not in self.cash:
            worth = leg.worth._replace(traded=gross)
            yield replace(leg, asset=quote, quantity=-sign * net, cross=base not in self.cash, role=1, worth=worth)
        for place, asset, fee in own:
            same = coin and asset == base
            # a rebate in the base is worth the fill's own price
            told = Worth(quote, -fee * price, -fee * price, -fee) if same else None
            book = leg.book if same else "spot"
            yield self._fee(replace(leg, asset=asset, book=book, role=2 + place, worth=told, price=None), fee)
        if not coin or base not in self.cash:
            leg.asset = str(row["symbol"]) if row["book"] == "option" else base
            leg.quantity = sign * amount - in_base if coin else sign * units
            yield leg

    def _charged(self, row: Row, money: str) -> tuple[Decimal, Decimal, list[tuple[int, str, Decimal]]]:
        """Return a fill's fees in its base, in what it is paid in, and those that are legs of their own."""
        coin, settle = row["book"] in COINS, row["settle"]
        in_base, in_money, own = ZERO, ZERO, []
        for place, (asset, fee) in enumerate(_fees(row)):
            settles = row["book"] in ("linear", "option") and asset == settle
            charged = asset == money or (settles and asset in self.cash)
            if coin and asset == row["base"] and fee > 0:
                in_base += fee
            elif charged and (coin or asset in self.cash):
                in_money += fee
            elif asset not in self.cash and fee != 0:
                own.append((place, asset, fee))
        return in_base, in_money, own

    def _fee(self, leg: Leg, fee: Decimal) -> Leg:
        if fee < 0:
            return self._gain(replace(leg, kind="rebate", quantity=-fee))
        # it relieves lots, but where there are none it opens a short one
        return replace(leg, kind="fee", does="fee", quantity=-fee, at_mark=leg.book != "spot")

    def _gain(self, leg: Leg, given: Decimal | None = None) -> Leg:
        return replace(leg, does="gain", given=given, at_mark=True)

    def movement_legs(self, row: Row) -> Iterator[Leg]:
        """Yield the legs of a row of schema.MOVEMENTS."""
        if row["status"] in (None, "ok"):
            legs = [leg for leg in self._moved(row) if leg.quantity != 0]
            yield from (replace(leg, role=role) for role, leg in enumerate(legs))

    def _moved(self, row: Row) -> Iterator[Leg]:
        asset, kind = str(row["asset"]), str(row["kind"])
        common = replace(_common(row), asset=asset, movement=int(str(row["id"])))
        coins = common.book if common.book in COINS else "spot"
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

    def _changed(self, leg: Leg, amount: Decimal, given: Decimal | None) -> Leg:
        if leg.kind == "fee":
            return self._fee(leg, amount)
        if leg.kind in ("withdrawal", "write_off"):
            amount = -abs(amount)
        guessed = leg.kind == "adjust" or (leg.kind == "opening" and given is None)
        if amount > 0 or leg.kind == "opening":
            return self._gain(replace(leg, quantity=amount, estimated=guessed), given)
        return self._lost(replace(leg, quantity=amount), given)

    def _lost(self, leg: Leg, given: Decimal | None = None) -> Leg:
        # in a book that can be short, more than is held opens a short lot, which needs a value
        short = leg.book != "spot"
        return replace(leg, does="relieve", given=given if short else None, at_mark=short)

    def _transferred(self, row: Row, leg: Leg, amount: Decimal, own: Decimal) -> Iterator[Leg]:
        matched = row["matched_account"]
        told = number(row, "matched_received" if matched else "received")
        sent, received = amount + own, amount if told is None else told
        target = str(matched or row["to_account"] or leg.account)
        arrived = row["arrived_ms"] if matched else None
        end = leg.time if arrived is None else max(leg.time, int(str(arrived)))
        if sent > received:
            yield replace(self._fee(leg, sent - received), phase=MOVES)
        elif sent < received:
            more = replace(leg, owner=leg.account, account=target, time=end, quantity=received - sent, estimated=True)
            yield self._gain(replace(more, kind="adjust"))
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

    def _converted(self, row: Row, leg: Leg, amount: Decimal, own: Decimal) -> Iterator[Leg]:
        target = None if row["to_asset"] is None else str(row["to_asset"])
        received = (number(row, "received") or ZERO) if target else ZERO
        new = replace(leg, asset=target or "", quantity=received)
        if leg.asset in self.cash:
            if target not in self.cash and received > 0:
                worth = Worth(leg.asset, amount, amount, received)
                yield replace(new, kind="trade", does="trade", worth=worth)
            return
        yield self._fee(replace(leg, book=leg.book if leg.book in COINS else "spot"), own)
        old = replace(leg, quantity=-amount)
        if target in self.cash:
            worth = Worth(str(target), received, received, amount)
            yield replace(old, kind="trade", does="trade", worth=worth)
        elif received > 0 and leg.book == "spot":
            yield replace(old, does="send", phase=MOVES)
            yield replace(new, does="remake", phase=MOVES)
        else:
            yield self._lost(old)
            if received > 0:
                yield self._gain(replace(new, estimated=True))
