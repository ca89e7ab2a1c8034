"""Where a pool stood before a segment, as bytes: what a restatement starts from instead of from nothing.

A header and the open lots, as little-endian records; where quantities need Python's integers, their three columns
follow as JSON. Continuing from a state gives the very bits that running through gives.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from monitor.turnover.arrays import LAST_TIME, LOT_COUNT, NONE, SAVED_COUNT, SEGMENT_COUNT, SEGMENT_NOW, SERIAL
from monitor.turnover.partition import (
    QUANTITIES,
    Finished,
    floats,
    ints,
    lay_out,
    put,
    put_first,
    whole,
)
from monitor.turnover.partitions import Origins

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from monitor.turnover.arrays import Job, Terms
    from monitor.turnover.partition import Integers, Legs, Marks

HEAD_INTS = ("segment", "ordinal", "lots", "serial", "before", "active", "open")
HEAD_FLOATS = ("cost_high", "cost_low", "guessed_high", "guessed_low")
LOT_INTS = ("number", "origin", "entered", "side", "quantity", "left", "came")
LOT_FLOATS = ("opened", "drift", "basis", "low", "came_basis", "share", "price")
# Of a lot, these change while it is open (an average lot grows): they are those of the moment, not of the end.
MOVING = {"quantity", "left", "came", "opened", "drift", "basis", "low", "came_basis", "share"}
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


def saved(finished: Finished, origins: Origins) -> list[bytes]:
    """Return the state before each segment of a partition."""
    job, count = finished.job, int(finished.job.counts[SEGMENT_COUNT])
    heads = np.zeros(count, dtype=HEAD)
    heads["scale"] = finished.scale
    for name in HEAD_INTS:
        heads[name] = ints(job.segments, name, count)
    for name in HEAD_FLOATS:
        heads[name] = floats(job.segments, name, count)
    lots, quantities = _saved_lots(finished, origins, heads["open"])
    starts, states = ints(job.segments, "saved", count), []
    for slot in range(count):
        part = slice(int(starts[slot]), int(starts[slot] + heads["open"][slot]))
        exact = {name: column[part].tolist() for name, column in quantities.items()}
        states.append(heads[slot].tobytes() + lots[part].tobytes() + (json.dumps(exact).encode() if exact else b""))
    return states


def _saved_lots(finished: Finished, origins: Origins, sizes: Integers) -> tuple[NDArray[np.void], dict[str, Integers]]:
    """Return all saved lots of a partition, and their quantities apart where these need Python's integers."""
    job, count = finished.job, int(finished.job.counts[SAVED_COUNT])
    lot, all_lots = ints(job.saved, "lot", count), int(job.counts[LOT_COUNT])
    rows, quantities = np.zeros(count, dtype=LOT), {}
    for name in LOT_INTS:
        column = ints(job.saved, name, count) if name in MOVING else ints(job.lots, name, all_lots)[lot]
        if column.dtype == object:
            quantities[name] = column
        else:
            rows[name] = column
    for name in LOT_FLOATS:
        rows[name] = floats(job.saved, name, count) if name in MOVING else floats(job.lots, name, all_lots)[lot]
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


def resumed(legs: Legs, marks: Marks, terms: Terms, state: State) -> Finished | None:
    """Return a partition of one pool ready to run on from a state, by the legs from the segment's first event on.

    None where it cannot go on: a pool that cannot be short would give up more than it has, so that what it opened with
    is not what it seemed.
    """
    scale_before, side = int(state.head["scale"]), state.lots["side"]
    held = float(np.abs(state.quantities["left"].astype(np.float64)).sum()) / 10.0**scale_before
    came = float(np.abs(state.quantities["came"].astype(np.float64)).max(initial=0.0)) / 10.0**scale_before
    scale, quantity = whole(legs, 1, scale_before, held + came)
    terms = terms._replace(unit=10.0**scale)
    lots = {
        name: column.astype(quantity.dtype) * 10 ** (scale - scale_before) for name, column in state.quantities.items()
    }
    position = sum((lots["left"] * side).tolist())
    if not terms.signed and len(quantity) and position + int(np.cumsum(quantity).min()) < 0:
        return None
    places = np.arange(legs.size, dtype=np.int64)
    job = lay_out(legs, (places, quantity), marks, terms, 1, len(state.lots))
    count = legs.size + np.arange(len(state.lots))
    for name in (*LOT_INTS, *LOT_FLOATS):
        put_first(job.lots, name, lots.get(name, state.lots[name]))
    put_first(job.lots, "event", count)
    put_first(job.lots, "closed", np.full(len(count), NONE))
    _restore(job, state, position, marks)
    return Finished(job, 1, np.arange(legs.size + len(count)), scale, ())


def _restore(job: Job, state: State, position: int, marks: Marks) -> None:
    """Set the pool and the counters to where they stood."""
    head, reached = state.head, int(np.searchsorted(marks.time, state.head["before"], side="right"))
    standing = {
        "quantity": position,
        "unpriced": int(np.isnan(state.lots["basis"]).sum()),
        "lots": int(head["lots"]),
        "active": int(head["active"]),
        "time": int(head["before"]),
        "ordinal": int(head["ordinal"]),
        "next_mark": reached,
        "mark": float(marks.value[reached - 1]) if reached else np.nan,
    }
    for name, value in standing.items():
        put(job.pools, name, np.array([value], dtype=object if name in QUANTITIES else None))
    np.asarray(job.before)[0] = state.sums
    np.asarray(job.held)[0] = [[head["cost_high"], head["cost_low"]], [head["guessed_high"], head["guessed_low"]]]
    job.counts[LOT_COUNT] = len(state.lots)
    job.counts[SERIAL] = int(head["serial"])
    job.counts[SEGMENT_NOW] = int(head["segment"])
    job.counts[LAST_TIME] = int(head["before"])


def extended(origins: Origins, state: State) -> Origins:
    """Return where legs come from, with the lots that were open before behind them."""
    return Origins(
        origins.kinds,
        np.append(origins.kind, np.full(len(state.lots), NONE)),
        np.append(origins.fill, state.lots["fill"]),
        np.append(origins.movement, state.lots["movement"]),
    )
