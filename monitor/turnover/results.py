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
SHORT = 10**15


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
            ordered = _by_pool(rows, count)
            tables[name].append({**ordered, "pool": ordered["pool"] + first})
        first += count
    kinds = pl.Series(done[0][1].kinds if done else (), dtype=pl.String)
    schemas = (TRACK, SEGMENTS, LOTS, RELIEFS)
    cut = [_cut(_joined(rows), schema, kinds, first) for rows, schema in zip(tables.values(), schemas, strict=True)]
    return [PoolFrames(*frames) for frames in zip(*cut, strict=True)]


def _by_pool(rows: Rows, pools: int) -> Rows:
    """Return rows pool by pool, in their order within each."""
    if pools == 1:
        return rows
    order = np.argsort(rows["pool"], kind="stable")
    return {name: column[order] for name, column in rows.items()}


def _joined(parts: list[Rows]) -> Rows:
    names = parts[0] if parts else {}
    return {name: np.concatenate([part[name] for part in parts]) for name in names}


def _cut(rows: Rows, schema: Columns, kinds: pl.Series, pools: int) -> list[pl.DataFrame]:
    """Return one frame of a table for each pool, in the order of the rows."""
    if not rows:
        return []
    frame = pl.DataFrame([_series(name, kind, rows, kinds) for name, kind in schema.items()])
    ends = np.searchsorted(rows["pool"], np.arange(pools), side="right").tolist()
    return [frame.slice(start, end - start) for start, end in zip([0, *ends[:-1]], ends, strict=True)]


def _series(name: str, kind: str, rows: Rows, kinds: pl.Series) -> pl.Series:
    """Return one column of a table."""
    if name == "quantity":
        return _texts(rows["whole"], rows["scale"]).alias(name)
    if name == "kind":
        return kinds.gather(rows["kind"]).alias(name)
    if kind == "Binary":
        return pl.Series(name, rows[name].tolist(), dtype=pl.Binary)
    if kind == "Float64":
        return pl.Series(name, rows[name].astype(np.float64), nan_to_null=name == "basis")
    whole = rows[name].astype(np.int64)
    return pl.Series(name, whole) if name not in OPTIONAL else pl.Series(name, whole).replace(NONE, None)


def _texts(whole: NDArray[np.generic], scale: NDArray[np.generic]) -> pl.Series:
    """Return whole quantities / 10 ** scale as canonical decimal texts.

    Up to 15 digits the shortest text of the nearest float is the decimal itself; the rest goes digit by digit.
    """
    numbers, places = whole.tolist() if whole.dtype == object else whole, scale.astype(np.int64)
    if whole.dtype == object:
        plainly = np.array([abs(number) < SHORT for number in numbers], dtype=bool)
    else:
        plainly = np.abs(numbers) < SHORT
    near = np.where(plainly, whole, 0).astype(np.float64) / 10.0**places
    found = pl.Series(near).cast(pl.String).str.strip_suffix(".0")
    rest = np.flatnonzero(~plainly | found.str.contains("e", literal=True).to_numpy())
    if len(rest) == 0:
        return found
    return found.scatter(rest, [text(int(numbers[place]), int(places[place])) for place in rest.tolist()])


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
        "kind": origins.kind[finished.leg[event]],
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
