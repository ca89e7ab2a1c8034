"""From finished partitions to the frames of their pools, with the columns of monitor.schema.

Frames are made of many pools at once and then cut: a frame of its own for each small pool would take a hundred times
as long as the computation. A great partition's tables can be had in pieces instead: as frames they would take as much
memory again as the computation.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from monitor.turnover.arrays import NONE, SEGMENT_COUNT
from monitor.turnover.columns import MADE, OPTIONAL, segment_rows
from monitor.turnover.packing import packed
from monitor.turnover.plain import blobs, texts, tuples

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from monitor.schema import Columns
    from monitor.turnover.columns import Rows
    from monitor.turnover.partition import Finished
    from monitor.turnover.partitions import Origins
    from monitor.turnover.plain import Row

    Done = tuple[Finished, Origins, int]
    Together = tuple[Rows, list[int], Sequence[str]]

# Rows that are Python's objects at a time: what is made of a slice is gone before the next is.
PIECE, SOME_SEGMENTS = 20_000, 32


class Tables:
    """What the partitions of a batch did, by pool; a table becomes frames when it is first asked for."""

    def __init__(self, done: Sequence[Done]) -> None:
        """Keep finished partitions, given with their origins and numbers of pools, in order."""
        self._done = done
        self._made: dict[str, Together] = {}

    @cached_property
    def track(self) -> list[pl.DataFrame]:
        """Return the track of each pool."""
        return self._frames("track")

    @cached_property
    def segments(self) -> list[pl.DataFrame]:
        """Return the segments of each pool."""
        return self._frames("segments")

    @cached_property
    def lots(self) -> list[pl.DataFrame]:
        """Return the lots of each pool."""
        return self._frames("lots")

    @cached_property
    def reliefs(self) -> list[pl.DataFrame]:
        """Return the reliefs of each pool."""
        return self._frames("reliefs")

    def rows(self, table: str, place: int) -> Iterator[list[Row]]:
        """Yield a table (`track`, `segments`, `lots`, `reliefs`) of one pool as plain rows, some at a time.

        Of a great partition, which is alone, nothing is kept.
        """
        for some, kinds in self._of_pool(table, place):
            for start in range(0, len(some["pool"]), PIECE):
                yield tuples(
                    {name: column[start : start + PIECE] for name, column in some.items()}, MADE[table][0], kinds
                )

    def _of_pool(self, table: str, place: int) -> Iterator[tuple[Rows, Sequence[str]]]:
        """Yield the rows of one pool's table and the names of their kinds."""
        if len(self._done) > 1:
            rows, ends, kinds = self._together(table)
            own = slice(ends[place - 1] if place else 0, ends[place])
            yield {name: column[own] for name, column in rows.items()}, kinds
            return
        finished, origins, pools = self._done[0]
        for rows in _parts(table, finished, origins):
            chosen = slice(None) if pools == 1 else np.flatnonzero(rows["pool"] == place)
            yield {name: column[chosen] for name, column in rows.items()}, origins.kinds

    def _together(self, table: str) -> Together:
        """Return the rows of a table, pool after pool, where those of each end, and the names of their kinds."""
        if table not in self._made:
            first = 0
            parts: list[Rows] = []
            for finished, origins, count in self._done:
                ordered = _by_pool(MADE[table][1](finished, origins), count)
                parts.append({**ordered, "pool": ordered["pool"] + first} if first else ordered)
                first += count
            rows = _joined(parts)
            if "sums" in rows and rows["sums"].ndim > 1:
                rows["sums"] = packed(rows["sums"].astype(np.float64, copy=False))
            ends = np.searchsorted(rows["pool"], np.arange(first), side="right").tolist() if rows else []
            self._made[table] = rows, ends, self._done[0][1].kinds if self._done else ()
        return self._made[table]

    def _frames(self, table: str) -> list[pl.DataFrame]:
        """Return one frame of a table for each pool."""
        rows, ends, kinds = self._together(table)
        if not rows:
            return []
        frame = _frame(rows, MADE[table][0], pl.Series(kinds, dtype=pl.String))
        return [frame.slice(start, end - start) for start, end in zip([0, *ends[:-1]], ends, strict=True)]


@dataclass(frozen=True, slots=True)
class PoolFrames:
    """What one pool's events did: frames with the columns of TRACK, SEGMENTS, LOTS and RELIEFS."""

    tables: Tables
    place: int

    def rows(self, table: str) -> Iterator[list[Row]]:
        """Yield a table as plain rows, some at a time."""
        return self.tables.rows(table, self.place)

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


def _frame(rows: Rows, schema: Columns, kinds: pl.Series) -> pl.DataFrame:
    return pl.DataFrame([_series(name, kind, rows, kinds) for name, kind in schema.items()])


def _series(name: str, kind: str, rows: Rows, kinds: pl.Series) -> pl.Series:
    """Return one column of a table."""
    if name == "quantity":
        return pl.Series(name, texts(rows["whole"], rows["scale"]), dtype=pl.String)
    if name == "kind":
        return kinds.gather(rows["kind"]).alias(name)
    if kind == "Binary":
        return pl.Series(name, blobs(rows[name]), dtype=pl.Binary)
    if kind == "Float64":
        return pl.Series(name, rows[name].astype(np.float64), nan_to_null=name == "basis")
    whole = rows[name].astype(np.int64)
    return pl.Series(name, whole) if name not in OPTIONAL else pl.Series(name, whole).replace(NONE, None)
