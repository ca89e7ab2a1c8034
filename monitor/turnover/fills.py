"""Fills as records: what tells one from all others in a line of memory, the rest by the number of its shape.

Account, exchange, market, book, kind and side come in few combinations, the shapes. The legs of a partition are made
from rows that lie far apart: each is one place to look at instead of twenty, and the shapes stay at hand.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl

from monitor.turnover import compiled, texts
from monitor.turnover.ahead import MANY, WORKERS, side_by_side
from monitor.turnover.amounts import NO_INTEGER, read
from monitor.turnover.arrow import Place, Texts
from monitor.turnover.compiled import bare, compile_cached, part
from monitor.turnover.texts import ODD, Numbers, address_of, bare_numbers, is_missing, mixed, parsed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from monitor.turnover.leg_records import Records
    from monitor.turnover.texts import Codes, Integers

AMOUNTS = ("amount", "price")
STRANGE = -1  # decimals of an amount that is not plainly written
FEW, COLUMNS, MOST = 4096, 9, 2**62


class Fill:
    """One fill. `base_fee` and `quote_fee` are places in the fees: taken off the base, netted in the quote; -1: none.

    An amount is mantissa / 10 ** decimals beside the nearest float64; NaN is missing, NO_INTEGER none that fits int64.
    """

    time: int
    sequence: int
    identity: int
    amount: int
    amount_near: float
    price: int
    price_near: float
    shape: int
    base_fee: int
    quote_fee: int
    amount_decimals: int
    price_decimals: int


class Shape:
    """What fills share.

    `money` is what a fill is worth and charged in, `symbol` an option's name as an asset, else -1; `is_inverse` tells
    the book: an option that settles in its coin is called inverse too, but its price is in that coin.
    """

    account: int
    exchange: int
    base: int
    money: int
    quote: int
    settle: int
    symbol: int
    kind: int
    book: int
    buys: int
    is_coin: int
    is_inverse: int


FILL = np.dtype(
    [
        *((name, np.int64) for name in ("time", "sequence", "identity")),
        *((name, kind) for base in AMOUNTS for name, kind in ((base, np.int64), (f"{base}_near", np.float64))),
        *((name, np.int32) for name in ("shape", "base_fee", "quote_fee")),
        *((f"{name}_decimals", np.int8) for name in AMOUNTS),
    ],
    align=True,
)
SHAPE = np.dtype([(name, np.int32) for name in Shape.__annotations__], align=True)
FILL_BYTES = FILL.itemsize


class Fills(NamedTuple):
    """Fills by row, the shape of each, and the shapes; costs and contract sizes only where any fill has one."""

    rows: Records
    shape: Codes
    shapes: Records
    cost: Numbers
    size: Numbers


@part
def bare_fills(fills: Fills) -> Fills:
    """Return the same fills, owned by none: a loop of small functions would count references at every step."""
    return Fills(
        bare(fills.rows), bare(fills.shape), bare(fills.shapes), bare_numbers(fills.cost), bare_numbers(fills.size)
    )


def _shaped(
    columns: tuple[Codes, ...], weights: Integers, into: Codes, table: tuple[Integers, Integers, Integers]
) -> int:
    """Number the combinations of codes in the order they turn up, note each one's first row; return how many they are.

    -1 if there are more than there is room for. A combination is a number of digits, one for each code.
    """
    slots, keys, firsts = bare(table[0]), bare(table[1]), bare(table[2])
    a, b, c, d = bare(columns[0]), bare(columns[1]), bare(columns[2]), bare(columns[3])
    e, f, g, h, i = bare(columns[4]), bare(columns[5]), bare(columns[6]), bare(columns[7]), bare(columns[8])
    codes, digit, mask = bare(into), bare(weights), len(slots) - 1
    count, before, code = 0, -1, 0
    for row in range(len(codes)):
        key = a[row] * digit[0] + b[row] * digit[1] + c[row] * digit[2] + d[row] * digit[3] + e[row] * digit[4]
        key += f[row] * digit[5] + g[row] * digit[6] + h[row] * digit[7] + i[row] * digit[8] + digit[9]
        if key != before:
            slot = np.int64(mixed(np.uint64(key), np.uint64(0)) & np.uint64(mask))
            while slots[slot] >= 0 and keys[slots[slot]] != key:
                slot = (slot + 1) & mask
            if slots[slot] < 0:
                if count == len(firsts):
                    return -1
                slots[slot], keys[count], firsts[count] = count, key, row
                count += 1
            before, code = key, slots[slot]
        codes[row] = code
    return count


_shaped_compiled = compile_cached(_shaped, compiled, texts)


def shaped(columns: Sequence[Codes], sizes: Sequence[int]) -> tuple[Codes, Integers]:
    """Return the number of each row's combination of codes (-1 up to the size of each), and the first row of each."""
    whole = [size + 1 for size in sizes]
    if prod(whole) >= MOST and len(columns) > 2:  # noqa: PLR2004  two always fit: rows are counted in 32 bits
        half = (len(columns) + 1) // 2
        codes, firsts = shaped(columns[:half], sizes[:half])
        return shaped([codes, *columns[half:]], [len(firsts), *sizes[half:]])
    into, room = np.empty(len(columns[0]), np.int32), FEW
    weights = [prod(whole[:place]) for place in range(len(whole))]
    # a code of -1 is the digit 0; columns there are none of weigh nothing
    digits = np.array([*weights, *[0] * (COLUMNS - len(weights)), sum(weights)], np.int64)
    padded = (*columns, *[columns[0]] * (COLUMNS - len(columns)))
    while True:
        firsts = np.empty(room, np.int64)
        table = (np.full(4 * room, -1, np.int64), np.empty(room, np.int64), firsts)
        count = _shaped_compiled(padded, digits, into, table)
        if count >= 0:
            return into, firsts[:count]
        room *= 8


