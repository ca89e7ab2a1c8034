"""The fees of fills: read from the ledger's JSON, each put where it belongs.

| fee in | effect |
|---|---|
| base (spot, margin) | a purchase acquires less, a sale gives up more, at the same value |
| quote | into the basis of a purchase, off the proceeds of a sale; what moves of a quote that is no cash is net of it |
| settlement cash (linear) | as in quote |
| other cash | none: it has no lots |
| anything else | a leg of its own: relieves lots as fee basis, or, a rebate, brings a lot |

Nearly all fills have one fee or none, `[["BNB","0.1"]]`, read in place; the others go through the JSON reader.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl

from monitor.exact import plain
from monitor.turnover import compiled, texts
from monitor.turnover import fills as fill_rules
from monitor.turnover.amounts import DIGITS, NO_INTEGER, read
from monitor.turnover.arrow import Texts
from monitor.turnover.compiled import bare, compile_cached, part, view
from monitor.turnover.fills import bare_fills
from monitor.turnover.texts import BYTE, PLAIN, address_of, equal, hash_of, is_missing, parsed, renumbered

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from monitor.turnover.arrow import Place
    from monitor.turnover.fills import Fills
    from monitor.turnover.texts import Codes, Integers

OPENED, CLOSED, NO_FEES = len('[["'), len('"]]'), len("[]")
SHORTEST = len('[["A","1"]]')
MARK, COMMA, BACKSLASH, BRACKET = ord('"'), ord(","), ord("\\"), ord("[")
ROOM = 256
SEVERAL = -2
MOST_PLACES = 127
OF_BASE, OF_QUOTE, OWN_LEG, OF_NO_LOTS = range(4)
FIELD = {OF_BASE: "base_fee", OF_QUOTE: "quote_fee"}


class Fees(NamedTuple):
    """Fees that are not nothing, by place: whose (row of the fills), which of its fees, asset, amount and effect."""

    row: Codes
    order: NDArray[np.int16]
    asset: Codes
    near: NDArray[np.float64]
    mantissa: Integers
    decimals: NDArray[np.int8]
    effect: NDArray[np.int8]


@part
def bare_fees(fees: Fees) -> Fees:
    """Return the same fees, owned by none."""
    return Fees(
        bare(fees.row), bare(fees.order), bare(fees.asset), bare(fees.near), bare(fees.mantissa), bare(fees.decimals),
        bare(fees.effect),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class FeeTable:
    """The fees with assets still numbered by `names`, and the exact amounts of those that were not plainly written."""

    fees: Fees
    names: list[str]
    exact: dict[int, Decimal] = field(default_factory=dict)


def read_fees(column: pl.Series) -> FeeTable:
    """Return the fees of fills; their effect is not known yet."""
    texts, count, room = Texts(column), len(column), ROOM
    fees, odd = _blank(count), np.empty(count, np.int32)
    found = strange = names = 0
    firsts = np.zeros(0, np.int64)
    while count:
        firsts = np.empty(room, np.int64)
        slots = np.full(4 * room, -1, np.int64)
        found, strange, names = _plain_compiled(texts.place, count, Found(fees, slots, firsts, odd))
        if names >= 0:
            break
        room *= 8
    words = [json.loads(texts.column[int(row)])[0][0] for row in firsts[:names]]
    table = FeeTable(Fees._make(part[:found] for part in fees), words)
    return _with_odd(table, texts.column, odd[:strange]) if strange else table


def _blank(count: int) -> Fees:
    return Fees(
        np.zeros(count, np.int32),
        np.zeros(count, np.int16),
        np.zeros(count, np.int32),
        np.zeros(count),
        np.zeros(count, np.int64),
        np.zeros(count, np.int8),
        np.zeros(count, np.int8),
    )


class Found(NamedTuple):
    """Where plain fees, the fills whose fees are not plain, and the first row of each asset are noted."""

    fees: Fees
    slots: Integers
    firsts: Integers
    odd: Codes


def _plain(place: Place, count: int, into: Found) -> tuple[int, int, int]:
    """Read fills with one plainly written fee; return how many fees, other fills and assets there are.

    Assets are -1 if there are more of them than there is room for.
    """
    fees, found, strange, names, before = into.fees, 0, 0, 0, (-1, 0, 0)
    for row in range(count):
        if is_missing(place, row):
            continue
        start, length = address_of(place, row)
        if length <= NO_FEES:
            continue
        size = asset_length(start, length)
        at = start + OPENED + size + len('","')
        state, near, mantissa, decimals = parsed(at, start + length - CLOSED - at) if size > 0 else (-1, 0.0, 0, 0)
        if state != PLAIN:
            into.odd[strange] = row
            strange += 1
        elif near != 0:
            if before[0] < 0 or size != before[2] or not equal(start + OPENED, before[1], size):
                name, names = numbered_asset(place, into, row, names)
                if name < 0:
                    return 0, 0, -1
                before = (name, start + OPENED, size)
            fees.row[found], fees.asset[found] = row, before[0]
            fees.near[found], fees.mantissa[found], fees.decimals[found] = near, mantissa, decimals
            found += 1
    return found, strange, names


@part
def numbered_asset(place: Place, into: Found, row: int, names: int) -> tuple[int, int]:
    """Return the number of the asset a row's fee is in, -1 if there is no more room, and how many there are now."""
    start, length = address_of(place, row)
    size, mask = asset_length(start, length), len(into.slots) - 1
    slot = int(np.int64(hash_of(start + OPENED, size) & np.uint64(mask)))
    while into.slots[slot] >= 0 and not is_name(place, into.firsts[into.slots[slot]], start + OPENED, size):
        slot = (slot + 1) & mask
    if into.slots[slot] < 0:
        if names == len(into.firsts):
            return -1, names
        into.slots[slot], into.firsts[names] = names, row
        names += 1
    return int(into.slots[slot]), names


