"""From a finished partition to the frames of its pools, with the columns of monitor.schema."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from monitor.exact import plain
from monitor.schema import LOTS, RELIEFS, SEGMENTS, SUMS, TRACK, Columns
from monitor.turnover.arrays import LOT_COUNT, NONE, RELIEF_COUNT, SEGMENT_COUNT
from monitor.turnover.partition import floats, ints
from monitor.turnover.state import saved

if TYPE_CHECKING:
    from monitor.turnover.partition import Finished, Integers
    from monitor.turnover.state import Origins

STAND_COLUMNS = ("inventory_cost", "estimated_cost", "unpriced", "active", "ordinal", "segment")


@dataclass(frozen=True, slots=True)
class PoolFrames:
    """What one pool's events did: frames with the columns of TRACK, SEGMENTS, LOTS and RELIEFS."""

    track: pl.DataFrame
    segments: pl.DataFrame
    lots: pl.DataFrame
    reliefs: pl.DataFrame


def texts(whole: Integers, scale: int) -> pl.Series:
    """Return whole quantities as canonical decimal texts."""
    if whole.dtype == object:
        return pl.Series([plain(Decimal(number).scaleb(-scale)) for number in whole.tolist()], dtype=pl.String)
    number = pl.Series("number", whole)
    if scale == 0:
        return number.cast(pl.String)
    size, power = number.abs(), 10**scale
    digits = (size % power).cast(pl.String).str.zfill(scale)
    text = (size // power).cast(pl.String) + "." + digits
    sign = pl.select(pl.when(number < 0).then(pl.lit("-")).otherwise(pl.lit(""))).to_series()
    return pl.Series("text", sign + text.str.strip_chars_end("0").str.strip_chars_end("."))


def shaped(columns: dict[str, object], schema: Columns) -> pl.DataFrame:
    """Return a frame with a schema's columns and types."""
    frame = pl.DataFrame(columns, nan_to_null=True)
    return frame.select(pl.col(name).cast(getattr(pl, kind)) for name, kind in schema.items())


def track_frame(finished: Finished, pool: int) -> pl.DataFrame:
    """Return the track of a pool."""
    job, events = finished.job, len(finished.job.events)
    at = np.flatnonzero(ints(job.events, "pool", events) == pool)
    stand, sums = np.asarray(job.stand)[:, at], np.asarray(job.track)[:, at]
    columns: dict[str, object] = {**dict(zip(STAND_COLUMNS, stand, strict=True)), **dict(zip(SUMS, sums, strict=True))}
    columns["time_ms"] = ints(job.events, "time", events)[at]
    columns["quantity"] = texts(np.asarray(job.position)[at], finished.scale)
    return shaped(columns, TRACK)


def lots_frame(finished: Finished, origins: Origins, pool: int) -> pl.DataFrame:
    """Return the lots that came into a pool, as they came in."""
    lots, count = finished.job.lots, int(finished.job.counts[LOT_COUNT])
    at = np.flatnonzero((ints(lots, "pool", count) == pool) & (ints(lots, "number", count) != NONE))
    source = finished.leg[ints(lots, "event", count)[at]]
    opened = floats(lots, "opened", count)[at] + floats(lots, "drift", count)[at]
    closed = pl.Series("closed", ints(lots, "closed", count)[at])
    quantity = ints(lots, "came", count)[at] * ints(lots, "side", count)[at]
    columns: dict[str, object] = {
        "lot": ints(lots, "number", count)[at],
        "opened_ms": np.rint(opened),
        "entered_ms": ints(lots, "entered", count)[at],
        "quantity": texts(quantity, finished.scale),
        "basis": floats(lots, "came_basis", count)[at],
        "estimated": floats(lots, "share", count)[at] > 0,
        "closed_ms": closed.set(closed == NONE, None),
        "fill": _found(origins.fill, source),
        "movement": _found(origins.movement, source),
    }
    return shaped(columns, LOTS).sort("lot")


def _found(origin: pl.Series, source: Integers) -> pl.Series:
    """Return where lots come from; an opening that no leg tells comes from nowhere."""
    places = pl.Series("places", source)
    return origin.gather(places.set(places == NONE, None))


def reliefs_frame(finished: Finished, origins: Origins, pool: int) -> pl.DataFrame:
    """Return the parts of lots that a pool's events relieved."""
    job, events, count = finished.job, len(finished.job.events), int(finished.job.counts[RELIEF_COUNT])
    event = ints(job.reliefs, "event", count)
    at = np.flatnonzero(ints(job.events, "pool", events)[event] == pool)
    event, lot = event[at], ints(job.reliefs, "lot", count)[at]
    columns: dict[str, object] = {
        "time_ms": ints(job.events, "time", events)[event],
        "ordinal": np.asarray(job.stand)[STAND_COLUMNS.index("ordinal"), event],
        "lot": ints(job.lots, "number", int(job.counts[LOT_COUNT]))[lot],
        "quantity": texts(ints(job.reliefs, "quantity", count)[at], finished.scale),
        "basis": floats(job.reliefs, "basis", count)[at],
        "held_ms": ints(job.reliefs, "held", count)[at],
        "kind": origins.kind.gather(finished.leg[event]),
    }
    return shaped(columns, RELIEFS)


def segments_frame(finished: Finished, origins: Origins, pool: int) -> pl.DataFrame:
    """Return the segments of a pool: sums as little-endian float64 pairs, states as `state.saved` writes them."""
    job, count = finished.job, int(finished.job.counts[SEGMENT_COUNT])
    at = np.flatnonzero(ints(job.segments, "pool", count) == pool)
    sums = np.asarray(job.segment_sums)
    columns: dict[str, object] = {
        "segment": ints(job.segments, "segment", count)[at],
        "first_ordinal": ints(job.segments, "ordinal", count)[at],
        "time_ms": ints(job.segments, "time", count)[at],
        "peak": floats(job.segments, "peak", count)[at],
        "sums": [sums[slot].astype("<f8").tobytes() for slot in at],
        "state": saved(finished, origins, at.tolist()),
    }
    return shaped(columns, SEGMENTS)


def pool_frames(finished: Finished, origins: Origins, pool: int) -> PoolFrames:
    """Return all frames of a pool."""
    return PoolFrames(
        track_frame(finished, pool),
        segments_frame(finished, origins, pool),
        lots_frame(finished, origins, pool),
        reliefs_frame(finished, origins, pool),
    )
