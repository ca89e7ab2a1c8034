"""The order of legs: partition, time, phase, then exchange, its own sequence, the key, and what tells the rest apart.

What comes in time order, as a ledger mostly does, is only looked at; what shares an instant is sorted by the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from monitor.turnover import compiled, leg_records
from monitor.turnover.compiled import bare, compile_cached
from monitor.turnover.leg_records import LOCAL

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from monitor.turnover.leg_records import Records
    from monitor.turnover.texts import Integers

# Who was first at one instant in one place; the account and the ledger tell apart what venues number alike. It is the
# account whose row it was: what arrives from another one comes after it was sent, whatever the names are.
TIES = ("exchange", "sequence", "key", "owner", "movement", "role")
LAST = 2**62


def _tied(records: Records, numbers: NDArray[np.int32], marked: NDArray[np.bool_]) -> bool:
    """Mark legs that share partition, instant and phase with a neighbour; return whether all are in order."""
    legs, parts, tied = bare(records), bare(numbers), bare(marked)
    for place in range(1, len(legs)):
        one, other = legs[place - 1], legs[place]
        if parts[place] != parts[place - 1]:
            if parts[place] < parts[place - 1]:
                return False
        elif other.time < one.time or (other.time == one.time and other.phase < one.phase):
            return False
        elif other.time == one.time and other.phase == one.phase:
            tied[place - 1] = tied[place] = True
    return True


_tied_compiled = compile_cached(_tied, compiled, leg_records)


def _parts_of(records: Records, table: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return the partition of each leg: that of its asset and book."""
    parts, legs, numbers = np.empty(len(records), np.int32), bare(records), bare(table)
    into = bare(parts)
    for place in range(len(legs)):
        into[place] = numbers[legs[place].asset, legs[place].book]
    return parts


parts_of = compile_cached(_parts_of, compiled, leg_records)


def in_order(legs: Records, parts: NDArray[np.int32], keys: tuple[pl.Series, pl.Series]) -> Integers | None:
    """Return the places of legs in order, None if that is as they are; `keys` are those of fills and of movements."""
    tied, order = np.zeros(len(legs), dtype=bool), None
    if not _tied_compiled(legs, parts, tied):
        order = np.lexsort((legs["phase"], legs["time"], parts))
        tied[:] = False
        _tied_compiled(legs[order], parts[order], tied)
    places = np.flatnonzero(tied)
    if not len(places):
        return order
    order = np.arange(len(legs)) if order is None else order
    order[places] = _sorted(legs, parts, order[places], keys)
    return order


def _sorted(legs: Records, parts: NDArray[np.int32], some: Integers, keys: tuple[pl.Series, pl.Series]) -> Integers:
    """Return legs that share instants in order."""
    chosen = legs[some]
    moved, rows = chosen["moved"] == 1, chosen["row"]
    texts = pl.select(
        pl.when(pl.Series(moved))
        .then(keys[1].gather(np.where(moved, rows, 0)) if len(keys[1]) else pl.lit(None))
        .otherwise(keys[0].gather(np.where(moved, 0, rows)) if len(keys[0]) else pl.lit(None))
    ).to_series()
    key = texts.cast(pl.String).rank("dense").fill_null(LAST).to_numpy()
    movement = np.where(moved, chosen["origin"], LAST)
    columns = [chosen["exchange"], chosen["sequence"], key, chosen["owner"], movement, chosen["role"]]
    order: Integers = np.lexsort((*columns[::-1], chosen["phase"], chosen["time"], parts[some]))
    return some[order]


def _mark_first(records: Records, numbers: NDArray[np.int32], accounts: int, assets: int) -> None:
    """Mark the first leg of each pool, of scope account and of scope portfolio: they are valued whatever they are."""
    seen, known = np.zeros((assets, accounts), np.bool_), np.zeros(assets, np.bool_)
    legs, parts, alone, whole, before = bare(records), bare(numbers), bare(seen), bare(known), -1
    for place in range(len(legs)):
        leg = legs[place]
        if parts[place] != before:
            before, seen[:], known[:] = parts[place], False, False
        local = (leg.flags & LOCAL) != 0
        leg.first = 0
        if not alone[leg.asset, leg.account]:
            alone[leg.asset, leg.account], leg.first = True, 1
        if not local and not whole[leg.asset]:
            whole[leg.asset], leg.first = True, 1


mark_first = compile_cached(_mark_first, compiled, leg_records)
