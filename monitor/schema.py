"""Columns and types of the frames the stages hand to each other, and the state of a pool, stated once.

Types are the names polars knows them by, as text, so that a reader who only wants the names (the command line, which
must start in a blink) loads no data library. Names and meaning are those of store/migrations: a frame here is a table
there. Exact quantities travel as text, instants as milliseconds UTC.
"""

from __future__ import annotations

from functools import lru_cache
from operator import itemgetter
from struct import Struct
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Columns = dict[str, str]

# What the engine reads of the ledger; a frame may carry more columns, they are ignored.
FILLS: Columns = {
    "id": "Int64",
    "account": "String",
    "exchange": "String",
    "key": "String",
    "time_ms": "Int64",
    "sequence": "Int64",
    "book": "String",
    "kind": "String",
    "symbol": "String",
    "base": "String",
    "quote": "String",
    "settle": "String",
    "side": "String",
    "amount": "String",
    "price": "String",
    "cost": "String",
    "contract_size": "String",
    "inverse": "Int64",
    "fees": "String",
}

MOVEMENTS: Columns = {
    "id": "Int64",
    "account": "String",
    "exchange": "String",
    "key": "String",
    "time_ms": "Int64",
    "sequence": "Int64",
    "kind": "String",
    "book": "String",
    "asset": "String",
    "amount": "String",
    "value": "String",
    "fees": "String",
    "to_account": "String",
    "to_asset": "String",
    "received": "String",
    "status": "String",
    # of a withdrawal that a deposit of another own account was matched with: the two are one transfer
    "matched_account": "String",
    "arrived_ms": "Int64",
    "matched_received": "String",
    # 1 for that deposit itself: its withdrawal speaks for it
    "is_matched_deposit": "Int64",
}

PRICES: Columns = {
    "base": "String",
    "quote": "String",
    "time_ms": "Int64",
    "exchange": "String",
    "price": "String",
    "source": "String",
}

# The running sums of the track, in the order of their float64 pairs (high, low) in `segments.sums`.
SUMS: tuple[str, ...] = (
    "fills",
    "cogs",
    "cover_basis",
    "units_relieved",
    "buy_notional",
    "sell_notional",
    "realised_pnl",
    "fee_basis",
    "withdrawn_basis",
    "estimated_relieved",
    "unvalued",
    "cost_time",
    "estimated_time",
    "units_time",
    "active_time",
    "unpriced_time",
    "market_time",
    "unmarked_time",
    "held_time",
    "held_5s",
    "held_1m",
    "held_1h",
    "held_1d",
    "cross_buy",
    "cross_sell",
)
# Which of the sums a row of the track holds, as bits in the first bytes of its `sums`: those that are not 0 follow.
HEAD = 4

TRACK: Columns = {
    "time_ms": "Int64",
    "ordinal": "Int64",
    "segment": "Int64",
    "quantity": "String",
    "inventory_cost": "Float64",
    "estimated_cost": "Float64",
    "unpriced": "Int64",
    "active": "Int64",
    "sums": "Binary",
}

SEGMENTS: Columns = {
    "segment": "Int64",
    "first_ordinal": "Int64",
    "time_ms": "Int64",
    "peak": "Float64",
    "sums": "Binary",
    "state": "Binary",
}

LOTS: Columns = {
    "lot": "Int64",
    "opened_ms": "Int64",
    "entered_ms": "Int64",
    "quantity": "String",
    "basis": "Float64",
    "estimated": "Int64",
    "closed_ms": "Int64",
    "fill": "Int64",
    "movement": "Int64",
}

RELIEFS: Columns = {
    "time_ms": "Int64",
    "ordinal": "Int64",
    "lot": "Int64",
    "quantity": "String",
    "basis": "Float64",
    "held_ms": "Int64",
    "kind": "String",
}

MARKS: Columns = {
    "asset": "String",
    "time_ms": "Int64",
    "mark": "Float64",
    "mark_time": "Float64",
    "source": "String",
}


class State(NamedTuple):
    """A pool at an instant: its last event before it, and what the segment and the mark add to that.

    `sums` run from the start of the segment in the order of `SUMS`; `before` holds the sums before the segment
    as pairs (high, low), empty where it is not needed. `mark_time` is the integral of the mark from the event to the
    instant in currency * milliseconds a unit, `unmarked` the milliseconds of that span before the asset's first mark.
    """

    time: int
    ordinal: int
    segment: int
    quantity: str
    inventory_cost: float
    estimated_cost: float
    unpriced: int
    active: int
    sums: tuple[float, ...]
    before: tuple[float, ...] = ()
    mark_time: float = 0.0
    unmarked: int = 0

    @property
    def units(self) -> float:
        """Size of the position, long or short."""
        return abs(float(self.quantity))


@lru_cache(maxsize=1024)
def unpacking(head: bytes, names: Sequence[str] = SUMS) -> Callable[[bytes], tuple[float, ...]]:
    """Return what reads the sums `names` (two or more) from those of a track's row that begin with `head`.

    Of 25 sums half are 0 in most rows and not written; each pattern of those that are has a reader of its own.
    """
    bits = int.from_bytes(head, "little")
    held = [name for place, name in enumerate(SUMS) if bits >> place & 1]
    read = Struct(f"<{HEAD}x{''.join('d' if name in names else '8x' for name in held)}").unpack
    found = [name for name in held if name in names]
    if found == list(names):
        return read
    pick = itemgetter(*(1 + found.index(name) if name in found else 0 for name in names))
    return lambda sums: pick((0.0, *read(sums)))


def unpacked(sums: bytes) -> tuple[float, ...]:
    """Return the running sums of a row of the track, in the order of `SUMS`."""
    return unpacking(sums[:HEAD])(sums)
