"""Every derived number from nothing: a part of the ledger at a time, so that the memory is that of the largest part.

With several workers the parts go through files to processes and back; one worker computes them where it is.
"""

from __future__ import annotations

from contextlib import ExitStack
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

from monitor.jobs.derived import marks_rows, note_findings, pool_rows
from monitor.jobs.scatter import export_partitions, processes, scattered
from monitor.store.anew import emptied
from monitor.store.frames import ledger_frames
from monitor.store.parts import joined, ledger_parts
from monitor.store.rewriting import TABLES
from monitor.store.track import Derived, PoolKey, delete_others, replace_tracks
from monitor.turnover.findings import unpriced_findings
from monitor.turnover.track import recompute_by_part

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Mapping

    import polars as pl

    from monitor.records import Finding, Valuation
    from monitor.store.rewriting import Rows, Value
    from monitor.turnover.results import PoolFrames
    from monitor.turnover.track import Tracks

# Parts of up to so many rows are read together.
MOST_ROWS = 250_000


class Piece(NamedTuple):
    """Some of what was computed: rows by pool and table, marks, findings, what has no price by asset and book."""

    pools: Mapping[PoolKey, Mapping[str, Rows]]
    marks: pl.DataFrame
    findings: tuple[Finding, ...]
    unpriced: Mapping[tuple[str, str], tuple[int, int]]


def compute_all(connection: sqlite3.Connection, valuation: Valuation, now: int, workers: int = 1) -> tuple[str, ...]:
    """Compute everything, put it in place of what is stored, in the open transaction; return whose tracks there are."""
    keys: set[PoolKey] = set()
    marked: set[str] = set()
    findings: list[Finding] = []
    unpriced: dict[tuple[str, str], tuple[int, int]] = {}
    with emptied(connection), ExitStack() as stack:
        pieces = _pieces(connection, valuation) if workers == 1 else _scattered(connection, valuation, workers, stack)
        for piece in pieces:
            derived = Derived(piece.pools, marks_rows(piece.marks))
            replace_tracks(connection, derived, ())
            keys.update(derived.pools)
            marked.update(derived.marks)
            findings += piece.findings
            unpriced |= piece.unpriced
            del piece, derived  # before the next is computed
    delete_others(connection, keys, marked)
    findings = sorted({*unpriced_findings(unpriced), *findings}, key=lambda one: (one.code, one.subject))
    note_findings(connection, findings, lambda *_: True, now)
    return tuple(sorted({key.asset for key in keys}))


def _pieces(connection: sqlite3.Connection, valuation: Valuation) -> Iterator[Piece]:
    """Compute part by part, here."""
    for part in joined(ledger_parts(connection), MOST_ROWS):
        # The ledger's frames and what was computed are held by nobody here: a great part's are most of the memory.
        yield from map(
            _piece, recompute_by_part(*ledger_frames(connection, part.assets), valuation, assets=part.assets)
        )


def _piece(tracks: Tracks) -> Piece:
    pools = {PoolKey(*key): {table: _rows(frames, table) for table in TABLES} for key, frames in tracks.pools.items()}
    return Piece(pools, tracks.marks, tracks.findings, tracks.unpriced)


def _rows(frames: PoolFrames, table: str) -> Rows:
    """Return all rows of a pool's table, some of them made at a time."""

    def rows(since: int | None) -> Iterator[tuple[Value, ...]]:  # noqa: ARG001 - all of it is written anew
        return chain.from_iterable(frames.rows(table))

    return rows


def _scattered(connection: sqlite3.Connection, valuation: Valuation, workers: int, stack: ExitStack) -> Iterator[Piece]:
    """Compute partition by partition, in processes of their own."""
    # Beside the database there is room for what will be in it; a folder for temporary files may be memory.
    (_, _, database), *_ = connection.execute("PRAGMA database_list").fetchall()
    folder = Path(stack.enter_context(TemporaryDirectory(prefix="rebuild-", dir=Path(database).parent)))
    if not export_partitions(connection, folder / "ledger"):
        return
    executor = stack.enter_context(processes(workers))
    for computed in scattered(folder / "ledger", folder / "computed", valuation, executor):
        yield Piece(pool_rows(computed.pools), computed.marks, computed.findings, computed.unpriced)
