"""One partition, from its legs to a finished kernel: whole quantities, openings the ledger does not tell, room.

A partition is one asset (or assets that convert into each other) in one book, with one pool for the portfolio or one
an account. It shares nothing with any other partition, so any number of them may run at a time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np

from monitor.turnover import amounts, arrays, compiled
from monitor.turnover.amounts import POWERS
from monitor.turnover.arrays import (
    COUNTS,
    CROSS,
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
from monitor.turnover.compiled import bare, compile_cached
from monitor.turnover.lots import advance

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from monitor.turnover.arrays import Row, Table

    Integers = NDArray[np.int64]
    Numbers = NDArray[np.float64]
    Records = NDArray[np.void]

# Half of int64: a position and one more fill still fit.
ROOM = 4.0e18
SPARE = 12  # decimals more where lots are converted
QUANTITIES = {"quantity", "left", "came"}


class Legs(NamedTuple):
    """The legs of one partition in order, as records (`monitor.turnover.legs.LEG`).

    `pool` is the place in the partition's pools, `transit` numbers the transfers from 0 on, -1 for other legs; `wide`
    has the texts of quantities that no int64 holds.
    """

    records: NDArray[np.void]
    pool: Integers
    transit: Integers
    wide: dict[int, str]

    @property
    def size(self) -> int:
        """Return how many legs there are."""
        return len(self.records)


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
    records, unbounded = legs.records, bool(legs.wide)
    reach, decimals, remakes = surveyed(records, legs.pool, pools)
    scale, reach = max(least, decimals), reach + held
    # a conversion spreads what was received over lots in proportion: that takes digits nobody wrote
    spare = SPARE if remakes else 0
    if not unbounded and reach * 10.0**scale < ROOM and scale < len(POWERS):
        while scale + spare >= len(POWERS) or reach * 10.0 ** (scale + spare) >= ROOM:
            spare -= 1
        scale += spare
        return scale, scaled(records, scale)
    exact, places = records["mantissa"].astype(object), records["decimals"]
    for place, text in legs.wide.items():
        exact[place] = int(text.replace(".", ""))
    # a product such as 0.5 * 2.000 has more decimals than it needs
    while np.any(ending := (places > 0) & (exact % 10 == 0)):
        exact, places = np.where(ending, exact // 10, exact), np.where(ending, places - 1, places)
    scale = max(least, int(places.max(initial=0))) + spare
    exact = exact * np.array([10**power for power in (scale - places).tolist()], dtype=object)
    fits = scale < len(POWERS) and reach * 10.0**scale < ROOM
    return scale, cast("Integers", exact.astype(np.int64) if fits else exact)


def _surveyed(records: Records, pool: Integers, pools: int) -> tuple[float, int, bool]:
    """Return the greatest quantity or position there is on the way, the most decimals, and if a leg is a conversion."""
    legs, numbers, held = bare(records), bare(pool), np.zeros(pools)
    positions, reach, decimals, remakes = bare(held), 0.0, 0, False
    for place in range(len(legs)):
        leg, number = legs[place], numbers[place]
        positions[number] += leg.units
        reach = max(reach, abs(leg.units), abs(positions[number]))
        decimals = max(decimals, leg.decimals)
        remakes = remakes or leg.action == REMAKE
    return reach, decimals, remakes


surveyed = compile_cached(_surveyed, amounts, arrays, compiled)


def _scaled(records: Records, scale: int) -> Integers:
    """Return quantities in units of 10 ** -scale."""
    quantity, legs = np.empty(len(records), np.int64), bare(records)
    for place in range(len(legs)):
        quantity[place] = legs[place].mantissa * POWERS[scale - legs[place].decimals]
    return quantity


scaled = compile_cached(_scaled, amounts, arrays, compiled)


def _lowest(quantity: Integers, pool: Integers, pools: int) -> tuple[Integers, Integers]:
    """Return each pool's first leg, -1 if it has none, and its lowest position, 0 if it is never below."""
    first, lowest, held = np.full(pools, -1, np.int64), np.zeros(pools, np.int64), np.zeros(pools, np.int64)
    firsts, lows, positions, amounts, numbers = bare(first), bare(lowest), bare(held), bare(quantity), bare(pool)
    for place in range(len(amounts)):
        number = numbers[place]
        if firsts[number] < 0:
            firsts[number] = place
        positions[number] += amounts[place]
        lows[number] = min(lows[number], positions[number])
    return first, lowest


lowest = compile_cached(_lowest, amounts, arrays, compiled)


def shortfalls(legs: Legs, quantity: Integers, unit: float, pools: int, dust: float) -> tuple[Shortfall, ...]:
    """Return what each pool of a book that cannot be short gave up beyond what it had.

    Up to `dust` it is clipped where it happens; more is an opening the ledger does not tell, at the first mark.
    """
    found, small = [], quantity.dtype != object
    firsts, lows = lowest(quantity, legs.pool, pools) if small else _lowest_of_any_size(quantity, legs.pool, pools)
    for pool, (first, low) in enumerate(zip(firsts.tolist(), lows.tolist(), strict=True)):
        if low < 0:
            mark = float(legs.records["mark"][first])
            found.append(Shortfall(pool, -low, first, mark, clipped=-low / unit * mark <= dust))
    return tuple(found)


