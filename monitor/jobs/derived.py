"""What the engine computed as the rows and findings the store keeps."""

from __future__ import annotations

from bisect import bisect_left
from itertools import chain
from operator import itemgetter
from typing import TYPE_CHECKING, Protocol, TypeVar

from monitor.store.findings import findings, record_finding, resolve_finding
from monitor.store.rewriting import CLOSED, CUT, TABLES
from monitor.store.track import Derived, PoolKey

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    import polars as pl

    from monitor.records import Finding
    from monitor.store.rewriting import Rows, Value
    from monitor.turnover.track import Tracks

# A pool's key, whoever made it: scope, account, asset, book, method.
Key = TypeVar("Key", bound=tuple[str, str, str, str, str])
# Rows of a frame that are Python objects at one time.
GLANCE, SLICE = 8, 20_000
# The findings that a measurement raises, and takes back when they are gone.
RAISED = frozenset({"missing_opening", "oversell_clipped", "unpriced"})


class Frames(Protocol):
    """The tables of one pool."""

    @property
    def track(self) -> pl.DataFrame:
        """Return the running sums after each event."""
        ...

    @property
    def segments(self) -> pl.DataFrame:
        """Return the stretches of events."""
        ...

    @property
    def lots(self) -> pl.DataFrame:
        """Return the lots as they came in."""
        ...

    @property
    def reliefs(self) -> pl.DataFrame:
        """Return what was relieved of lots."""
        ...


def derived(tracks: Tracks) -> Derived:
    """Return tracks as the rows of the derived tables."""
    return Derived(pool_rows(tracks.pools), marks_rows(tracks.marks))


def pool_rows(pools: Mapping[Key, Frames]) -> dict[PoolKey, dict[str, Rows]]:
    """Return pools as the rows of their tables."""
    return {
        PoolKey(*key): {table: _rows(getattr(frames, table), CUT[table]) for table in TABLES}
        for key, frames in pools.items()
    }


def marks_rows(marks: pl.DataFrame) -> dict[str, Rows]:
    """Return marks as the rows of each asset."""
    by_asset = marks.partition_by("asset", as_dict=True)
    return {str(asset): _rows(frame, CUT["marks"]) for (asset,), frame in by_asset.items()}


def _rows(frame: pl.DataFrame, cut: str) -> Rows:
    def rows(since: int | None) -> Iterator[tuple[Value, ...]]:
        part = frame
        if since is not None and cut == "closed_ms":
            part = frame.filter(frame[cut].is_null() | (frame[cut] >= since))
        elif since is not None:
            part = frame.slice(int(frame[cut].search_sorted(since, "left")))
        # A slice of Python's objects is gone before the next is made; often only the first row is looked at.
        slices = chain([part.head(GLANCE)], part.slice(GLANCE).iter_slices(SLICE))
        return chain.from_iterable(some.rows() for some in slices)

    return rows


def tail_rows(pools: Mapping[Key, Mapping[str, Sequence[tuple[Value, ...]]]]) -> dict[PoolKey, dict[str, Rows]]:
    """Return the plain rows of pools as the rows of their tables."""
    return {
        PoolKey(*key): {table: _plain(rows, list(TABLES[table]).index(CUT[table])) for table, rows in tables.items()}
        for key, tables in pools.items()
    }


def _plain(listed: Sequence[tuple[Value, ...]], place: int) -> Rows:
    lots = place == CLOSED

    def rows(since: int | None) -> Sequence[tuple[Value, ...]]:
        if since is None:
            return listed
        if lots:
            return [row for row in listed if row[place] is None or row[place] >= since]  # type: ignore[operator]  # an instant
        return listed[bisect_left(listed, since, key=itemgetter(place)) :]

    return rows


def note_findings(
    connection: sqlite3.Connection, found: Collection[Finding], known: Callable[[str, str], bool], now: int
) -> None:
    """Store what the computation found, and take back what it no longer finds of what it would have `known`.

    `known` tells of a finding's code and subject whether it had all that is needed to find it again.
    """
    for finding in found:
        record_finding(connection, finding, now)
    standing = {(finding.code, finding.subject) for finding in found}
    for old in findings(connection):
        if old.code in RAISED and (old.code, old.subject) not in standing and known(old.code, old.subject):
            resolve_finding(connection, old.code, old.subject, now)
