"""From the ledger to the derived tables: what the ledger touched is computed again and put in place.

It is idempotent, and with nothing touched it costs a few reads. Everything it writes follows from the ledger, the
prices and the valuation settings: `rebuild` deletes all of it and comes to the same numbers.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from monitor.exact import plain
from monitor.store.findings import findings, record_finding, resolve_finding
from monitor.store.frames import ledger_frames
from monitor.store.matches import match_transfers
from monitor.store.restatements import edges, log_restatements
from monitor.store.settings import load_valuation
from monitor.store.touched import settle, touched
from monitor.store.track import (
    CUT,
    TABLES,
    Derived,
    PoolKey,
    converted_with,
    measured_with,
    note_measured_with,
    refresh_coverage,
    replace_tracks,
)
from monitor.turnover.track import recompute

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterator, Mapping

    import polars as pl

    from monitor.records import Finding, Valuation
    from monitor.store.database import Writer
    from monitor.store.track import Rows, Value
    from monitor.turnover.track import Tracks

# Raise it when the same ledger would give other tracks than the version before did.
ENGINE = 1
# Rows of a frame that are Python objects at one time.
SLICE = 20_000
# The findings that a measurement raises, and takes back when they are gone.
RAISED = frozenset({"missing_opening", "oversell_clipped", "unpriced"})


@dataclass(frozen=True, slots=True)
class MeasureSummary:
    """What a measurement did: the assets computed, figures of the past that moved, transfers newly matched."""

    assets: tuple[str, ...] = ()
    restatements: int = 0
    transfers: int = 0


def measure(writer: Writer, now: int) -> MeasureSummary:
    """Bring the derived tables up to the ledger, in one transaction.

    Other valuation settings than those of the last measurement, or another engine, compute everything again.
    """
    transfers = match_transfers(writer, now)
    with writer.transaction() as connection:
        refresh_coverage(connection)
        valuation = load_valuation(connection)
        since = touched(connection)
        if measured_with(connection) != _terms(valuation):
            return MeasureSummary(_compute(connection, valuation, None, now), 0, transfers)
        stale = _spread(connection, {asset: at for asset, at in since.items() if asset not in valuation.cash})
        before = edges(connection, valuation.method, stale)
        done = _compute(connection, valuation, stale, now) if stale else ()
        settle(connection, since)
        return MeasureSummary(done, log_restatements(connection, before, stale, now), transfers)


def rebuild(writer: Writer, now: int) -> MeasureSummary:
    """Delete every derived row and compute all of it again from the ledger."""
    transfers = match_transfers(writer, now)
    with writer.transaction() as connection:
        refresh_coverage(connection)
        return MeasureSummary(_compute(connection, load_valuation(connection), None, now), 0, transfers)


def _spread(connection: sqlite3.Connection, since: Mapping[str, int]) -> dict[str, int]:
    """Return what must be computed, and from when: assets that convert into one another share lots, and so a start."""
    stale: dict[str, int] = {}
    for asset, start in since.items():
        for other in converted_with(connection, {asset}):
            stale[other] = min(start, stale.get(other, start))
    return stale


def _terms(valuation: Valuation) -> str:
    """Return what the tracks depend on besides the ledger, as text."""
    pegs = {asset: plain(value) for asset, value in sorted(valuation.pegs.items())}
    dust = plain(valuation.dust_value)
    return json.dumps([ENGINE, valuation.currency, sorted(valuation.cash), pegs, dust, valuation.method])


def _compute(
    connection: sqlite3.Connection, valuation: Valuation, since: Mapping[str, int] | None, now: int
) -> tuple[str, ...]:
    """Compute the tracks of assets from when they were touched (None: of all assets), and return whose they are."""
    assets = None if since is None else since.keys()
    ledger = ledger_frames(connection, assets)
    tracks = recompute(*ledger, valuation, assets=assets)
    replace_tracks(connection, derived(tracks), assets, since)
    _note_findings(connection, tracks.findings, assets, now)
    if assets is None:
        settle(connection, touched(connection))
        note_measured_with(connection, _terms(valuation))
    return tuple(sorted({key.asset for key in tracks.pools}.union(assets or ())))


def derived(tracks: Tracks) -> Derived:
    """Return tracks as the rows of the derived tables."""
    pools = {
        PoolKey(*key): {table: _rows(getattr(frames, table), CUT[table]) for table in TABLES}
        for key, frames in tracks.pools.items()
    }
    marks = {asset: frame for (asset,), frame in tracks.marks.partition_by("asset", as_dict=True).items()}
    return Derived(pools, {str(asset): _rows(frame, CUT["marks"]) for asset, frame in marks.items()})


def _rows(frame: pl.DataFrame, cut: str) -> Rows:
    def rows(since: int | None) -> Iterator[tuple[Value, ...]]:
        part = frame if since is None else frame.filter(frame[cut].is_null() | (frame[cut] >= since))
        # A slice of Python's objects is gone before the next is made.
        return chain.from_iterable(some.rows() for some in part.iter_slices(SLICE))

    return rows


def _note_findings(
    connection: sqlite3.Connection, found: Collection[Finding], assets: Collection[str] | None, now: int
) -> None:
    """Store what the computation found, and take back what it no longer finds about these assets."""
    for finding in found:
        record_finding(connection, finding, now)
    standing = {(finding.code, finding.subject) for finding in found}
    for old in findings(connection):
        about = old.subject.rpartition(":")[2]
        if old.code in RAISED and (old.code, old.subject) not in standing and (assets is None or about in assets):
            resolve_finding(connection, old.code, old.subject, now)
