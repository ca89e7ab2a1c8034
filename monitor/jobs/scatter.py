"""The whole recompute, partition by partition, over any executor: this process, a pool of processes, a cluster.

A partition is one asset, or assets that convert into each other, in one book, for one scope. What travels is the path
of its rows (`monitor.interchange.partitioned`) and, back, the path of what was computed: never a table. The largest
goes first. Any executor gives the same bits, because partitions share nothing and come back in the order they went.
"""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from shutil import rmtree
from typing import TYPE_CHECKING, NamedTuple

from monitor.interchange.partitioned import (
    Computed,
    Tables,
    partitions,
    read_computed,
    read_partition,
    write_computed,
    write_partitions,
)
from monitor.store.frames import ledger_frames
from monitor.store.parts import ledger_parts
from monitor.turnover.partitions import SCOPES
from monitor.turnover.track import recompute

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator
    from concurrent.futures import Executor

    from monitor.interchange.partitioned import Key
    from monitor.records import Valuation


class Task(NamedTuple):
    """One partition for one scope: where its rows are, where the result goes, and what to make of it."""

    path: str
    into: str
    assets: tuple[str, ...]
    book: str
    scope: str
    valuation: Valuation


def export_partitions(connection: sqlite3.Connection, folder: Path) -> int:
    """Write the ledger as partitions into a folder; return how many.

    Raises:
        UsageError: the folder cannot be written.
    """
    return sum(
        len(write_partitions(folder, part.assets, ledger_frames(connection, part.assets)))
        for part in ledger_parts(connection)
    )


def compute(task: Task) -> str:
    """Compute one partition: read it, run it, write its tracks; return where they are."""
    tracks = recompute(
        *read_partition(task.path), task.valuation, assets=task.assets, books=(task.book,), scopes=(task.scope,)
    )
    pools: dict[Key, Tables] = {
        key: Tables(one.track, one.segments, one.lots, one.reliefs) for key, one in tracks.pools.items()
    }
    return write_computed(Path(task.into), Computed(pools, tracks.marks, tracks.findings, tracks.unpriced))


def scattered(folder: Path, into: Path, valuation: Valuation, executor: Executor) -> Iterator[Computed]:
    """Yield what an executor computes of every partition of a folder, for both scopes, the largest first.

    Raises:
        UsageError: the folder holds no partitions.
    """
    tasks = [
        Task(one.path, str(into / f"{number}-{scope}"), one.assets, one.book, scope, valuation)
        for number, one in enumerate(partitions(folder))
        for scope in SCOPES
    ]
    for path in executor.map(compute, tasks):
        yield read_computed(path)
        rmtree(path)


@contextmanager
def processes(workers: int) -> Iterator[Executor]:
    """Give a pool of fresh processes: forked ones would inherit the locks of the threads of polars."""
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield pool
