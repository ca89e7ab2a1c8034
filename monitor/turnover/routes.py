"""Which fill has legs in which partition: the rows of each, found in one pass and put side by side in another.

A partition is one asset, or assets that convert into each other, in one book. Its legs can be made, ordered, valued
and computed without any other's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from monitor.turnover import compiled, fees, fills
from monitor.turnover.compiled import bare, compile_cached, part
from monitor.turnover.fees import OWN_LEG, bare_fees
from monitor.turnover.fills import bare_fills
from monitor.turnover.legs import BASE_ROLE, FEE_ROLE, QUOTE_ROLE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from monitor.turnover.fees import Fees
    from monitor.turnover.fills import Fills
    from monitor.turnover.ledger import Ledger
    from monitor.turnover.texts import Integers


class Routes(NamedTuple):
    """Where legs come from and go to: `sizes` of the partitions, `assets` that have any legs.

    In the order of the ledger, batch after batch (those of batch b lie before `ends[b]`): `picked` is a row of the
    fills, or of the fees where the role is FEE_ROLE, `parts` its partition. `batches` is the batch of each partition.
    """

    sizes: Integers
    assets: NDArray[np.bool_]
    batches: NDArray[np.int32]
    ends: Integers
    picked: Integers
    roles: NDArray[np.int8]
    parts: NDArray[np.int32]


@part
def take(into: Routes, number: int, picked: int, role: int) -> None:
    """Put a leg at the next place of its batch; without room for legs, only count it."""
    if number < 0:
        return
    if len(into.picked) == 0:
        into.sizes[number] += 1
        return
    batch = into.batches[number]
    at = into.ends[batch]
    into.ends[batch] = at + 1
    into.picked[at], into.roles[at], into.parts[at] = picked, role, number


@part
def route(fills: Fills, fees: Fees, cash: NDArray[np.bool_], numbers: NDArray[np.int32], into: Routes) -> None:
    """Send the legs of all fills and fees on their way; the spot book is the last column of `numbers`."""
    spot = numbers.shape[1] - 1
    for row in range(len(fills.shape)):
        shape = fills.shapes[fills.shape[row]]
        is_coin, book, base, quote = shape.is_coin == 1, shape.book, shape.base, shape.quote
        if not is_coin or not cash[base]:
            asset = shape.symbol if shape.symbol >= 0 else base
            into.assets[asset] = True
            take(into, numbers[asset, book], row, BASE_ROLE)
        if is_coin and not cash[quote]:
            into.assets[quote] = True
            take(into, numbers[quote, book], row, QUOTE_ROLE)
    for place in range(len(fees.row)):
        if fees.effect[place] == OWN_LEG:
            shape, asset = fills.shapes[fills.shape[fees.row[place]]], fees.asset[place]
            foreign = shape.is_coin == 0 or asset != shape.base
            into.assets[asset] = True
            take(into, numbers[asset, spot if foreign else shape.book], place, FEE_ROLE)


def _route(fills: Fills, fees: Fees, cash: NDArray[np.bool_], numbers: NDArray[np.int32], into: Routes) -> None:
    legs = Routes(
        bare(into.sizes), bare(into.assets), bare(into.batches), bare(into.ends), bare(into.picked), bare(into.roles),
        bare(into.parts),
    )  # fmt: skip
    route(bare_fills(fills), bare_fees(fees), bare(cash), bare(numbers), legs)


_route_compiled = compile_cached(_route, compiled, fees, fills)


def routed(ledger: Ledger, fees: Fees, numbers: NDArray[np.int32], batch: int) -> Routes:
    """Return the legs of each partition, some `batch` legs together; `numbers[asset, book]` is a partition's, or -1."""
    numbers = np.column_stack([numbers, numbers[:, ledger.numbering.books["spot"]]])
    count = int(numbers.max(initial=-1)) + 1
    nothing, few = np.zeros(0, np.int64), np.zeros(0, np.int32)
    into = Routes(
        np.zeros(count, np.int64), np.zeros(len(ledger.cash), bool), few, nothing, nothing, np.zeros(0, np.int8), few
    )
    _route_compiled(ledger.fills, fees, ledger.cash, numbers, into)
    batches = _batches(into.sizes, batch)
    totals = np.bincount(batches, weights=into.sizes).astype(np.int64) if count else nothing
    ends = np.cumsum(totals)
    total = int(totals.sum())
    into = into._replace(
        batches=batches,
        ends=ends - totals,
        picked=np.empty(total, np.int64),
        roles=np.empty(total, np.int8),
        parts=np.empty(total, np.int32),
    )
    if total:
        _route_compiled(ledger.fills, fees, ledger.cash, numbers, into)
    return into


def _batches(sizes: Integers, most: int) -> NDArray[np.int32]:
    """Return the batch of each partition: small ones together, up to `most` legs, a great one alone."""
    batches, batch, held = np.zeros(len(sizes), np.int32), 0, 0
    for part_number, size in enumerate(sizes.tolist()):
        if held and held + size > most:
            batch, held = batch + 1, 0
        held += size
        batches[part_number] = batch
    return batches
