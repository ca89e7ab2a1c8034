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
from monitor.turnover import ledger as fill_rules
from monitor.turnover.ahead import side_by_side
from monitor.turnover.amounts import NO_INTEGER, Amount, excess, plus, signed, times
from monitor.turnover.arrays import CROSS, FEE, GAIN, TRADE
from monitor.turnover.compiled import bare, compile_cached, part
from monitor.turnover.fees import Fees, bare_fees
from monitor.turnover.ledger import Fills, bare_fills
from monitor.turnover.leg_records import LEG, Legs, kept
from monitor.turnover.movement_legs import COMES_IN, GOES_OUT
from monitor.turnover.pairs import lost, product
from monitor.turnover.texts import Numbers, numbers
from monitor.turnover.wide_legs import WideFill, exact_parts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from monitor.turnover.fees import FeeTable
    from monitor.turnover.ledger import Ledger
    from monitor.turnover.leg_records import Leg, Records
    from monitor.turnover.texts import Codes, Integers

AMOUNTS = ("amount", "price", "cost", "contract_size")
BASE_ROLE, QUOTE_ROLE, FEE_ROLE = range(3)


class Read(NamedTuple):
    """The amounts of some fills, one after the other."""

    amount: Numbers
    price: Numbers
    cost: Numbers
    size: Numbers


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
def common(leg: Leg, fills: Fills, row: int) -> None:
    """Write what all legs of a fill have from it."""
    leg.time, leg.sequence, leg.origin, leg.row = fills.time[row], fills.sequence[row], fills.identity[row], row
    leg.account = leg.owner = fills.account[row]
    leg.exchange, leg.kind, leg.book = fills.exchange[row], fills.kind[row], fills.book[row]
    leg.worth_asset, leg.other_asset = fills.money[row], -1
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
def trade_leg(leg: Leg, fills: Fills, row: int, read: tuple[Amount, Amount, Amount, Amount, Amount, Amount]) -> None:
    """Write what a fill does to its base, or a contract to its own book; and, of a cross, what it does to its quote.

    What changed hands in quote has the quote fees netted: cost + fee of a purchase, cost - fee of a sale.
    """
    amount, price, cost, size, base_fee, quote_fee = read
    sign, is_coin = (1 if fills.buys[row] else -1), fills.is_coin[row] == 1
    lots = times(amount, size)
    paid = times(lots, price) if np.isnan(cost.near) else cost
    net = plus(paid, signed(quote_fee, sign))
    leg.worth, leg.gross, leg.traded = net.near, lots.near * price.near, lots.near
    leg.low = net_low(net, read, sign)
    if leg.role == BASE_ROLE:
        put_quantity(leg, plus(signed(amount, sign), signed(base_fee, -1)) if is_coin else signed(lots, sign))
        leg.asset = fills.symbol[row] if fills.symbol[row] >= 0 else fills.base[row]
        if fills.is_inverse[row]:
            leg.low = 0.0
            leg.worth, leg.gross, leg.price = plus(lots, signed(quote_fee, sign)).near, lots.near, price.near
    else:
        put_quantity(leg, signed(net, -sign))
        leg.asset = fills.quote[row]
        leg.gross = leg.traded = amount.near * price.near
    if is_coin:
        leg.other_asset, leg.other_gross = fills.base[row], amount.near
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
def own_price(leg: Leg, fills: Fills, row: int, price: float) -> None:
    """Note what a fill says itself of a rebate in its own base: that so much of its quote is worth as much."""
    if leg.action == GAIN and fills.is_coin[row] == 1 and leg.asset == fills.base[row]:
        leg.other_asset = fills.quote[row]
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
def bare_read(read: Read) -> Read:
    """Return the same amounts, owned by none."""
    return Read(bare_numbers(read.amount), bare_numbers(read.price), bare_numbers(read.cost), bare_numbers(read.size))