@part
def asset_length(start: int, length: int) -> int:
    """Return the length of the asset of a text that is one fee, 0 where it is not that."""
    text = view(start, (length,), BYTE)
    end = length - CLOSED
    if length < SHORTEST or text[0] != BRACKET or text[1] != BRACKET or text[2] != MARK or text[end] != MARK:
        return 0
    at = OPENED
    while at < end and text[at] != MARK:
        if text[at] == BACKSLASH:
            return 0
        at += 1
    if at + 2 >= end or text[at + 1] != COMMA or text[at + 2] != MARK:
        return 0
    return at - OPENED


@part
def is_name(place: Place, row: int, at: int, length: int) -> bool:
    """Tell whether the fee of another row is in the asset that is written at an address."""
    start, whole = address_of(place, row)
    return asset_length(start, whole) == length and equal(start + OPENED, at, length)


_plain_compiled = compile_cached(_plain, compiled, texts)


def _with_odd(table: FeeTable, column: pl.Series, rows: Codes) -> FeeTable:
    """Add the fees of fills that have several, or that are not plainly written."""
    several = [
        (row, order, str(asset), str(amount))
        for row, text in zip(rows.tolist(), column.gather(rows).to_list(), strict=True)
        for order, (asset, amount) in enumerate(json.loads(text))
    ]
    return _appended(table, [fee for fee in several if Decimal(fee[3]) != 0])


def _appended(table: FeeTable, more: Sequence[tuple[int, int, str, str]]) -> FeeTable:
    """Add fees as (row, order, asset, amount)."""
    places = {name: place for place, name in enumerate(table.names)}
    for _, _, asset, _ in more:
        places.setdefault(asset, len(places))
    texts = pl.DataFrame({"amount": [amount for *_, amount in more]}, schema={"amount": pl.String})
    amounts = texts.select(read("amount"))
    added = Fees(
        np.array([row for row, *_ in more], dtype=np.int32),
        np.array([order for _, order, *_ in more], dtype=np.int16),
        np.array([places[asset] for _, _, asset, _ in more], dtype=np.int32),
        amounts["near"].to_numpy(),
        amounts["mantissa"].fill_null(NO_INTEGER).to_numpy(),
        amounts["decimals"].clip(0, MOST_PLACES).to_numpy().astype(np.int8),
        np.zeros(len(more), dtype=np.int8),
    )
    first = len(table.fees.row)
    exact = {first + place: Decimal(amount) for place, (*_, amount) in enumerate(more)}
    fees = Fees._make(np.concatenate([one, other]) for one, other in zip(table.fees, added, strict=True))
    return FeeTable(fees, list(places), table.exact | exact)


def settled(table: FeeTable, fills: Fills, numbers: Mapping[str, int], cash: NDArray[np.bool_]) -> FeeTable:
    """Decide what each fee does, and note with the fills what changes their own legs."""
    fees = table.fees._replace(asset=renumbered(table.fees.asset, table.names, numbers))
    table = FeeTable(fees, list(numbers), table.exact)
    several = _settle_compiled(fees, fills, cash)
    if not several:
        return table
    # Of some fill, several fees do the same: they count as one, which is put behind all others.
    sums: dict[tuple[int, int], Decimal] = {}
    for place in np.flatnonzero((fees.effect == OF_BASE) | (fees.effect == OF_QUOTE)).tolist():
        key = (int(fees.effect[place]), int(fees.row[place]))
        if fills.rows[FIELD[key[0]]][key[1]] == SEVERAL:
            sums[key] = DIGITS.add(sums.get(key, Decimal(0)), table.exact[place])
    first = len(fees.row)
    for place, (effect, row) in enumerate(sums):
        fills.rows[FIELD[effect]][row] = first + place
    more = [(row, -1, table.names[0], plain(total)) for (_, row), total in sums.items()]
    table = _appended(table, more)
    table.fees.effect[first:] = OF_NO_LOTS
    return table


@part
def effect_of(fees: Fees, place: int, fills: Fills, cash: NDArray[np.bool_]) -> int:
    """Return what a fee does."""
    shape, asset = fills.shapes[fills.shape[fees.row[place]]], fees.asset[place]
    is_coin, in_money = shape.is_coin == 1, shape.money == asset
    if is_coin and asset == shape.base and fees.near[place] > 0:
        return OF_BASE
    # what an inverse contract settles in is a coin: it is charged in cash only where that is its quote
    settles = cash[asset] and (in_money or (shape.is_inverse == 0 and shape.settle == asset))
    if in_money if is_coin else settles:
        return OF_QUOTE
    return OF_NO_LOTS if cash[asset] else OWN_LEG


def _settle(fees: Fees, fills: Fills, cash: NDArray[np.bool_]) -> int:
    """Set the effect of every fee, and return how many fills have several of one effect."""
    several, fees, fills, cash = 0, bare_fees(fees), bare_fills(fills), bare(cash)
    for place in range(len(fees.row)):
        effect, fill = effect_of(fees, place, fills, cash), fills.rows[fees.row[place]]
        fees.effect[place] = effect
        if effect == OF_BASE:
            several += fill.base_fee != -1
            fill.base_fee = place if fill.base_fee == -1 else SEVERAL
        elif effect == OF_QUOTE:
            several += fill.quote_fee != -1
            fill.quote_fee = place if fill.quote_fee == -1 else SEVERAL
    return several


_settle_compiled = compile_cached(_settle, compiled, fill_rules)
