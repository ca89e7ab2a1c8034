"""Where a pool stood before a segment, as bytes: what a restatement starts from instead of from nothing.

A header and the open lots, as little-endian records; where quantities need Python's integers, their three columns
follow as JSON. Continuing from a state gives the very bits that running through gives.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from monitor.turnover.arrays import (
    LAST_TIME,
    LOT_COUNT,
    NONE,
    OPEN_LOTS,
    SEGMENT_COUNT,
    SEGMENT_NOW,
    SERIAL,
)
from monitor.turnover.partition import (
    QUANTITIES,
    Finished,
    floats,
    ints,
    lay_out,
    put_first,
)
from monitor.turnover.partitions import Origins
from monitor.turnover.quantities import Legs, whole

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from monitor.turnover.arrays import Job, Terms
    from monitor.turnover.partition import Integers, Marks
    from monitor.turnover.partitions import Partition

HEAD_INTS = ("segment", "ordinal", "lots", "serial", "before", "active", "open")
HEAD_FLOATS = ("cost_high", "cost_low", "guessed_high", "guessed_low")
LOT_INTS = ("number", "origin", "entered", "side", "quantity", "left", "came")
LOT_FLOATS = ("opened", "drift", "basis", "low", "came_basis", "share", "price")
# Of a lot, these change while it is open (an average lot grows): they are those of the moment, not of the end.
MOVING = {"quantity", "left", "came", "opened", "drift", "basis", "low", "came_basis", "share", "price"}
HEAD = np.dtype([("scale", "<i8"), *((name, "<i8") for name in HEAD_INTS), *((name, "<f8") for name in HEAD_FLOATS)])
LOT = np.dtype(
    [
        *((name, "<i8") for name in LOT_INTS),
        *((name, "<f8") for name in LOT_FLOATS),
        ("fill", "<i8"),
        ("movement", "<i8"),
    ]
)


@dataclass(frozen=True, slots=True)
class State:
    """A pool between two events: the header, its open lots, and their quantities as integers of any size."""

    head: NDArray[np.void]
    lots: NDArray[np.void]
    quantities: dict[str, Integers]
    sums: NDArray[np.float64]


def saved(finished: Finished, origins: Origins, slots: tuple[int, int] | None = None) -> list[bytes]:
    """Return the state before each segment of a partition, or before those of `slots` (first, end)."""
    job = finished.job
    first, end = slots or (0, int(job.counts[SEGMENT_COUNT]))
    heads = np.zeros(end - first, dtype=HEAD)
    heads["scale"] = finished.scale
    for name in HEAD_INTS:
        heads[name] = ints(job.segments, name, end)[first:]
    for name in HEAD_FLOATS:
        heads[name] = floats(job.segments, name, end)[first:]
    sizes = heads["open"]
    # The lots of one segment after the other's are saved.
    begin = int(ints(job.segments, "saved", end)[first]) if end > first else 0
    lots, quantities = _saved_lots(finished, origins, begin, sizes)
    starts, states = np.cumsum(sizes) - sizes, []
    for place, (start, size) in enumerate(zip(starts.tolist(), sizes.tolist(), strict=True)):
        part = slice(start, start + size)
        exact = {name: column[part].tolist() for name, column in quantities.items()}
        states.append(heads[place].tobytes() + lots[part].tobytes() + (json.dumps(exact).encode() if exact else b""))
    return [finished.begun, *states[1:]] if finished.begun and first == 0 else states


def _saved_lots(
    finished: Finished, origins: Origins, first: int, sizes: Integers
) -> tuple[NDArray[np.void], dict[str, Integers]]:
    """Return saved lots from one on, so many for each segment, and quantities apart that need Python's integers."""
    job, count = finished.job, first + int(sizes.sum())
    lot, all_lots = ints(job.saved, "lot", count)[first:], int(job.counts[LOT_COUNT])
    rows, quantities = np.zeros(count - first, dtype=LOT), {}
    for name in LOT_INTS:
        column = ints(job.saved, name, count)[first:] if name in MOVING else ints(job.lots, name, all_lots)[lot]
        if column.dtype == object:
            quantities[name] = column
        else:
            rows[name] = column
    for name in LOT_FLOATS:
        moving = name in MOVING
        rows[name] = floats(job.saved, name, count)[first:] if moving else floats(job.lots, name, all_lots)[lot]
    leg = finished.leg[ints(job.lots, "event", all_lots)[lot]]
    for name, origin in (("fill", origins.fill), ("movement", origins.movement)):
        # the place -1 of an opening that nobody told is the one behind the last
        rows[name] = np.append(origin, NONE)[leg]
    # a heap lies as it came about: by age, the same lots are the same bytes
    slot = np.repeat(np.arange(len(sizes)), sizes)
    order = np.lexsort((rows["number"], rows["origin"], rows["opened"], slot))
    return rows[order], {name: column[order] for name, column in quantities.items()}


def loaded(state: bytes, sums: bytes) -> State:
    """Read a state and the sums of its segment as they are stored."""
    head = np.frombuffer(state, dtype=HEAD, count=1)[0]
    count, start = int(head["open"]), HEAD.itemsize
    lots = np.frombuffer(state, dtype=LOT, count=count, offset=start)
    rest = state[start + lots.nbytes :]
    exact = {name: np.array(column, dtype=object) for name, column in json.loads(rest).items()} if rest else {}
    quantities = {name: exact.get(name, lots[name]) for name in sorted(QUANTITIES)}
    return State(head, lots, quantities, np.frombuffer(sums, dtype="<f8").reshape(-1, 2))


