"""Columns of texts into numbers and names, in one pass each, from where polars keeps them.

A number becomes the integer of its digits and its number of decimals, beside the nearest float64; a name becomes a
small number that stands for it. What is not written plainly, or has more digits than an int64 holds, is left to
`monitor.turnover.amounts.read`: slower, to the same result.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np
import polars as pl

from monitor.turnover import compiled
from monitor.turnover.amounts import NO_INTEGER, read
from monitor.turnover.arrow import Place, Texts
from monitor.turnover.compiled import bare, compile_cached, part, view

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    Integers = NDArray[np.int64]
    Codes = NDArray[np.int32]
    Word = np.uint64

Whole = TypeVar("Whole", np.int32, np.int8)
FEW_NAMES = 1024
INLINE = 12  # bytes of a text that lie in its view
EXACT = 2**53  # integers up to here are float64 without rounding, and so is their quotient by a power of ten
POWERS = np.array([10.0**power for power in range(23)])
GREATEST = 2**63 - 1
PLAIN, MISSING, ODD = range(3)
BYTE, WORD, WIDE_WORD = np.dtype(np.uint8), np.dtype(np.uint32), np.dtype(np.uint64)
EVERY = np.zeros(0, dtype=np.int64)


class Numbers(NamedTuple):
    """Exact amounts as arrays: value = mantissa / 10 ** decimals; NaN is missing, NO_INTEGER none that fits int64."""

    near: NDArray[np.float64]
    mantissa: Integers
    decimals: NDArray[np.int8]


NO_NUMBERS = Numbers(np.zeros(0), np.zeros(0, np.int64), np.zeros(0, np.int8))


@part
def bare_numbers(numbers: Numbers) -> Numbers:
    """Return the same amounts, owned by none."""
    return Numbers(bare(numbers.near), bare(numbers.mantissa), bare(numbers.decimals))


class Names(NamedTuple):
    """Names by number, -1 where there is none, and what the numbers stand for."""

    codes: Codes
    names: list[str]


@part
def is_missing(place: Place, row: int) -> bool:
    """Tell whether the validity bit of a row is not set."""
    if place.valid == 0:
        return False
    at = row + place.offset
    return bool((view(place.valid + (at >> 3), (1,), BYTE)[0] >> (at & 7)) & 1 == 0)


@part
def address_of(place: Place, row: int) -> tuple[int, int]:
    """Return where the bytes of a text begin and how many there are."""
    head = view(place.views + 16 * row, (4,), WORD)
    length = int(np.int64(head[0]))
    if length <= INLINE:
        return place.views + 16 * row + 4, length
    return int(place.buffers[head[2]] + np.int64(head[3])), length


@part
def parsed(address: int, length: int) -> tuple[int, float, int, int]:
    """Return (PLAIN or ODD, nearest float64, mantissa, decimals) of a decimal text."""
    text, mantissa, point, digits = view(address, (length,), BYTE), 0, -1, 0
    start = 1 if length > 0 and text[0] == ord("-") else 0
    for at in range(start, length):
        digit = int(np.int64(text[at])) - 48
        if text[at] == ord(".") and point < 0:
            point = at
        elif digit < 0 or digit > 9 or mantissa > EXACT:  # noqa: PLR2004  the digits of the decimal system
            return ODD, 0.0, 0, 0
        else:
            mantissa = 10 * mantissa + digit
            digits += 1
    decimals = length - 1 - point if point >= 0 else 0
    if digits == 0 or mantissa > EXACT or decimals >= len(POWERS):
        return ODD, 0.0, 0, 0
    # both are exact, so their quotient is the float64 nearest to the decimal
    near = float(mantissa) / POWERS[decimals]
    return PLAIN, (-near if start else near), (-mantissa if start else mantissa), decimals


def _read(place: Place, into: Numbers) -> Integers:
    """Read all rows, and return the places of those that are not plain."""
    odd, found = np.empty(16, np.int64), 0
    place = Place(place.views, place.valid, place.offset, bare(place.buffers))
    nears, mantissas, decimal_places = bare(into.near), bare(into.mantissa), bare(into.decimals)
    for row in range(len(nears)):
        state, near, mantissa, decimals = MISSING, np.nan, NO_INTEGER, 0
        if not is_missing(place, row):
            address, length = address_of(place, row)
            state, near, mantissa, decimals = parsed(address, length)
        nears[row], mantissas[row], decimal_places[row] = near, mantissa, decimals
        if state == ODD:
            if found == len(odd):
                odd = np.concatenate((odd, np.empty_like(odd)))
            odd[found] = row
            found += 1
    return odd[:found]


_read_compiled = compile_cached(_read, compiled)


def numbers(texts: Texts) -> Numbers:
    """Return the amounts of a column of decimal texts."""
    count = len(texts)
    into = Numbers(np.empty(count), np.empty(count, np.int64), np.empty(count, np.int8))
    if count == 0:
        return into
    odd = _read_compiled(texts.place, into)
    if len(odd):
        slow = pl.DataFrame({"text": texts.column.gather(odd)}).select(read("text"))
        into.near[odd] = slow["near"].to_numpy()
        into.mantissa[odd] = slow["mantissa"].fill_null(NO_INTEGER).to_numpy()
        into.decimals[odd] = slow["decimals"].clip(0, 127).to_numpy()
    return into


@part
def mixed(one: Word, other: Word) -> Word:
    """Return a number that spreads two words evenly."""
    number = (one * np.uint64(0x9E3779B97F4A7C15)) ^ other
    number = (number ^ (number >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
    return number ^ (number >> np.uint64(32))


@part
def hash_of(address: int, length: int) -> Word:
    """Return a number that equal runs of bytes share."""
    text, number = view(address, (length,), BYTE), np.uint64(length)
    for at in range(length):
        number = (number ^ np.uint64(text[at])) * np.uint64(0x100000001B3)
    return mixed(number, np.uint64(length))


@part
def equal(one: int, other: int, length: int) -> bool:
    """Tell whether two runs of bytes of one length are the same."""
    some, more = view(one, (length,), BYTE), view(other, (length,), BYTE)
    for at in range(length):  # noqa: SIM110  machine code knows no generators
        if some[at] != more[at]:
            return False
    return True


@part
def hashed(place: Place, row: int) -> Word:
    """Return a number that equal texts share."""
    address, length = address_of(place, row)
    if length > INLINE:
        return hash_of(address, length)
    pair = view(place.views + 16 * row, (2,), WIDE_WORD)
    return mixed(pair[0], pair[1])


@part
def same(place: Place, one: int, other: int) -> bool:
    """Tell whether two rows hold the same text."""
    left, right = view(place.views + 16 * one, (2,), WIDE_WORD), view(place.views + 16 * other, (2,), WIDE_WORD)
    if left[0] != right[0]:
        return False
    (first, length), (second, _) = address_of(place, one), address_of(place, other)
    if length <= INLINE:
        return bool(left[1] == right[1])
    return equal(first, second, length)


def _name(place: Place, codes: Codes, slots: Integers, firsts: Integers) -> int:
    """Number the texts in the order they turn up, note the row each was first found in, and return how many they are.

    -1 if there are more than there is room for.
    """
    count, before, mask = 0, -1, len(slots) - 1
    for row in range(len(codes)):
        if is_missing(place, row):
            codes[row] = -1
            continue
        if before < 0 or not same(place, before, row):
            slot = np.int64(hashed(place, row) & np.uint64(mask))
            while slots[slot] >= 0 and not same(place, firsts[slots[slot]], row):
                slot = (slot + 1) & mask
            if slots[slot] < 0:
                if count == len(firsts):
                    return -1
                slots[slot], firsts[count] = count, row
                count += 1
            codes[row] = slots[slot]
        else:
            codes[row] = codes[before]
        before = row
    return count


_name_compiled = compile_cached(_name, compiled)


def named(column: pl.Series) -> Names:
    """Return a column of texts as names by number."""
    texts, codes, room = Texts(column), np.empty(len(column), np.int32), FEW_NAMES
    firsts, count = EVERY, 0
    while len(column):
        firsts = np.empty(room, np.int64)
        count = _name_compiled(texts.place, codes, np.full(4 * room, -1, np.int64), firsts)
        if count >= 0:
            break
        room *= 8
    return Names(codes, [texts.column[int(first)] for first in firsts[:count]])


def renumbered(codes: Codes, names: Sequence[str], numbers: Mapping[str, int]) -> Codes:
    """Return codes by other numbers for the same names; -1 stays -1."""
    return looked_up(codes, np.array([*(numbers[name] for name in names), -1], dtype=np.int32))


def _looked_up(codes: Codes, table: NDArray[Whole]) -> NDArray[Whole]:
    """Return what a table has for each code, its last row for -1."""
    found = np.empty(len(codes), table.dtype)
    into, numbers, rows = bare(found), bare(codes), bare(table)
    for place in range(len(numbers)):
        into[place] = rows[numbers[place]]
    return found


looked_up = compile_cached(_looked_up, compiled)
