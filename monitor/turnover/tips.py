"""Where a pool stands after its last event, as bytes: new events go on from there, in the middle of a segment.

A header with the sums since the segment began, and the state as `monitor.turnover.state` has it where one begins.
Going on gives the very bits that running through gives.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np

from monitor.turnover.arrays import IN_SEGMENT, LOT_COUNT, NONE, SEGMENT_COUNT, SERIAL, WIDTH
from monitor.turnover.state import HEAD, LOT, LOT_FLOATS, LOT_INTS, State, loaded, resumed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from monitor.turnover.arrays import Terms
    from monitor.turnover.partition import Finished, Marks
    from monitor.turnover.partitions import Origins
    from monitor.turnover.quantities import Legs

TIP = np.dtype([("in_segment", "<i8"), ("peak", "<f8"), ("sums", "<f8", (WIDTH, 2))])
POOL_HEAD = ("segment", "ordinal", "lots", "active")


class Segment(NamedTuple):
    """The segment a pool is in, as its row is stored: its first event's ordinal and instant, its sums and state."""

    ordinal: int
    time: int
    sums: bytes
    state: bytes


def tip_of(finished: Finished, origins: Origins) -> bytes:
    """Return where the one pool of a partition stands; nothing where it shares lots or needs Python's integers."""
    job = finished.job
    if not isinstance(job.pools, np.ndarray) or len(job.pools) != 1 or not isinstance(job.segments, np.ndarray):
        return b""
    pool, lots, head = job.pools[0], _open_lots(finished, origins), np.zeros(1, dtype=HEAD)[0]
    for name in POOL_HEAD:
        head[name] = pool[name]
    head["scale"], head["serial"] = finished.scale, job.counts[SERIAL]
    head["before"], head["open"] = pool["time"], len(lots)
    held = np.asarray(job.held)[0]
    (head["cost_high"], head["cost_low"]), (head["guessed_high"], head["guessed_low"]) = held
    tip = np.zeros(1, dtype=TIP)[0]
    tip["in_segment"], tip["peak"] = job.counts[IN_SEGMENT], job.segments[pool["slot"]]["peak"]
    tip["sums"] = np.asarray(job.sums)[0]
    return bytes(tip.tobytes() + head.tobytes() + lots.tobytes())


def _open_lots(finished: Finished, origins: Origins) -> NDArray[np.void]:
    """Return the open lots of a partition with one pool, in the order in which a state keeps them."""
    job = finished.job
    table = np.asarray(job.lots)[: int(job.counts[LOT_COUNT])]
    table = table[(table["closed"] == NONE) & (table["number"] != NONE)]
    rows = np.zeros(len(table), dtype=LOT)
    for name in (*LOT_INTS, *LOT_FLOATS):
        rows[name] = table[name]
    leg = finished.leg[table["event"]]
    # the place -1 of an opening that nobody told is the one behind the last
    rows["fill"], rows["movement"] = np.append(origins.fill, NONE)[leg], np.append(origins.movement, NONE)[leg]
    return rows[np.lexsort((rows["number"], rows["origin"], rows["opened"]))]


def state_of(tip: bytes, sums: bytes) -> State:
    """Return the state in a tip, with the sums before its segment."""
    return loaded(tip[TIP.itemsize :], sums)


def reached(tip: bytes) -> int:
    """Return when the last event before a tip was."""
    return int(np.frombuffer(tip, dtype=HEAD, count=1, offset=TIP.itemsize)[0]["before"])


def resumed_at(legs: Legs, marks: Marks, terms: Terms, tip: bytes, segment: Segment) -> tuple[Finished, State] | None:
    """Return a partition of one pool ready to run on from its tip, and that; None where it cannot (see `resumed`)."""
    state = state_of(tip, segment.sums)
    ready = resumed(legs, marks, terms, [state])
    if ready is None or not isinstance(ready.job.segments, np.ndarray):
        return None
    job, before = ready.job, np.frombuffer(tip, dtype=TIP, count=1)[0]
    pool, row = cast("NDArray[np.void]", job.pools)[0], cast("NDArray[np.void]", job.segments)[0]
    row["segment"], row["ordinal"], row["time"] = state.head["segment"], segment.ordinal, segment.time
    row["peak"] = before["peak"]
    pool["segment"], pool["slot"] = state.head["segment"], 0
    np.asarray(job.sums)[0], np.asarray(job.segment_sums)[0] = before["sums"], state.sums
    job.counts[SEGMENT_COUNT], job.counts[IN_SEGMENT] = 1, int(before["in_segment"])
    return replace(ready, begun=segment.state), state
