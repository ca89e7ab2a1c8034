"""One partition, from its legs to a finished kernel: whole quantities, openings the ledger does not tell, room.

A partition is one asset (or assets that convert into each other) in one book, with one pool for the portfolio or one
an account. It shares nothing with any other partition, so any number of them may run at a time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

import numpy as np

from monitor.turnover.amounts import POWERS
from monitor.turnover.arrays import (
    COUNTS,
    EVENT,
    GAIN,
    HIFO,
    LOFO,
    LOT,
    MARK,
    NONE,
    POOL,
    RELIEF,
    REMAKE,
    SAVED_LOT,
    SEGMENT_ROW,
    SEND,
    STAND,
    TRADE,
    WIDTH,
    Event,
    Job,
    Lot,
    Mark,
    Pool,
    Relief,
    SavedLot,
    Segment,
    Terms,
    objects,
)
from monitor.turnover.arrays import ESTIMATED as ESTIMATED_FLAG
from monitor.turnover.lots import advance

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from monitor.turnover.arrays import Row, Table

    Integers = NDArray[np.int64]
    Numbers = NDArray[np.float64]

# Half of int64: a position and one more fill still fit.
ROOM = 4.0e18
SPARE = 12  # decimals more where lots are converted
QUANTITIES = {"quantity", "left", "came"}


@dataclass(frozen=True, slots=True)
class Legs:
    """The legs of one partition in order, as columns; quantities are mantissa / 10 ** decimals, or a text in `wide`.

    `pool` is the place in the partition's pools, `transit` numbers the transfers from 0 on, -1 for other legs.
    """

    pool: Integers
    time: Integers
    action: Integers
    flags: Integers
    transit: Integers
    units: Numbers
    mantissa: Integers
    decimals: Integers
    wide: dict[int, str]
    value: Numbers
    gross: Numbers
    price: Numbers
    mark: Numbers

    def __len__(self) -> int:
        """Return how many legs there are."""
        return len(self.time)


@dataclass(frozen=True, slots=True)
class Marks:
    """The marks of each pool's asset, one after the other: those of pool p are `bounds[p]`."""

    time: Integers
    value: Numbers
    bounds: Sequence[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Shortfall:
    """More was given up than the ledger brought in: `quantity` units of a pool, worth `mark` each when it began."""

    pool: int
    quantity: int
    first: int
    mark: float
    clipped: bool


@dataclass(frozen=True, slots=True)
class Finished:
    """A partition after its last event. `leg[i]` is the leg of event i, -1 for an opening that was made up."""

    job: Job
    pools: int
    leg: Integers
    scale: int
    shortfalls: tuple[Shortfall, ...]


def whole(legs: Legs, pools: int, least: int = 0, held: float = 0.0) -> tuple[int, Integers]:
    """Return the scale of a partition and its quantities in units of 10 ** -scale.

    They are int64 where every quantity and every position on the way holds in it, else Python integers. `least` is the
    smallest scale that will do, `held` the greatest size that was there before.
    """
    mantissa, decimals = legs.mantissa, legs.decimals
    scale = max(least, int(decimals.max(initial=0)))
    # a conversion spreads what was received over lots in proportion: that takes digits nobody wrote
    spare = SPARE if np.any(legs.action == REMAKE) else 0
    reach = _reach(legs, pools) + held
    if reach * 10.0**scale < ROOM and scale < len(POWERS):
        while scale + spare >= len(POWERS) or reach * 10.0 ** (scale + spare) >= ROOM:
            spare -= 1
        scale += spare
        return scale, mantissa * POWERS[scale - decimals]
    exact = mantissa.astype(object)
    for place, text in legs.wide.items():
        exact[place] = int(text.replace(".", ""))
    # a product such as 0.5 * 2.000 has more decimals than it needs
    while np.any(ending := (decimals > 0) & (exact % 10 == 0)):
        exact, decimals = np.where(ending, exact // 10, exact), np.where(ending, decimals - 1, decimals)
    scale = max(least, int(decimals.max(initial=0))) + spare
    exact = exact * np.array([10**power for power in (scale - decimals).tolist()], dtype=object)
    fits = scale < len(POWERS) and reach * 10.0**scale < ROOM
    return scale, cast("Integers", exact.astype(np.int64) if fits else exact)


def _reach(legs: Legs, pools: int) -> float:
    """Return the greatest quantity or position there is on the way."""
    reach = np.abs(legs.units).max(initial=0.0)
    for pool in range(pools):
        reach = max(reach, np.abs(np.cumsum(legs.units[legs.pool == pool])).max(initial=0.0))
    return float(reach)


def shortfalls(legs: Legs, quantity: Integers, unit: float, pools: int, dust: float) -> tuple[Shortfall, ...]:
    """Return what each pool of a book that cannot be short gave up beyond what it had.

    Up to `dust` it is clipped where it happens; more is an opening the ledger does not tell, at the first mark.
    """
    found = []
    for pool in range(pools):
        places = np.flatnonzero(legs.pool == pool)
        if len(places) and (missing := -int(np.cumsum(quantity[places]).min())) > 0:
            first = int(places[0])
            mark = float(legs.mark[first])
            found.append(Shortfall(pool, missing, first, mark, clipped=missing / unit * mark <= dust))
    return tuple(found)


def prepare(legs: Legs, marks: Marks, terms: Terms, pools: int) -> Finished:
    """Return a partition ready to run: its openings put in, its tables laid out."""
    scale, quantity = whole(legs, pools)
    terms = terms._replace(unit=10.0**scale)
    short = () if terms.signed else shortfalls(legs, quantity, terms.unit, pools, terms.dust)
    opened = [one for one in short if not one.clipped]
    at = [one.first for one in opened]
    leg = np.insert(np.arange(len(legs), dtype=np.int64), at, NONE)
    columns = event_columns(legs, quantity, pools)
    inserted: dict[str, list[float]] = {
        "pool": [one.pool for one in opened],
        "time": legs.time[at].tolist(),
        "kind": [GAIN] * len(at),
        "flags": [ESTIMATED_FLAG] * len(at),
        "transit": [NONE] * len(at),
        "quantity": [one.quantity for one in opened],
        "value": [one.quantity / terms.unit * one.mark for one in opened],
    }
    for name, column in columns.items():
        columns[name] = np.insert(column, at, inserted.get(name, [np.nan] * len(at)))
    return Finished(lay_out(columns, marks, terms, pools), pools, leg, scale, short)


def event_columns(legs: Legs, quantity: Integers, pools: int) -> dict[str, NDArray[np.generic]]:
    """Return legs as the columns of events."""
    return {
        "pool": legs.pool,
        "time": legs.time,
        "kind": legs.action,
        "flags": legs.flags,
        "transit": np.where(legs.transit == NONE, NONE, legs.transit + pools),
        "quantity": quantity,
        "value": legs.value,
        "gross": legs.gross,
        "price": legs.price,
        # what a movement is worth is the market's mark, which the pool follows by itself
        "mark": np.where(legs.action == TRADE, legs.mark, np.nan),
    }


def lay_out(columns: dict[str, NDArray[np.generic]], marks: Marks, terms: Terms, pools: int, lots: int = 0) -> Job:
    """Return the job's tables: records for machine code, objects where quantities need Python's integers.

    There is room for `lots` that were open before.
    """
    exact = columns["quantity"].dtype == object
    count, transits = len(columns["time"]), int(columns["transit"].max(initial=NONE)) + 1
    moves = int(np.count_nonzero(columns["kind"] == SEND))
    every, slots = max(pools, transits), pools * (count // terms.segment + 2)
    spare = 2 * lots + 16
    lengths = (count, len(marks.time), count + moves + spare, every, 2 * count + spare, slots, count + spare)
    if exact:
        rows = (Event, Mark, Lot, Pool, Relief, Segment, SavedLot)
        tables: list[object] = [objects(row, length) for row, length in zip(rows, lengths, strict=True)]
    else:
        kinds = (EVENT, MARK, LOT, POOL, RELIEF, SEGMENT_ROW, SAVED_LOT)
        tables = [np.zeros(length, dtype=kind) for kind, length in zip(kinds, lengths, strict=True)]
    shapes = ((every, WIDTH, 2), (every, WIDTH, 2), (every, 2, 2), (slots, WIDTH, 2), (WIDTH, count), (STAND, count))
    grids = [np.zeros(shape) for shape in shapes]
    position = np.zeros(count, dtype=object if exact else np.int64)
    job = Job._make([terms, *tables, *grids, position, np.zeros(COUNTS, dtype=np.int64)])
    for name, column in columns.items():
        put(job.events, name, column)
    put(job.marks, "time", marks.time)
    put(job.marks, "value", marks.value)
    ranked = terms.method in {HIFO, LOFO}
    put(job.pools, "ranked", np.arange(every) < (pools if ranked else 0))
    for name in ("first", "last", "segment"):
        put(job.pools, name, np.full(every, NONE))
    put(job.pools, "mark", np.full(every, np.nan))
    for place, name in enumerate(("next_mark", "end_mark")):
        put(job.pools, name, np.array([*(bound[place] for bound in marks.bounds), *[0] * (every - pools)]))
    return job


def put(table: object, name: str, column: NDArray[np.generic]) -> None:
    """Write one column of a table, be it records or objects."""
    if isinstance(table, np.ndarray):
        table[name] = column
        return
    for row, value in zip(cast("list[object]", table), column.tolist(), strict=True):
        setattr(row, name, value)


def put_first(table: object, name: str, column: NDArray[np.generic]) -> None:
    """Write the first rows of one column of a table."""
    put(
        table[: len(column)] if isinstance(table, np.ndarray) else cast("list[object]", table)[: len(column)],
        name,
        column,
    )


def ints(table: object, name: str, count: int) -> Integers:
    """Return the first `count` rows of a column of whole numbers; quantities may be Python's integers."""
    if isinstance(table, np.ndarray):
        return cast("Integers", table[name][:count])
    values = [getattr(row, name) for row in cast("list[object]", table)[:count]]
    return np.array(values, dtype=object if name in QUANTITIES else np.int64)


def floats(table: object, name: str, count: int) -> Numbers:
    """Return the first `count` rows of a column of floats."""
    if isinstance(table, np.ndarray):
        return cast("Numbers", table[name][:count])
    return np.array([getattr(row, name) for row in cast("list[object]", table)[:count]], dtype=np.float64)


def run(finished: Finished, start: int = 0) -> Finished:
    """Run the kernel over all events, with more room whenever it asks for it."""
    job, at = finished.job, start
    while (at := advance(job, at)) < len(job.events):
        job = job._replace(lots=_more(job.lots), reliefs=_more(job.reliefs), saved=_more(job.saved))
    return replace(finished, job=job)


def _more(table: Table[Row]) -> Table[Row]:
    """Return a table with its rows and as many empty ones again."""
    if isinstance(table, np.ndarray):
        return cast("Table[Row]", np.concatenate([table, np.zeros_like(table)]))
    rows = cast("list[Row]", table)
    return [*rows, *objects(type(rows[0]), len(rows))]
