"""One partition, from its legs to a finished kernel: whole quantities, openings the ledger does not tell, room.

A partition is one asset (or assets that convert into each other) in one book, with one pool for the portfolio or one
an account. It shares nothing with any other partition, so any number of them may run at a time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

import numpy as np

from monitor.turnover import amounts, arrays, compiled
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
from monitor.turnover.buffers import Buffers
from monitor.turnover.compiled import bare, compile_cached
from monitor.turnover.lots import advance
from monitor.turnover.quantities import Shortfall, shortfalls, whole

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl
    from numpy.typing import NDArray

    from monitor.turnover.arrays import Row, Table
    from monitor.turnover.quantities import Legs

    Integers = NDArray[np.int64]
    Numbers = NDArray[np.float64]
    Records = NDArray[np.void]

TOLD = np.dtype([("pool", np.int32), ("time", np.int64)])
QUANTITIES = {"quantity", "left", "came"}


@dataclass(frozen=True, slots=True)
class Marks:
    """The marks of each pool's asset, one after the other: those of pool p are `bounds[p]`."""

    time: Integers
    value: Numbers
    bounds: Sequence[tuple[int, int]]


class MarksByAsset:
    """The marks of all assets, and where each one's lie."""

    def __init__(self, marks: pl.DataFrame) -> None:
        """Look once where the marks of each asset begin and end."""
        lengths = marks["asset"].rle().struct.unnest()
        ends = np.cumsum(lengths["len"].to_numpy()).tolist()
        self._times, self._values = marks["time_ms"].to_numpy(), marks["mark"].to_numpy()
        self._spans = dict(zip(lengths["value"], zip([0, *ends[:-1]], ends, strict=True), strict=True)) if ends else {}

    def of(self, pools: list[tuple[str, str]]) -> Marks:
        """Return the marks of the pools' assets one after the other."""
        spans = {asset: self._spans.get(asset, (0, 0)) for asset in sorted({asset for _, asset in pools})}
        ends = np.cumsum([end - start for start, end in spans.values()]).tolist()
        bounds = {
            asset: (last - (end - start), last) for (asset, (start, end)), last in zip(spans.items(), ends, strict=True)
        }
        times, values = (
            np.concatenate([column[start:end] for start, end in spans.values()])
            for column in (self._times, self._values)
        )
        return Marks(times, values, [bounds[asset] for _, asset in pools])


@dataclass(frozen=True, slots=True)
class Finished:
    """A partition after its last event. `leg[i]` is the leg of event i, -1 for an opening that was made up.

    `begun` is the state before its first segment where that had begun before its first event.
    """

    job: Job
    pools: int
    leg: Integers
    scale: int
    shortfalls: tuple[Shortfall, ...]
    begun: bytes = b""


def prepare(legs: Legs, marks: Marks, terms: Terms, pools: int, buffers: Buffers | None = None) -> Finished:
    """Return a partition ready to run: its openings put in, its tables laid out."""
    scale, quantity = whole(legs, pools)
    terms = terms._replace(unit=10.0**scale)
    short = () if terms.signed else shortfalls(legs, quantity, terms.unit, pools, terms.dust)
    opened = sorted((one for one in short if not one.clipped), key=lambda one: one.first)
    at = [one.first for one in opened]
    leg = np.arange(legs.size, dtype=np.int64)
    if at:
        leg = np.insert(leg, at, NONE)
    job = lay_out(legs, (leg, quantity), marks, terms, pools, buffers=buffers)
    for place, one in zip(np.flatnonzero(leg == NONE).tolist(), opened, strict=True):
        _open(job.events, place, one, (int(legs.records["time"][one.first]), terms.unit))
    return Finished(job, pools, leg, scale, short)


def _open(events: Table[Event], place: int, one: Shortfall, at: tuple[int, float]) -> None:
    """Write the event of an opening that nobody told."""
    time, unit = at
    cells: dict[str, float] = {"pool": one.pool, "time": time, "kind": GAIN, "flags": ESTIMATED_FLAG, "transit": NONE}
    cells |= {"quantity": one.quantity, "value": one.quantity / unit * one.mark, "low": 0.0}
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
            event.value, event.low, event.gross, event.price = leg.value, leg.low, leg.gross, leg.price
            # what a movement is worth is the market's mark, which the pool follows by itself
            event.mark = leg.mark if leg.action == TRADE else np.nan


filled = compile_cached(_filled, amounts, arrays, compiled)


def lay_out(  # noqa: PLR0913, PLR0917  what there is to compute, and what was before
    legs: Legs,
    events: tuple[Integers, Integers],
    marks: Marks,
    terms: Terms,
    pools: int,
    lots: int = 0,
    buffers: Buffers | None = None,
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
    tables = _objects(lengths) if exact else _records(lengths, buffers or Buffers())
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


def _objects(lengths: tuple[int, ...]) -> list[object]:
    """Return the tables of a job as objects."""
    rows = (Event, Mark, Lot, Pool, Relief, Segment, SavedLot)
    return [objects(row, length) for row, length in zip(rows, lengths, strict=True)]


def _records(lengths: tuple[int, ...], buffers: Buffers) -> list[object]:
    """Return the tables of a job as records; all events are written, and let go when they have been taken in."""
    kinds = (MARK, LOT, POOL, RELIEF, SEGMENT_ROW, SAVED_LOT)
    tables = [np.zeros(length, dtype=kind) for kind, length in zip(kinds, lengths[1:], strict=True)]
    return [buffers.array(lengths[0], EVENT), *tables]


def _fill_objects(job: Job, legs: Legs, leg: Integers, quantity: Integers, pools: int) -> None:
    """Write the events of legs as objects."""
    for event, place in zip(cast("list[Event]", job.events), leg.tolist(), strict=True):
        if place == NONE:
            continue
        record, transit = legs.records[place], int(legs.transit[place])
        event.pool, event.time, event.kind = int(legs.pool[place]), int(record["time"]), int(record["action"])
        event.flags, event.quantity = int(record["flags"]) & (ESTIMATED_FLAG | CROSS), int(quantity[place])
        event.transit = transit + pools if transit != NONE else NONE
        event.value, event.low = float(record["value"]), float(record["low"])
        event.gross, event.price = float(record["gross"]), float(record["price"])
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
    return replace(finished, job=job._replace(events=_told(job.events)))


def _told(events: Table[Event]) -> Table[Event]:
    """Return what is asked of events that have been taken in, their pools and instants: a seventh of the memory."""
    if not isinstance(events, np.ndarray):
        return events
    told = np.empty(len(events), TOLD)
    told["pool"], told["time"] = events["pool"], events["time"]
    return cast("Table[Event]", told)


def _more(table: Table[Row]) -> Table[Row]:
    """Return a table with its rows and as many empty ones again."""
    if isinstance(table, np.ndarray):
        return cast("Table[Row]", np.concatenate([table, np.zeros_like(table)]))
    rows = cast("list[Row]", table)
    return [*rows, *objects(type(rows[0]), len(rows))]
