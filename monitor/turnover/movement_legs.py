"""From movements to legs: everything that changes lots and is no fill.

Movements are few beside fills and have a rule for each kind, so they go one by one, in exact decimals.

| kind | legs |
|---|---|
| opening, deposit, income, rebate; adjust, funding, settlement received | gain: a lot at the given value or the mark |
| withdrawal, write_off; adjust, funding, settlement paid | disposal: relieves without cogs |
| fee, and every fee of a movement in a non-cash asset | fee: relieves as fee basis |
| transfer, matched withdrawal | fee for what did not arrive; send and arrive, for scope account only |
| convert | send and remake; to or from cash it is a trade, because cash has no lots |
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from monitor.exact import exact
from monitor.turnover.amounts import DIGITS, split
from monitor.turnover.arrays import ARRIVE, DISPOSAL, FEE, GAIN, REMAKE, SEND, TRADE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from monitor.records import Valuation

Cell = str | int | float | bool | None
LegRow = dict[str, Cell]
NOTHING = Decimal(0)
# Contracts hold no coins: what is paid in a coin moves the coin's own lots.
CONTRACTS = {"linear", "inverse", "option"}
POSITIONS = {"opening", "adjust", "write_off", "convert"}
# Order within one instant where nothing can be short: what comes in, what arrives, what moves (and moves on), what
# goes out.
COMES_IN, ARRIVES, MOVES, GOES_OUT = 0, 1, 2, 127


class Moved(NamedTuple):
    """A movement read: exact amounts, the fees in its own asset apart from the others."""

    row: Mapping[str, Cell]
    kind: str
    asset: str
    book: str
    amount: Decimal
    value: Decimal | None
    own_fee: Decimal
    fees: tuple[tuple[str, Decimal], ...]


def movement_legs(row: Mapping[str, Cell], valuation: Valuation, level: int = 0) -> Iterator[LegRow]:
    """Yield the legs of one movement, a row of schema.MOVEMENTS, in the columns of legs.LEGS.

    `level` is how many movements of its instant come before it in a chain. Movements that failed or have not happened
    yet have no legs; a deposit that is the other end of a matched withdrawal leaves all but its fees to that one.
    """
    if row["status"] not in (None, "ok"):
        return
    cash = valuation.cash | {valuation.currency}
    for role, leg in enumerate(_legs(_read(row), cash)):
        yield {**leg, "role": role, **({"phase": MOVES + level} if leg["phase"] == MOVES else {})}


def _legs(moved: Moved, cash: frozenset[str]) -> Iterator[LegRow]:
    for asset, fee in moved.fees:
        if asset not in cash:
            yield _paid(moved, asset, fee)
    if moved.kind == "convert":
        yield from _convert(moved, cash)
    elif moved.asset in cash:
        return
    elif moved.row["is_matched_deposit"]:
        yield from _own_fee(moved)
    elif moved.kind == "transfer" or moved.row["matched_account"]:
        yield from _transfer(moved)
    else:
        yield from _own_fee(moved)
        yield from _change(moved)


def _read(row: Mapping[str, Cell]) -> Moved:
    kind, asset, book = str(row["kind"]), str(row["asset"]), str(row["book"])
    fees = [(str(paid), exact(amount)) for paid, amount in json.loads(str(row["fees"] or "[]"))]
    value = None if row["value"] is None else exact(str(row["value"]))
    if book in CONTRACTS and kind not in POSITIONS:
        book = "spot"
    own = sum((amount for paid, amount in fees if paid == asset), NOTHING)
    others = tuple(fee for fee in fees if fee[0] != asset and fee[1] != 0)
    return Moved(row, kind, asset, book, exact(str(row["amount"])), value, own, others)


def _own_fee(moved: Moved) -> Iterator[LegRow]:
    if moved.own_fee:
        yield _paid(moved, moved.asset, moved.own_fee)


def _paid(moved: Moved, asset: str, fee: Decimal) -> LegRow:
    """Return the leg of a fee, or of a rebate, in the coin's own lots."""
    book = "spot" if moved.book in CONTRACTS else moved.book
    columns: LegRow = {"asset": asset, "book": book, "kind": "fee" if fee > 0 else "rebate"}
    return _leg(moved, columns, quantity=fee.copy_negate(), action=FEE if fee > 0 else GAIN)


