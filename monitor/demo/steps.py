"""What each fill and movement of the true history does to the lots of one asset, in the order in which it does it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from monitor.demo.markets import CASH

if TYPE_CHECKING:
    from monitor.records import Fill, Movement

Cause = Literal["trade", "fee", "deposit", "withdrawal", "departure", "arrival"]
Worth = Callable[[str, str, int], Decimal]


@dataclass(frozen=True, slots=True)
class Step:
    """One change of one pool: `quantity` is positive if lots come; `value` is their basis, or the proceeds, in USD."""

    time: int
    account: str
    exchange: str
    sequence: int | None
    key: str
    asset: str
    quantity: Decimal
    value: Decimal
    cause: Cause
    shipment: str = ""

    @property
    def place(self) -> tuple[int, bool, str, bool, int, str]:
        """Return the order of steps: at one instant a pool that cannot be short receives before it gives."""
        gives = self.quantity <= 0 and self.cause != "arrival"
        return (self.time, gives, self.exchange, self.sequence is None, self.sequence or 0, self.key)


def steps_of(fills: Iterable[Fill], movements: Iterable[Movement], marks: Worth, *, by_account: bool) -> list[Step]:
    """Return every step of a history in order; between accounts lots travel only if each account has its own pool."""
    moves = [move for move in movements if move.status == "ok"]
    sent = {move.network_id: move for move in moves if move.kind == "withdrawal" and move.network_id}
    arrived = {move.network_id: move for move in moves if move.kind == "deposit" and move.network_id}
    own = {shipment: (sent[shipment], arrived[shipment]) for shipment in sent.keys() & arrived.keys()}
    steps = [step for fill in fills for step in legs(fill, marks)]
    for move in moves:
        if move.kind in {"funding", "settlement"}:
            steps.extend(contract_pay(move, marks))
        elif move.network_id in own:
            steps.extend(transfer(move, own[move.network_id], by_account=by_account))
        else:
            steps.extend(outside(move, marks))
    return sorted((step for step in steps if step.asset not in CASH), key=lambda step: step.place)


def legs(fill: Fill, marks: Worth) -> Iterator[Step]:
    """Yield the legs of a fill: base, quote, one for each fee in a third asset; of a contract the fees only."""
    fees = {fee.asset: fee.amount for fee in fill.fees}
    if fill.contract_size is not None:
        whose = (fill.time, fill.account, fill.exchange, fill.sequence, fill.key)
        yield from (Step(*whose, asset, -amount, Decimal(0), "fee") for asset, amount in fees.items())
        return
    sign = 1 if fill.side == "buy" else -1
    base = sign * fill.amount - fees.pop(fill.base, Decimal(0))
    quote = sign * fill.amount * fill.price + fees.pop(fill.quote, Decimal(0))
    unit = Decimal(1) if fill.quote in CASH else marks(fill.quote, fill.exchange, fill.time)
    value = abs(quote) * unit

    def leg(asset: str, quantity: Decimal, value: Decimal, cause: Cause) -> Step:
        whose = (fill.time, fill.account, fill.exchange, fill.sequence, fill.key)
        return Step(*whose, asset, quantity, value, cause)

    yield leg(fill.base, base, value, "trade")
    yield leg(fill.quote, -quote, value, "trade")
    for asset, amount in fees.items():
        yield leg(asset, -amount, Decimal(0), "fee")


def contract_pay(move: Movement, marks: Worth) -> Iterator[Step]:
    """Yield what a contract pays (a lot at mark) or takes (the oldest lots, without a sale) in a coin."""
    if move.asset not in CASH:
        received = move.amount > 0
        value = move.amount * marks(move.asset, move.exchange, move.time) if received else Decimal(0)
        whose = (move.time, move.account, move.exchange, move.sequence, move.key, move.asset)
        yield Step(*whose, move.amount, value, "deposit" if received else "withdrawal")


def outside(move: Movement, marks: Worth) -> Iterator[Step]:
    """Yield what a deposit from outside, or a withdrawal to it, does; the network fee takes the oldest lots."""
    whose = (move.time, move.account, move.exchange, move.sequence, move.key, move.asset)
    if move.asset in CASH:
        return
    if move.kind == "deposit":
        value = move.amount * marks(move.asset, move.exchange, move.time)
        yield Step(*whose, move.amount, value, "deposit")
        return
    for fee in move.fees:
        yield Step(*whose, -fee.amount, Decimal(0), "fee")
    yield Step(*whose, -move.amount, Decimal(0), "withdrawal")


def transfer(move: Movement, ends: tuple[Movement, Movement], *, by_account: bool) -> Iterator[Step]:
    """Yield what one end of a transfer does: the network's share is relieved at the start, before the rest leaves."""
    sent, received = ends
    whose = (move.time, move.account, move.exchange, move.sequence, move.key, move.asset)
    shipment = move.network_id or ""
    if move is received:
        if by_account:
            yield Step(*whose, Decimal(0), Decimal(0), "arrival", shipment)
        return
    lost = sent.amount + sum((fee.amount for fee in sent.fees), Decimal(0)) - received.amount
    if lost:
        yield Step(*whose, -lost, Decimal(0), "fee")
    if by_account:
        yield Step(*whose, -received.amount, Decimal(0), "departure", shipment)
