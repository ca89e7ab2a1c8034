"""From finished partitions to the frames of their pools, with the columns of monitor.schema.

Frames are made of many pools at once and then cut: a frame of its own for each small pool would take a hundred times
as long as the computation. A great partition's tables can be had in pieces instead: as frames they would take as much
memory again as the computation.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
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
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from monitor.turnover.partition import Finished, Integers
    from monitor.turnover.partitions import Origins

    Rows = dict[str, NDArray[np.generic]]
    Done = tuple[Finished, Origins, int]

STAND_COLUMNS = ("inventory_cost", "estimated_cost", "unpriced", "active", "ordinal", "segment")
# Columns of whole numbers in which -1 stands for nothing.
OPTIONAL = {"closed_ms", "fill", "movement"}
SHORT = 10**15
# Rows of a great table that become a frame at a time.
PIECE, SOME_SEGMENTS = 100_000, 32


class Tables:
    """What the partitions of a batch did, by pool; a table becomes frames when it is first asked for."""

    def __init__(self, done: Sequence[Done]) -> None:
        """Keep finished partitions, given with their origins and numbers of pools, in order."""
        self._done = done

    @cached_property
    def track(self) -> list[pl.DataFrame]:
        """Return the track of each pool."""
        return self._frames(*MADE["track"])

    @cached_property
    def segments(self) -> list[pl.DataFrame]:
        """Return the segments of each pool."""
        return self._frames(*MADE["segments"])

    @cached_property
    def lots(self) -> list[pl.DataFrame]:
        """Return the lots of each pool."""
        return self._frames(*MADE["lots"])

    @cached_property
    def reliefs(self) -> list[pl.DataFrame]:
        """Return the reliefs of each pool."""
        return self._frames(*MADE["reliefs"])

    def pieces(self, table: str, place: int) -> Iterator[pl.DataFrame]:
        """Yield a table (`track`, `segments`, `lots`, `reliefs`) of one pool in pieces, of which nothing is kept.

        Of several small partitions it is the whole table, which is kept for the other pools.
        """
        if len(self._done) > 1:
            yield getattr(self, table)[place]
            return
        finished, origins, pools = self._done[0]
        kinds = pl.Series(origins.kinds, dtype=pl.String)
        for rows in _parts(table, finished, origins):
            own = slice(None) if pools == 1 else np.flatnonzero(rows["pool"] == place)
            chosen = {name: column[own] for name, column in rows.items()}
            for start in range(0, len(chosen["pool"]), PIECE):
                some = {name: column[start : start + PIECE] for name, column in chosen.items()}
                yield _frame(some, MADE[table][0], kinds)

    def _frames(self, schema: Columns, rows_of: Callable[[Finished, Origins], Rows]) -> list[pl.DataFrame]:
        first = 0
        parts: list[Rows] = []
        for finished, origins, count in self._done:
            ordered = _by_pool(rows_of(finished, origins), count)
            parts.append({**ordered, "pool": ordered["pool"] + first} if first else ordered)
            first += count
        kinds = pl.Series(self._done[0][1].kinds if self._done else (), dtype=pl.String)
        return _cut(_joined(parts), schema, kinds, first)


@dataclass(frozen=True, slots=True)
class PoolFrames:
    """What one pool's events did: frames with the columns of TRACK, SEGMENTS, LOTS and RELIEFS."""

    tables: Tables
    place: int

    def pieces(self, table: str) -> Iterator[pl.DataFrame]:
        """Yield a table in pieces, of which nothing is kept."""
        return self.tables.pieces(table, self.place)

    @property
    def track(self) -> pl.DataFrame:
        """Return the running sums after each event."""
        return self.tables.track[self.place]

    @property
    def segments(self) -> pl.DataFrame:
        """Return the stretches of events, as things stood before each."""
        return self.tables.segments[self.place]

    @property
    def lots(self) -> pl.DataFrame:
        """Return the lots as they came in."""
        return self.tables.lots[self.place]

    @property
    def reliefs(self) -> pl.DataFrame:
        """Return what was relieved of lots, and when."""
        return self.tables.reliefs[self.place]


def pool_frames(done: Sequence[Done]) -> list[PoolFrames]:
    """Return the frames of every pool of some partitions, given with their origins and numbers of pools, in order."""
    tables = Tables(done)
    return [PoolFrames(tables, place) for place in range(sum(count for *_, count in done))]


