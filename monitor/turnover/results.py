"""From finished partitions to the frames of their pools, with the columns of monitor.schema.

Frames are made of many pools at once and then cut: a frame of its own for each small pool would take a hundred times
as long as the computation.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from monitor.exact import plain
from monitor.schema import LOTS, RELIEFS, SEGMENTS, SUMS, TRACK, Columns
from monitor.turnover.amounts import DIGITS
from monitor.turnover.arrays import LOT_COUNT, NONE, RELIEF_COUNT, SEGMENT_COUNT
from monitor.turnover.partition import floats, ints
from monitor.turnover.state import saved

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from monitor.turnover.partition import Finished, Integers
    from monitor.turnover.partitions import Origins

    Rows = dict[str, NDArray[np.generic]]
    Done = tuple[Finished, Origins, int]

STAND_COLUMNS = ("inventory_cost", "estimated_cost", "unpriced", "active", "ordinal", "segment")
# Columns of whole numbers in which -1 stands for nothing.
OPTIONAL = {"closed_ms", "fill", "movement"}


@dataclass(frozen=True, slots=True)
class PoolFrames:
    """What one pool's events did: frames with the columns of TRACK, SEGMENTS, LOTS and RELIEFS."""

    track: pl.DataFrame
    segments: pl.DataFrame
    lots: pl.DataFrame
    reliefs: pl.DataFrame


def pool_frames(done: Sequence[Done]) -> list[PoolFrames]:
    """Return the frames of every pool of some partitions, given with their origins and numbers of pools, in order."""
    tables: dict[str, list[Rows]] = {"track": [], "segments": [], "lots": [], "reliefs": []}
    first = 0
    for finished, origins, count in done:
        made = (_track(finished), _segments(finished, origins), _lots(finished, origins), _reliefs(finished, origins))
        for name, rows in zip(tables, made, strict=True):
            tables[name].append({**rows, "pool": rows["pool"] + first})
        first += count
    schemas = (TRACK, SEGMENTS, LOTS, RELIEFS)
    cut = [_cut(_joined(rows), schema, first) for rows, schema in zip(tables.values(), schemas, strict=True)]
    return [PoolFrames(*frames) for frames in zip(*cut, strict=True)]


def _joined(parts: list[Rows]) -> Rows:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _cut(rows: Rows, schema: Columns, pools: int) -> list[pl.DataFrame]:
    """Return one frame of a table for each pool, in the order of the rows."""
    columns: dict[str, object] = {"pool": rows["pool"], **{name: rows[name] for name in schema if name in rows}}
    if "whole" in rows:
        columns["quantity"] = _texts(rows["whole"], rows["scale"])
    frame = pl.DataFrame(columns, nan_to_null=True)
    typed = [pl.col(name).cast(getattr(pl, kind)) for name, kind in schema.items()]
    typed = [
        pl.when(one != NONE).then(one) if name in OPTIONAL else one for name, one in zip(schema, typed, strict=True)
    ]
    frame = frame.select("pool", *typed).sort("pool", maintain_order=True)
    ends = np.searchsorted(frame["pool"].to_numpy(), np.arange(pools), side="right").tolist()
    frame = frame.drop("pool")
    return [frame.slice(start, end - start) for start, end in zip([0, *ends[:-1]], ends, strict=True)]