@part
def bare_numbers(numbers: Numbers) -> Numbers:
    """Return the same amounts, owned by none."""
    return Numbers(bare(numbers.near), bare(numbers.mantissa), bare(numbers.decimals))


@part
def amounts_at(
    fills: Fills, row: int, fees: Fees, read: Read, place: int
) -> tuple[Amount, Amount, Amount, Amount, Amount, Amount]:
    """Return amount, price, cost, contract size, base fee and quote fee of a fill."""
    size, cost = Amount(1.0, 1, 0), at(read.cost, place)
    if fills.is_coin[row] == 0:
        cost = Amount(np.nan, 0, 0)
        if not np.isnan(read.size.near[place]):
            size = at(read.size, place)
    base_fee, quote_fee = fee_at(fees, fills.base_fee[row]), fee_at(fees, fills.quote_fee[row])
    return at(read.amount, place), at(read.price, place), cost, size, base_fee, quote_fee


def write(into: Records, task: Task, ledger: tuple[Fills, Fees, Read], cash: NDArray[np.bool_], names: Names) -> int:
    """Write legs, each at the next place of its partition; return how many no int64 holds."""
    wide, fills, fees, read = 0, bare_fills(ledger[0]), bare_fees(ledger[1]), bare_read(ledger[2])
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
        row = int(np.int64(fees.row[picked[number]])) if is_fee else int(picked[number])
        common(leg, fills, row)
        if is_fee:
            fee_leg(leg, fees, picked[number], names, fills.base[row] if fills.is_coin[row] else -1)
            own_price(leg, fills, row, read.price.near[number])
        else:
            leg.role = roles[number]
            trade_leg(leg, fills, row, amounts_at(fills, row, fees, read, number))
            # without a base leg nothing is counted twice
            leg.flags = CROSS if leg.role == QUOTE_ROLE and not cash[fills.base[row]] else 0
        goes_out = leg.book == names.spot and leg.units <= 0
        leg.phase = GOES_OUT if goes_out else COMES_IN
        leg.task = number
        wide += leg.mantissa == NO_INTEGER
    return wide


write_compiled = compile_cached(write, amounts, compiled, fee_rules, fill_rules, pairs)


def fill_legs(ledger: Ledger, table: FeeTable, task: Task) -> Legs:
    """Return the legs of a task; what moves nothing is left out."""
    records, books, kinds = np.empty(len(task.picked), dtype=LEG), ledger.numbering.books, ledger.numbering.kinds
    rows = task.picked
    if FEE_ROLE in task.roles:
        is_fee = task.roles == FEE_ROLE
        rows = np.where(is_fee, table.fees.row[np.where(is_fee, task.picked, 0)], task.picked)
    read = Read._make(side_by_side(lambda name: _amounts(ledger, name, rows), AMOUNTS, len(rows)))
    names, wide = Names(books["spot"], kinds["fee"], kinds["rebate"]), dict[int, str]()
    if write_compiled(records, task, (ledger.fills, table.fees, read), ledger.cash, names):
        for place in np.flatnonzero(records["mantissa"] == NO_INTEGER).tolist():
            number = int(records["task"][place])
            told, picked, role = (
                WideFill(ledger, table, int(rows[number])),
                int(task.picked[number]),
                task.roles[number],
            )
            quantity = told.fee(picked) if role == FEE_ROLE else told.base() if role == BASE_ROLE else told.quote()
            records["mantissa"][place], records["decimals"][place], text = exact_parts(quantity)
            if text is not None:
                wide[place] = text
    return kept(Legs(records, wide), records["units"] != 0)


def _amounts(ledger: Ledger, name: str, rows: Integers) -> Numbers:
    """Return the amounts of some rows of a column."""
    if name not in ledger.missing:
        return numbers(ledger.texts[name], rows)
    count = len(rows)
    return Numbers(np.full(count, np.nan), np.zeros(count, np.int64), np.zeros(count, np.int8))