def _packed(
    rows: Records,
    columns: tuple[Integers, Integers, Integers, Codes],
    places: tuple[Place, Place],
    nothing: tuple[int, int],
    span: tuple[int, int],
) -> int:
    """Write the records of a span of rows, and return how many amounts are not plainly written."""
    fills, time, sequence = bare(rows), bare(columns[0]), bare(columns[1])
    identity, shape, strange = bare(columns[2]), bare(columns[3]), 0
    amounts = Place(places[0].views, places[0].valid, places[0].offset, bare(places[0].buffers))
    prices = Place(places[1].views, places[1].valid, places[1].offset, bare(places[1].buffers))
    for row in range(span[0], span[1]):
        fill = fills[row]
        fill.time, fill.sequence, fill.identity, fill.shape = time[row], sequence[row], identity[row], shape[row]
        fill.base_fee, fill.quote_fee = -1, -1
        fill.amount_near, fill.amount, fill.amount_decimals = plain_at(amounts, row, nothing[0])
        fill.price_near, fill.price, fill.price_decimals = plain_at(prices, row, nothing[1])
        strange += (fill.amount_decimals == STRANGE) + (fill.price_decimals == STRANGE)
    return strange


@part
def plain_at(place: Place, row: int, nothing: int) -> tuple[float, int, int]:
    """Return nearest float64, mantissa and decimals of a text; STRANGE decimals where it is not plainly written."""
    if is_missing(place, row):
        return np.nan, nothing, 0
    address, length = address_of(place, row)
    state, near, mantissa, decimals = parsed(address, length)
    return near, mantissa, STRANGE if state == ODD else decimals


_packed_compiled = compile_cached(_packed, compiled, texts)


def packed(
    columns: tuple[Integers, Integers, Integers, Codes], given: tuple[Texts, Texts], nothing: tuple[int, int]
) -> tuple[NDArray[np.void], set[str]]:
    """Return fills as records of (time, sequence, identity, shape) and (amount, price), and which are not all plain.

    `nothing` are the mantissas of missing ones.
    """
    count = len(columns[0])
    rows, places = np.empty(count, FILL), (given[0].place, given[1].place)
    parts = WORKERS if count >= MANY else 1
    spans = [(count * one // parts, count * (one + 1) // parts) for one in range(parts)]
    strange = side_by_side(lambda span: _packed_compiled(rows, columns, places, nothing, span), spans, count)
    odd = [name for name, texts in zip(AMOUNTS, given, strict=True) if any(strange) and _with_odd(rows, name, texts)]
    return rows, set(odd)


def _with_odd(rows: NDArray[np.void], name: str, given: Texts) -> bool:
    """Read the amounts that are not plainly written; return whether there are any."""
    odd = np.flatnonzero(rows[f"{name}_decimals"] == STRANGE)
    slow = pl.DataFrame({"text": given.column.gather(odd)}).select(read("text"))
    rows[f"{name}_near"][odd] = slow["near"].to_numpy()
    rows[name][odd] = slow["mantissa"].fill_null(NO_INTEGER).to_numpy()
    rows[f"{name}_decimals"][odd] = slow["decimals"].clip(0, 127).to_numpy()
    return len(odd) > 0