def _texts(whole: NDArray[np.generic], scale: NDArray[np.generic]) -> pl.Series:
    """Return whole quantities / 10 ** scale as canonical decimal texts."""
    if whole.dtype == object:
        numbers = zip(whole.tolist(), scale.tolist(), strict=True)
        return pl.Series([text(*one) for one in numbers], dtype=pl.String)
    number, places, power = pl.col("number"), pl.col("places"), pl.col("power")
    table = pl.DataFrame({"number": whole, "places": scale, "power": 10 ** scale.astype(np.int64)})
    size = number.abs()
    digits = (size % power).cast(pl.String).str.zfill(places).str.strip_chars_end("0")
    fraction = pl.when(size % power != 0).then("." + digits).otherwise(pl.lit(""))
    sign = pl.when(number < 0).then(pl.lit("-")).otherwise(pl.lit(""))
    return table.select(text=sign + (size // power).cast(pl.String) + fraction).to_series()


def text(whole: int, scale: int) -> str:
    """Return one whole quantity / 10 ** scale as canonical decimal text."""
    return plain(DIGITS.scaleb(Decimal(whole), -scale))


def _scaled(finished: Finished, whole: Integers) -> Rows:
    return {"whole": whole, "scale": np.full(len(whole), finished.scale)}


def _track(finished: Finished) -> Rows:
    job, events = finished.job, len(finished.job.events)
    stand, sums = np.asarray(job.stand), np.asarray(job.track)
    return {
        "pool": ints(job.events, "pool", events),
        "time_ms": ints(job.events, "time", events),
        **dict(zip(STAND_COLUMNS, stand, strict=True)),
        **dict(zip(SUMS, sums, strict=True)),
        **_scaled(finished, np.asarray(job.position)),
    }


def _lots(finished: Finished, origins: Origins) -> Rows:
    """Return the lots that came into pools, as they came in: not those under way, nor what joined an average lot."""
    lots, count = finished.job.lots, int(finished.job.counts[LOT_COUNT])
    pool, number = ints(lots, "pool", count), ints(lots, "number", count)
    at = np.flatnonzero((number != NONE) & (pool < finished.pools))
    at = at[np.lexsort((number[at], pool[at]))]
    leg = finished.leg[ints(lots, "event", count)[at]]
    quantity = ints(lots, "came", count)[at] * ints(lots, "side", count)[at]
    return {
        "pool": pool[at],
        "lot": number[at],
        "opened_ms": np.rint(floats(lots, "opened", count)[at] + floats(lots, "drift", count)[at]),
        "entered_ms": ints(lots, "entered", count)[at],
        "basis": floats(lots, "came_basis", count)[at],
        "estimated": floats(lots, "share", count)[at] > 0,
        "closed_ms": ints(lots, "closed", count)[at],
        # the place -1 of an opening that nobody told is the one behind the last
        "fill": np.append(origins.fill, NONE)[leg],
        "movement": np.append(origins.movement, NONE)[leg],
        **_scaled(finished, quantity),
    }


def _reliefs(finished: Finished, origins: Origins) -> Rows:
    job, events, count = finished.job, len(finished.job.events), int(finished.job.counts[RELIEF_COUNT])
    event, lot = ints(job.reliefs, "event", count), ints(job.reliefs, "lot", count)
    return {
        "pool": ints(job.events, "pool", events)[event],
        "time_ms": ints(job.events, "time", events)[event],
        "ordinal": np.asarray(job.stand)[STAND_COLUMNS.index("ordinal"), event],
        "lot": ints(job.lots, "number", int(job.counts[LOT_COUNT]))[lot],
        "basis": floats(job.reliefs, "basis", count),
        "held_ms": ints(job.reliefs, "held", count),
        "kind": np.array(origins.kinds, dtype=object)[origins.kind[finished.leg[event]]],
        **_scaled(finished, ints(job.reliefs, "quantity", count)),
    }


def _segments(finished: Finished, origins: Origins) -> Rows:
    """Return the segments: sums as little-endian float64 pairs, states as `state.saved` writes them."""
    job, count = finished.job, int(finished.job.counts[SEGMENT_COUNT])
    sums = np.asarray(job.segment_sums)[:count].astype("<f8")
    return {
        "pool": ints(job.segments, "pool", count),
        "segment": ints(job.segments, "segment", count),
        "first_ordinal": ints(job.segments, "ordinal", count),
        "time_ms": ints(job.segments, "time", count),
        "peak": floats(job.segments, "peak", count),
        "sums": np.array([row.tobytes() for row in sums], dtype=object),
        "state": np.array(saved(finished, origins), dtype=object),
    }
