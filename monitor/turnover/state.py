"""Where a pool stood before a segment, as bytes: what a restatement starts from instead of from nothing.

A header and the open lots, as little-endian records; where quantities need Python's integers, their three columns
follow as JSON. Continuing from a state gives the very bits that running through gives.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from monitor.turnover.arrays import LOT_COUNT, NONE, SAVED_COUNT, SEGMENT_COUNT
from monitor.turnover.partition import floats, ints

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

    from monitor.turnover.partition import Finished, Integers

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
class Origins:
    """Where each leg comes from, by the leg's place: its kind and the fill or movement (null: the other)."""

    kind: pl.Series
    fill: pl.Series
    movement: pl.Series


@dataclass(frozen=True, slots=True)
class State:
    """A pool between two events: the header, its open lots, and their quantities as integers of any size."""

    head: NDArray[np.void]
    lots: NDArray[np.void]
    quantities: dict[str, Integers]
    sums: NDArray[np.float64]


def saved(finished: Finished, origins: Origins, slots: list[int]) -> list[bytes]:
    """Return the states before some segments of a partition."""
    job, count = finished.job, int(finished.job.counts[SEGMENT_COUNT])
    heads = np.zeros(count, dtype=HEAD)
    heads["scale"] = finished.scale
    for name in HEAD_INTS:
        heads[name] = ints(job.segments, name, count)
    for name in HEAD_FLOATS:
        heads[name] = floats(job.segments, name, count)
    lots, quantities = _saved_lots(finished, origins)
    starts, states = ints(job.segments, "saved", count), []
    for slot in slots:
        part = slice(int(starts[slot]), int(starts[slot] + heads["open"][slot]))
        exact = {name: column[part].tolist() for name, column in quantities.items()}
        states.append(heads[slot].tobytes() + lots[part].tobytes() + (json.dumps(exact).encode() if exact else b""))
    return states


def _saved_lots(finished: Finished, origins: Origins) -> tuple[NDArray[np.void], dict[str, Integers]]:
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
        rows[name] = np.append(origin.fill_null(NONE).to_numpy(), NONE)[leg]
    return rows, quantities