def _lowest_of_any_size(quantity: Integers, pool: Integers, pools: int) -> tuple[Integers, Integers]:
    """Return the same of Python's integers."""
    first, low = np.full(pools, -1, np.int64), np.zeros(pools, dtype=object)
    for number in range(pools):
        places = np.flatnonzero(pool == number)
        if len(places):
            first[number], low[number] = places[0], min(0, int(np.cumsum(quantity[places]).min()))
    return first, low


def prepare(legs: Legs, marks: Marks, terms: Terms, pools: int) -> Finished:
    """Return a partition ready to run: its openings put in, its tables laid out."""
    scale, quantity = whole(legs, pools)
    terms = terms._replace(unit=10.0**scale)
    short = () if terms.signed else shortfalls(legs, quantity, terms.unit, pools, terms.dust)
    opened = sorted((one for one in short if not one.clipped), key=lambda one: one.first)
    at = [one.first for one in opened]
    leg = np.arange(legs.size, dtype=np.int64)
    if at:
        leg = np.insert(leg, at, NONE)
    job = lay_out(legs, (leg, quantity), marks, terms, pools)
    for place, one in zip(np.flatnonzero(leg == NONE).tolist(), opened, strict=True):
        _open(job.events, place, one, (int(legs.records["time"][one.first]), terms.unit))
    return Finished(job, pools, leg, scale, short)


def _open(events: Table[Event], place: int, one: Shortfall, at: tuple[int, float]) -> None:
    """Write the event of an opening that nobody told."""
    time, unit = at
    cells: dict[str, float] = {"pool": one.pool, "time": time, "kind": GAIN, "flags": ESTIMATED_FLAG, "transit": NONE}
    cells |= {"quantity": one.quantity, "value": one.quantity / unit * one.mark}
    for name, value in {**cells, "gross": np.nan, "price": np.nan, "mark": np.nan}.items():
        if isinstance(events, np.ndarray):
            events[name][place] = value
        else:
            setattr(events[place], name, value)


def _filled(
    events: Records, places: Integers, records: Records, numbers: tuple[Integers, Integers, Integers], first: int
) -> None:
    """Write the events of legs; the place -1 is left for an opening."""
    into, order, legs = bare(events), bare(places), bare(records)
    quantity, pool, transit = bare(numbers[0]), bare(numbers[1]), bare(numbers[2])
    for at in range(len(order)):
        place = order[at]
        if place >= 0:
            event, leg = into[at], legs[place]
            event.pool, event.time, event.kind = pool[place], leg.time, leg.action
            event.flags, event.quantity = leg.flags & (ESTIMATED_FLAG | CROSS), quantity[place]
            event.transit = transit[place] + first if transit[place] >= 0 else -1
            event.value, event.gross, event.price = leg.value, leg.gross, leg.price
            # what a movement is worth is the market's mark, which the pool follows by itself
            event.mark = leg.mark if leg.action == TRADE else np.nan


filled = compile_cached(_filled, amounts, arrays, compiled)


def lay_out(  # noqa: PLR0913, PLR0917  what there is to compute, and what was before
    legs: Legs, events: tuple[Integers, Integers], marks: Marks, terms: Terms, pools: int, lots: int = 0
) -> Job:
    """Return the job's tables: records for machine code, objects where quantities need Python's integers.

    `events` are the legs' places, -1 for an opening, and all legs' quantities. There is room for `lots` that were open
    before.
    """
    leg, quantity = events
    exact = quantity.dtype == object
    count, sent = len(leg), int(legs.transit.max(initial=NONE)) + 1
    transits = pools + sent if sent else 0
    moves = int(np.count_nonzero(legs.records["action"] == SEND)) if sent else 0
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
    if exact:
        _fill_objects(job, legs, leg, quantity, pools)
    else:
        filled(cast("Records", job.events), leg, legs.records, (quantity, legs.pool, legs.transit), pools)
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


def _fill_objects(job: Job, legs: Legs, leg: Integers, quantity: Integers, pools: int) -> None:
    """Write the events of legs as objects."""
    for event, place in zip(cast("list[Event]", job.events), leg.tolist(), strict=True):
        if place == NONE:
            continue
        record, transit = legs.records[place], int(legs.transit[place])
        event.pool, event.time, event.kind = int(legs.pool[place]), int(record["time"]), int(record["action"])
        event.flags, event.quantity = int(record["flags"]) & (ESTIMATED_FLAG | CROSS), int(quantity[place])
        event.transit = transit + pools if transit != NONE else NONE
        event.value, event.gross, event.price = (float(record[name]) for name in ("value", "gross", "price"))
        event.mark = float(record["mark"]) if event.kind == TRADE else np.nan


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