def _parts(table: str, finished: Finished, origins: Origins) -> Iterator[Rows]:
    """Yield the rows of a table: of segments, which hold all open lots, some at a time."""
    if table != "segments":
        yield MADE[table][1](finished, origins)
        return
    count = int(finished.job.counts[SEGMENT_COUNT])
    for first in range(0, count, SOME_SEGMENTS):
        yield segment_rows(finished, origins, (first, min(count, first + SOME_SEGMENTS)))


def _by_pool(rows: Rows, pools: int) -> Rows:
    """Return rows pool by pool, in their order within each."""
    if pools == 1:
        return rows
    order = np.argsort(rows["pool"], kind="stable")
    return {name: column[order] for name, column in rows.items()}


def _joined(parts: list[Rows]) -> Rows:
    if len(parts) == 1:
        return parts[0]
    names = parts[0] if parts else {}
    return {name: np.concatenate([part[name] for part in parts]) for name in names}


def _cut(rows: Rows, schema: Columns, kinds: pl.Series, pools: int) -> list[pl.DataFrame]:
    """Return one frame of a table for each pool, in the order of the rows."""
    if not rows:
        return []
    frame = _frame(rows, schema, kinds)
    ends = np.searchsorted(rows["pool"], np.arange(pools), side="right").tolist()
    return [frame.slice(start, end - start) for start, end in zip([0, *ends[:-1]], ends, strict=True)]


def _frame(rows: Rows, schema: Columns, kinds: pl.Series) -> pl.DataFrame:
    return pl.DataFrame([_series(name, kind, rows, kinds) for name, kind in schema.items()])


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


def track_rows(finished: Finished, _origins: Origins) -> Rows:
    """Return the running sums and where the pool stood, after each event."""
    job, events = finished.job, len(finished.job.events)
    stand, sums = np.asarray(job.stand), np.asarray(job.track)
    return {
        "pool": ints(job.events, "pool", events),
        "time_ms": ints(job.events, "time", events),
        **dict(zip(STAND_COLUMNS, stand, strict=True)),
        **dict(zip(SUMS, sums, strict=True)),
        **_scaled(finished, np.asarray(job.position)),
    }


def lot_rows(finished: Finished, origins: Origins) -> Rows:
    """Return the lots that came into pools, as they came in: not those under way, nor what joined an average lot."""
    lots, count = finished.job.lots, int(finished.job.counts[LOT_COUNT])
    pool, number = ints(lots, "pool", count), ints(lots, "number", count)
    at = np.flatnonzero((number != NONE) & (pool < finished.pools))
    at = at[np.lexsort((number[at], pool[at]))]
    event = ints(lots, "event", count)[at]
    leg = finished.leg[event]
    quantity = ints(lots, "came", count)[at] * ints(lots, "side", count)[at]
    return {
        "pool": pool[at],
        "event": event,
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


def relief_rows(finished: Finished, origins: Origins) -> Rows:
    """Return what events relieved of lots, in their order."""
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


def segment_rows(finished: Finished, origins: Origins, slots: tuple[int, int] | None = None) -> Rows:
    """Return the segments: sums as little-endian float64 pairs, states as `state.saved` writes them."""
    job = finished.job
    first, end = slots or (0, int(job.counts[SEGMENT_COUNT]))
    sums = np.asarray(job.segment_sums)[first:end].astype("<f8")
    states = saved(finished, origins, (first, end))
    return {
        "pool": ints(job.segments, "pool", end)[first:],
        "segment": ints(job.segments, "segment", end)[first:],
        "first_ordinal": ints(job.segments, "ordinal", end)[first:],
        "time_ms": ints(job.segments, "time", end)[first:],
        "peak": floats(job.segments, "peak", end)[first:],
        "sums": np.array([row.tobytes() for row in sums], dtype=object),
        "state": np.array(states, dtype=object),
    }


MADE: dict[str, tuple[Columns, Callable[[Finished, Origins], Rows]]] = {
    "track": (TRACK, track_rows),
    "segments": (SEGMENTS, segment_rows),
    "lots": (LOTS, lot_rows),
    "reliefs": (RELIEFS, relief_rows),
}