def stood_since(state: bytes) -> int:
    """Return when the event before a state was."""
    return int(np.frombuffer(state, dtype=HEAD, count=1)[0]["before"])


def resumed(
    legs: Legs, marks: Marks, terms: Terms, states: Sequence[State | None], elsewhere: int = 0
) -> Finished | None:
    """Return a partition ready to run on from the states of its pools, by the legs from a segment's first event on.

    A pool without a state has not had an event before. `elsewhere` lots are open in pools that have no legs here.
    None where it cannot go on: legs of other decimals than before would have counted in other units from the start; a
    pool that cannot be short would give up more than it has, so that what it opened with is not what it seemed.
    """
    known = [state for state in states if state]
    scales = {int(state.head["scale"]) for state in known}
    if len(scales) != 1:
        return None
    (before,) = scales
    scale, quantity = whole(legs, len(states), before, _size(known, "left", np.sum) + _size(known, "came", np.max))
    positions = [sum((state.quantities["left"] * state.lots["side"]).tolist()) if state else 0 for state in states]
    if scale != before or (not terms.signed and _short(legs, quantity, positions)):
        return None
    lots, pool = _open_lots(states, quantity.dtype)
    events = (np.arange(legs.size, dtype=np.int64), quantity)
    job = lay_out(legs, events, marks, terms._replace(unit=10.0**scale), len(states), len(pool) + elsewhere)
    places = legs.size + np.arange(len(pool))
    for name, column in lots.items():
        put_first(job.lots, name, column)
    put_first(job.lots, "pool", pool)
    put_first(job.lots, "event", places)
    put_first(job.lots, "closed", np.full(len(pool), NONE))
    for number, state in enumerate(states):
        if state:
            _restore(job, number, state, positions[number], marks)
    job.counts[LOT_COUNT], job.counts[OPEN_LOTS] = len(pool), elsewhere
    # the pool whose event opened the segment was the first to save its state
    job.counts[SERIAL] = min(int(state.head["serial"]) for state in known)
    job.counts[SEGMENT_NOW] = min(int(state.head["segment"]) for state in known)
    job.counts[LAST_TIME] = max(int(state.head["before"]) for state in known)
    return Finished(job, len(states), np.arange(legs.size + len(pool)), scale, ())


def _size(states: Sequence[State], name: str, of: Callable[..., float]) -> float:
    """Return the sum or the maximum of one quantity of all open lots, in units of the asset."""
    sizes = [np.abs(state.quantities[name].astype(np.float64)) for state in states]
    return float(of(np.concatenate([[0.0], *sizes]))) / 10.0 ** int(states[0].head["scale"])


def _short(legs: Legs, quantity: Integers, positions: Sequence[int]) -> bool:
    """Tell whether any pool would give up more than it has."""
    for number, position in enumerate(positions):
        moved = quantity[legs.pool == number]
        if len(moved) and position + int(np.cumsum(moved).min()) < 0:
            return True
    return False


def _open_lots(
    states: Sequence[State | None], kind: np.dtype[np.generic]
) -> tuple[dict[str, NDArray[np.generic]], Integers]:
    """Return the columns of all open lots, one pool after the other, and the pool of each."""
    pool = np.repeat(np.arange(len(states)), [len(state.lots) if state else 0 for state in states])
    columns = {
        name: np.concatenate(
            [
                state.quantities[name].astype(kind) if name in QUANTITIES else state.lots[name]
                for state in states
                if state
            ]
        )
        for name in (*LOT_INTS, *LOT_FLOATS)
    }
    return columns, pool


def _restore(job: Job, number: int, state: State, position: int, marks: Marks) -> None:
    """Set a pool to where it stood."""
    head, (first, end) = state.head, marks.bounds[number]
    reached = first + int(np.searchsorted(marks.time[first:end], head["before"], side="right"))
    standing = {
        "quantity": position,
        "unpriced": int(np.isnan(state.lots["basis"]).sum()),
        "lots": int(head["lots"]),
        "active": int(head["active"]),
        "time": int(head["before"]),
        "ordinal": int(head["ordinal"]),
        "next_mark": reached,
        "mark": float(marks.value[reached - 1]) if reached > first else np.nan,
    }
    pool = job.pools[number]
    for name, value in standing.items():
        if isinstance(job.pools, np.ndarray):
            job.pools[name][number] = value
        else:
            setattr(pool, name, value)
    np.asarray(job.before)[number] = state.sums
    np.asarray(job.held)[number] = [
        [head["cost_high"], head["cost_low"]],
        [head["guessed_high"], head["guessed_low"]],
    ]


def extended(origins: Origins, states: Sequence[State | None]) -> Origins:
    """Return where legs come from, with the lots that were open before behind them."""
    lots = [state.lots for state in states if state]
    none = np.full(sum(map(len, lots)), NONE)
    return Origins(
        origins.kinds,
        np.append(origins.kind, none),
        np.concatenate([origins.fill, *(one["fill"] for one in lots)]),
        np.concatenate([origins.movement, *(one["movement"] for one in lots)]),
    )


def since(partition: Partition, time: int) -> Partition:
    """Return a partition without its legs before an instant."""
    legs, origins = partition.legs, partition.origins
    start = int(np.searchsorted(legs.records["time"], time))
    wide = {place - start: text for place, text in legs.wide.items() if place >= start}
    later = Legs(legs.records[start:], legs.pool[start:], legs.transit[start:], wide)
    rest = (origins.kind[start:], origins.fill[start:], origins.movement[start:])
    return replace(partition, legs=later, origins=Origins(origins.kinds, *rest))
