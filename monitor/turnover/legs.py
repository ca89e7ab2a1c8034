"""From fills to legs: one record for each thing that changes the lots of one asset in one book of one account.

A spot fill moves its base and, unless that is cash, its quote; a contract moves its own book alone. Fees follow the
asset they are paid in (`monitor.turnover.fees`). The value of a leg is found later: here it is only said what it is
the value of (`worth` units of `worth_asset`, or, where that has no price, `other_worth` units of `other_asset`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from monitor.turnover import amounts, compiled, pairs
from monitor.turnover import fees as fee_rules
from monitor.turnover import fills as fill_rules
from monitor.turnover.amounts import NO_INTEGER, Amount, excess, plus, signed, times
from monitor.turnover.arrays import CROSS, FEE, GAIN, TRADE
from monitor.turnover.compiled import bare, compile_cached, fetch, part
from monitor.turnover.fees import Fees, bare_fees
from monitor.turnover.fills import FILL_BYTES, Fills, bare_fills
from monitor.turnover.leg_records import LEG, Legs, kept
from monitor.turnover.movement_legs import COMES_IN, GOES_OUT
from monitor.turnover.pairs import lost, product
from monitor.turnover.wide_legs import WideFill, exact_parts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from monitor.turnover.fees import FeeTable
    from monitor.turnover.fills import Fill, Shape
    from monitor.turnover.ledger import Ledger
    from monitor.turnover.leg_records import Leg, Records
    from monitor.turnover.texts import Codes, Integers, Numbers

# So many legs before it is written a fill is asked for.
SOON = 12
BASE_ROLE, QUOTE_ROLE, FEE_ROLE = range(3)


class Names(NamedTuple):
    """The numbers of names the rules speak of."""

    spot: int
    fee: int
    rebate: int


@part
def at(numbers: Numbers, place: int) -> Amount:
    """Return one of some amounts."""
    return Amount(numbers.near[place], numbers.mantissa[place], int(np.int64(numbers.decimals[place])))


@part
def fee_at(fees: Fees, place: int) -> Amount:
    """Return the amount of a fee, nothing where there is none."""
    if place < 0:
        return Amount(0.0, 0, 0)
    return Amount(fees.near[place], fees.mantissa[place], int(np.int64(fees.decimals[place])))


@part
def put_quantity(leg: Leg, quantity: Amount) -> None:
    """Write what moves."""
    leg.units, leg.mantissa, leg.decimals = quantity.near, quantity.mantissa, quantity.decimals


@part
def common(leg: Leg, fill: Fill, shape: Shape, row: int) -> None:
    """Write what all legs of a fill have from it."""
    leg.time, leg.sequence, leg.origin, leg.row = fill.time, fill.sequence, fill.identity, row
    leg.account = leg.owner = shape.account
    leg.exchange, leg.kind, leg.book = shape.exchange, shape.kind, shape.book
    leg.worth_asset, leg.other_asset = shape.money, -1
    leg.other_worth = leg.other_gross = leg.given = leg.price = leg.value = leg.mark = np.nan
    leg.action, leg.flags, leg.moved, leg.first, leg.low = TRADE, 0, 0, 0, 0.0


@part
def net_low(net: Amount, read: tuple[Amount, Amount, Amount, Amount, Amount, Amount], sign: int) -> float:
    """Return by how much what changed hands, quote fees netted, is more than its float64."""
    if net.mantissa != NO_INTEGER:
        return excess(net)
    amount, price, cost, size, _, fee = read
    if not np.isnan(cost.near):
        high, low = cost.near, excess(cost)
    else:
        lots, lots_low = product(amount.near, size.near)
        lots_low += excess(amount) * size.near
        if size.near != 1:
            lots_low += amount.near * excess(size)
        high, low = product(lots, price.near)
        low += lots * excess(price) + lots_low * price.near
    if fee.near != 0:
        low += excess(fee) * sign + lost(high, fee.near * sign)
    # beyond what a float64 can hold there is no such difference
    return low if low - low == 0 else 0.0


@part
def trade_leg(leg: Leg, shape: Shape, read: tuple[Amount, Amount, Amount, Amount, Amount, Amount]) -> None:
    """Write what a fill does to its base, or a contract to its own book; and, of a cross, what it does to its quote.

    What changed hands in quote has the quote fees netted: cost + fee of a purchase, cost - fee of a sale.
    """
    amount, price, cost, size, base_fee, quote_fee = read
    sign, is_coin = (1 if shape.buys else -1), shape.is_coin == 1
    lots = times(amount, size)
    paid = times(lots, price) if np.isnan(cost.near) else cost
    net = plus(paid, signed(quote_fee, sign))
    leg.worth, leg.gross, leg.traded = net.near, lots.near * price.near, lots.near
    leg.low = net_low(net, read, sign)
    if leg.role == BASE_ROLE:
        put_quantity(leg, plus(signed(amount, sign), signed(base_fee, -1)) if is_coin else signed(lots, sign))
        leg.asset = shape.symbol if shape.symbol >= 0 else shape.base
        if shape.is_inverse:
            leg.low = 0.0
            leg.worth, leg.gross, leg.price = plus(lots, signed(quote_fee, sign)).near, lots.near, price.near
    else:
        put_quantity(leg, signed(net, -sign))
        leg.asset = shape.quote
        leg.gross = leg.traded = amount.near * price.near
    if is_coin:
        leg.other_asset, leg.other_gross = shape.base, amount.near
        leg.other_worth = amount.near * (net.near / paid.near)


@part
def fee_leg(leg: Leg, fees: Fees, place: int, names: Names, base: int) -> None:
    """Write the leg of a fee or rebate in an asset with lots; `base` is that of a coin, -1 of a contract."""
    gain, size, foreign = fees.near[place] < 0, abs(fees.near[place]), fees.asset[place] != base
    put_quantity(leg, signed(fee_at(fees, place), -1))
    leg.asset, leg.book = fees.asset[place], names.spot if foreign else leg.book
    leg.role = FEE_ROLE + fees.order[place]
    leg.kind, leg.action = (names.rebate, GAIN) if gain else (names.fee, FEE)
    leg.worth_asset = leg.asset if gain or not foreign else -1
    leg.worth = leg.gross = leg.traded = size


@part
def own_price(leg: Leg, shape: Shape, price: float) -> None:
    """Note what a fill says itself of a rebate in its own base: that so much of its quote is worth as much."""
    if leg.action == GAIN and shape.is_coin == 1 and leg.asset == shape.base:
        leg.other_asset = shape.quote
        leg.other_worth = leg.other_gross = leg.worth * price


class Task(NamedTuple):
    """Which legs are to be written: fills by row or, with FEE_ROLE, fees by place, and the partition of each.

    The next leg of partition p goes to `places[p - first]`.
    """

    picked: Integers
    roles: NDArray[np.int8]
    parts: Codes
    first: int
    places: Integers


@part
def amounts_at(fills: Fills, row: int, fees: Fees) -> tuple[Amount, Amount, Amount, Amount, Amount, Amount]:
    """Return amount, price, cost, contract size, base fee and quote fee of a fill."""
    fill, size, cost = fills.rows[row], Amount(1.0, 1, 0), Amount(np.nan, 0, 0)
    if fills.shapes[fill.shape].is_coin:
        if len(fills.cost.near) > 0:
            cost = at(fills.cost, row)
    elif len(fills.size.near) > 0 and not np.isnan(fills.size.near[row]):
        size = at(fills.size, row)
    amount = Amount(fill.amount_near, fill.amount, int(np.int64(fill.amount_decimals)))
    price = Amount(fill.price_near, fill.price, int(np.int64(fill.price_decimals)))
    return amount, price, cost, size, fee_at(fees, fill.base_fee), fee_at(fees, fill.quote_fee)


@part
def look_ahead(fills: Fills, fees: Fees, later: int, soon: int) -> None:
    """Ask for a fill that comes later, and for the quote fee of one that comes soon: both lie far from those before."""
    at = fills.rows.ctypes.data + FILL_BYTES * later
    fetch(at)
    fetch(at + FILL_BYTES - 1)
    if soon < len(fills.rows) and fills.rows[soon].quote_fee >= 0:
        fee = fills.rows[soon].quote_fee
        fetch(fees.near.ctypes.data + 8 * fee)
        fetch(fees.mantissa.ctypes.data + 8 * fee)


def write(into: Records, task: Task, ledger: tuple[Fills, Fees], cash: NDArray[np.bool_], names: Names) -> int:
    """Write legs, each at the next place of its partition; return how many no int64 holds."""
    wide, fills, fees = 0, bare_fills(ledger[0]), bare_fees(ledger[1])
    legs, picked, roles, parts, places = (
        bare(into),
        bare(task.picked),
        bare(task.roles),
        bare(task.parts),
        bare(task.places),
    )
    for number in range(len(picked)):
        where = places[parts[number] - task.first]
        places[parts[number] - task.first] = where + 1
        leg, is_fee = legs[where], roles[number] == FEE_ROLE
        if number + 2 * SOON < len(picked):
            look_ahead(fills, fees, picked[number + 2 * SOON], picked[number + SOON])
        row = int(np.int64(fees.row[picked[number]])) if is_fee else int(picked[number])
        fill = fills.rows[row]
        shape = fills.shapes[fill.shape]
        common(leg, fill, shape, row)
        if is_fee:
            fee_leg(leg, fees, picked[number], names, shape.base if shape.is_coin else -1)
            own_price(leg, shape, fill.price_near)
        else:
            leg.role = roles[number]
            trade_leg(leg, shape, amounts_at(fills, row, fees))
            # without a base leg nothing is counted twice
            leg.flags = CROSS if leg.role == QUOTE_ROLE and not cash[shape.base] else 0
        goes_out = leg.book == names.spot and leg.units <= 0
        leg.phase = GOES_OUT if goes_out else COMES_IN
        leg.task = number
        wide += leg.mantissa == NO_INTEGER
    return wide


write_compiled = compile_cached(write, amounts, compiled, fee_rules, fill_rules, pairs)


def fill_legs(ledger: Ledger, table: FeeTable, task: Task) -> Legs:
    """Return the legs of a task; what moves nothing is left out."""
    records, books, kinds = np.empty(len(task.picked), dtype=LEG), ledger.numbering.books, ledger.numbering.kinds
    names, wide = Names(books["spot"], kinds["fee"], kinds["rebate"]), dict[int, str]()
    if write_compiled(records, task, (ledger.fills, table.fees), ledger.cash, names):
        for place in np.flatnonzero(records["mantissa"] == NO_INTEGER).tolist():
            record = records[place]
            told, picked = WideFill(ledger, table, int(record["row"])), int(task.picked[record["task"]])
            role = task.roles[record["task"]]
            quantity = told.fee(picked) if role == FEE_ROLE else told.base() if role == BASE_ROLE else told.quote()
            records["mantissa"][place], records["decimals"][place], text = exact_parts(quantity)
            if text is not None:
                wide[place] = text
    return kept(Legs(records, wide), records["units"] != 0)