def _change(moved: Moved) -> Iterator[LegRow]:
    kind, amount = moved.kind, moved.amount
    if kind in {"withdrawal", "write_off"}:
        amount = amount.copy_abs().copy_negate()
    elif kind == "fee":
        yield _paid(moved, moved.asset, amount)
        return
    gain = amount > 0 or kind == "opening"
    if amount == 0:
        return
    columns: LegRow = {
        "asset": moved.asset,
        "book": moved.book,
        "given": None if moved.value is None else abs(float(moved.value)),
        "estimated": gain and (kind == "adjust" or (kind == "opening" and moved.value is None)),
    }
    yield _leg(moved, columns, quantity=amount, action=GAIN if gain else DISPOSAL)


def _transfer(moved: Moved) -> Iterator[LegRow]:
    row = moved.row
    told = row["matched_received"] if row["matched_account"] else row["received"]
    received = moved.amount if told is None else exact(str(told))
    sent = DIGITS.add(moved.amount, moved.own_fee)
    lost, moving = DIGITS.subtract(sent, received), min(sent, received)
    target = str(row["matched_account"] or row["to_account"] or row["account"])
    start = int(str(row["time_ms"]))
    arrived = row["arrived_ms"] if row["matched_account"] else None
    end = start if arrived is None else max(start, int(str(arrived)))
    here: LegRow = {"asset": moved.asset, "book": moved.book, "kind": "transfer"}
    there = {**here, "account": target, "time_ms": end}
    if lost > 0:
        yield _leg(moved, {**here, "kind": "fee", "phase": MOVES}, quantity=lost.copy_negate(), action=FEE)
    elif lost < 0:
        yield _leg(moved, {**there, "kind": "adjust", "estimated": True}, quantity=lost.copy_negate(), action=GAIN)
    if target == row["account"] or moving <= 0:
        return
    if moved.book == "spot":
        yield _leg(moved, {**here, "phase": MOVES, "local": True}, quantity=moving.copy_negate(), action=SEND)
        phase = ARRIVES if end > start else MOVES
        yield _leg(moved, {**there, "phase": phase, "local": True}, quantity=moving, action=ARRIVE)
    else:
        # what is short has no lots to send: it leaves like a withdrawal and comes in at the mark
        yield _leg(moved, {**here, "local": True}, quantity=moving.copy_negate(), action=DISPOSAL)
        yield _leg(moved, {**there, "local": True, "estimated": True}, quantity=moving, action=GAIN)


def _convert(moved: Moved, cash: frozenset[str]) -> Iterator[LegRow]:
    row, given = moved.row, moved.amount
    target = str(row["to_asset"]) if row["to_asset"] is not None else ""
    received = NOTHING if row["received"] is None or not target else exact(str(row["received"]))
    old: LegRow = {"asset": moved.asset, "book": moved.book}
    new: LegRow = {"asset": target, "book": moved.book}
    if moved.asset in cash:
        if target not in cash and received > 0:
            yield _leg(moved, new, quantity=received, action=TRADE, worth=(moved.asset, given))
        return
    yield from _own_fee(moved)
    if target in cash:
        yield _leg(moved, old, quantity=given.copy_negate(), action=TRADE, worth=(target, received))
    elif received > 0 and moved.book == "spot":
        yield _leg(moved, {**old, "phase": MOVES}, quantity=given.copy_negate(), action=SEND)
        yield _leg(moved, {**new, "phase": MOVES}, quantity=received, action=REMAKE)
    else:
        yield _leg(moved, old, quantity=given.copy_negate(), action=DISPOSAL)
        if received > 0:
            yield _leg(moved, {**new, "estimated": True}, quantity=received, action=GAIN)


def _leg(
    moved: Moved,
    columns: LegRow,
    *,
    quantity: Decimal,
    action: int,
    worth: tuple[str, Decimal] | None = None,
) -> LegRow:
    mantissa, decimals, wide = split(quantity)
    row, spot = moved.row, columns["book"] == "spot"
    asset, size = worth or (columns["asset"], quantity)
    # what only relieves lots needs no value, unless it can open a short one
    valued = action in {GAIN, TRADE} or not spot
    return {
        **{name: row[name] for name in ("account", "exchange", "key", "time_ms", "sequence")},
        "owner": row["account"],
        "kind": {FEE: "fee", TRADE: "trade"}.get(action, moved.kind),
        "phase": (COMES_IN if quantity > 0 else GOES_OUT) if spot else COMES_IN,
        "local": False,
        "estimated": False,
        "given": None,
        **columns,
        "action": action,
        "units": float(quantity),
        "mantissa": mantissa,
        "decimals": decimals,
        "wide": wide,
        "worth_asset": asset if valued else None,
        "worth": abs(float(size)),
        "gross": abs(float(size)),
        "traded": abs(float(quantity)),
        "movement": row["id"],
    }
